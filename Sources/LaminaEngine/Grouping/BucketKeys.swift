import LaminaBase
import LaminaQuery
import LaminaSegment

/// Up to this many time buckets count as a small key.
private let countedBucketsMax = 4096

/// The time bucket of each row as a grouping key. Rows come in order of time, so buckets are runs found by search.
final class BucketKeys: KeySource {
    private let granularity: Granularity
    private let times: NumericInput<Int64>
    private(set) var starts: [Int64] = []
    private var current: Interval?
    private let buffer = Scratch<UInt32>(batchRowsMax)
    private let bound: Int?

    /// - Parameter span: the times that can occur, to count the buckets beforehand.
    init(_ granularity: Granularity, _ times: NumericInput<Int64>, span: Interval?) {
        self.granularity = granularity
        self.times = times
        var bound: Int?
        if let span {
            var count = 0
            for _ in granularity.buckets(in: span) {
                count += 1
                if count > countedBucketsMax { break }
            }
            // One more than the buckets: id 0 stands for null as in every key.
            if count <= countedBucketsMax { bound = count + 1 }
        }
        self.bound = bound
    }

    override var cardinality: Int? { bound }

    private func bucket(_ time: Int64) throws(LaminaError) -> UInt32 {
        if let current, current.contains(time) { return UInt32(starts.count) }
        let start = granularity.bucketStart(time)
        if let last = starts.last, last == start { return UInt32(starts.count) }
        // Ids are ranks, and dense arrays are as long as the span has buckets: a time out of order would break both.
        if starts.last.map({ $0 > start }) ?? false || starts.count + 1 >= bound ?? .max {
            throw .corrupt("rows are not in order of time", at: "time \(time)")
        }
        current = Interval(start: start, end: max(granularity.next(start), start))
        starts.append(start)
        return UInt32(starts.count)
    }

    override func ids(_ batch: Batch) throws(LaminaError) -> UnsafePointer<UInt32> {
        let values = try times.vector(batch).values
        var slot = 0
        while slot < batch.slotCount {
            let id = try bucket(values[slot])
            let end = endOfRun(values, from: slot, to: batch.slotCount)
            while slot < end {
                buffer.pointer[slot] = id
                slot &+= 1
            }
        }
        return UnsafePointer(buffer.pointer)
    }

    /// The first slot after `from` that lies beyond the current bucket.
    private func endOfRun(_ values: UnsafePointer<Int64>, from: Int, to end: Int) -> Int {
        guard let current else { return from + 1 }
        if values[end - 1] < current.end { return end }
        var low = from + 1
        var high = end
        while low < high {
            let middle = (low + high) / 2
            if values[middle] < current.end { low = middle + 1 } else { high = middle }
        }
        return low
    }

    override func emit(_ ids: [UInt32]) throws(LaminaError) -> KeyColumn {
        KeyColumn(values: .longs([0] + starts), ids: ids)
    }
}

/// Granularities other than `all` need rows in order of time.
///
/// - Source: `CursorGranularizer`, the error of `TimeseriesQueryEngine` on such segments.
func checkGranularity(_ granularity: Granularity, _ input: SegmentInput) throws(LaminaError) {
    // Rows that lie in no segment, and those of joins, go into buckets in any order.
    if granularity.isAll || input.view.isTimeOrdered || input.extent != nil { return }
    throw LaminaError(
        .unsupported,
        code: "unsupported",
        "Granularity other than 'all' is not supported on segment [\(input.id)], whose rows are not ordered by __time"
    )
}
