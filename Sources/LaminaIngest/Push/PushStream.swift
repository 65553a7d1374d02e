package import LaminaBase
package import LaminaQuery
import Synchronization

/// A datasource that takes rows by push: journal, indexer, and the two threads between them.
///
/// A push goes frame → prepare (in the request's thread) → journal, synced together with others that wait → index, in the journal's
/// order → answer: what was answered with success is on disk and visible. At a start the journal is taken in again from where the
/// indexer's files end, under the same bounds and with the same rejects as the first time.
///
/// Safe to use from any thread.
package final class PushStream: Sendable {
    package enum Phase: Sendable, Equatable {
        case stopped, starting, running, suspended
        /// Reading the journal again after something failed.
        case recovering(String)
        /// It could not start.
        case failed(String)
    }

    package struct Options: Sendable {
        package var lookups: LookupResolver?
        package var clock: @Sendable () -> Int64 = { wallMilliseconds() }
        package var log: @Sendable (String) -> Void = { _ in }
        /// Called several times a second while it runs.
        package var onTick: @Sendable () -> Void = {}
        /// How long a request waits for its rows to be visible.
        package var waitMilliseconds: Int64 = 30_000
        package var journal = Journal.Options()
        /// The indexer's; for tests.
        package var probe: (@Sendable (StreamStep) throws(LaminaError) -> Void)?

        package init() {}
    }

    struct Load: Sendable {
        var phase = Phase.stopped
        var requests = 0
        var bytes = 0
        /// Nobody waits for publishing any more.
        var leavesPublishing = false
    }

    package let spec: PushSpec
    /// Of its sequences.
    package let name: String
    package let folder: String
    package let letters: DeadLetters
    let options: Options
    let host: any StreamHost
    let framing: PushFraming
    let journal: Journal
    let keys: PushKeys
    let load = Monitor(Load())
    let toJournal = Monitor(PushQueue<PushTicket>())
    let toIndex = Monitor(PushQueue<(sequence: Int64, ticket: PushTicket)>())
    let threads = Mutex<[WorkerThread]>([])
    let indexing = Mutex<StreamIndexer?>(nil)
    let meter: Mutex<PushMeter>
    /// Of the last indexer, for when there is none.
    let lastCounters = Mutex<StreamCounters?>(nil)
    /// Held by whoever starts, stops or resets the stream.
    let lifecycle = Mutex(())
    let replaying = Mutex(false)

    /// Opens what is in the folder; `start` serves.
    /// - Parameter name: what its sequences begin with (`index_push_<datasource>_<hash>`); the same after a restart.
    package init(
        _ spec: PushSpec,
        name: String,
        folder: String,
        host: any StreamHost,
        options: Options = Options()
    ) throws(LaminaError) {
        self.spec = spec
        self.name = name
        self.folder = folder
        self.host = host
        self.options = options
        framing = PushFraming(spec.stream.inputFormat, timestamp: spec.stream.schema.timestamp)
        journal = try Journal(folder: "\(folder)/journal", options: options.journal, log: options.log)
        keys = try PushKeys(
            folder: "\(folder)/keys",
            period: spec.idempotencyPeriod,
            keysMax: spec.maxIdempotencyKeys,
            now: options.clock(),
            log: options.log
        )
        letters = try DeadLetters(
            folder: "\(folder)/deadletters",
            bytesMax: spec.maxDeadLetterBytes,
            log: options.log
        )
        meter = Mutex(try PushMeter(storedIn: folder, now: options.clock()))
        try restoreKeys()
    }

    package var dataSource: String { spec.stream.dataSource }
    package var phase: Phase { load.read { $0.phase } }
    /// Where its commits count: the journal's numbers.
    package var partition: StreamPartition { StreamPartition(topic: dataSource, number: 0) }

    // MARK: taking in

    /// Takes a push in, and answers when its rows are stored and visible.
    /// - Errors: `capacityExceeded` and `serviceUnavailable` with `retryAfter` in the context: nothing was stored; `invalidInput` for a
    ///   body that cannot be read, code `unsupportedMediaType` for a type of body that is not taken.
    package func accept(_ push: PushRequest) throws(LaminaError) -> PushOutcome {
        var charge = push.body.count
        try admit(charge)
        let batch: RecordBatch
        do throws(LaminaError) {
            batch = try framing.records(of: push.body, mediaType: push.mediaType, partition: partition)
            // Many short rows, or rows with a header each, are more than their body.
            try admit(more: batch.weight - charge)
            charge = max(charge, batch.weight)
        } catch {
            leave(charge)
            throw error
        }
        return try take(batch, charge: charge, identity: push.identity, isAtomic: push.isAtomic, letters: [])
    }

    /// - Parameters:
    ///   - charge: bytes that were admitted for it. They count until the stream is through with it, also when nobody waits any more.
    ///   - letters: the dead letter that each record was.
    func take(
        _ batch: RecordBatch,
        charge: Int,
        identity: PushIdentity?,
        isAtomic: Bool,
        letters: [Int64]
    ) throws(LaminaError) -> PushOutcome {
        let now = options.clock()
        // From the queue on, the threads let go of the charge and the key, as they know when it is done.
        var isHeld = true
        defer { if isHeld { leave(charge) } }
        if let identity, try keys.claim(identity, now: now, milliseconds: options.waitMilliseconds) {
            let reply = PushReply(received: batch.records.count, duplicate: batch.records.count)
            meter.withLock { $0.add(reply) }
            return .done(reply)
        }
        defer { if isHeld, let identity { keys.finish(identity) } }
        guard let indexer = indexing.withLock({ $0 }) else { throw notRunning(phase) }
        let prepared = try indexer.prepare(batch, bounds: indexer.bounds)
        let summary = PushSummary(prepared)
        if isAtomic, summary.reply.rejected > 0 {
            var reply = summary.reply
            reply.accepted = 0
            return .refused(reply)
        }
        let record = summary.record(time: now, identity: identity, letters: letters)
        if record.hasEffect {
            let ticket = PushTicket(
                record: record,
                body: batch.bytes,
                prepared: prepared,
                indexer: indexer,
                charge: charge
            )
            guard toJournal.update({ $0.put(ticket) }) else { throw notRunning(phase) }
            isHeld = false
            try ticket.wait(milliseconds: options.waitMilliseconds)
        }
        meter.withLock { $0.add(summary.reply, summary.kinds) }
        return .done(summary.reply)
    }

    func admit(_ bytes: Int) throws(LaminaError) {
        let problem = load.update { load -> LaminaError? in
            guard load.phase == .running else { return self.notRunning(load.phase) }
            guard load.requests < self.spec.maxPendingRequests,
                load.requests == 0 || load.bytes + bytes <= self.spec.maxPendingBytes
            else { return self.busy(load) }
            load.requests += 1
            load.bytes += bytes
            return nil
        }
        if let problem {
            meter.withLock { $0.refused += 1 }
            throw problem
        }
    }

    /// A push that was admitted needs more than its body said.
    private func admit(more bytes: Int) throws(LaminaError) {
        guard bytes > 0 else { return }
        let problem = load.update { load -> LaminaError? in
            guard load.requests == 1 || load.bytes + bytes <= self.spec.maxPendingBytes else { return self.busy(load) }
            load.bytes += bytes
            return nil
        }
        if let problem {
            meter.withLock { $0.refused += 1 }
            throw problem
        }
    }

    private func busy(_ load: Load) -> LaminaError {
        .pushBusy(
            "\(load.requests) pushes with \(load.bytes) bytes are being worked on for datasource '\(dataSource)', which is as many "
                + "as it takes at once",
            retryAfter: 1
        )
    }

    func leave(_ bytes: Int) {
        load.update { load in
            load.requests -= 1
            load.bytes -= bytes
        }
    }

    /// Why pushes are not taken at the moment.
    package var refusalNow: LaminaError { notRunning(phase) }

    func notRunning(_ phase: Phase) -> LaminaError {
        switch phase {
        case .running: .pushUnavailable("The push stream of datasource '\(dataSource)' is stopping")
        case .starting:
            .pushUnavailable(
                "The push stream of datasource '\(dataSource)' is starting: its journal is being read",
                retryAfter: 1
            )
        case .suspended:
            .pushUnavailable(
                "The push stream of datasource '\(dataSource)' is suspended: resume its supervisor",
                retryAfter: 30
            )
        case .stopped: .pushUnavailable("The push stream of datasource '\(dataSource)' is stopped")
        case .recovering(let reason):
            .pushUnavailable(
                "The push stream of datasource '\(dataSource)' reads its journal again after an error: \(reason)"
            )
        case .failed(let reason):
            .pushUnavailable("The push stream of datasource '\(dataSource)' cannot run: \(reason)", retryAfter: 60)
        }
    }
}

/// What waits for a thread.
struct PushQueue<Element: Sendable>: Sendable {
    private(set) var waiting: [Element] = []
    private(set) var isClosed = true

    mutating func open() { isClosed = false }
    mutating func close() { isClosed = true }

    /// False when nobody will take it.
    mutating func put(_ element: Element) -> Bool {
        guard !isClosed else { return false }
        waiting.append(element)
        return true
    }

    /// All that waits; an empty list once closed and empty; nil when there is nothing yet.
    mutating func takeAll() -> [Element]? {
        guard !waiting.isEmpty || isClosed else { return nil }
        defer { waiting = [] }
        return waiting
    }
}
