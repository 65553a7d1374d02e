package import LaminaBase
import Synchronization

/// What became of pushed rows since the stream's start.
struct PushMeter: Sendable {
    var pushes: Int64 = 0
    var received: Int64 = 0
    var accepted: Int64 = 0
    var duplicate: Int64 = 0
    /// Pushes that were to come again later.
    var refused: Int64 = 0
    var rejected: [String: Int64] = [:]

    mutating func add(_ reply: PushReply, _ kinds: [String: Int] = [:]) {
        pushes += 1
        received += Int64(reply.received)
        accepted += Int64(reply.accepted)
        duplicate += Int64(reply.duplicate)
        for (kind, count) in kinds { rejected[kind, default: 0] += Int64(count) }
    }
}

extension PushStream {
    /// The indexer's view of the stream: position, sequences, what keeps it from going on; nil while it does not run.
    package var status: StreamStatus? { indexing.withLock { $0 }?.status }
    /// Rows by what became of them, also before a restart; nil while it does not run.
    package var counters: StreamCounters? { indexing.withLock { $0 }?.counters }
    package var parseErrors: [JSON] { indexing.withLock { $0 }?.parseErrors ?? [] }

    /// What only pushes have: since the start, and what is kept on disk.
    package var pushStatus: JSON {
        let meter = meter.withLock { $0 }
        let (requests, bytes) = load.read { ($0.requests, $0.bytes) }
        let rejected = meter.rejected.sorted { $0.key < $1.key }
        let letterCounts = letters.counts.sorted { $0.key < $1.key }
        return [
            "phase": .string(phase.name),
            "pushes": .int(meter.pushes), "received": .int(meter.received), "accepted": .int(meter.accepted),
            "duplicate": .int(meter.duplicate), "refused": .int(meter.refused),
            "rejected": .object(JSONObject(rejected.map { ($0.key, .int($0.value)) })),
            "pendingRequests": .int(Int64(requests)), "pendingBytes": .int(Int64(bytes)),
            "journal": [
                "first": .int(journal.first), "next": .int(journal.next), "bytes": .int(journal.byteCount),
                "files": .int(Int64(journal.fileCount)),
            ],
            "idempotencyKeys": .int(Int64(keys.keyCount)), "producers": .int(Int64(keys.producerCount)),
            "deadLetters": .object(JSONObject(letterCounts.map { ($0.key, .int(Int64($0.value))) })),
        ]
    }
}

extension PushStream.Phase {
    package var name: String {
        switch self {
        case .stopped: "STOPPED"
        case .starting: "STARTING"
        case .running: "RUNNING"
        case .suspended: "SUSPENDED"
        case .recovering: "RECOVERING"
        case .failed: "FAILED"
        }
    }
}

extension StreamIndexer {
    /// Why it must be given up, if it must.
    var failure: LaminaError? { state.read { $0.failure } }
    /// What is in its own files: the journal need not hold what is before.
    var persistedPosition: StreamPosition { state.read { $0.committed.position } }
}
