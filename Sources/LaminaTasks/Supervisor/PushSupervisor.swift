package import LaminaBase
package import LaminaIngest
import Synchronization

/// A supervisor of type `push`: it holds the stream that pushes go to.
package final class PushSupervisor: StreamSupervisor {
    struct Held: Sendable {
        var stream: PushStream?
        var predecessor: (any StreamSupervisor)?
        var errors: [SupervisorError] = []
        var isStopping = false
        /// Nothing is accepted any more.
        var hasClosed = false
        var hasFinished = false
    }

    private let spec: SupervisorSpec
    private let pushSpec: PushSpec
    private let folder: String
    private let name: String
    private let store: StreamStore
    private let segments: SegmentService
    private let options: PushStream.Options
    private let clock: @Sendable () -> Int64
    let epochs: StreamEpochs
    private let held: Monitor<Held>
    /// Held by whoever opens or ends the stream, so that no start overtakes an end.
    private let running = Mutex(())

    init(
        spec: SupervisorSpec,
        segments: SegmentService,
        tasks: TaskService,
        clock: @escaping @Sendable () -> Int64,
        _ predecessor: (any StreamSupervisor)?
    ) throws(LaminaError) {
        self.spec = spec
        self.segments = segments
        self.clock = clock
        pushSpec = try PushSpec(json: spec.json)
        folder = tasks.directory.stream(spec.id)
        name = "index_push_\(spec.id)"
        let log = StreamLog(tasks.directory, clock: clock, task: name)
        store = StreamStore(
            name: "\(name)/0",
            supervisor: spec.dataSource,
            dataSource: spec.dataSource,
            kind: .push(dataSource: spec.dataSource),
            segments: segments,
            directory: tasks.directory,
            log: { log.write($0) }
        )
        epochs = StreamEpochs(
            spec,
            supervisor: spec.id,
            group: 0,
            folder: folder,
            tasks: tasks,
            commits: store.commits,
            log: log
        )
        var options = PushStream.Options()
        options.lookups = tasks.options.lookups
        options.clock = clock
        options.log = { log.write($0) }
        self.options = options
        held = Monitor(Held(predecessor: predecessor))
    }

    /// The stream; while the last spec's publishes, that one's, which says so to those who push.
    package var stream: PushStream? {
        let (stream, predecessor) = held.read { ($0.stream, $0.predecessor) }
        return stream ?? (predecessor as? PushSupervisor)?.stream
    }

    /// With a predecessor, which has to publish first, the stream opens on a thread of its own; else rows that were accepted before are
    /// visible when this returns. One that cannot be opened is tried again and again, as a full disk does not stay so.
    package func start() throws(LaminaError) {
        guard held.read({ $0.predecessor }) == nil else { return try openLater(in: 0) }
        do throws(LaminaError) {
            try open()
        } catch {
            try openLater(in: 1000)
            throw error
        }
    }

    private func openLater(in milliseconds: Int64) throws(LaminaError) {
        try WorkerThread(name: "push-start") { [self] in
            let before = held.read { $0.predecessor }
            while before?.waitUntilFinished(milliseconds: 1000) == false {
                if held.read({ $0.isStopping }) { return }
            }
            var pause = milliseconds
            while held.wait(milliseconds: pause, until: { $0.isStopping ? true : nil }) == nil {
                do throws(LaminaError) {
                    return try open()
                } catch {
                    pause = min(max(1000, pause * 2), 30_000)
                }
            }
        }.detach()
    }

    private func open() throws(LaminaError) {
        try running.withLock { _ throws(LaminaError) in
            if held.read({ $0.isStopping }) { return }
            do throws(LaminaError) {
                try openStream()
            } catch {
                options.log("Cannot open the stream: \(error.message)")
                note(error)
                throw error
            }
        }
    }

    private func openStream() throws(LaminaError) {
        let stream = try makeStream()
        // A suspended one's rows are published, by whom it was suspended or from now on.
        try segments.register(stream, dataSource: spec.dataSource)
        try stream.start()
        try epochs.resume(self)
        if spec.isSuspended {
            stream.refuse()
            return try publishLater(stream)
        }
        noteTasks()
        // What was reopened is cut if something replaces it right now.
        try segments.register(stream, dataSource: spec.dataSource)
    }

    /// The stream, or that of a try which failed: two must not have the same files.
    private func makeStream() throws(LaminaError) -> PushStream {
        if let stream = held.read({ $0.stream }) { return stream }
        try makeFolders(folder)
        try store.recover(work: StreamIndexer.workFolder(of: "\(folder)/rows"))
        var options = options
        options.onTick = { [weak self] in self?.noteTasks() }
        let stream = try PushStream(pushSpec, name: name, folder: folder, host: store, options: options)
        held.update { held in
            held.stream = stream
            held.predecessor = nil
        }
        return stream
    }

    /// Nobody waits for what cannot be published at the moment, least of all the server's start.
    private func publishLater(_ stream: PushStream) throws(LaminaError) {
        try WorkerThread(name: "push-suspend") { [self] in
            running.withLock { _ in
                // Whoever ends it publishes.
                if held.read({ $0.isStopping }) { return }
                do throws(LaminaError) {
                    try stream.suspend()
                    try epochs.end(failed: nil)
                } catch {
                    note(error)
                }
            }
        }.detach()
    }

    /// Follows the stream's tasks.
    private func noteTasks() {
        guard let status = held.read({ $0.stream })?.status else { return }
        do throws(LaminaError) {
            try epochs.note(status, self)
        } catch {
            note(error)
        }
    }

    private func note(_ error: LaminaError) {
        let event = SupervisorError(error, at: clock())
        held.update { held in
            // What goes wrong again and again is one.
            held.errors.removeAll { $0.kind == event.kind && $0.message == event.message }
            held.errors.append(event)
            if held.errors.count > 3 { held.errors.removeFirst() }
        }
    }

    // MARK: looking

    package var state: SupervisorState {
        let (stream, isStopping, failure) = held.read { ($0.stream, $0.isStopping, $0.errors.last) }
        if isStopping { return .stopping }
        // It was never opened, as something is wrong with its files.
        if stream == nil, failure != nil { return .unhealthySupervisor }
        if spec.isSuspended { return .suspended }
        switch stream?.phase {
        case .running?: return stream?.status?.error == nil ? .running : .unhealthyTasks
        case .recovering?: return .unhealthyTasks
        case .failed?: return .unhealthySupervisor
        case .suspended?: return .suspended
        case .stopped?: return .stopping
        case .starting?, nil: return .pending
        }
    }

    package func status() -> JSON {
        let (stream, errors) = held.read { ($0.stream, $0.errors) }
        let (state, now) = (state, clock())
        var (active, publishing): ([JSON], [JSON]) = ([], [])
        let position = stream?.status?.position ?? [:]
        for epoch in epochs.all {
            if epoch.end == nil, !isEnding {
                let lag = position.mapValues { _ in Int64(0) }
                let duration = spec.stream.taskDurationMillis
                active.append(epoch.activeJSON(position, lag: lag, duration: duration, at: now, store.commits))
            } else {
                publishing.append(epoch.publishingJSON(timeout: Self.completionTimeout, at: now, store.commits))
            }
        }
        var all = errors
        if let error = stream?.status?.error { all.append(SupervisorError(error, at: now)) }
        return [
            "dataSource": .string(spec.dataSource), "stream": .string(spec.dataSource), "partitions": 1, "replicas": 1,
            "durationSeconds": .int(spec.stream.taskDurationMillis / 1000), "activeTasks": .array(active),
            "publishingTasks": .array(publishing),
            "minimumLag": [:], "aggregateLag": 0, "suspended": .bool(spec.isSuspended),
            "healthy": .bool(state.isHealthy), "state": .string(state.basic.rawValue),
            "detailedState": .string(state.rawValue), "recentErrors": .array(all.map(\.json)),
            "push": stream?.pushStatus ?? .null,
        ]
    }

    /// How long publishing is thought to take at most.
    private static let completionTimeout: Int64 = 1_800_000

    package func stats() -> JSON {
        let tasks = epochs.stats(counters)
        return tasks.isEmpty ? [:] : ["0": .object(tasks)]
    }

    package func parseErrors() -> JSON { .array(savedErrors) }

    // MARK: commands

    package func handOff(groups: [Int]) throws(LaminaError) {
        if groups.contains(0) { held.read { $0.stream }?.handOff() }
    }

    package func reset(to metadata: JSON?) throws(LaminaError) {
        guard metadata == nil else { throw .unsupported("resetOffsets of a supervisor of type 'push'") }
        guard let stream = held.read({ $0.stream }) else { return }
        // What a publish that goes on right now commits is forgotten behind it.
        try store.commits.reset()
        try stream.reset()
        try store.commits.reset()
    }

    package func finish(isLast: Bool) {
        let isFirst = held.update { held in
            defer { held.isStopping = true }
            return !held.isStopping
        }
        // A terminated one whose spec is submitted again is told a second time: its files belong to the next one then.
        guard isFirst else { return }
        let work: @Sendable () -> Void = { [self] in
            // One that never came to open its stream ends with the one before it: two must not have the same files.
            if let before = held.read({ $0.predecessor }) {
                held.update { $0.hasClosed = true }
                while !before.waitUntilFinished(milliseconds: 1000) {}
            }
            held.read { $0.stream }?.refuse()
            held.update { $0.hasClosed = true }
            running.withLock { _ in
                let stream = held.read { $0.stream }
                do throws(LaminaError) {
                    if isLast { try stream?.terminate() } else { try stream?.suspend() }
                    // A stream that could not publish goes on with its tasks when it is opened again.
                    try epochs.end(failed: nil)
                } catch {
                    note(error)
                }
                if let stream { segments.unregister(stream) }
            }
            held.update { $0.hasFinished = true }
        }
        do throws(LaminaError) {
            try WorkerThread(name: "push-finish", work).detach()
        } catch {
            return work()
        }
        // No push is taken any more when this returns; what it waits for is only a thread that starts.
        _ = held.wait(milliseconds: 5000) { $0.hasClosed ? true : nil }
    }

    package func waitUntilFinished(milliseconds: Int64) -> Bool {
        let done: Bool? = held.wait(milliseconds: milliseconds) { $0.hasFinished ? true : nil }
        return done ?? false
    }

    package func stop() {
        held.update { $0.isStopping = true }
        let (stream, before) = held.read { ($0.stream, $0.predecessor) }
        before?.stop()
        // Whoever waits for publishing has the stream until it gives up.
        stream?.leaveUnpublished()
        running.withLock { _ in
            guard let stream = held.read({ $0.stream }) else { return }
            do throws(LaminaError) {
                try stream.stop()
            } catch {
                note(error)
            }
            segments.unregister(stream)
        }
    }
}

