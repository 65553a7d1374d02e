import LaminaBase
import LaminaBitmaps
import LaminaQuery
import LaminaSegment

/// Walks the rows of a segment that a query wants: cut to its intervals, filtered, batch by batch.
final class RowWalk {
    let scan: SegmentScan
    /// Ranges of rows to look at, ascending.
    let ranges: [Range<Int>]
    private let bitmap: RoaringBitmap?
    private let matcher: Matcher?
    private let isEmpty: Bool
    /// Intervals still to be tested row by row (rows are not in order of time).
    private let untestedIntervals: [Interval]?
    private let times: NumericInput<Int64>?

    init(_ scan: SegmentScan, _ input: SegmentInput, filter: Filter?) throws(LaminaError) {
        self.scan = scan
        let (ranges, untested) = try rowRanges(of: input)
        self.ranges = ranges
        untestedIntervals = untested
        let times = untested == nil ? nil : try scan.longInput("__time")
        self.times = times
        var plans: [FilterPlan] = []
        let rowsWanted = ranges.reduce(0) { $0 + $1.count }
        if let untested, let times { plans.append(.rows(TimeMatcher(times, in: untested))) }
        if let filter, rowsWanted > 0 {
            plans.append(try FilterCompiler(scan: scan, rowsWanted: rowsWanted).plan(filter))
        }
        let plan = FilterPlan.and(plans)
        isEmpty = plan.isNone || rowsWanted == 0
        bitmap = plan.bitmap
        matcher =
            plan.matchers.isEmpty ? nil : plan.matchers.count == 1 ? plan.matchers[0] : AndMatcher(plan.matchers)
    }

    /// How many rows lie in the wanted intervals, filter aside (an upper bound where rows are not in order of time).
    var rowCount: Int { ranges.reduce(0) { $0 + $1.count } }

    private let mask = Scratch<UInt64>(maskWords(batchRowsMax))
    private let selected = Scratch<UInt32>(batchRowsMax)
    private let gatheredSlots = Scratch<UInt32>(batchRowsMax)
    /// Where `next` goes on.
    private var rangeIndex = 0
    private var nextRow: Int?

    /// Calls `body` with every batch that has selected rows; stops when it says false.
    func forEachBatch(_ body: (Batch, SlotSet) throws(LaminaError) -> Bool) throws(LaminaError) {
        while let rows = try next() {
            if try !body(scan.batch, rows) { return }
        }
    }

    /// Loads the next batch with selected rows into the scan's batch; nil at the end.
    func next() throws(LaminaError) -> SlotSet? {
        if isEmpty { return nil }
        while rangeIndex < ranges.count {
            let range = ranges[rangeIndex]
            let start = nextRow ?? range.lowerBound
            if start >= range.upperBound {
                rangeIndex += 1
                nextRow = nil
                continue
            }
            try scan.run.poll()
            // Batches begin at multiples of their size, where the blocks of columns do.
            let end = min((start / batchRowsMax + 1) * batchRowsMax, range.upperBound)
            nextRow = end
            if bitmap == nil, matcher == nil {
                scan.batch.set(rows: start..<end)
                return SlotSet(slots: nil, count: end - start)
            }
            if let set = try select(start..<end, mask.pointer, selected.pointer) { return set }
        }
        return nil
    }

    /// The selected slots of a range of rows; nil when there are none.
    private func select(
        _ rows: Range<Int>,
        _ mask: UnsafeMutablePointer<UInt64>,
        _ selected: UnsafeMutablePointer<UInt32>
    ) throws(LaminaError) -> SlotSet? {
        let words = maskWords(rows.count)
        let batch = scan.batch
        if let bitmap {
            bitmap.fillMask(mask, rows: rows)
            let found = maskCount(mask, words: words)
            if found == 0 { return nil }
            if matcher == nil, found == rows.count {
                batch.set(rows: rows)
                return SlotSet(slots: nil, count: found)
            }
            if found <= rows.count / 16 {
                // Few rows: fetch only them.
                let count = maskList(mask, words: words, base: UInt32(rows.lowerBound), into: selected)
                batch.set(rows: rows, gathered: selected, count: count)
                guard let matcher else { return SlotSet(slots: nil, count: count) }
                return try refineGathered(matcher, count, mask)
            }
        } else {
            maskFill(mask, bits: rows.count)
        }
        batch.set(rows: rows)
        if let matcher { try matcher.refine(batch, mask) }
        return slots(mask, rows.count, selected)
    }

