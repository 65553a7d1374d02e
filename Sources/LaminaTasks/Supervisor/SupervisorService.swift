package import LaminaBase
package import LaminaIngest
import LaminaMetadata
import Synchronization

/// Holds the supervisors: submits, lists, suspends, resumes, resets and ends them, and runs all of them again after a restart.
///
/// `druid_supervisors` has every version of every spec; the newest one is what runs, a tombstone ends it.
///
/// - Source: Druid's `SupervisorManager`, `SupervisorResource`; druid-surface 11.3.
package final class SupervisorService: Sendable {
    /// A supervisor and its spec.
    struct Entry: Sendable {
        var spec: SupervisorSpec
        var runner: any StreamSupervisor
    }

    let store: MetadataStore
    let tasks: TaskService
    let clock: @Sendable () -> Int64
    let segments: SegmentService
    /// For samplers and replays: asks streams directly.
    let connector: any StreamConnector
    let entries = Monitor<[String: Entry]>([:])
    /// Terminated ones that still publish, or did so when somebody looked last.
    private let ending = Monitor<[String: Entry]>([:])
    /// Orders what changes supervisors; readers never wait for a supervisor to start.
    private let changing = Mutex(())
    /// Those that are being reset, which can take a minute: whoever changes one of them waits, others do not.
    private let resetting = Monitor<Set<String>>([])

    package init(
        tasks: TaskService,
        connector: any StreamConnector,
        clock: @escaping @Sendable () -> Int64
    ) {
        store = tasks.store
        segments = tasks.segments
        self.tasks = tasks
        self.connector = connector
        self.clock = clock
    }

    /// Makes what runs a spec.
    /// - Parameter predecessor: the same supervisor by its last spec, which is about to finish.
    private func make(
        _ spec: SupervisorSpec,
        _ predecessor: (any StreamSupervisor)?
    ) throws(LaminaError) -> any StreamSupervisor {
        switch spec.source {
        case .kafka(let config):
            let shared = try StreamShare(
                id: spec.id,
                kind: spec.kind,
                dataSource: spec.dataSource,
                segments: segments,
                connector: connector,
                tasks: tasks,
                clock: clock
            )
            return try KafkaSupervisor(
                spec: spec,
                config: config,
                shared: shared,
                predecessor: predecessor as? KafkaSupervisor
            )
        case .push: return try PushSupervisor(spec: spec, segments: segments, tasks: tasks, clock: clock, predecessor)
        }
    }

    /// Runs what was submitted before: rows that were persisted are visible when it returns, streams are connected to later.
    ///
    /// Supervisors whose spec or task groups cannot be read are left out, the others run; one that cannot be started is there, says why,
    /// and tries again.
    /// - Returns: what could not be opened, by id.
    package func start() throws(LaminaError) -> [String: LaminaError] {
        var failures: [String: LaminaError] = [:]
        for record in try store.supervisors() {
            do throws(LaminaError) {
                let json = try JSONParser.parse(record.payload)
                if SupervisorSpec.isTombstone(json) {
                    try endLeftovers(of: record.specID)
                    continue
                }
                let spec = try SupervisorSpec(json: json)
                let runner = try make(spec, nil)
                entries.update { $0[record.specID] = Entry(spec: spec, runner: runner) }
                try runner.start()
            } catch {
                failures[record.specID] = error
            }
        }
        try tasks.settleStreamTasks()
        return failures
    }

    /// A supervisor that was terminated may have left rows that were not published yet: they are now.
    private func endLeftovers(of id: String) throws(LaminaError) {
        let folder = tasks.directory.stream(id)
        guard fileExists(folder) else { return }
        // Of Kafka the task groups, of push the journal: without them all was published.
        guard try folderEntries(folder).contains(where: { Int($0) != nil || $0 == "journal" }) else {
            return try removeTree(folder)
        }
        for record in try store.supervisorHistory(id) {
            let json = try JSONParser.parse(record.payload)
            if SupervisorSpec.isTombstone(json) { continue }
            var spec = try SupervisorSpec(json: json)
            spec.isSuspended = true
            let runner = try make(spec, nil)
            try runner.start()
            runner.finish(isLast: true)
            ending.update { $0[id] = Entry(spec: spec, runner: runner) }
            return
        }
    }

    /// Stops all of them; what they hold is persisted and read on from at the next start.
    package func stop() {
        var runners = entries.update { entries in
            defer { entries = [:] }
            return entries.values.map(\.runner)
        }
        runners += ending.update { ending in
            defer { ending = [:] }
            return ending.values.map(\.runner)
        }
        let left = Monitor(runners.count)
        for runner in runners {
            let work: @Sendable () -> Void = {
                runner.stop()
                left.update { $0 -= 1 }
            }
            do throws(LaminaError) {
                try WorkerThread(name: "stream-stop", work).detach()
            } catch {
                work()
            }
        }
        _ = left.wait { $0 == 0 ? true : nil }
    }

    // MARK: looking

    package var ids: [String] { entries.read { $0.keys.sorted() } }

    package func runner(_ id: String) -> (any StreamSupervisor)? { entries.read { $0[id]?.runner } }
    package func spec(_ id: String) -> SupervisorSpec? { entries.read { $0[id]?.spec } }

    /// All of them, sorted by id.
    package var all: [(id: String, spec: SupervisorSpec, runner: any StreamSupervisor)] {
        entries.read { entries in
            entries.sorted { $0.key < $1.key }.map { ($0.key, $0.value.spec, $0.value.runner) }
        }
    }

    /// Versions of specs, newest first, by supervisor; those that were terminated, too.
    package func history() throws(LaminaError) -> [String: [JSON]] {
        var all: [String: [JSON]] = [:]
        for record in try store.supervisorHistory() { all[record.specID, default: []].append(try Self.version(record)) }
        return all
    }

    /// Empty when there never was such a supervisor.
    package func history(of id: String) throws(LaminaError) -> [JSON] {
        var versions: [JSON] = []
        for record in try store.supervisorHistory(id) { versions.append(try Self.version(record)) }
        return versions
    }

    private static func version(_ record: SupervisorRecord) throws(LaminaError) -> JSON {
        ["spec": try JSONParser.parse(record.payload), "version": .string(record.createdDate)]
    }

    // MARK: changing

    /// Checks a spec, stores it and runs it in the place of the one of the same id, which publishes what it holds.
    ///
    /// - Parameter skipsUnmodified: leaves a supervisor alone whose spec is the same.
    /// - Returns: the supervisor's id.
    package func submit(_ json: JSON, skipsUnmodified: Bool = false) throws(LaminaError) -> String {
        let spec = try SupervisorSpec(json: json)
        try exclusively(spec.id) { () throws(LaminaError) in
            if skipsUnmodified, let held = self.spec(spec.id), held.json == spec.json { return }
            try check(spec)
            try run(spec)
        }
        return spec.id
    }

    /// Refuses a spec that would share files or offsets with another one.
    private func check(_ spec: SupervisorSpec) throws(LaminaError) {
        forgetEnded()
        let running = entries.read { $0 }
        let ending = ending.read { $0 }
        if let other = running.first(where: { $0.key != spec.id && $0.value.spec.dataSource == spec.dataSource })?.key {
            throw .unsupported("A second supervisor of datasource '\(spec.dataSource)' beside [\(other)]")
        }
        if let other = ending.first(where: { $0.key != spec.id && $0.value.spec.dataSource == spec.dataSource })?.key {
            throw LaminaError(
                .serviceUnavailable,
                code: "publishing",
                "[\(other)], which was terminated, still publishes into datasource '\(spec.dataSource)': try again when that is done"
            )
        }
        guard let held = running[spec.id]?.spec ?? ending[spec.id]?.spec else { return }
        if held.type != spec.type {
            throw .invalidInput(
                "Cannot change [\(spec.id)] from type[\(held.type)] to type[\(spec.type)]: terminate it first"
            )
        }
        if held.dataSource != spec.dataSource {
            throw .invalidInput(
                "Cannot change the datasource of [\(spec.id)] from [\(held.dataSource)] to [\(spec.dataSource)]: terminate it first"
            )
        }
    }

    /// Terminated ones that have published all.
    private func forgetEnded() {
        let ended = ending.read { $0 }.filter { $0.value.runner.waitUntilFinished(milliseconds: 0) }.keys
        if !ended.isEmpty { ending.update { ending in for id in ended { ending[id] = nil } } }
    }

    /// Stores a version of a spec and puts it in the place of the one that runs.
    private func run(_ spec: SupervisorSpec) throws(LaminaError) {
        awaitReset(spec.id)
        let held = entries.read { $0[spec.id]?.runner } ?? ending.read { $0[spec.id]?.runner }
        let runner = try make(spec, held)
        try insert(spec.id, spec.json)
        held?.finish(isLast: false)
        entries.update { $0[spec.id] = Entry(spec: spec, runner: runner) }
        ending.update { $0[spec.id] = nil }
        try runner.start()
    }

    private func insert(_ id: String, _ json: JSON) throws(LaminaError) {
        try store.insert(
            SupervisorRecord(specID: id, createdDate: instantText(clock()), payload: Array(json.text.utf8))
        )
    }

    /// Suspends or resumes; the new spec is the answer.
    /// - Errors: `notFound`; `invalidInput` when it is so already.
    package func setSuspended(_ id: String, _ suspended: Bool) throws(LaminaError) -> SupervisorSpec {
        try exclusively(id) { () throws(LaminaError) in
            guard var spec = spec(id) else { throw Self.unknown(id) }
            if spec.isSuspended == suspended {
                throw .invalidInput("[\(id)] is already \(suspended ? "suspended" : "running")")
            }
            spec.isSuspended = suspended
            try run(spec)
            return spec
        }
    }

    /// Suspends or resumes all that are not so already.
    package func setAllSuspended(_ suspended: Bool) throws(LaminaError) {
        try exclusively { () throws(LaminaError) in
            for (_, var spec, _) in all where spec.isSuspended != suspended {
                spec.isSuspended = suspended
                try run(spec)
            }
        }
    }

    /// Ends a supervisor for good: it publishes what it holds. Offsets and history stay.
    package func terminate(_ id: String) throws(LaminaError) {
        try exclusively(id) { () throws(LaminaError) in
            guard let entry = entries.read({ $0[id] }) else { throw Self.unknown(id) }
            try end(id, entry)
        }
    }

    private func end(_ id: String, _ entry: Entry) throws(LaminaError) {
        awaitReset(id)
        try insert(id, SupervisorSpec.tombstone(dataSource: entry.spec.dataSource))
        forgetEnded()
        ending.update { $0[id] = entry }
        entries.update { $0[id] = nil }
        entry.runner.finish(isLast: true)
    }

    package func terminateAll() throws(LaminaError) {
        try exclusively { () throws(LaminaError) in
            for (id, entry) in entries.read({ $0.sorted { $0.key < $1.key } }) { try end(id, entry) }
        }
    }

    /// - Parameter metadata: of the partitions to move (`resetOffsets`); nil: all is forgotten.
    package func reset(_ id: String, to metadata: JSON?) throws(LaminaError) {
        let held = try exclusively(id) { () throws(LaminaError) in
            guard let held = runner(id) else { throw Self.unknown(id) }
            resetting.update { _ = $0.insert(id) }
            return held
        }
        defer { resetting.update { _ = $0.remove(id) } }
        try held.reset(to: metadata)
    }

    private func awaitReset(_ id: String) { _ = resetting.wait { $0.contains(id) ? nil : true } }

    package static func unknown(_ id: String) -> LaminaError {
        LaminaError(.notFound, code: "notFound", "Cannot find any supervisor with id: [\(id)]")
    }

    /// Alone, when nobody resets the supervisor.
    private func exclusively<Result>(
        _ id: String,
        _ body: () throws(LaminaError) -> Result
    ) throws(LaminaError) -> Result {
        // Outside first, so that others need not wait as well.
        awaitReset(id)
        return try exclusively { () throws(LaminaError) in
            awaitReset(id)
            return try body()
        }
    }

    /// `Mutex.withLock` would demand that all that crosses it is sent; nothing here leaves the thread.
    private func exclusively<Result>(_ body: () throws(LaminaError) -> Result) throws(LaminaError) -> Result {
        changing._unsafeLock()
        defer { changing._unsafeUnlock() }
        return try body()
    }
}