extension PushSupervisor: StreamTaskOwner {
    var counters: StreamCounters { held.read { $0.stream }?.counters ?? StreamCounters() }

    var savedErrors: [JSON] { held.read { $0.stream }?.parseErrors ?? [] }
    var isEnding: Bool { held.read { $0.isStopping } }
    var taskConfig: JSONObject { ["inputFormat": spec.ioJSON["inputFormat"] ?? .null] }

    /// Rows that were pushed cannot be read again from anywhere: the task publishes what it has, and the next one goes on.
    func shutDown(reason: String) {
        options.log("Shut down: \(reason)")
        held.read { $0.stream }?.handOff()
    }
}

extension SupervisorService: PushDirectory {
    package func pushStream(_ dataSource: String) throws(LaminaError) -> PushStream? {
        guard let push = runner(of: dataSource) as? PushSupervisor else { return nil }
        if let stream = push.stream { return stream }
        // It is there: who pushes must come again, not give up.
        throw .pushUnavailable(
            "The push stream of datasource '\(dataSource)' cannot be opened yet; its supervisor's status says why"
        )
    }

    package func deadLetters(_ dataSource: String) -> DeadLetters? {
        switch runner(of: dataSource) {
        case let push as PushSupervisor: push.stream?.letters
        case let kafka as KafkaSupervisor: kafka.shared.deadLetters
        default: nil
        }
    }

    private func runner(of dataSource: String) -> (any StreamSupervisor)? {
        entries.read { entries in entries.values.first { $0.spec.dataSource == dataSource }?.runner }
    }
}
