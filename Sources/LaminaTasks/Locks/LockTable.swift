import LaminaBase

/// Who may write which interval: a value without clock, thread or store, so that tests can drive every order of events.
///
/// A request is granted whole or waits whole. Waiting requests are served by priority, then in order of arrival; one that waits
/// also holds back later requests of its priority or less that would overlap it, so nobody starves. A higher priority revokes
/// lower locks in its way, except those of a task that is publishing.
///
/// - Source: Druid's `TaskLockbox`, `TaskLocks`; druid-surface 10.7.
package struct LockTable: Sendable {
    package private(set) var held: [TaskLock] = []
    package private(set) var waiting: [LockRequest] = []
    private var publishing: Set<String> = []
    /// The last version given out, so that versions only ever grow.
    private var lastVersion = Int64.min

    package init() {}

    /// What became of a call: locks newly granted, by task, and locks taken away.
    package struct Changes: Sendable, Hashable {
        package var granted: [TaskLock] = []
        package var revoked: [TaskLock] = []
    }

    /// Asks for locks. A task that holds locks over all the intervals already is granted these.
    ///
    /// - Parameters:
    ///   - now: wall clock, ms.
    ///   - newestVersion: the greatest version of the stored segments there; the lock's version will be greater.
    package mutating func request(_ request: LockRequest, now: Int64, newestVersion: String? = nil) -> Changes {
        // A version from elsewhere need not be a time; then it orders nothing.
        if let newestVersion, let time = try? parseInstant(newestVersion) { lastVersion = max(lastVersion, time) }
        waiting.append(request)
        return grantWaiting(now: now)
    }

    /// Locks that a task holds and that were not revoked.
    package func locks(of taskID: String) -> [TaskLock] { held.filter { $0.taskID == taskID && !$0.revoked } }

    package func isWaiting(_ taskID: String) -> Bool { waiting.contains { $0.taskID == taskID } }

    /// Forgets a task's requests and locks, for whatever reason it ended.
    package mutating func release(_ taskID: String, now: Int64) -> Changes {
        waiting.removeAll { $0.taskID == taskID }
        held.removeAll { $0.taskID == taskID }
        publishing.remove(taskID)
        return grantWaiting(now: now)
    }

    /// Begins a task's critical section, in which its locks cannot be revoked.
    /// - Returns: false when one of them was revoked before: the task must not publish.
    package mutating func beginPublishing(_ taskID: String) -> Bool {
        guard !held.contains(where: { $0.taskID == taskID && $0.revoked }) else { return false }
        publishing.insert(taskID)
        return true
    }

    package mutating func endPublishing(_ taskID: String, now: Int64) -> Changes {
        publishing.remove(taskID)
        return grantWaiting(now: now)
    }

    private mutating func grantWaiting(now: Int64) -> Changes {
        var changes = Changes()
        let order = waiting.indices.sorted { (waiting[$1].priority, $0) < (waiting[$0].priority, $1) }
        var stillWaiting: [Int] = []
        for index in order {
            let request = waiting[index]
            let blockers = held.indices.filter { !held[$0].revoked && conflicts(held[$0], request) }
            let mayRevoke = blockers.allSatisfy {
                held[$0].priority < request.priority && !publishing.contains(held[$0].taskID)
            }
            let overtakes = stillWaiting.contains { conflicts(waiting[$0], request) }
            guard mayRevoke, !overtakes else {
                stillWaiting.append(index)
                continue
            }
            for blocker in blockers {
                held[blocker].revoked = true
                changes.revoked.append(held[blocker])
            }
            changes.granted += grant(request, now: now)
        }
        let kept = Set(stillWaiting)
        waiting = waiting.indices.filter(kept.contains).map { waiting[$0] }
        return changes
    }

    /// One version for all intervals of a request: its segments replace what was there in one step.
    private mutating func grant(_ request: LockRequest, now: Int64) -> [TaskLock] {
        let mine = locks(of: request.taskID).filter { $0.type == request.type }
        let missing = request.intervals.filter { interval in !mine.contains { $0.interval.contains(interval) } }
        let inherited = held.first {
            !$0.revoked && $0.groupID == request.groupID && $0.dataSource == request.dataSource
                && $0.type == request.type
                && missing.contains($0.interval)
        }
        let version = inherited?.version ?? (missing.isEmpty ? "" : nextVersion(now))
        let new = missing.map { interval in
            TaskLock(
                dataSource: request.dataSource,
                interval: interval,
                type: request.type,
                taskID: request.taskID,
                groupID: request.groupID,
                priority: request.priority,
                version: version,
                revoked: false
            )
        }
        held += new
        return mine.filter { lock in request.intervals.contains(where: lock.interval.contains) } + new
    }

    private mutating func nextVersion(_ now: Int64) -> String {
        lastVersion = max(now, lastVersion == Int64.min ? now : lastVersion + 1)
        return instantText(lastVersion)
    }

    private func conflicts(_ lock: TaskLock, _ request: LockRequest) -> Bool {
        lock.dataSource == request.dataSource && lock.groupID != request.groupID
            && !lock.type.coexists(with: request.type)
            && request.intervals.contains(where: lock.interval.overlaps)
    }

    private func conflicts(_ earlier: LockRequest, _ later: LockRequest) -> Bool {
        earlier.dataSource == later.dataSource && earlier.groupID != later.groupID
            && !earlier.type.coexists(with: later.type)
            && earlier.intervals.contains { interval in later.intervals.contains(where: interval.overlaps) }
    }
}
