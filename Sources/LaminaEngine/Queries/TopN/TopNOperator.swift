package import LaminaBase
package import LaminaQuery

/// The first values of one dimension by a metric, in every time bucket.
///
/// Exact, unless the context gives `minTopNThreshold`: then every segment keeps its own first `max(minTopNThreshold,
/// threshold)` only, as Druid's do.
///
/// - Source: `TopNQueryEngine`, `TopNNumericResultBuilder`, `TopNLexicographicResultBuilder`.
package struct TopNOperator: QueryOperator {
    package struct Partial: SegmentPartial {
        var groups: GroupPartial
        /// Segments that have rows in a time bucket, by its start.
        var sources: [Int64: Set<String>]
        /// Buckets that are shown without rows too: those of rows that lie in no segment, and that of all rows.
        var covered: Set<Int64> = []

        package var byteCount: Int { groups.byteCount }
    }

    let query: Query
    let topN: TopNQuery
    let projections: ProjectionPolicy
    let segmentThreshold: Int?
    let layout: TimestampLayout
    let finalizes: Bool

    package init(_ query: Query, _ topN: TopNQuery) throws(LaminaError) {
        self.query = query
        self.topN = topN
        guard topN.threshold > 0 else { throw .invalidInput("Threshold cannot be equal to 0.") }
        segmentThreshold = try query.context.int("minTopNThreshold").map { max(Int(clamping: $0), topN.threshold) }
        finalizes = try query.context.bool("finalize", default: true)
        projections = try ProjectionPolicy(query.context)
        layout = try TimestampLayout(query.context, topN.granularity)
        try checkOutputs(dimensions: [topN.dimension.outputName], topN.aggregations, topN.postAggregations)
        if let metric = topN.metric.metricName {
            let names = topN.aggregations.map(\.name) + topN.postAggregations.map(\.name)
            guard names.contains(where: { sameText($0, metric) }) else {
                throw .invalidInput(
                    "Must have an AggregatorFactory or PostAggregator for metric[\(metric)], gave [\(names.joined(separator: ", "))]"
                )
            }
        }
    }

    private var task: GroupingTask {
        GroupingTask(
            granularity: topN.granularity,
            dimensions: [topN.dimension],
            aggregators: topN.aggregations,
            filter: query.filter,
            virtualColumns: query.virtualColumns,
            skipsEmptyRows: true,
            engine: .rows,
            projections: projections
        )
    }

    private var dimensionKey: Int { topN.granularity.isAll ? 0 : 1 }

    package func run(_ input: SegmentInput, _ run: QueryRun) throws(LaminaError) -> Partial {
        var groups = try task.run(input, run)
        if let segmentThreshold {
            groups = groups.picking(try ranked(groups, segmentThreshold, run).flatMap(\.rows))
        }
        var sources: [Int64: Set<String>] = [:]
        if !topN.granularity.isAll, !topN.granularity.zone.isUTC {
            for id in Set(groups.keys[0].ids) {
                if case .long(let start) = groups.keys[0].values.value(id) { sources[start] = [input.id] }
            }
        }
        var covered: Set<Int64> = []
        if topN.granularity.isAll {
            // Rows without a value to show leave an empty list, no rows at all nothing.
            if groups.groupCount == 0, let time = groups.firstTime, try task.selectsRows(input, run) {
                covered = [time]
            }
        } else if let extent = input.extent, extent.bounds == nil {
            covered = Set(try coveredBuckets(topN.granularity, input, run))
        }
        return Partial(groups: groups, sources: sources, covered: covered)
    }

    package func merge(_ partials: [Partial], _ run: QueryRun) throws(LaminaError) -> Partial {
        var sources: [Int64: Set<String>] = [:]
        for partial in partials { sources.merge(partial.sources) { $0.union($1) } }
        let groups = try mergeGroups(partials.map(\.groups), keyCount: task.keyCount, topN.aggregations, run)
        let covered = partials.reduce(into: Set<Int64>()) { $0.formUnion($1.covered) }
        return Partial(groups: groups, sources: sources, covered: covered)
    }

    /// The finished rows, and which of them belong to each bucket.
    func finishedRows(
        _ partial: Partial,
        _ run: QueryRun
    ) throws(LaminaError) -> (table: ResultTable, buckets: [(start: Int64, rows: Range<Int>)]) {
        let merged = partial.groups
        var buckets = try ranked(merged, topN.threshold, run)
        if topN.granularity.isAll {
            if buckets.isEmpty, let start = merged.firstTime, !partial.covered.isEmpty { buckets = [(start, [])] }
        } else if !partial.covered.isEmpty {
            let occupied = Set(buckets.map(\.start))
            for start in partial.covered where !occupied.contains(start) { buckets.append((start, [])) }
            buckets.sort { $0.start < $1.start }
        }
        let picked = merged.picking(buckets.flatMap(\.rows))
        let table = try ResultTable(
            dimensions: [topN.dimension.outputName],
            picked,
            firstDimension: dimensionKey,
            topN.aggregations,
            topN.postAggregations,
            finalizes: finalizes,
            run
        )
        var elements: [(start: Int64, rows: Range<Int>)] = []
        var next = 0
        for bucket in buckets {
            elements.append((bucket.start, next..<next + bucket.rows.count))
            next += bucket.rows.count
        }
        return (table, elements)
    }

    package func finalize(_ partial: Partial, _ run: QueryRun) throws(LaminaError) -> QueryResult {
        let (table, all) = try finishedRows(partial, run)
        let layout = layout
        // Druid's merge gives a bucket the granularity's zone; one that a single segment answers keeps UTC.
        let plain = layout.inUTC
        let sources = partial.sources
        return QueryResult {
            IndexedElements(count: all.count) { index, writer in
                writer.beginObject()
                writer.key("timestamp")
                let isMerged = (sources[all[index].start]?.count ?? 0) > 1
                (isMerged ? layout : plain).write(all[index].start, into: &writer)
                writer.key("result")
                writer.beginArray()
                for row in all[index].rows {
                    writer.beginObject()
                    table.writeFields(row, into: &writer)
                    writer.endObject()
                }
                writer.endArray()
                writer.endObject()
            }
        }
    }

    /// The first groups of every bucket in rank order, buckets ascending.
    private func ranked(
        _ groups: GroupPartial,
        _ threshold: Int,
        _ run: QueryRun
    ) throws(LaminaError) -> [(start: Int64, rows: [UInt32])] {
        var buckets: [(start: Int64, rows: [UInt32])] = []
        if topN.granularity.isAll {
            guard groups.groupCount > 0 else { return [] }
            let start = groups.firstTime ?? query.intervals.first?.start ?? 0
            buckets.append((start, Array(0..<UInt32(groups.groupCount))))
        } else {
            var rows = [[UInt32]](repeating: [], count: groups.keys[0].values.count)
            for group in 0..<groups.groupCount { rows[Int(groups.keys[0].ids[group])].append(UInt32(group)) }
            for id in rows.indices where !rows[id].isEmpty {
                if case .long(let start) = groups.keys[0].values.value(UInt32(id)) { buckets.append((start, rows[id])) }
            }
        }
        let rank = try Ranking(topN, groups, key: dimensionKey, run)
        for index in buckets.indices {
            try run.poll()
            buckets[index].rows = rank.first(threshold, of: buckets[index].rows)
        }
        return buckets
    }
}

extension TopNMetric {
    /// The aggregation or post-aggregation that ranks; nil when the dimension does.
    fileprivate var metricName: String? {
        switch self {
        case .numeric(let metric): metric
        case .dimension: nil
        case .inverted(let inner): inner.metricName
        }
    }
}
