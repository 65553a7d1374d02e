import LaminaBase
import LaminaQuery

/// The time bucket of each row as a grouping key, for rows in any order of time: all buckets that occur are found beforehand, so that
/// ids are ranks here, too.
final class ScatteredBucketKeys: KeySource {
    private let granularity: Granularity
    private let times: NumericInput<Int64>
    private let starts: [Int64]
    private var current = Interval(start: 0, end: 0)
    private var currentID: UInt32 = 0
    private let buffer = Scratch<UInt32>(batchRowsMax)

    /// - Parameter walk: of the rows that will come.
    init(_ granularity: Granularity, _ walk: RowWalk) throws(LaminaError) {
        self.granularity = granularity
        times = try walk.scan.longInput("__time")
        var found: Set<Int64> = []
        var current = Interval(start: 0, end: 0)
        try walk.forEachTime { values in
            for time in values where !current.contains(time) {
                current = granularity.bucket(time)
                found.insert(current.start)
            }
        }
        try walk.scan.run.memory.reserve(found.count * 8, for: "time buckets")
        starts = found.sorted()
    }

    override var cardinality: Int? { starts.count + 1 }

    override func ids(_ batch: Batch) throws(LaminaError) -> UnsafePointer<UInt32> {
        let values = try times.vector(batch).values
        for slot in 0..<batch.slotCount {
            let time = values[slot]
            if !current.contains(time) {
                current = granularity.bucket(time)
                currentID = rank(current.start)
            }
            buffer.pointer[slot] = currentID
        }
        return UnsafePointer(buffer.pointer)
    }

    /// One more than the bucket's place: id 0 stands for null as in every key. 0 for slots that no row was selected for.
    private func rank(_ start: Int64) -> UInt32 {
        var low = 0
        var high = starts.count
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] < start { low = middle + 1 } else { high = middle }
        }
        return low < starts.count && starts[low] == start ? UInt32(low + 1) : 0
    }

    override func emit(_ ids: [UInt32]) throws(LaminaError) -> KeyColumn {
        KeyColumn(values: .longs([0] + starts), ids: ids)
    }
}
