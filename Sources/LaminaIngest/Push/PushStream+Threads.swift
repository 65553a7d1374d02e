import Glibc
import LaminaBase
import Synchronization

/// The stream's two threads: one writes, one indexes.
extension PushStream {
    func startThreads() throws(LaminaError) {
        toJournal.update { $0.open() }
        toIndex.update { $0.open() }
        let writer = try WorkerThread(name: "push-journal") { [self] in writeJournal() }
        threads.withLock { $0.append(writer) }
        let indexer = try WorkerThread(name: "push-index") { [self] in index() }
        threads.withLock { $0.append(indexer) }
    }

    /// Lets what is under way end, and the threads with it.
    func stopThreads() {
        toJournal.update { $0.close() }
        let running = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in running { thread.join() }
    }

    /// Everything that waits is written and synced at once.
    private func writeJournal() {
        while let tickets = toJournal.wait(until: { $0.takeAll() }), !tickets.isEmpty {
            do throws(LaminaError) {
                let first = try journal.append(tickets.map(\.entry))
                for (index, ticket) in tickets.enumerated() {
                    if let identity = ticket.record.identity { keys.remember(identity, time: ticket.record.time) }
                    _ = toIndex.update { $0.put((first + Int64(index), ticket)) }
                }
            } catch {
                options.log("The push stream of \(dataSource) cannot write: \(error.message)")
                let failure = LaminaError.pushUnavailable("Nothing was stored: \(error.message)")
                for ticket in tickets { resolve(ticket, failure) }
            }
        }
        toIndex.update { $0.close() }
    }

    private func index() {
        var next = indexing.withLock { $0?.position[partition] } ?? journal.first
        var isStuck = false
        while true {
            let work = toIndex.wait(milliseconds: 200) { $0.takeAll() }
            if let work, work.isEmpty { return }
            for (sequence, ticket) in work ?? [] {
                // What a recovery has read from the journal is in already. Behind one that is not in, none may be.
                if !isStuck, sequence >= next {
                    if let end = append(ticket, sequence) { next = end } else { isStuck = true }
                }
                resolve(ticket, sequence < next ? nil : notIndexed)
            }
            if isStuck { continue }
            guard let indexer = indexing.withLock({ $0 }) else { continue }
            indexer.tick(now: options.clock())
            keepMeter()
            options.onTick()
            if let failure = indexer.failure {
                next = recover(from: indexer, after: failure) ?? next
                continue
            }
            do throws(LaminaError) {
                try trimJournal(below: indexer.publishedPosition[partition] ?? 0)
            } catch {
                options.log("The journal of \(dataSource) cannot be shortened: \(error.message)")
            }
        }
    }

    /// Lets the request answer, and those that wait with the same key.
    private func resolve(_ ticket: PushTicket, _ error: LaminaError?) {
        if let identity = ticket.record.identity { keys.finish(identity) }
        leave(ticket.charge)
        if let error { ticket.fail(error) } else { ticket.finish() }
    }

    private var notIndexed: LaminaError {
        .pushUnavailable(
            "The rows are written down, but not visible before the stream of datasource '\(dataSource)' goes on: push again with "
                + "the same key then"
        )
    }

    /// Tries until the rows are in, or the stream stops.
    /// - Returns: the number to go on with; nil when they are not in.
    private func append(_ ticket: PushTicket, _ sequence: Int64) -> Int64? {
        var pause: Int64 = 50
        while let indexer = indexing.withLock({ $0 }) {
            do throws(LaminaError) {
                if ticket.indexer === indexer {
                    try settle(sequence, ticket.record, ticket.body)
                    ticket.prepared.records.next = [partition: sequence + 1]
                    try indexer.append(ticket.prepared)
                } else {
                    try replay(sequence, ticket.record, ticket.body, into: indexer)
                }
                return sequence + 1
            } catch {
                if let failure = indexer.failure {
                    guard let next = recover(from: indexer, after: failure) else { return nil }
                    if next > sequence { return next }
                    continue
                }
                options.log("Rows pushed to \(dataSource) cannot be taken in yet: \(error.message)")
                if isClosing(after: pause) { return nil }
                pause = min(pause * 2, 5000)
            }
        }
        return nil
    }

    private func isClosing(after milliseconds: Int64) -> Bool {
        toJournal.wait(milliseconds: milliseconds) { $0.isClosed ? true : nil } ?? false
    }

