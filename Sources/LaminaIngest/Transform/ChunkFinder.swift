import LaminaBase

/// Where a row goes: its time chunk, and its bucket within it (0 unless hashed or range partitioned).
struct RowPlace: Sendable, Hashable {
    var chunk: Interval
    var bucket: Int
}

/// Finds the time chunk of instants. One per thread.
struct ChunkFinder {
    /// Which chunks there are.
    struct Rule: Sendable {
        /// Chunks fixed by the spec's intervals (sorted, disjoint): anything outside is thrown away. nil: any bucket.
        var fixed: [Interval]?
        var granularity: Granularity?
        /// Intervals of stored segments that rows are appended to, whatever the granularity (sorted, disjoint).
        var existing: [Interval]
        /// Whether a bucket ends where one of `existing` begins, instead of lying over it.
        var avoidsExisting = false
    }

    private let rule: Rule
    private var last: Interval?
    /// Whole days seen lately: calendar arithmetic is dear, and rows of one batch share days.
    private var days: [Int64]
    private var dayChunks: [Interval]

    init(_ rule: Rule) {
        self.rule = rule
        days = [Int64](repeating: Int64.min, count: 512)
        dayChunks = [Interval](repeating: Interval(start: 0, end: 0), count: 512)
    }

    /// The chunk, or nil when the row is to be thrown away.
    @inline(__always)
    mutating func chunk(_ instant: Int64) -> Interval? {
        if let last, last.start <= instant, instant < last.end { return last }
        let day = floorDivide(instant, millisecondsPerDay)
        let slot = Int(truncatingIfNeeded: day & 511)
        if days[slot] == day {
            last = dayChunks[slot]
            return last
        }
        guard let found = lookUp(instant) else { return nil }
        last = found
        let start = day &* millisecondsPerDay
        if found.start <= start, start &+ millisecondsPerDay <= found.end {
            days[slot] = day
            dayChunks[slot] = found
        }
        return found
    }

    private func lookUp(_ instant: Int64) -> Interval? {
        if let chunk = Self.find(instant, in: rule.existing) { return chunk }
        if let fixed = rule.fixed { return Self.find(instant, in: fixed) }
        guard Interval.eternity.contains(instant) else { return nil }
        guard var bucket = rule.granularity?.bucket(instant) else { return nil }
        guard rule.avoidsExisting else { return bucket }
        for interval in rule.existing where interval.overlaps(bucket) {
            if interval.end <= instant { bucket.start = max(bucket.start, interval.end) }
            if interval.start > instant { bucket.end = min(bucket.end, interval.start) }
        }
        return bucket
    }

    private static func find(_ instant: Int64, in intervals: [Interval]) -> Interval? {
        var low = 0
        var high = intervals.count
        while low < high {
            let middle = (low + high) / 2
            if intervals[middle].end <= instant { low = middle + 1 } else { high = middle }
        }
        return low < intervals.count && intervals[low].contains(instant) ? intervals[low] : nil
    }
}
