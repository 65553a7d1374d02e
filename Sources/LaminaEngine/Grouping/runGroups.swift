import LaminaBase
import LaminaQuery
import LaminaSegment

/// What a grouping query does on one segment.
struct GroupingTask {
    var granularity: Granularity
    var dimensions: [DimensionSpec]
    var aggregators: [Aggregator]
    var filter: Filter?
    var virtualColumns: [VirtualColumn]
    var skipsEmptyRows = false

    /// Number of key columns: the dimensions, and the time bucket before them unless the granularity is `all`.
    var keyCount: Int { dimensions.count + (granularity.isAll ? 0 : 1) }

    /// Groups the rows of one segment.
    func run(_ input: SegmentInput, _ run: QueryRun) throws(LaminaError) -> GroupPartial {
        try checkGranularity(granularity, input)
        let scan = SegmentScan(input.view, run, virtualColumns: virtualColumns)
        let walk = try RowWalk(scan, input, filter: filter)
        let firstTime = if let extent = input.extent { extent.firstTime } else { try walk.firstTime() }
        if walk.rowCount == 0 {
            var empty = try GroupPartial.empty(keys: keyCount, aggregators)
            empty.firstTime = firstTime
            return empty
        }
        var keys: [KeySource] = []
        if !granularity.isAll {
            keys.append(BucketKeys(granularity, try scan.longInput("__time"), span: try span(input)))
        }
        for dimension in dimensions { keys.append(try makeKeySource(dimension, in: scan)) }
        var accumulators: [Accumulator] = []
        for aggregator in aggregators {
            accumulators.append(try makeAccumulator(aggregator, in: scan, rowsWanted: walk.rowCount))
        }
        if keys.isEmpty { return try foldAll(walk, accumulators, firstTime) }
        let grouper = try Grouper(keys, rowsWanted: walk.rowCount, skipsEmptyRows: skipsEmptyRows, run)
        let bytesPerGroup = AggregateColumn.bytesPerGroup(aggregators)
        var reserved = 0
        defer { run.memory.release(reserved) }
        try walk.forEachBatch { (batch, rows) throws(LaminaError) in
            let (rows, groups) = try grouper.assign(batch, rows)
            let bytes = grouper.groupCount * bytesPerGroup
            if bytes > reserved {
                try run.memory.reserve(bytes - reserved, for: "groups")
                reserved = bytes
            }
            for accumulator in accumulators {
                accumulator.grow(to: grouper.groupCount)
                try accumulator.fold(batch, rows, groups: groups)
            }
            return true
        }
        let occupied = grouper.occupied()
        for accumulator in accumulators { accumulator.grow(to: grouper.groupCount) }
        return GroupPartial(
            firstTime: firstTime,
            keys: try grouper.emit(occupied),
            states: accumulators.map { $0.emit(occupied) },
            groupCount: occupied.count
        )
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
