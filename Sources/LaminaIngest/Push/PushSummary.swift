import LaminaBase

/// What preparing a push has found out about its rows.
struct PushSummary {
    private(set) var reply = PushReply()
    /// Rejected rows by kind.
    private(set) var kinds: [String: Int] = [:]
    private let prepared: PreparedRecords
    private var rejects: [PushRecord.Reject] = []
    private var stored: [Range<Int>] = []

    init(_ prepared: PreparedRecords) {
        self.prepared = prepared
        let records = prepared.records.records
        var filtered = 0
        for rejection in prepared.rejections {
            if rejection.reason == .filtered {
                filtered += 1
                continue
            }
            let kind = rejection.reason.rawValue
            let reason = String(decoding: rejection.message.utf8.prefix(1000), as: UTF8.self)
            kinds[kind, default: 0] += 1
            reply.rejected += 1
            if reply.errors.count < PushReply.errorsMax {
                reply.errors.append(PushReply.RowError(row: rejection.record, reason: reason))
            }
            rejects.append(
                PushRecord.Reject(
                    row: rejection.record,
                    kind: kind,
                    reason: reason,
                    range: records[rejection.record].value ?? 0..<0
                )
            )
        }
        // What the spec's filter leaves out was taken in as the spec wants it.
        reply.accepted = prepared.acceptedRows + filtered
        reply.received = reply.accepted + reply.rejected
        // A record that was rejected is left out, unless it is one of several rows, of which some may count.
        let rejected = Set(rejects.map(\.row))
        let isRowEach = prepared.acceptedRows + filtered + rejected.count == records.count
        for (place, record) in records.enumerated() where !(isRowEach && rejected.contains(place)) {
            if let value = record.value { stored.append(value) }
        }
    }

    /// - Parameter letters: the dead letter that each record was, if they were some.
    func record(time: Int64, identity: PushIdentity?, letters: [Int64]) -> PushRecord {
        var record = PushRecord(
            time: time,
            bounds: prepared.bounds,
            identity: identity,
            received: reply.received,
            records: stored,
            rejects: rejects,
            letters: letters
        )
        guard !letters.isEmpty else { return record }
        // Those that are rejected again stay the letters they are.
        let rejected = Set(rejects.map(\.row))
        record.letters = letters.enumerated().filter { !rejected.contains($0.offset) }.map(\.element)
        record.rejects = []
        return record
    }
}
