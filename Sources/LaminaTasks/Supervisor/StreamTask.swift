import Glibc
import LaminaBase
import LaminaIngest
import Synchronization

/// One task group of a Kafka supervisor: a thread that polls its partitions, prepares, appends, and hands off.
///
/// Opening it makes visible what an earlier process left in its folder; reading begins with `read`. What cannot be reached is tried again
/// for ever, with its rows still there; it ends by a command, or with a failure that only a new task mends.
final class StreamTask: Sendable {
    enum Ending: Sendable, Hashable {
        /// Publish everything.
        case finish
        /// Drop everything, for a reason that the task's status shows.
        case discard(String?)
        /// Persist everything: the process ends.
        case stop
    }

    typealias EndListener = @Sendable (StreamTask, SupervisorError?) -> Void
    /// Told of what hinders the task, and with nil when it goes on.
    typealias TroubleListener = @Sendable (StreamTask, SupervisorError?, _ isFailure: Bool) -> Void

    struct State: Sendable {
        var wanted: [StreamPartition] = []
        var late: Set<StreamPartition> = []
        var wantsAssign = false
        var wantsHandOff = false
        var ending: Ending?
        var isRunning = false
        var hasEnded = false
        var source: (any StreamSource)?
        var onEnd: EndListener?
        var onTrouble: TroubleListener?
        /// How it ended, for whoever listens too late.
        var failure: SupervisorError?
    }

    let spec: SupervisorSpec
    let config: KafkaStreamConfig
    let group: Int
    let shared: StreamShare
    let folder: String
    let indexer: StreamIndexer
    let epochs: StreamEpochs
    let state = Monitor(State())
    private let host: StreamStore
    private let letters: StreamLetters
    private let log: StreamLog

    static let specName = "spec.json"

    /// The spec of a group's folder; nil when it has none.
    static func storedSpec(_ folder: String) throws(LaminaError) -> SupervisorSpec? {
        guard let bytes = try readFile("\(folder)/\(specName)") else { return nil }
        return try SupervisorSpec(json: try JSONParser.parse(bytes)["spec"] ?? .null)
    }

    /// Opens the group's folder: what is in it is visible afterwards.
    init(spec: SupervisorSpec, group: Int, shared: StreamShare) throws(LaminaError) {
        guard case .kafka(let config) = spec.source else {
            throw LaminaError(.defensive, code: "defensive", "\(spec.id) is no Kafka supervisor")
        }
        self.spec = spec
        self.config = config
        self.group = group
        self.shared = shared
        folder = shared.folder(of: group)
        let name: String
        if let bytes = try readFile("\(folder)/\(Self.specName)") {
            name = try JSONParser.parse(bytes)["name"]?.stringValue ?? ""
        } else {
            let committed = try shared.commits.committed() ?? [:]
            name = StreamEpoch.baseName(of: spec, supervisor: shared.id, group: group, start: committed)
            try makeFolders(folder)
            let json: JSON = ["name": .string(name), "spec": spec.json]
            try writeFile("\(folder)/\(Self.specName)", Array(json.text.utf8))
        }
        let log = StreamLog(shared.tasks.directory, clock: shared.clock, task: name)
        self.log = log
        host = shared.host(of: group) { log.write($0) }
        let rows = StreamShare.rowsFolder(of: folder)
        try host.recover(work: StreamIndexer.workFolder(of: rows))
        letters = StreamLetters(shared.deadLetters)
        epochs = StreamEpochs(
            spec,
            supervisor: shared.id,
            group: group,
            folder: folder,
            tasks: shared.tasks,
            commits: shared.commits,
            log: log
        )
        indexer = try StreamIndexer(
            spec.stream,
            name: name,
            directory: rows,
            host: GroupHost(host) { [config] in config.group(of: $0) == group },
            lookups: shared.lookups,
            clock: shared.clock
        )
        try shared.segments.register(indexer, dataSource: spec.dataSource)
        try epochs.resume(self)
    }

