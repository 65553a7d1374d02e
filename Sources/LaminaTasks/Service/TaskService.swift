import Glibc
package import LaminaBase
package import LaminaIngest
package import LaminaMetadata
package import LaminaQuery

/// Takes tasks, runs them on threads under locks, publishes what they built, and remembers how they ended.
///
/// A task's life is in `druid_tasks`: `active` until it ended. One that was running when the process died is FAILED at the next
/// start, its locks and files gone; one that had not begun is queued again.
///
/// - Source: Druid's `TaskQueue`, `TaskLockbox`, `OverlordResource`; druid-surface 10.6, 10.7.
package final class TaskService: Sendable {
    package struct Options: Sendable {
        /// How many tasks run at once (Druid's worker capacity).
        package var capacity = 4
        package var host = "localhost"
        package var port = 8888
        /// The `local` input source reads nothing outside; nil: anything.
        package var inputRoot: String?
        /// Tables of the `lookup` function in transforms.
        package var lookups: LookupResolver?
        /// Opens the topics of `kafka` input sources and samplers.
        package var connector: (any StreamConnector)?

        package init() {}
    }

    let directory: DataDirectory
    let store: MetadataStore
    let storage: DeepStorage
    let options: Options
    let clock: @Sendable () -> Int64
    let segments: SegmentService
    let state: Monitor<State>

    /// - Parameters:
    ///   - segments: told of every publish, so that queries see it at once.
    ///   - clock: wall time, ms.
    package init(
        directory: DataDirectory,
        store: MetadataStore,
        segments: SegmentService,
        options: Options,
        clock: @escaping @Sendable () -> Int64
    ) throws(LaminaError) {
        self.directory = directory
        self.store = store
        storage = DeepStorage(directory: directory, store: store)
        self.segments = segments
        self.options = options
        self.clock = clock
        state = Monitor(State())
        try recover()
    }

    struct State: Sendable {
        var locks = LockTable()
        /// Row ids of the locks in the store, by lock.
        var storedLocks: [TaskLock: Int64] = [:]
        /// Tasks that have not ended, in order of submission.
        var active: [Entry] = []
        /// Those that supervisors run.
        var streams: [StreamEntry] = []
        var stopping = false

        func entry(_ id: String) -> Entry? { active.first { $0.status.id == id } }
    }

    /// A task that has not ended.
    struct Entry: Sendable {
        var status: TaskStatus
        var spec: TaskSpec
        var startedAt: Int64?
        var cancelReason: String?
        var progress: IndexProgress?
    }

    package var capacity: Int { options.capacity }

    /// Slots in use.
    package var running: Int { state.read { $0.active.count { $0.status.runnerState == .running } } }

    /// Checks a task's JSON, stores it and queues it.
    ///
    /// - Returns: the task's id.
    /// - Errors: `invalidInput` for what Druid refuses at submission; nothing is stored then.
    package func submit(_ json: JSON) throws(LaminaError) -> String {
        let spec = try TaskSpec(json: json)
        let now = clock()
        let id = spec.id ?? spec.generatedID(now: now)
        let status = TaskStatus(
            id: id,
            groupID: spec.groupID ?? id,
            type: spec.type,
            dataSource: spec.dataSource,
            createdTime: instantText(now),
            state: .running,
            runnerState: .pending,
            duration: -1,
            errorMessage: nil,
            host: options.host,
            port: options.port
        )
        var payload = json.objectValue ?? JSONObject()
        payload["id"] = .string(id)
        payload["groupId"] = .string(status.groupID)
        try store.insert(
            TaskRecord(
                id: id,
                createdDate: status.createdTime,
                dataSource: spec.dataSource,
                payload: Array(JSON.object(payload).text.utf8),
                statusPayload: Array(status.storedJSON.text.utf8),
                active: true,
                type: spec.type,
                groupID: status.groupID
            )
        )
        let entry = Entry(status: status, spec: spec)
        state.update { $0.active.append(entry) }
        startWaiting()
        return id
    }

    /// Starts as many queued tasks as there are free slots.
    func startWaiting() {
        while true {
            let now = clock()
            let next: Entry? = state.update { state in
                guard !state.stopping,
                    state.active.count(where: { $0.status.runnerState == .running }) < options.capacity,
                    let index = state.active.firstIndex(where: { $0.status.runnerState == .pending })
                else { return nil }
                state.active[index].status.runnerState = .running
                state.active[index].startedAt = now
                return state.active[index]
            }
            guard let next else { return }
            do {
                try WorkerThread(name: "task") { [self] in run(next) }.detach()
            } catch {
                finish(next, failed: error.message)
            }
        }
    }

    /// Asks a task to stop. It is FAILED once it noticed.
    /// - Returns: false when there is no such task or it ended already.
    package func shutdown(_ id: String, reason: String = "Shutdown request from user") -> Bool {
        let (found, queued): (Bool, Entry?) = state.update { state in
            guard let index = state.active.firstIndex(where: { $0.status.id == id }) else { return (false, nil) }
            state.active[index].cancelReason = reason
            guard state.active[index].status.runnerState == .pending else { return (true, nil) }
            state.active[index].status.runnerState = .running
            return (true, state.active[index])
        }
        if let queued { finish(queued, failed: reason) }
        if found { return true }
        guard let stream = state.read({ state in state.streams.first { $0.status.id == id } }) else { return false }
        stream.task.shutDown(reason: reason)
        return true
    }

    /// Stops taking work and cancels what runs; those tasks are FAILED with the reason.
    package func stop() {
        state.update { state in
            state.stopping = true
            for index in state.active.indices where state.active[index].status.runnerState == .running {
                state.active[index].cancelReason = "The server was stopped while the task was running. Submit it again."
            }
        }
        _ = state.wait(milliseconds: 10_000) { state in
            state.active.contains { $0.status.runnerState == .running } ? nil : true
        }
    }
}
