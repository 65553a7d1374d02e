import LaminaBase
import LaminaQuery
import LaminaSegment

/// How Druid's engine for a query reads rows, where answers depend on it.
enum GroupingEngine {
    /// In vectors of rows, one after the other for each time bucket (timeseries).
    case bucketedVectors
    /// In vectors of rows (groupBy).
    case vectors
    /// Row by row (topN).
    case rows
}

/// What a grouping query does on one segment.
struct GroupingTask {
    var granularity: Granularity
    var dimensions: [DimensionSpec]
    var aggregators: [Aggregator]
    var filter: Filter?
    var virtualColumns: [VirtualColumn]
    var skipsEmptyRows = false
    /// How Druid's engine for the query reads rows.
    var engine = GroupingEngine.vectors
    var projections = ProjectionPolicy()
    /// Over a projection: where the partial results of each aggregation are; nil: rows are aggregated.
    var stored: [StoredAggregation]?

    /// Number of key columns: the dimensions, and the time bucket before them unless the granularity is `all`.
    var keyCount: Int { dimensions.count + (granularity.isAll ? 0 : 1) }

    /// Groups the rows of one segment.
    ///
    /// - Parameters:
    ///   - bytesMax: what groups may hold before they are given to `overflow`.
    ///   - overflow: takes groups (distinct keys) that there is no more room for; keys given to it may turn up again.
    func run(
        _ input: SegmentInput,
        _ run: QueryRun,
        bytesMax: Int = .max,
        overflow: ((GroupPartial) throws(LaminaError) -> Void)? = nil
    ) throws(LaminaError) -> GroupPartial {
        guard stored == nil, let match = try projected(input) else {
            return try runRows(input, run, bytesMax: bytesMax, overflow: overflow)
        }
        // Of a segment cut into ranges of rows one range stands for all of its projection.
        var groups = try GroupPartial.empty(keys: keyCount, aggregators)
        if input.rows?.lowerBound ?? 0 == 0 {
            groups = try match.task.runRows(match.input, run, bytesMax: bytesMax, overflow: overflow)
        }
        groups.firstTime = try firstTime(input, run)
        return groups
    }

    /// Whether the filter lets any row of the intervals through.
    func selectsRows(_ input: SegmentInput, _ run: QueryRun) throws(LaminaError) -> Bool {
        try RowWalk(SegmentScan(input.view, run, virtualColumns: virtualColumns), input, filter: filter).next() != nil
    }

    /// Time of the first stored row, whatever the filter says.
    private func firstTime(_ input: SegmentInput, _ run: QueryRun) throws(LaminaError) -> Int64? {
        if let extent = input.extent { return extent.firstTime }
        return try RowWalk(SegmentScan(input.view, run, virtualColumns: []), input, filter: nil).firstTime()
    }

    private func runRows(
        _ input: SegmentInput,
        _ run: QueryRun,
        bytesMax: Int,
        overflow: ((GroupPartial) throws(LaminaError) -> Void)?
    ) throws(LaminaError) -> GroupPartial {
        try checkGranularity(granularity, input)
        let scan = SegmentScan(input.view, run, virtualColumns: virtualColumns)
        let walk = try RowWalk(scan, input, filter: filter)
        let firstTime = if let extent = input.extent { extent.firstTime } else { try walk.firstTime() }
        if walk.rowCount == 0 {
            var empty = try GroupPartial.empty(keys: keyCount, aggregators)
            empty.firstTime = firstTime
            return empty
        }
        if keyCount == 0 { return try foldAll(walk, try accumulators(scan, walk), firstTime) }
        var table = try table(scan, walk, input, bytesMax, run)
        try walk.forEachBatch { (batch, rows) throws(LaminaError) in
            try table.add(batch, rows)
            if let overflow, table.byteCount > bytesMax {
                try overflow(try table.emit())
                table = try self.table(scan, walk, input, bytesMax, run)
            }
            return true
        }
        var groups = try table.emit()
        groups.firstTime = firstTime
        return groups
    }

    private func table(
        _ scan: SegmentScan,
        _ walk: RowWalk,
        _ input: SegmentInput,
        _ bytesMax: Int,
        _ run: QueryRun
    ) throws(LaminaError) -> GroupTable {
        var keys: [KeySource] = []
        if !granularity.isAll {
            keys.append(BucketKeys(granularity, try scan.longInput("__time"), span: try span(input)))
        }
        for dimension in dimensions { keys.append(try makeKeySource(dimension, in: scan)) }
        let bytesPerGroup = try AggregateColumn.bytesPerGroup(aggregators)
        let grouper = try Grouper(
            keys,
            rowsWanted: walk.rowCount,
            denseMax: bytesMax / (bytesPerGroup + 1),
            skipsEmptyRows: skipsEmptyRows,
            run
        )
        return GroupTable(
            grouper,
            try accumulators(scan, walk),
            bytesPerGroup: bytesPerGroup,
            mayOverflow: bytesMax < .max,
            run
        )
    }

    private func accumulators(_ scan: SegmentScan, _ walk: RowWalk) throws(LaminaError) -> [Accumulator] {
        var accumulators: [Accumulator] = []
        for (index, aggregator) in aggregators.enumerated() {
            if let stored {
                let place = stored[index]
                accumulators.append(try aggregator.makeStoredAccumulator(place, in: scan, rowsWanted: walk.rowCount))
            } else {
                accumulators.append(
                    try makeAccumulator(aggregator, in: scan, rowsWanted: walk.rowCount, engine: engine)
                )
            }
        }
        return accumulators
    }

    /// No keys: everything into one group, if any row is selected.
    private func foldAll(
        _ walk: RowWalk,
        _ accumulators: [Accumulator],
        _ firstTime: Int64?
    ) throws(LaminaError) -> GroupPartial {
        for accumulator in accumulators { accumulator.grow(to: 1) }
        var any = false
        try walk.forEachBatch { (batch, rows) throws(LaminaError) in
            any = true
            for accumulator in accumulators { try accumulator.fold(batch, rows, group: 0) }
            return true
        }
        let groups: [UInt32] = any ? [0] : []
        return GroupPartial(
            firstTime: firstTime,
            keys: [],
            states: accumulators.map { $0.emit(groups) },
            groupCount: groups.count
        )
    }

    /// The times between the first and the last row that are wanted.
    private func span(_ input: SegmentInput) throws(LaminaError) -> Interval? {
        guard let bounds = try input.view.timeBounds, let first = input.intervals.first, let last = input.intervals.last
        else { return nil }
        let low = max(bounds.min, first.start)
        let high = min(bounds.max, last.end &- 1)
        return low <= high ? Interval(start: low, end: high &+ 1) : nil
    }
}