    var hasEnded: Bool { state.read { $0.hasEnded } }
    var position: StreamPosition { indexer.position }
    /// Whether it only publishes.
    var isEnding: Bool { state.read { $0.ending != nil } }

    // MARK: commands, from any thread

    /// Reads these partitions from now on. `late` ones have no history to skip: they are read from their beginning.
    func read(_ partitions: [StreamPartition], late: Set<StreamPartition>) {
        state.update { state in
            state.wanted = partitions
            state.late.formUnion(late)
            state.wantsAssign = true
        }
        startThread()
    }

    func handOff() { state.update { $0.wantsHandOff = true } }

    func finish() { end(.finish) }
    func discard(_ reason: String? = nil) { end(.discard(reason)) }
    /// Begins to stop; `stop` waits for it.
    func askToStop() { end(.stop) }

    func stop() {
        end(.stop)
        _ = state.wait { $0.hasEnded ? true : nil }
    }

    private func end(_ ending: Ending) {
        let source = state.update { state -> (any StreamSource)? in
            // What is dropped is not published; what the process leaves is left at once.
            switch (state.ending, ending) {
            case (nil, _), (.finish?, .discard), (.finish?, .stop): state.ending = ending
            default: break
            }
            return state.source
        }
        if ending == .stop { indexer.leaveUnpublished() }
        source?.wake()
        startThread()
    }

    /// Told once, from the task's thread, or at once when it has ended already.
    func onEnd(_ listener: @escaping EndListener) {
        let (ended, failure) = state.update { state in
            state.onEnd = listener
            return (state.hasEnded, state.failure)
        }
        if ended { listener(self, failure) }
    }

    func onTrouble(_ listener: @escaping TroubleListener) { state.update { $0.onTrouble = listener } }

