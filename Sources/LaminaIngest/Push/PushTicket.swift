import LaminaBase

/// A push on its way through the stream's threads, and the place where its request waits.
final class PushTicket: Sendable {
    let record: PushRecord
    let body: [UInt8]
    let prepared: PreparedRecords
    /// The indexer that prepared it.
    let indexer: StreamIndexer
    /// Bytes that were admitted for it.
    let charge: Int
    private let outcome = Monitor<Outcome>(.pending)

    private enum Outcome: Sendable {
        case pending
        case done
        case failed(LaminaError)
    }

    init(record: PushRecord, body: [UInt8], prepared: PreparedRecords, indexer: StreamIndexer, charge: Int) {
        self.record = record
        self.body = body
        self.prepared = prepared
        self.indexer = indexer
        self.charge = charge
    }

    var entry: Journal.Entry { Journal.Entry(head: record.head(), body: record.isEmpty ? [] : body) }

    func finish() { outcome.update { $0 = .done } }
    func fail(_ error: LaminaError) { outcome.update { $0 = .failed(error) } }

    /// Until it is stored and visible.
    func wait(milliseconds: Int64) throws(LaminaError) {
        let end = outcome.wait(milliseconds: milliseconds) { outcome -> Outcome? in
            if case .pending = outcome { nil } else { outcome }
        }
        switch end {
        case .done: return
        case .failed(let error): throw error
        case .pending, nil:
            throw .pushUnavailable(
                "The rows are written down, but not visible yet, as the stream is behind: a push with the same key will tell when"
            )
        }
    }
}
