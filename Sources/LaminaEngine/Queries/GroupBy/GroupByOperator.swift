package import LaminaBase
package import LaminaQuery
import LaminaSegment

/// Aggregations by any number of dimensions.
///
/// - Source: `GroupingEngine`, `DefaultLimitSpec`, `HavingSpec`.
package struct GroupByOperator: QueryOperator {
    let query: Query
    let groupBy: GroupByQuery
    let resultAsArray: Bool
    let sortByDimsFirst: Bool
    let allowsMultipleValues: Bool
    let appliesPushDown: Bool
    let layout: TimestampLayout
    let finalizes: Bool

    package init(_ query: Query, _ groupBy: GroupByQuery) throws(LaminaError) {
        self.query = query
        self.groupBy = groupBy
        resultAsArray = try query.context.bool("resultAsArray", default: false)
        sortByDimsFirst = try query.context.bool("sortByDimsFirst", default: false)
        allowsMultipleValues = try query.context.bool("groupByEnableMultiValueUnnesting", default: true)
        appliesPushDown = try query.context.bool("applyLimitPushDown", default: true)
        finalizes = try query.context.bool("finalize", default: true)
        layout = try TimestampLayout(query.context, groupBy.granularity)
        let names = groupBy.dimensions.map(\.outputName)
        try checkOutputs(dimensions: names, groupBy.aggregations, groupBy.postAggregations)
        try checkOrder(names)
        for list in groupBy.subtotals ?? [] {
            for name in list where !names.contains(where: { sameText($0, name) }) {
                throw .invalidInput(
                    "Subtotal spec [\(list.joined(separator: ", "))] is either not a subset of dimensions"
                )
            }
        }
    }

    private func checkOrder(_ dimensions: [String]) throws(LaminaError) {
        guard let limitSpec = groupBy.limitSpec else { return }
        if let limit = limitSpec.limit, limit <= 0 { throw .invalidInput("limit[\(limit)] must be >0") }
        let names = dimensions + groupBy.aggregations.map(\.name) + groupBy.postAggregations.map(\.name)
        for column in limitSpec.columns where !names.contains(where: { sameText($0, column.name) }) {
            throw .invalidInput("Unknown column in order clause[\(column.name)]")
        }
    }

    private var task: GroupingTask {
        GroupingTask(
            granularity: groupBy.granularity,
            dimensions: groupBy.dimensions,
            aggregators: groupBy.aggregations,
            filter: query.filter,
            virtualColumns: query.virtualColumns
        )
    }

    private var firstDimension: Int { groupBy.granularity.isAll ? 0 : 1 }

    package func run(_ input: SegmentInput, _ run: QueryRun) throws(LaminaError) -> GroupPartial {
        if !allowsMultipleValues { try refuseMultipleValues(input) }
        return try task.run(input, run)
    }

    /// Source: `GroupByQueryConfig.CTX_KEY_ENABLE_MULTI_VALUE_UNNESTING`.
    private func refuseMultipleValues(_ input: SegmentInput) throws(LaminaError) {
        for dimension in groupBy.dimensions {
            guard case .string(let column)? = try input.view.column(dimension.dimension), column.hasMultipleValues
            else {
                continue
            }
            throw LaminaError(
                .runtimeFailure,
                code: "legacyQueryException",
                "Encountered multi-value dimension [\(dimension.dimension)] that cannot be processed with "
                    + "'groupByEnableMultiValueUnnesting' set to false."
            )
        }
    }

    package func merge(_ partials: [GroupPartial], _ run: QueryRun) throws(LaminaError) -> GroupPartial {
        try mergeGroups(partials, keyCount: task.keyCount, groupBy.aggregations, run)
    }

    /// The rows of the answer, grouping by grouping.
    func finishedRows(_ merged: GroupPartial, _ run: QueryRun) throws(LaminaError) -> [GroupByRows] {
        var tables: [GroupByRows] = []
        if let subtotals = groupBy.subtotals {
            for list in subtotals { tables.append(try rows(try subtotal(merged, list, run), run)) }
        } else {
            tables.append(try rows(merged, run))
        }
        return tables
    }

    package func finalize(_ merged: GroupPartial, _ run: QueryRun) throws(LaminaError) -> QueryResult {
        let parts = try finishedRows(merged, run)
        let layout = layout
        let resultAsArray = resultAsArray
        let hasTime = !groupBy.granularity.isAll
        let start = query.intervals.first?.start ?? Interval.eternity.start
        return QueryResult {
            GroupByElements(parts) { part, row, writer in
                let time = hasTime ? part.times[row] : start
                if resultAsArray {
                    writer.beginArray()
                    if hasTime { writer.int(time) }
                    part.table.writeValues(row, into: &writer)
                    writer.endArray()
                    return
                }
                writer.beginObject()
                writer.key("version")
                writer.string("v1")
                writer.key("timestamp")
                layout.write(time, into: &writer)
                writer.key("event")
                writer.beginObject()
                part.table.writeFields(row, into: &writer)
                writer.endObject()
                writer.endObject()
            }
        }
    }

    /// Groups again by fewer dimensions; those left out become null.
    private func subtotal(_ merged: GroupPartial, _ list: [String], _ run: QueryRun) throws(LaminaError) -> GroupPartial
    {
        var reduced = merged
        for (index, dimension) in groupBy.dimensions.enumerated()
        where !list.contains(where: { sameText($0, dimension.outputName) }) {
            let zeros = [UInt32](repeating: 0, count: merged.groupCount)
            reduced.keys[firstDimension + index] = KeyColumn(values: .none, ids: zeros)
        }
        let nothing = try GroupPartial.empty(keys: task.keyCount, groupBy.aggregations)
        if merged.groupCount == 0 { return nothing }
        // Merging needs two partials to join equal keys: the second half of the groups with the first.
        let half = UInt32(merged.groupCount / 2)
        let first = reduced.picking(Array(0..<half))
        let second = reduced.picking(Array(half..<UInt32(merged.groupCount)))
        var total = try joined([first, second], run)
        for (index, aggregator) in groupBy.aggregations.enumerated() {
            guard case .grouping(_, let columns) = aggregator else { continue }
            let id = groupingID(columns, groupedBy: list)
            total.states[index] = AggregateColumn(groupingID: id, count: total.groupCount)
        }
        return total
    }

    /// As `merge`, for partials that may hold a key more than once.
    private func joined(_ partials: [GroupPartial], _ run: QueryRun) throws(LaminaError) -> GroupPartial {
        let full = partials.filter { $0.groupCount > 0 }
        guard full.count == 1, let only = full.first else {
            return try mergeGroups(full, keyCount: task.keyCount, groupBy.aggregations, run)
        }
        return only
    }

    /// The finished rows: post-aggregations, having, order and limit applied.
    private func rows(_ groups: GroupPartial, _ run: QueryRun) throws(LaminaError) -> GroupByRows {
        var groups = groups
        if groups.groupCount == 0, task.keyCount == 0 {
            var states: [AggregateColumn] = []
            for aggregator in groupBy.aggregations { states.append(try AggregateColumn.empty(aggregator, count: 1)) }
            groups = GroupPartial(firstTime: nil, keys: [], states: states, groupCount: 1)
        }
        let order = GroupOrder(groupBy, sortByDimsFirst: sortByDimsFirst, appliesPushDown: appliesPushDown)
        if groupBy.having == nil, order.isDefault || groupBy.limitSpec == nil {
            // Only rows that are shown need be finished.
            let picked = groups.picking(order.limited(order.sortedByKeys(groups)))
            return try finished(picked, run)
        }
        let all = try finished(groups.picking(order.sortedByKeys(groups)), run)
        var kept = Array(0..<UInt32(all.table.rowCount))
        if let having = groupBy.having { kept = try HavingTest(having, all, run).passing() }
        kept = try order.sorted(kept, all, run)
        if order.pushesLimit { return try finished(try joinedTies(kept, all, order), run) }
        return try finished(all.groups.picking(order.limited(kept)), run)
    }

    /// With the limit pushed down, rows that compare equal become one: Druid merges sorted results by the comparators of the
    /// limitSpec, so that groups which an ordering cannot tell apart («2» and «02» as versions) meet there. The first gives
    /// its key.
    ///
    /// Source: `GroupByQuery.getRowOrderingForPushDown`, `ResultMergeQueryRunner`.
    private func joinedTies(_ rows: [UInt32], _ all: GroupByRows, _ order: GroupOrder) throws(LaminaError)
        -> GroupPartial
    {
        let spec = groupBy.limitSpec
        let wanted = spec?.limit.map { $0.addingReportingOverflow(spec?.offset ?? 0).partialValue } ?? rows.count
        let candidates = Array(rows.prefix(max(wanted, 0)))
        let same = order.tieTest(all)
        var heads: [UInt32] = []
        var targets: [UInt32] = []
        for row in candidates {
            if let last = heads.last, same(last, row) {
                targets.append(UInt32(heads.count - 1))
            } else {
                targets.append(UInt32(heads.count))
                heads.append(row)
            }
        }
        if heads.count == candidates.count { return all.groups.picking(order.limited(candidates)) }
        var joined = all.groups.picking(heads)
        let source = all.groups.picking(candidates)
        for (index, aggregator) in groupBy.aggregations.enumerated() {
            var column = try AggregateColumn.empty(aggregator, count: heads.count)
            try column.merge(source.states[index], targets: targets)
            joined.states[index] = column
        }
        return joined.picking(order.limited(Array(0..<UInt32(heads.count))))
    }

    private func finished(_ groups: GroupPartial, _ run: QueryRun) throws(LaminaError) -> GroupByRows {
        let table = try ResultTable(
            dimensions: groupBy.dimensions.map(\.outputName),
            groups,
            firstDimension: firstDimension,
            groupBy.aggregations,
            groupBy.postAggregations,
            finalizes: finalizes,
            run
        )
        var times: [Int64] = []
        if !groupBy.granularity.isAll {
            for row in 0..<groups.groupCount {
                if case .long(let time) = groups.keys[0].value(row) { times.append(time) }
            }
        } else {
            times = Array(
                repeating: query.intervals.first?.start ?? Interval.eternity.start,
                count: groups.groupCount
            )
        }
        return GroupByRows(groups: groups, table: table, times: times)
    }
}

/// Finished rows of one grouping.
struct GroupByRows: Sendable {
    var groups: GroupPartial
    var table: ResultTable
    var times: [Int64]
}

/// Rows of several groupings, one after the other.
private final class GroupByElements: ResultElements {
    private let parts: [GroupByRows]
    private let write: (GroupByRows, Int, inout JSONWriter) -> Void
    private var part = 0
    private var row = 0

    init(_ parts: [GroupByRows], write: @escaping (GroupByRows, Int, inout JSONWriter) -> Void) {
        self.parts = parts
        self.write = write
    }

    func writeNext(into writer: inout JSONWriter) throws(LaminaError) -> Bool {
        while part < parts.count {
            if row < parts[part].table.rowCount {
                write(parts[part], row, &writer)
                row += 1
                return true
            }
            part += 1
            row = 0
        }
        return false
    }
}
