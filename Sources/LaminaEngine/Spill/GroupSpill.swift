import LaminaBase
import LaminaQuery

/// How the groups of one query go to disk and come back: sorted runs, merged by their keys.
///
/// - Source: Druid's `SpillingGrouper`, `StreamingMergeSortedGrouper`.
struct GroupSpill: Sendable {
    let space: any SpillSpace
    let run: QueryRun
    let aggregators: [Aggregator]
    /// The key columns by their weight in the order.
    let keyOrder: [Int]
    /// An empty state column of each aggregation.
    let models: [AggregateColumn]

    init(
        _ space: any SpillSpace,
        _ aggregators: [Aggregator],
        keyOrder: [Int],
        _ run: QueryRun
    ) throws(LaminaError) {
        self.space = space
        self.run = run
        self.aggregators = aggregators
        self.keyOrder = keyOrder
        var models: [AggregateColumn] = []
        for aggregator in aggregators { models.append(try AggregateColumn.empty(aggregator, count: 0)) }
        self.models = models
    }

    /// Writes groups whose keys are distinct as a run.
    func write(_ groups: GroupPartial) throws(LaminaError) -> SpilledRun {
        var writer = SpilledRunWriter(self)
        try writer.append(groups, order: sortedByKeys(groups, keyOrder))
        return writer.finish()
    }

    /// How many runs are read at once: each holds a piece twice, as bytes and as states.
    private var runsAtOnceMax: Int { min(256, max(4, run.memory.limitBytes / 8 / (256 << 10))) }

    /// As few runs as are read at once, with the same groups.
    func reduced(_ runs: [SpilledRun]) throws(LaminaError) -> [SpilledRun] {
        var runs = runs
        while runs.count > runsAtOnceMax {
            var writer = SpilledRunWriter(self)
            let stream = try MergedRuns(self, Array(runs.prefix(runsAtOnceMax)))
            while let groups = try stream.next() {
                try writer.append(groups, order: Array(0..<UInt32(groups.groupCount)))
            }
            runs.removeFirst(runsAtOnceMax)
            runs.append(writer.finish())
        }
        return runs
    }
}

/// Groups in the default order of a groupBy, each key once, some thousand at a time; used by one thread.
protocol GroupStream: AnyObject {
    /// The next groups, in order; nil at the end.
    func next() throws(LaminaError) -> GroupPartial?
}

/// Groups in memory, piece by piece.
final class SlicedGroups: GroupStream {
    private let groups: GroupPartial
    private let order: [UInt32]
    private var start = 0

    /// - Parameter order: the groups in ascending order of keys.
    init(_ groups: GroupPartial, order: [UInt32]) {
        self.groups = groups
        self.order = order
    }

    func next() throws(LaminaError) -> GroupPartial? {
        guard start < order.count else { return nil }
        let end = min(start + batchRowsMax, order.count)
        defer { start = end }
        return groups.picking(Array(order[start..<end]))
    }
}
