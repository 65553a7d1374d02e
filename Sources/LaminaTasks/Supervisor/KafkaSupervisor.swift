package import LaminaBase
import LaminaIngest

/// A supervisor of type `kafka`: a thread that looks at the stream every `period` and does what its machine says, and a task with a
/// thread of its own for each group of partitions.
///
/// - Source: Druid's `SeekableStreamSupervisor`; druid-surface 11.2, 11.3.
package final class KafkaSupervisor: StreamSupervisor {
    struct State: Sendable {
        var machine: SupervisorMachine
        /// By group: those that read, and after a restart those that are open and wait to.
        var tasks: [Int: StreamTask] = [:]
        /// Tasks of an earlier spec, and finished ones that still publish.
        var draining: [StreamTask] = []
        var latest: StreamPosition = [:]
        /// When `latest` was asked for; nil: never yet.
        var latestAt: Int64?
        /// A run is wanted before the period is over.
        var wantsRun = false
        /// The control thread does what the machine said last: a task may be opening that is not in `tasks` yet.
        var isPerforming = false
        var isStopping = false
        var hasEnded = false
        /// Some thread waits in a stream's call, to be woken.
        var source: (any StreamSource)?
        /// The same supervisor by its last spec, until its thread has ended.
        var predecessor: KafkaSupervisor?
    }

    let spec: SupervisorSpec
    let config: KafkaStreamConfig
    let shared: StreamShare
    let shown: Monitor<State>
    private let isRestart: Bool

    /// Opens what an earlier process left: its rows are visible when this returns.
    ///
    /// - Parameter predecessor: the same supervisor by its last spec. Its tasks are left to it until `start`, by when it was told to finish.
    package init(
        spec: SupervisorSpec,
        config: KafkaStreamConfig,
        shared: StreamShare,
        predecessor: KafkaSupervisor?
    ) throws(LaminaError) {
        self.spec = spec
        self.config = config
        self.shared = shared
        isRestart = predecessor == nil
        let machine = SupervisorMachine(
            taskCount: config.taskCount,
            isPattern: config.isPattern,
            isSuspended: spec.isSuspended,
            idleAfter: config.idleAfter
        )
        shown = Monitor(State(machine: machine, predecessor: predecessor))
        if predecessor == nil { try reopen(machine) }
    }

    /// Tasks that run or publish.
    var allTasks: [StreamTask] { shown.read { Array($0.tasks.values) + $0.draining }.filter { !$0.hasEnded } }

    /// Takes up what a dead or stopped process left: groups of the same spec go on, others publish what they have.
    private func reopen(_ given: SupervisorMachine) throws(LaminaError) {
        var machine = given
        var draining = 0
        for folder in try shared.groupFolders {
            guard let stored = try StreamTask.storedSpec(folder.path) else {
                // The group never came as far as to read anything.
                try removeTree(folder.path)
                continue
            }
            let goesOn = stored.isSame(as: spec) && !spec.isSuspended
            // Another spec may have read another stream: its offsets must not be taken for this one's.
            let task = try StreamTask(
                spec: goesOn ? spec : stored,
                group: folder.group,
                shared: goesOn ? shared : StreamShare(shared, spec: stored)
            )
            if goesOn {
                shown.update { $0.tasks[folder.group] = task }
            } else {
                draining += 1
                shown.update { $0.draining.append(task) }
            }
            watch(task)
        }
        machine.expectDraining(draining)
        shown.update { [machine] in $0.machine = machine }
    }

    package func start() throws(LaminaError) {
        if let predecessor = shown.read({ $0.predecessor }) { takeOver(from: predecessor) }
        // A predecessor's tasks were told by whoever replaced it; those of a dead process are told here.
        for task in shown.read({ $0.draining }) { task.finish() }
        try WorkerThread(name: "supervisor") { [self] in control() }.detach()
    }

    /// Its tasks finish first. It was told to finish, so there will be no others.
    private func takeOver(from predecessor: KafkaSupervisor) {
        let draining = predecessor.allTasks
        shown.update { state in
            state.machine.expectDraining(draining.count)
            state.draining += draining
        }
        for task in draining { watch(task) }
    }

    /// Learns when a task is over.
    private func watch(_ task: StreamTask) {
        task.onEnd { [weak self] task, failure in self?.ended(task, failure) }
        task.onTrouble { [weak self] task, error, isFailure in
            guard let self else { return }
            let now = shared.clock()
            shown.update { state in
                guard let error else {
                    _ = state.machine.handle(.taskRecovered(group: task.group), at: now)
                    return
                }
                if isFailure {
                    _ = state.machine.handle(.taskTroubled(group: task.group, error), at: now)
                } else {
                    state.machine.note(error)
                }
            }
        }
    }

    private func ended(_ task: StreamTask, _ failure: SupervisorError?) {
        let now = shared.clock()
        shown.update { state in
            if let place = state.draining.firstIndex(where: { $0 === task }) {
                state.draining.remove(at: place)
                _ = state.machine.handle(.drained(1), at: now)
            }
            if state.tasks[task.group] === task {
                state.tasks[task.group] = nil
                _ = state.machine.handle(.taskEnded(group: task.group, failure: failure), at: now)
            }
            // A task that failed is started again by the next run in its time, one that ended makes room at once.
            if failure == nil { state.wantsRun = true }
        }
    }

    // MARK: the control thread

    private func control() {
        awaitPredecessor()
        let waitsForTasks = isRestart && !shown.read { $0.tasks.isEmpty }
        var untilRun = waitsForTasks ? 0 : config.startDelay
        while true {
            let pause = min(untilRun, spec.tuning.offsetFetchPeriod)
            let stops: Bool? = shown.wait(milliseconds: pause) { state in
                if state.isStopping { return true }
                guard state.wantsRun else { return nil }
                state.wantsRun = false
                return false
            }
            if stops == true { break }
            if stops == nil, pause < untilRun, fetchLatest() {
                untilRun -= pause
                continue
            }
            runOnce()
            untilRun = config.period
        }
        closeSource()
        shown.update { $0.hasEnded = true }
    }

    /// Waits until the predecessor's thread is over: a task that it was just opening is closed by then, and the group's folder free.
    private func awaitPredecessor() {
        guard let predecessor = shown.read({ $0.predecessor }) else { return }
        while !shown.read({ $0.isStopping }) {
            let hasEnded: Bool? = predecessor.shown.wait(milliseconds: 100) { $0.hasEnded ? true : nil }
            if hasEnded == true { break }
        }
        shown.update { $0.predecessor = nil }
    }

    /// Between two runs: only the newest offsets.
    /// - Returns: false when there is a run to be made now, which says what is wrong.
    private func fetchLatest() -> Bool {
        let (source, partitions) = shown.read { ($0.source, $0.machine.partitions) }
        // The last run failed: the next one connects, in its time.
        guard let source, !partitions.isEmpty else { return true }
        do throws(StreamError) {
            let latest = try source.latest(partitions)
            let now = shared.clock()
            shown.update { state in
                state.latest = latest
                state.latestAt = now
            }
            return true
        } catch {
            return false
        }
    }

    private func runOnce() {
        handle(.runBegins)
        do {
            let source = try openSource()
            let partitions = try source.partitions()
            guard !partitions.isEmpty else {
                throw StreamError.unreachable("The stream '\(config.topic)' has no partitions, or does not exist yet")
            }
            handle(.connected)
            let latest = try source.latest(partitions)
            let now = shared.clock()
            let lag = try behind(latest)
            shown.update { state in
                state.latest = latest
                state.latestAt = now
            }
            handle(.saw(partitions: partitions, latest: latest, lag: lag))
        } catch let error as StreamError {
            closeSource()
            handle(.runFailed(SupervisorError(error, at: shared.clock())))
        } catch let error as LaminaError {
            closeSource()
            handle(.runFailed(SupervisorError(error, at: shared.clock())))
        } catch {
            let failure = LaminaError(.defensive, code: "defensive", "\(error)")
            handle(.runFailed(SupervisorError(failure, at: shared.clock())))
        }
    }

    private func openSource() throws -> any StreamSource {
        if let source = shown.read({ $0.source }) { return source }
        let source = try shared.connector.open(
            topic: config.topic,
            isPattern: config.isPattern,
            properties: config.consumerProperties,
            keepsKeys: false
        )
        let isLate = shown.update { state in
            if !state.isStopping { state.source = source }
            return state.isStopping
        }
        if isLate {
            source.close()
            throw StreamError.unreachable("The supervisor stops")
        }
        return source
    }

    private func closeSource() {
        shown.update { state in
            defer { state.source = nil }
            return state.source
        }?.close()
    }

    /// How many offsets are still to be read.
    private func behind(_ latest: StreamPosition) throws(LaminaError) -> Int64 {
        var reached = try shared.commits.committed() ?? [:]
        for task in shown.read({ Array($0.tasks.values) }) { reached.merge(task.position) { _, new in new } }
        var lag: Int64 = 0
        for (partition, offset) in latest { lag += max(0, offset - (reached[partition] ?? 0)) }
        return lag
    }

    /// Tells the machine what happened, and does what it answers; by the control thread.
    private func handle(_ event: SupervisorMachine.Event) {
        let now = shared.clock()
        let (actions, isInner) = shown.update { state in
            let isInner = state.isPerforming
            state.isPerforming = true
            return (state.machine.handle(event, at: now), isInner)
        }
        perform(actions)
        if !isInner { shown.update { $0.isPerforming = false } }
    }

    private func perform(_ actions: [SupervisorMachine.Action]) {
        for action in actions {
            switch action {
            case .start(let group, let partitions, let late): begin(group, partitions, late)
            case .grow(let group, let partitions, let late):
                shown.read { $0.tasks[group] }?.read(partitions, late: late)
            case .finish(let group):
                // It publishes beside whatever comes next, and only then the group may start anew.
                shown.read { $0.tasks[group] }?.finish()
            case .discard(let group): shown.read { $0.tasks[group] }?.discard()
            }
        }
    }

    private func begin(_ group: Int, _ partitions: [StreamPartition], _ late: Set<StreamPartition>) {
        do throws(LaminaError) {
            let open = shown.read { $0.tasks[group] }
            let task = if let open { open } else { try StreamTask(spec: spec, group: group, shared: shared) }
            if open == nil { watch(task) }
            let isLate = shown.update { state in
                if !state.isStopping { state.tasks[group] = task }
                return state.isStopping
            }
            if isLate {
                // One that was open before was told by whoever stopped this. Of another one, nothing was read yet.
                if open == nil { task.stop() }
                return
            }
            task.read(partitions, late: late)
        } catch {
            let failure = SupervisorError(error, at: shared.clock())
            handle(.taskEnded(group: group, failure: failure))
        }
    }

    // MARK: commands

    package func handOff(groups: [Int]) throws(LaminaError) {
        for (group, task) in shown.read({ $0.tasks }) where groups.contains(group) { task.handOff() }
    }

    package func reset(to metadata: JSON?) throws(LaminaError) {
        var offsets: StreamPosition?
        if let metadata {
            offsets = try shared.commits.position(of: metadata)
            guard let offsets, !offsets.isEmpty else {
                throw .invalidInput("The metadata names no partitions of '\(config.topic)': \(metadata.text)")
            }
        }
        let now = shared.clock()
        // What publishes already cannot be called back; its offsets must not come after the reset. A task that is opening must be known to
        // be dropped, and until the offsets are reset, no run may start one: both would read the old offsets.
        let isAlone: Bool? = shown.wait(milliseconds: 60_000) { state in
            guard state.draining.isEmpty, !state.isPerforming else { return nil }
            state.machine.expectDraining(1)
            return true
        }
        guard isAlone == true else {
            throw LaminaError(
                .serviceUnavailable,
                code: "publishing",
                "[\(spec.id)] still publishes what it has read: try again when that is done"
            )
        }
        defer {
            shown.update { state in
                _ = state.machine.handle(.drained(1), at: now)
                state.wantsRun = true
            }
        }
        perform(shown.update { $0.machine.handle(.reset, at: now) })
        // Groups that wait for the stream after a restart were not known to the machine.
        for task in shown.read({ Array($0.tasks.values) }) { task.discard() }
        let ended: Bool? = shown.wait(milliseconds: 60_000) { $0.tasks.isEmpty ? true : nil }
        guard ended == true else {
            throw LaminaError(.serviceUnavailable, code: "reset", "[\(spec.id)]: a task does not end, try again")
        }
        try shared.resetCommitted(to: offsets)
    }

    package func finish(isLast: Bool) {
        let now = shared.clock()
        let actions = shown.update { state in
            state.isStopping = true
            return state.machine.handle(.stop, at: now)
        }
        shown.read { $0.source }?.wake()
        perform(actions)
        // Those that never began to read after a restart, too.
        for task in shown.read({ Array($0.tasks.values) }) { task.finish() }
    }

    package func waitUntilFinished(milliseconds: Int64) -> Bool {
        let done: Bool? = shown.wait(milliseconds: milliseconds) { state in
            state.tasks.isEmpty && state.draining.isEmpty && state.hasEnded ? true : nil
        }
        return done ?? false
    }

    package func stop() {
        let now = shared.clock()
        let tasks = shown.update { state in
            state.isStopping = true
            _ = state.machine.handle(.stop, at: now)
            return Array(state.tasks.values) + state.draining
        }
        shown.read { $0.source }?.wake()
        for task in tasks { task.askToStop() }
        for task in tasks { task.stop() }
        _ = shown.wait(milliseconds: 5000) { $0.hasEnded ? true : nil }
    }
}

extension SupervisorError {
    init(_ error: StreamError, at time: Int64) {
        let kind =
            switch error {
            case .unreachable: "StreamUnreachable"
            case .offsetGone: "OffsetGone"
            case .partitionGone: "PartitionGone"
            case .refused: "StreamRefused"
            }
        self.init(time: time, kind: kind, message: error.message, isOfStream: true)
    }

    init(_ error: LaminaError, at time: Int64) {
        self.init(time: time, kind: error.code, message: error.message, isOfStream: false)
    }
}
