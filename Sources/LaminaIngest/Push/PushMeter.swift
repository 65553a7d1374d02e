package import LaminaBase
import Synchronization

/// What became of pushed rows since the stream was made, or reset. Kept in a file that is written about once a second: what a dying process
/// had counted since then is missing. Exact whatever happens are the indexer's counters.
struct PushMeter: Sendable {
    var pushes: Int64 = 0
    var received: Int64 = 0
    var accepted: Int64 = 0
    var duplicate: Int64 = 0
    /// Pushes that were to come again later.
    var refused: Int64 = 0
    var rejected: [String: Int64] = [:]
    /// When it began to count.
    let since: Int64
    /// The file: as it was written last, and when.
    var kept: (bytes: [UInt8], at: Double) = ([], 0)
    /// Why it could not be written, for the log to say it once.
    var trouble: String?

    static let fileName = "counters.json"

    init(since: Int64) { self.since = since }

    private static var parts: [(name: String, path: WritableKeyPath<PushMeter, Int64>)] {
        [
            ("pushes", \.pushes), ("received", \.received), ("accepted", \.accepted), ("duplicate", \.duplicate),
            ("refused", \.refused),
        ]
    }

    init(storedIn folder: String, now: Int64) throws(LaminaError) {
        guard let bytes = try readFile("\(folder)/\(Self.fileName)") else {
            self.init(since: now)
            return
        }
        let json = try JSONParser.parse(bytes)
        self.init(since: json["since"]?.stringValue.flatMap { try? parseInstant($0) } ?? now)
        for (name, path) in Self.parts { self[keyPath: path] = json[name]?.intValue ?? 0 }
        for (kind, count) in json["rejected"]?.objectValue?.entries ?? [] { rejected[kind] = count.intValue }
        kept.bytes = bytes
    }

    /// As it is kept and shown.
    var json: JSONObject {
        var json: JSONObject = ["since": .string(instantText(since))]
        for (name, path) in Self.parts { json[name] = .int(self[keyPath: path]) }
        let kinds = rejected.sorted { $0.key < $1.key }
        json["rejected"] = .object(JSONObject(kinds.map { ($0.key, .int($0.value)) }))
        return json
    }

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
    /// Rows by what became of them, also before a restart; nil before its first start.
    package var counters: StreamCounters? { indexing.withLock { $0 }?.counters ?? lastCounters.withLock { $0 } }
    package var parseErrors: [JSON] { indexing.withLock { $0 }?.parseErrors ?? [] }

    /// Writes the counters down when they changed, about once a second.
    func keepMeter(isLast: Bool = false) {
        let now = monotonicSeconds()
        let bytes: [UInt8]? = meter.withLock { meter in
            if !isLast, now - meter.kept.at < 1 { return nil }
            let bytes = Array(JSON.object(meter.json).text.utf8)
            defer { meter.kept = (bytes, now) }
            return bytes == meter.kept.bytes ? nil : bytes
        }
        guard let bytes else { return }
        var trouble: String?
        do throws(LaminaError) {
            try writeFile("\(folder)/\(PushMeter.fileName)", bytes)
        } catch {
            trouble = error.message
        }
        let isNew = meter.withLock { meter in
            if trouble != nil { meter.kept.bytes = [] }
            defer { meter.trouble = trouble }
            return meter.trouble != trouble
        }
        if isNew, let trouble { options.log("The counters of \(dataSource) cannot be written down: \(trouble)") }
    }

    /// What only pushes have: counts, and what is kept on disk.
    package var pushStatus: JSON {
        let meter = meter.withLock { $0.json }
        let (requests, bytes) = load.read { ($0.requests, $0.bytes) }
        let letterCounts = letters.counts.sorted { $0.key < $1.key }
        var status: JSONObject = ["phase": .string(phase.name)]
        for (key, value) in meter.entries { status[key] = value }
        let rest: JSONObject = [
            "pendingRequests": .int(Int64(requests)), "pendingBytes": .int(Int64(bytes)),
            "journal": [
                "first": .int(journal.first), "next": .int(journal.next), "bytes": .int(journal.byteCount),
                "files": .int(Int64(journal.fileCount)),
            ],
            "idempotencyKeys": .int(Int64(keys.keyCount)), "producers": .int(Int64(keys.producerCount)),
            "deadLetters": .object(JSONObject(letterCounts.map { ($0.key, .int(Int64($0.value))) })),
        ]
        for (key, value) in rest.entries { status[key] = value }
        return .object(status)
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
    /// All before it is published: the journal need not hold it. What is only in its own files is read again when it cannot be published as
    /// it is.
    var publishedPosition: StreamPosition { state.read { $0.sequences.first?.start ?? $0.position } }
}