    private func startThread() {
        let isFirst = state.update { state in
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard isFirst else { return }
        do throws(LaminaError) {
            try WorkerThread(name: "stream") { [self] in run() }.detach()
        } catch {
            ended(SupervisorError(error, at: shared.clock()))
        }
    }

    func noteEpochs() throws(LaminaError) { try epochs.note(indexer.status, self) }

    private func endEpochs(failed reason: String?) {
        do throws(LaminaError) {
            try epochs.end(failed: reason)
        } catch {
            log.write("Cannot forget the task that ended: \(error.message)")
        }
    }

    // MARK: the thread

    private func run() {
        var pause: Int64 = 100
        var isAssigned = false
        while true {
            let order = state.update { state in
                defer {
                    state.wantsAssign = false
                    state.wantsHandOff = false
                }
                return (ending: state.ending, assign: state.wantsAssign, handOff: state.wantsHandOff)
            }
            if order.assign { isAssigned = false }
            if let ending = order.ending { return end(by: ending) }
            do {
                if order.handOff { indexer.handOff(now: shared.clock()) }
                // Also while the stream is away: what was read is handed off in its time.
                indexer.tick(now: shared.clock())
                if !epochs.all.isEmpty { try noteEpochs() }
                let source = try openSource()
                if !isAssigned {
                    try assign(source)
                    isAssigned = true
                }
                try poll(source)
                if pause > 100 { state.read { $0.onTrouble }?(self, nil, false) }
                pause = 100
            } catch let error as StreamError {
                isAssigned = false
                guard handle(error, pause: &pause) else { return }
            } catch let error as LaminaError {
                return fail(error)
            } catch {
                return fail(LaminaError(.defensive, code: "defensive", "\(error)"))
            }
        }
    }

    private func openSource() throws -> any StreamSource {
        if let source = state.read({ $0.source }) { return source }
        let source: any StreamSource
        do throws(LaminaError) {
            source = try shared.connector.open(
                topic: config.topic,
                isPattern: config.isPattern,
                properties: config.consumerProperties,
                keepsKeys: config.inputFormat["type"] == "kafka"
            )
        } catch {
            throw StreamError.refused(error)
        }
        state.update { $0.source = source }
        return source
    }

    func closeSource() {
        state.update { state in
            defer { state.source = nil }
            return state.source
        }?.close()
    }

    /// Decides where the partitions are read from, and begins.
    private func assign(_ source: any StreamSource) throws {
        let (partitions, late) = state.read { ($0.wanted, $0.late) }
        var missing = partitions.filter { indexer.position[$0] == nil }
        if !missing.isEmpty {
            var offsets = (try shared.commits.committed() ?? [:]).filter { missing.contains($0.key) }
            missing.removeAll { offsets[$0] != nil }
            let first = try shared.firstOffsets(missing) { unknown in
                let fromStart = unknown.filter { config.usesEarliestOffset || late.contains($0) }
                let fromEnd = unknown.filter { !fromStart.contains($0) }
                let earliest = fromStart.isEmpty ? [:] : try source.earliest(fromStart)
                let latest = fromEnd.isEmpty ? [:] : try source.latest(fromEnd)
                return earliest.merging(latest) { first, _ in first }
            }
            offsets.merge(first) { known, _ in known }
            indexer.begin(offsets)
        }
        try source.assign(indexer.position.filter { partitions.contains($0.key) })
        try noteEpochs()
    }

    private func poll(_ source: any StreamSource) throws {
        let most = 20_000
        guard let batch = try source.poll(maxRecords: most, maxBytes: 8 << 20, milliseconds: Int(config.pollTimeout))
        else { return }
        let prepared = try indexer.prepare(batch, bounds: indexer.bounds)
        try letters.keep(prepared, at: shared.clock())
        while true {
            do throws(LaminaError) {
                return try indexer.append(prepared)
            } catch {
                // Nothing of it was taken in: a full disk, a store that is busy. Its rows wait here, so nothing is read meanwhile.
                guard error.code == "io" || error.code == "metadata", state.read({ $0.ending }) == nil else {
                    throw error
                }
                trouble(SupervisorError(error, at: shared.clock()), isFailure: true)
                _ = state.wait(milliseconds: 1000) { $0.ending == nil ? nil : true }
            }
        }
    }

    /// Waits and says whether to try again.
    private func handle(_ error: StreamError, pause: inout Int64) -> Bool {
        let now = shared.clock()
        log.write(error.message)
        switch error {
        case .unreachable:
            closeSource()
            trouble(SupervisorError(error, at: now), isFailure: false)
        case .offsetGone(let partition, let wanted, let earliest, let latest)
        where spec.tuning.resetsOffsetAutomatically:
            do throws(LaminaError) {
                if try skip(partition, from: wanted, earliest: earliest, latest: latest) {
                    trouble(SupervisorError(error, at: now), isFailure: false)
                    return true
                }
                return false
            } catch {
                fail(error)
                return false
            }
        case .offsetGone, .partitionGone, .refused:
            closeSource()
            trouble(SupervisorError(error, at: now), isFailure: true)
        }
        _ = state.wait(milliseconds: pause) { $0.ending == nil ? nil : true }
        pause = min(pause * 2, 5000)
        return true
    }

    /// `resetOffsetAutomatically`: goes on where there is something to read. What is in between is named in the errors and the log.
    ///
    /// - Returns: false when that needs a new task: the offsets begin anew.
    private func skip(
        _ partition: StreamPartition,
        from wanted: Int64,
        earliest: Int64,
        latest: Int64
    ) throws(LaminaError) -> Bool {
        let target = config.usesEarliestOffset ? earliest : latest
        guard target >= wanted else {
            // The topic was made anew. What was read of the old one is published first.
            finishEarly { [shared] () throws(LaminaError) in try shared.resetCommitted(to: [partition: target]) }
            return false
        }
        log.write(
            "Offsets \(wanted) up to \(target) of \(partition.topic)-\(partition.number) are lost: reading goes on behind them"
        )
        var empty = RecordBatch()
        empty.next = [partition: target]
        try indexer.append(try indexer.prepare(empty, bounds: indexer.bounds))
        return true
    }

    private func trouble(_ error: SupervisorError, isFailure: Bool) {
        state.read { $0.onTrouble }?(self, error, isFailure)
    }

    // MARK: ends

    private func end(by ending: Ending) {
        closeSource()
        switch ending {
        case .finish: publishAll()
        case .discard(let reason): drop(because: reason)
        case .stop: leave()
        }
    }

    /// Hands off and waits until all is published, unless something more urgent comes.
    private func publishAll() {
        indexer.handOff(now: shared.clock())
        while true {
            switch state.read({ $0.ending }) {
            case .discard(let reason)?: return drop(because: reason)
            case .stop?: return leave()
            default: break
            }
            let status = indexer.status
            if status.sequences.count == 1 { break }
            if let error = status.error, error.category == .conflict { return fail(error) }
            if let error = status.error { trouble(SupervisorError(error, at: shared.clock()), isFailure: false) }
            _ = state.wait(milliseconds: 20) { state in state.ending == .finish ? nil : true }
        }
        finishEarly()
    }

    /// Ends after everything was published, or could be.
    private func finishEarly(then last: () throws(LaminaError) -> Void = {}) {
        do throws(LaminaError) {
            try indexer.stop(publishing: true)
            shared.segments.unregister(indexer)
            try host.withdrawAll()
            try last()
            endEpochs(failed: nil)
            try removeTree(folder)
            ended(nil)
        } catch {
            if state.read({ $0.ending }) == .stop { return leave() }
            fail(error)
        }
    }

    private func drop(because reason: String?) {
        do throws(LaminaError) {
            shared.segments.unregister(indexer)
            try shared.segments.noteRewind(dataSource: spec.dataSource)
            try indexer.discard()
            try host.withdrawAll()
            endEpochs(failed: reason ?? "The supervisor was reset: what was not published is read again")
            try removeTree(folder)
            ended(nil)
        } catch {
            log.write("Cannot drop the rows: \(error.message)")
            endEpochs(failed: error.message)
            ended(SupervisorError(error, at: shared.clock()))
        }
    }

    /// Leaves all to the next start.
    private func leave() {
        do throws(LaminaError) {
            try indexer.stop(publishing: false)
        } catch {
            log.write("Cannot persist the last rows, the next start reads them again: \(error.message)")
        }
        shared.segments.unregister(indexer)
        ended(nil)
    }

    /// Ends with a failure; a new task goes on from what is durable, or, when the rows must not be kept, from what is committed.
    func fail(_ error: LaminaError) {
        log.write("Task failed: \(error.message)")
        closeSource()
        shared.segments.unregister(indexer)
        do throws(LaminaError) {
            try shared.segments.noteRewind(dataSource: spec.dataSource)
            if error.category == .conflict || error.code == "tooManyBadRows" {
                try indexer.discard()
                try host.withdrawAll()
                try removeTree(folder)
            } else {
                try indexer.abandon()
            }
        } catch {
            log.write("Cannot clean up: \(error.message)")
        }
        endEpochs(failed: error.message)
        ended(SupervisorError(error, at: shared.clock()))
    }

    private func ended(_ failure: SupervisorError?) {
        let listener = state.update { state in
            state.hasEnded = true
            state.failure = failure
            return state.onEnd
        }
        listener?(self, failure)
    }
}

extension StreamTask: StreamTaskOwner {
    var counters: StreamCounters { indexer.counters }
    var savedErrors: [JSON] { indexer.parseErrors }

    var taskConfig: JSONObject {
        [
            "consumerProperties": .object(config.consumerProperties), "pollTimeout": .int(config.pollTimeout),
            "inputFormat": config.inputFormat,
        ]
    }

    func shutDown(reason: String) { discard(reason) }
}
