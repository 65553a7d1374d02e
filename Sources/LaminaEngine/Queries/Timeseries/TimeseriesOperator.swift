package import LaminaBase
package import LaminaQuery
import LaminaSegment

/// Aggregations by time bucket.
///
/// - Source: `TimeseriesQueryEngine`, `TimeseriesQueryQueryToolChest`.
package struct TimeseriesOperator: QueryOperator {
    package struct Partial: SegmentPartial {
        var groups: GroupPartial
        /// Starts of all buckets that the segment covers inside the query's intervals, rows in them or not.
        var covered: [Int64]
        /// Time of the first row of each segment, by its id; for the granularity `all`.
        var firstTimes: [String: Int64] = [:]

        package var byteCount: Int { groups.byteCount }
    }

    let query: Query
    let timeseries: TimeseriesQuery
    let projections: ProjectionPolicy
    let skipsEmpty: Bool
    let addsGrandTotal: Bool
    let timestampField: String?
    let layout: TimestampLayout
    let finalizes: Bool

    package init(_ query: Query, _ timeseries: TimeseriesQuery) throws(LaminaError) {
        self.query = query
        self.timeseries = timeseries
        skipsEmpty = try query.context.bool("skipEmptyBuckets", default: false)
        addsGrandTotal = try query.context.bool("grandTotal", default: false)
        timestampField = try query.context.string("timestampResultField")
        finalizes = try query.context.bool("finalize", default: true)
        projections = try ProjectionPolicy(query.context)
        layout = try TimestampLayout(query.context, timeseries.granularity)
        try checkOutputs(dimensions: [], timeseries.aggregations, timeseries.postAggregations)
    }

    private var task: GroupingTask {
        GroupingTask(
            granularity: timeseries.granularity,
            dimensions: [],
            aggregators: timeseries.aggregations,
            filter: query.filter,
            virtualColumns: query.virtualColumns,
            engine: .bucketedVectors,
            projections: projections
        )
    }

    package func run(_ input: SegmentInput, _ run: QueryRun) throws(LaminaError) -> Partial {
        var groups = try task.run(input, run)
        guard !timeseries.granularity.isAll else {
            return Partial(groups: groups, covered: [], firstTimes: groups.firstTime.map { [input.id: $0] } ?? [:])
        }
        groups.firstTime = nil
        return Partial(
            groups: groups,
            covered: skipsEmpty ? [] : try coveredBuckets(timeseries.granularity, input, run)
        )
    }

    package func merge(_ partials: [Partial], _ run: QueryRun) throws(LaminaError) -> Partial {
        let keyCount = task.keyCount
        let groups = try mergeGroups(partials.map(\.groups), keyCount: keyCount, timeseries.aggregations, run)
        var covered: [Int64] = []
        for partial in partials where !partial.covered.isEmpty {
            covered = covered.isEmpty ? partial.covered : covered + partial.covered
        }
        if partials.count > 1 {
            covered.sort()
            var unique: [Int64] = []
            for start in covered where unique.last != start { unique.append(start) }
            covered = unique
        }
        let firstTimes = partials.reduce(into: [:]) { $0.merge($1.firstTimes, uniquingKeysWith: min) }
        return Partial(groups: groups, covered: covered, firstTimes: firstTimes)
    }

    /// The rows of the answer but the grand total: their times, groups and finished columns.
    func finishedRows(
        _ merged: Partial,
        _ run: QueryRun
    ) throws(LaminaError) -> (times: [Int64], picked: GroupPartial, table: ResultTable) {
        let (starts, groups) = try rows(merged, run)
        var count = starts.count
        if let limit = timeseries.limit { count = min(count, max(0, limit)) }
        var order = Array(0..<starts.count)
        if timeseries.descending { order.reverse() }
        order = Array(order.prefix(count))
        let picked = groups.picking(order.map { UInt32($0) })
        let table = try ResultTable(
            dimensions: [],
            picked,
            firstDimension: 0,
            timeseries.aggregations,
            timeseries.postAggregations,
            finalizes: finalizes,
            run
        )
        return (order.map { starts[$0] }, picked, table)
    }

    package func finalize(_ merged: Partial, _ run: QueryRun) throws(LaminaError) -> QueryResult {
        let (times, picked, table) = try finishedRows(merged, run)
        var total: ResultTable?
        if addsGrandTotal { total = try grandTotal(picked, run) }
        let layout = layout
        let field = timestampField
        let rowCount = times.count
        let finalTotal = total
        return QueryResult {
            IndexedElements(count: rowCount + (finalTotal == nil ? 0 : 1)) { index, writer in
                writer.beginObject()
                writer.key("timestamp")
                let isTotal = index == rowCount
                if isTotal { writer.null() } else { layout.write(times[index], into: &writer) }
                writer.key("result")
                writer.beginObject()
                if let field, !isTotal {
                    writer.key(field)
                    writer.int(times[index])
                }
                if isTotal {
                    finalTotal?.writeFields(0, into: &writer, areNull: rowCount == 0)
                } else {
                    table.writeFields(index, into: &writer)
                }
                writer.endObject()
                writer.endObject()
            }
        }
    }

    /// Bucket starts in ascending order and their groups, empty buckets filled in.
    private func rows(_ merged: Partial, _ run: QueryRun) throws(LaminaError) -> (starts: [Int64], groups: GroupPartial)
    {
        let groups = merged.groups
        if timeseries.granularity.isAll {
            // Read from its end, the last segment comes first and gives its time to the bucket of everything.
            let first = timeseries.descending ? merged.firstTimes.values.max() : merged.firstTimes.values.min()
            let start = first ?? query.intervals.first?.start ?? 0
            if groups.groupCount > 0 { return ([start], groups) }
            return skipsEmpty ? ([], groups) : ([start], try padded(groups, to: 1))
        }
        var byStart: [(start: Int64, group: UInt32)] = []
        byStart.reserveCapacity(groups.groupCount + merged.covered.count)
        var have: Set<Int64> = []
        for group in 0..<groups.groupCount {
            guard case .long(let start) = groups.keys[0].value(group) else { continue }
            byStart.append((start, UInt32(group)))
            if !skipsEmpty { have.insert(start) }
        }
        var next = UInt32(groups.groupCount)
        for start in merged.covered where !have.contains(start) {
            byStart.append((start, next))
            next += 1
        }
        byStart.sort { $0.start < $1.start }
        let full = try padded(groups, to: Int(next))
        return (byStart.map(\.start), full.picking(byStart.map(\.group)))
    }

    /// The same groups and empty ones behind them.
    private func padded(_ groups: GroupPartial, to count: Int) throws(LaminaError) -> GroupPartial {
        if count == groups.groupCount { return withoutKeys(groups) }
        let targets = Array(0..<UInt32(groups.groupCount))
        var states: [AggregateColumn] = []
        for (index, aggregator) in timeseries.aggregations.enumerated() {
            var column = try AggregateColumn.empty(aggregator, count: count)
            try column.merge(groups.states[index], targets: targets)
            states.append(column)
        }
        return GroupPartial(firstTime: groups.firstTime, keys: [], states: states, groupCount: count)
    }

    private func withoutKeys(_ groups: GroupPartial) -> GroupPartial {
        var plain = groups
        plain.keys = []
        return plain
    }

    /// All rows of the answer folded into one.
    private func grandTotal(_ groups: GroupPartial, _ run: QueryRun) throws(LaminaError) -> ResultTable {
        let targets = [UInt32](repeating: 0, count: groups.groupCount)
        var states: [AggregateColumn] = []
        for (index, aggregator) in timeseries.aggregations.enumerated() {
            var column = try AggregateColumn.empty(aggregator, count: 1)
            try column.merge(groups.states[index], targets: targets)
            states.append(column)
        }
        let total = GroupPartial(firstTime: nil, keys: [], states: states, groupCount: 1)
        return try ResultTable(
            dimensions: [],
            total,
            firstDimension: 0,
            timeseries.aggregations,
            timeseries.postAggregations,
            finalizes: finalizes,
            run
        )
    }
}