    /// Dead letters of a push: kept, or no longer such. Done before its rows are appended, so that a position never passes them.
    private func settle(_ sequence: Int64, _ record: PushRecord, _ body: [UInt8]) throws(LaminaError) {
        if !record.letters.isEmpty { try letters.remove(record.letters) }
        guard !record.rejects.isEmpty, sequence > letters.through else { return }
        let stored = Set(record.records)
        try letters.add(
            record.rejects.map { reject in
                var letter = DeadLetter(
                    time: record.time,
                    kind: reject.kind,
                    reason: reject.reason,
                    origin: "push \(sequence), row \(reject.row)",
                    text: Array(body[reject.range])
                )
                // Of several rows in one record, others were stored: trying it again would double them.
                if stored.contains(reject.range) { letter.isCut = true }
                return letter
            },
            through: sequence
        )
    }

    /// Takes a push in again as it was taken in the first time.
    private func replay(
        _ sequence: Int64,
        _ record: PushRecord,
        _ body: [UInt8],
        into indexer: StreamIndexer
    ) throws(LaminaError) {
        var batch = RecordBatch()
        batch.setRecords(record.records, of: body, partition: partition)
        let prepared = try indexer.prepare(batch, bounds: record.bounds)
        // What was stored then and cannot be now, under another spec, must not vanish. Records of several rows had bad ones before.
        let known = Set(record.rejects.map(\.range))
        let now = PushSummary(prepared).record(time: record.time, identity: nil, letters: [])
        prepared.counts.add(record.rejectedCounts)
        var record = record
        record.rejects += now.rejects.filter { !known.contains($0.range) }
        try settle(sequence, record, body)
        prepared.records.next = [partition: sequence + 1]
        try indexer.append(prepared)
    }

    /// Takes the journal in from the indexer's position.
    /// - Returns: the number behind the last record.
    func replayJournal(into indexer: StreamIndexer) throws(LaminaError) -> Int64 {
        indexer.begin([partition: journal.first])
        var next = indexer.position[partition] ?? journal.first
        if next > journal.next {
            options.log(
                "The journal of \(dataSource) ends at \(journal.next), before the committed \(next): it goes on from there"
            )
            try journal.restart(at: next)
        }
        try journal.read(from: next) { entry throws(LaminaError) in
            let record = try self.decoded(entry, checksBody: true)
            try self.replay(entry.sequence, record, entry.body, into: indexer)
            next = entry.sequence + 1
            return true
        }
        return next
    }

    func decoded(_ entry: Journal.Record, checksBody: Bool) throws(LaminaError) -> PushRecord {
        do throws(HeadReader.Malformed) {
            let record = try PushRecord(head: entry.head)
            guard !checksBody || record.fits(entry.body.count) else { throw HeadReader.Malformed() }
            return record
        } catch {
            throw journal.unreadable(entry.sequence)
        }
    }

    /// After an error that ended the indexer: a new one reads its files, and the journal, again. Tries until it works or the stream stops.
    /// - Returns: the number behind the last push that is indexed; nil when the stream stops.
    private func recover(from indexer: StreamIndexer, after error: LaminaError) -> Int64? {
        var reason = error
        var pause: Int64 = 100
        // First the phase: who finds no indexer in a stream that runs, waits for one.
        noteRecovery(reason)
        indexing.withLock { $0 = nil }
        abandon(indexer)
        while true {
            options.log("The push stream of \(dataSource) reads its journal again: \(reason.message)")
            noteRecovery(reason)
            do throws(LaminaError) {
                let next = try openIndexer()
                load.update { load in if case .recovering = load.phase { load.phase = .running } }
                return next
            } catch {
                reason = error
            }
            if isClosing(after: pause) { return nil }
            pause = min(pause * 2, 10_000)
        }
    }

    private func noteRecovery(_ reason: LaminaError) {
        load.update { load in
            switch load.phase {
            case .running, .recovering: load.phase = .recovering(reason.message)
            default: break
            }
        }
    }

    /// Journal files whose rows are all published go; their keys are written down before.
    func trimJournal(below sequence: Int64) throws(LaminaError) {
        let end = journal.removable(below: sequence)
        let first = journal.first
        guard end > first else { return }
        var pushes: [(identity: PushIdentity, time: Int64)] = []
        try journal.read(from: first, headsOnly: true) { entry throws(LaminaError) in
            guard entry.sequence < end else { return false }
            let record = try self.decoded(entry, checksBody: false)
            if let identity = record.identity { pushes.append((identity, record.time)) }
            return true
        }
        try keys.save(pushes, now: options.clock())
        try journal.removeFiles(below: sequence)
    }

    func restoreKeys() throws(LaminaError) {
        let now = options.clock()
        try journal.read(from: journal.first, headsOnly: true) { entry throws(LaminaError) in
            let record = try self.decoded(entry, checksBody: false)
            if let identity = record.identity { self.keys.restore(identity, time: record.time, now: now) }
            return true
        }
    }
}
