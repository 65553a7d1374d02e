import LaminaBase

/// The head of a push in the journal: all that is needed to take it in again exactly as the first time. The body beside it is the
/// bytes that `records` point into.
struct PushRecord: Sendable {
    /// A row that was not stored.
    struct Reject: Sendable, Equatable {
        /// Its place among the push's records.
        var row: Int
        var kind: String
        var reason: String
        /// Its bytes.
        var range: Range<Int>
    }

    /// Wall clock, ms.
    var time: Int64
    /// The times that were taken.
    var bounds: RowBounds
    var identity: PushIdentity?
    /// Records of the body, however they ended.
    var received: Int
    /// Those that hold rows which were stored.
    var records: [Range<Int>]
    var rejects: [Reject]
    /// Dead letters that these rows were, and that are so no longer.
    var letters: [Int64]

    func head() -> [UInt8] {
        var head = HeadWriter()
        head.put(1)
        head.put(time)
        head.put(bounds.min)
        head.put(bounds.max)
        if let identity { identity.write(to: &head) } else { head.put(0) }
        head.put(received)
        Self.put(records, to: &head)
        head.put(rejects.count)
        for reject in rejects {
            head.put(reject.row)
            head.put(reject.kind)
            head.put(reject.reason)
            head.put(reject.range.lowerBound)
            head.put(reject.range.count)
        }
        head.put(letters.count)
        for letter in letters { head.put(letter) }
        return head.bytes
    }

    private static func put(_ ranges: [Range<Int>], to head: inout HeadWriter) {
        head.put(ranges.count)
        var end = 0
        for range in ranges {
            head.put(range.lowerBound - end)
            head.put(range.count)
            end = range.upperBound
        }
    }

    /// - Errors: a head that this version does not know.
    init(head bytes: [UInt8]) throws(HeadReader.Malformed) {
        var head = HeadReader(bytes)
        guard try head.number() == 1 else { throw HeadReader.Malformed() }
        time = try head.time()
        bounds = RowBounds(min: Int64(try head.number()), max: Int64(try head.number()))
        identity = try PushIdentity.read(from: &head)
        received = try head.number()
        records = try Self.ranges(&head)
        rejects = []
        for _ in 0..<(try head.count()) {
            let (row, kind, reason) = (try head.number(), try head.text(), try head.text())
            let range = try Self.range(from: try head.number(), count: try head.number())
            rejects.append(Reject(row: row, kind: kind, reason: reason, range: range))
        }
        letters = []
        for _ in 0..<(try head.count()) { letters.append(Int64(try head.number())) }
    }

    init(
        time: Int64,
        bounds: RowBounds,
        identity: PushIdentity?,
        received: Int,
        records: [Range<Int>],
        rejects: [Reject],
        letters: [Int64]
    ) {
        self.time = time
        self.bounds = bounds
        self.identity = identity
        self.received = received
        self.records = records
        self.rejects = rejects
        self.letters = letters
    }

    private static func ranges(_ head: inout HeadReader) throws(HeadReader.Malformed) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        let count = try head.count()
        ranges.reserveCapacity(count)
        var end = 0
        for _ in 0..<count {
            let (gap, length) = (try head.number(), try head.number())
            let (start, overflow) = end.addingReportingOverflow(gap)
            guard !overflow else { throw HeadReader.Malformed() }
            let range = try range(from: start, count: length)
            ranges.append(range)
            end = range.upperBound
        }
        return ranges
    }

    private static func range(from start: Int, count: Int) throws(HeadReader.Malformed) -> Range<Int> {
        guard start >= 0, count >= 0, start <= JournalFrame.lengthMax, count <= JournalFrame.lengthMax else {
            throw HeadReader.Malformed()
        }
        return start..<start + count
    }

    /// Whether the body is not needed.
    var isEmpty: Bool { records.isEmpty && rejects.isEmpty }

    /// Whether it is worth writing down.
    var hasEffect: Bool { received > 0 || identity != nil }

    /// Rejected rows that are not among `records`, and so are not counted when those are taken in again.
    var rejectedCounts: StreamCounts {
        var counts = StreamCounts()
        guard !rejects.isEmpty else { return counts }
        let stored = Set(records)
        for reject in rejects where !stored.contains(reject.range) {
            switch PreparedRecords.Reason(rawValue: reject.kind) {
            case .late: counts.late += 1
            case .early: counts.early += 1
            default: counts.unparseable += 1
            }
        }
        return counts
    }

    /// Whether every range lies in a body of that many bytes.
    func fits(_ count: Int) -> Bool {
        records.allSatisfy { $0.upperBound <= count } && rejects.allSatisfy { $0.range.upperBound <= count }
    }
}