    private func slots(
        _ mask: UnsafePointer<UInt64>,
        _ bits: Int,
        _ selected: UnsafeMutablePointer<UInt32>
    ) -> SlotSet? {
        let words = maskWords(bits)
        let found = maskCount(mask, words: words)
        if found == 0 { return nil }
        if found == bits { return SlotSet(slots: nil, count: found) }
        return SlotSet(slots: UnsafePointer(selected), count: maskList(mask, words: words, base: 0, into: selected))
    }

    /// Applies the matcher to gathered rows.
    private func refineGathered(
        _ matcher: Matcher,
        _ count: Int,
        _ mask: UnsafeMutablePointer<UInt64>
    ) throws(LaminaError) -> SlotSet? {
        maskFill(mask, bits: count)
        try matcher.refine(scan.batch, mask)
        return slots(mask, count, gatheredSlots.pointer)
    }

    /// Time of the first stored row in the wanted intervals, filter aside; nil when there is none.
    func firstTime() throws(LaminaError) -> Int64? {
        let times = try scan.longInput("__time")
        for range in ranges where !range.isEmpty {
            guard let untestedIntervals else {
                scan.batch.set(rows: range.lowerBound..<range.lowerBound + 1)
                return try times.vector(scan.batch).values[0]
            }
            var start = range.lowerBound
            while start < range.upperBound {
                try scan.run.poll()
                let end = min((start / batchRowsMax + 1) * batchRowsMax, range.upperBound)
                scan.batch.set(rows: start..<end)
                let vector = try times.vector(scan.batch)
                for slot in 0..<(end - start)
                where untestedIntervals.contains(where: { $0.contains(vector.values[slot]) }) {
                    return vector.values[slot]
                }
                start = end
            }
        }
        return nil
    }
}

/// The rows of a segment in its wanted intervals: by search where rows are in order of time; else all rows, and the
/// intervals that must be tested row by row.
func rowRanges(of input: SegmentInput) throws(LaminaError) -> (ranges: [Range<Int>], untested: [Interval]?) {
    let view = input.view
    let all = input.rows.map { $0.clamped(to: 0..<view.rowCount) } ?? 0..<view.rowCount
    if input.extent?.isCut == true { return (all.isEmpty ? [] : [all], nil) }
    guard !all.isEmpty, let bounds = try view.timeBounds else { return ([], nil) }
    let wanted = input.intervals.filter { $0.start <= bounds.max && $0.end > bounds.min }
    if wanted.isEmpty { return ([], nil) }
    if wanted.contains(where: { $0.start <= bounds.min && $0.end > bounds.max }) { return ([all], nil) }
    guard view.isTimeOrdered else { return ([all], wanted) }
    guard case .long(let column)? = try view.column("__time") else {
        throw .corrupt("the time column is missing", at: input.id)
    }
    let reader = column.makeReader()
    var ranges: [Range<Int>] = []
    for interval in wanted {
        let low = try firstRow(reader, all, notBefore: interval.start)
        let high = try firstRow(reader, low..<all.upperBound, notBefore: interval.end)
        if low < high { ranges.append(low..<high) }
    }
    return (ranges, nil)
}

/// The first row of an ordered range whose time is not before an instant; the range's end when there is none.
private func firstRow(
    _ reader: any ValueReader<Int64>,
    _ rows: Range<Int>,
    notBefore instant: Int64
) throws(LaminaError) -> Int {
    var low = rows.lowerBound
    var high = rows.upperBound
    while low < high {
        let middle = low + (high - low) / 2
        let time = try reader.read(middle..<middle + 1)
        if !time.isEmpty, time[0] < instant { low = middle + 1 } else { high = middle }
    }
    return low
}
