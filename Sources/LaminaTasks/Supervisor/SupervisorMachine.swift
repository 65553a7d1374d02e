import LaminaBase
package import LaminaIngest

/// Decides what a supervisor does next. It has no clock, no thread and no store: events go in, actions come out.
///
/// Every `period` a run asks the stream for its partitions and newest offsets. Partitions belong to task groups; a group that should
/// run and does not is started, one whose partitions grew is told so, an idle or stopping supervisor's groups are finished.
///
/// - Source: Druid's `SeekableStreamSupervisor.runInternal`; druid-surface 11.2.
package struct SupervisorMachine: Sendable {
    package enum Event: Sendable {
        case runBegins
        /// The stream answered; what tasks there are is being looked at.
        case connected
        /// What a run saw. `lag` is by how much the groups (or, without groups, what is committed) are behind `latest`.
        case saw(partitions: [StreamPartition], latest: StreamPosition, lag: Int64)
        /// A run did not come that far.
        case runFailed(SupervisorError)
        /// A group's task is over: finished, or for a reason.
        case taskEnded(group: Int, failure: SupervisorError?)
        /// A task cannot go on for now, keeps its rows and tries again.
        case taskTroubled(group: Int, SupervisorError)
        /// It goes on.
        case taskRecovered(group: Int)
        /// What an earlier spec's or process's tasks held is published.
        case drained(Int)
        /// Everything is to be read again from what is committed.
        case reset
        case stop
    }

    package enum Action: Sendable, Hashable {
        /// `late` are partitions that appeared after the supervisor had seen the stream: they are read from their beginning.
        case start(group: Int, partitions: [StreamPartition], late: Set<StreamPartition>)
        case grow(group: Int, partitions: [StreamPartition], late: Set<StreamPartition>)
        /// Publish what it has and end.
        case finish(group: Int)
        /// Drop what it has and end.
        case discard(group: Int)
    }

    enum GroupState: Sendable, Hashable {
        case running, finishing
    }

    struct Group: Sendable, Hashable {
        var partitions: [StreamPartition]
        var state = GroupState.running
        /// How many runs it has come through.
        var runs = 0
        /// It cannot go on for now.
        var isTroubled = false
    }

    package let taskCount: Int
    package let isPattern: Bool
    package let isSuspended: Bool
    package let idleAfter: Int64?
    package private(set) var health: SupervisorHealth
    /// As last seen, sorted.
    package private(set) var partitions: [StreamPartition] = []
    package private(set) var isStopping = false
    /// Tasks of an earlier spec or process that still publish; no group starts before they are done.
    private var draining: Int
    private var groups: [Int: Group] = [:]
    private var late: Set<StreamPartition> = []
    private var lastLatest: StreamPosition?
    private var activeAt: Int64?

    /// How many runs a task must come through to count as well.
    static let runsToBeWell = 3

    package init(taskCount: Int, isPattern: Bool = false, isSuspended: Bool, idleAfter: Int64?, draining: Int = 0) {
        self.taskCount = max(1, taskCount)
        self.isPattern = isPattern
        self.isSuspended = isSuspended
        self.idleAfter = idleAfter
        self.draining = draining
        health = SupervisorHealth(isSuspended: isSuspended)
    }

    /// So many tasks of an earlier spec or process still publish.
    package mutating func expectDraining(_ count: Int) { draining += count }

    /// Shows an error that ended nothing.
    package mutating func note(_ error: SupervisorError) { health.note(error) }

    package var state: SupervisorState { isStopping ? .stopping : health.state }

    package mutating func handle(_ event: Event, at now: Int64) -> [Action] {
        switch event {
        case .runBegins: health.propose(.connecting)
        case .connected: health.propose(.discovering)
        case .runFailed(let error):
            health.failed(error)
            health.runEnded()
        case .saw(let partitions, let latest, let lag):
            let actions = run(partitions, latest, lag, at: now)
            noteWell()
            health.runEnded()
            return actions
        case .taskEnded(let group, let failure):
            groups[group] = nil
            health.taskEnded(isGood: failure == nil)
            if let failure { health.note(failure) }
            // Three failed tasks show at once, not at the next run.
            if failure != nil, health.state != .idle { health.propose(isSuspended ? .suspended : .running) }
        case .taskTroubled(let group, let error):
            groups[group]?.runs = 0
            groups[group]?.isTroubled = true
            health.taskEnded(isGood: false)
            health.note(error)
            if health.state != .idle { health.propose(isSuspended ? .suspended : .running) }
        case .taskRecovered(let group): groups[group]?.isTroubled = false
        case .drained(let count): draining = max(0, draining - count)
        case .reset:
            late = []
            lastLatest = nil
            activeAt = nil
            partitions = []
            return endAll { .discard(group: $0) }
        case .stop:
            isStopping = true
            return endAll { .finish(group: $0) }
        }
        return []
    }

    private mutating func run(
        _ seen: [StreamPartition],
        _ latest: StreamPosition,
        _ lag: Int64,
        at now: Int64
    ) -> [Action] {
        guard !isStopping else { return [] }
        let known = Set(partitions)
        if !known.isEmpty { late.formUnion(seen.filter { !known.contains($0) }) }
        partitions = seen.sorted()
        late.formIntersection(partitions)
        if isSuspended { return endAll { .finish(group: $0) } }
        if isIdle(latest, lag, at: now) {
            health.propose(.idle)
            if health.state == .idle { return endAll { .finish(group: $0) } }
        } else if health.state == .idle {
            health.propose(.running)
        }
        health.propose(.creating)
        return draining == 0 ? startGroups() : []
    }

    private mutating func startGroups() -> [Action] {
        var wanted: [Int: [StreamPartition]] = [:]
        for partition in partitions {
            wanted[Self.group(of: partition, taskCount: taskCount, isPattern: isPattern), default: []].append(partition)
        }
        var actions: [Action] = []
        for (group, partitions) in wanted.sorted(by: { $0.key < $1.key }) {
            let new = late.intersection(partitions)
            guard let held = groups[group] else {
                groups[group] = Group(partitions: partitions)
                actions.append(.start(group: group, partitions: partitions, late: new))
                continue
            }
            // Partitions that vanished stay with the task: reading them fails, which is seen and counted.
            let union = Set(held.partitions).union(partitions).sorted()
            guard held.state == .running, union != held.partitions else { continue }
            groups[group]?.partitions = union
            actions.append(.grow(group: group, partitions: union, late: new))
        }
        return actions
    }

    private mutating func endAll(_ action: (Int) -> Action) -> [Action] {
        var actions: [Action] = []
        for group in groups.keys.sorted() where groups[group]?.state == .running {
            groups[group]?.state = .finishing
            actions.append(action(group))
        }
        return actions
    }

    private mutating func noteWell() {
        for group in groups.keys { groups[group]?.runs += 1 }
        if !groups.isEmpty, groups.values.allSatisfy({ !$0.isTroubled && $0.runs > Self.runsToBeWell }) {
            health.tasksAreWell()
        }
    }

    /// Without a new offset for long enough, and with nothing left to read; at the first run, with nothing left to read at all.
    private mutating func isIdle(_ latest: StreamPosition, _ lag: Int64, at now: Int64) -> Bool {
        guard let idleAfter else { return false }
        if !health.hasSucceeded, lastLatest == nil, lag == 0, !latest.isEmpty {
            lastLatest = latest
            activeAt = now - idleAfter
            return true
        }
        if let activeAt, lastLatest == latest, lag == 0 {
            // An idle one stays so until there is something new.
            return health.state == .idle || now - activeAt > idleAfter
        }
        lastLatest = latest
        activeAt = now
        return false
    }

    /// The task group of a partition.
    ///
    /// - Source: Druid's `KafkaSupervisor.getTaskGroupIdForPartition`; names of topics take part only where there are several.
    package static func group(of partition: StreamPartition, taskCount: Int, isPattern: Bool = false) -> Int {
        guard isPattern else { return Int(partition.number) % max(1, taskCount) }
        var hash: Int32 = 0
        for unit in partition.topic.utf16 { hash = hash &* 31 &+ Int32(unit) }
        return Int((hash &* 31 &+ partition.number).magnitude) % max(1, taskCount)
    }
}
