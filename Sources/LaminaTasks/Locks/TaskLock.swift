package import LaminaBase

/// What a lock lets its holder do (Druid's `TaskLockType`).
package enum TaskLockType: String, Sendable, Hashable {
    case exclusive = "EXCLUSIVE"
    case shared = "SHARED"
    case replace = "REPLACE"
    case append = "APPEND"

    /// Whether two groups may hold these over the same interval at once. `REPLACE` beside `APPEND` is the concurrent-locks
    /// feature (druid-surface 10.8): only tasks that ask for `useConcurrentLocks` take these types.
    func coexists(with other: TaskLockType) -> Bool {
        switch (self, other) {
        case (.shared, .shared), (.append, .append), (.append, .replace), (.replace, .append): true
        default: false
        }
    }
}

/// A lock over one interval of one datasource.
package struct TaskLock: Sendable, Hashable {
    package var dataSource: String
    package var interval: Interval
    package var type: TaskLockType
    package var taskID: String
    /// Tasks of one group share their locks.
    package var groupID: String
    /// Higher takes from lower: realtime 75, batch 50, append and compaction 25 (druid-surface 10.7).
    package var priority: Int
    /// Time of the grant, ISO: what a replacing task stamps on its segments.
    package var version: String
    package var revoked: Bool

    /// Druid's `TimeChunkLock` as stored in `druid_tasklocks`.
    package var json: JSON {
        [
            "granularity": "timeChunk",
            "type": .string(type.rawValue),
            "groupId": .string(groupID),
            "dataSource": .string(dataSource),
            "interval": .string(interval.text),
            "version": .string(version),
            "priority": .int(Int64(priority)),
            "revoked": .bool(revoked),
        ]
    }
}

/// What a task asks for: all intervals at once, so that two tasks can never wait for each other.
package struct LockRequest: Sendable, Hashable {
    package var dataSource: String
    package var intervals: [Interval]
    package var type: TaskLockType
    package var taskID: String
    package var groupID: String
    package var priority: Int

    package init(
        dataSource: String,
        intervals: [Interval],
        type: TaskLockType,
        taskID: String,
        groupID: String,
        priority: Int
    ) {
        self.dataSource = dataSource
        self.intervals = intervals
        self.type = type
        self.taskID = taskID
        self.groupID = groupID
        self.priority = priority
    }
}
