package import LaminaBase
import LaminaQuery

extension GroupByOperator {
    package func finalize(_ merged: Partial, _ run: QueryRun) throws(LaminaError) -> QueryResult {
        let writer = GroupByRowWriter(self)
        if mustStream(merged, run) {
            return QueryResult { GroupByStreamElements(GroupByStream(self, merged, run), writer) }
        }
        let parts = try finishedRows(merged, run)
        return QueryResult { GroupByElements(parts, writer) }
    }

    /// All rows of an answer that need not be streamed, in one part or several.
    func finishedRows(_ merged: Partial, _ run: QueryRun) throws(LaminaError) -> [GroupByRows] {
        guard let subtotals = groupBy.subtotals else { return [try rows(merged.groups, run)] }
        var tables: [GroupByRows] = []
        for list in subtotals { tables.append(try rows(try subtotal(merged.groups, list, run), run)) }
        return tables
    }

    /// Whether rows are finished some at a time. A limitSpec orders and cuts the rows of all subtotals together, as Druid
    /// does.
    func mustStream(_ merged: Partial, _ run: QueryRun) -> Bool {
        groupBy.subtotals != nil && groupBy.limitSpec != nil || !merged.runs.isEmpty || holdsMuch(merged.groups, run)
    }

    /// Whether finishing and ordering all rows at once would take much of the budget.
    private func holdsMuch(_ groups: GroupPartial, _ run: QueryRun) -> Bool {
        guard run.spill != nil else { return false }
        let values = groupBy.postAggregations.count + 2 * (order.sortsRows ? order.comparisons().count + 1 : 0)
        return groups.byteCount + groups.groupCount * values * 32 > run.memory.limitBytes / 4
    }

    /// Groups again by fewer dimensions; those left out become null.
    func subtotal(_ merged: GroupPartial, _ list: [String], _ run: QueryRun) throws(LaminaError) -> GroupPartial {
        var reduced = merged
        for (index, dimension) in groupBy.dimensions.enumerated()
        where !list.contains(where: { sameText($0, dimension.outputName) }) {
            let zeros = [UInt32](repeating: 0, count: merged.groupCount)
            reduced.keys[firstDimension + index] = KeyColumn(values: .none, ids: zeros)
        }
        if merged.groupCount == 0 { return try GroupPartial.empty(keys: task.keyCount, groupBy.aggregations) }
        // Merging needs two partials to join equal keys: the second half of the groups with the first.
        let half = UInt32(merged.groupCount / 2)
        let first = reduced.picking(Array(0..<half))
        let second = reduced.picking(Array(half..<UInt32(merged.groupCount)))
        return labelled(try joined([first, second], run), list)
    }

    /// With the aggregations that tell which dimensions a subtotal is grouped by.
    func labelled(_ groups: GroupPartial, _ list: [String]) -> GroupPartial {
        var groups = groups
        for (index, aggregator) in groupBy.aggregations.enumerated() {
            guard case .grouping(_, let columns) = aggregator else { continue }
            // It names columns, not outputs.
            let grouped = groupBy.dimensions.filter { dimension in list.contains { sameText($0, dimension.outputName) }
            }
            let id = groupingID(columns, groupedBy: grouped.map(\.dimension))
            groups.states[index] = AggregateColumn(groupingID: id, count: groups.groupCount)
        }
        return groups
    }

    /// As `merge`, for partials that may hold a key more than once.
    private func joined(_ partials: [GroupPartial], _ run: QueryRun) throws(LaminaError) -> GroupPartial {
        let full = partials.filter { $0.groupCount > 0 }
        guard full.count == 1, let only = full.first else {
            return try mergeGroups(full, keyCount: task.keyCount, groupBy.aggregations, run)
        }
        return only
    }

    /// Over nothing, a query without keys has one group that saw nothing.
    func atLeastOneGroup(_ groups: GroupPartial) throws(LaminaError) -> GroupPartial {
        guard groups.groupCount == 0, task.keyCount == 0 else { return groups }
        var states: [AggregateColumn] = []
        for aggregator in groupBy.aggregations { states.append(try AggregateColumn.empty(aggregator, count: 1)) }
        return GroupPartial(firstTime: nil, keys: [], states: states, groupCount: 1)
    }

    /// The finished rows: post-aggregations, having, order and limit applied.
    private func rows(_ groups: GroupPartial, _ run: QueryRun) throws(LaminaError) -> GroupByRows {
        let groups = try atLeastOneGroup(groups)
        let order = order
        var sorted = sortedByKeys(groups, order.keyOrder)
        if groupBy.having == nil, !order.sortsRows {
            // Only rows that are shown need be finished.
            return try finished(groups.picking(order.limited(sorted)), run)
        }
        if let first = order.rowsBeforeOrder { sorted = Array(sorted.prefix(first)) }
        let all = try finished(groups.picking(sorted), run)
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

    func finished(_ groups: GroupPartial, _ run: QueryRun) throws(LaminaError) -> GroupByRows {
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

    /// The value at a place of a row; place -1 is its time.
    func value(_ row: Int, _ place: Int) -> Value { place < 0 ? .long(times[row]) : table.columns[place].value(row) }
}

/// Writes finished rows in Druid's shape.
struct GroupByRowWriter: Sendable {
    private let layout: TimestampLayout
    private let asArray: Bool
    private let hasTime: Bool
    private let start: Int64

    init(_ bound: GroupByOperator) {
        layout = bound.layout
        asArray = bound.resultAsArray
        hasTime = !bound.groupBy.granularity.isAll
        start = bound.query.intervals.first?.start ?? Interval.eternity.start
    }

    func write(_ rows: GroupByRows, _ row: Int, into writer: inout JSONWriter) {
        let time = hasTime ? rows.times[row] : start
        if asArray {
            writer.beginArray()
            if hasTime { writer.int(time) }
            rows.table.writeValues(row, into: &writer)
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
        rows.table.writeFields(row, into: &writer)
        writer.endObject()
        writer.endObject()
    }
}

/// Rows of several groupings, one after the other.
private final class GroupByElements: ResultElements {
    private let parts: [GroupByRows]
    private let rows: GroupByRowWriter
    private var part = 0
    private var row = 0

    init(_ parts: [GroupByRows], _ rows: GroupByRowWriter) {
        self.parts = parts
        self.rows = rows
    }

    func writeNext(into writer: inout JSONWriter) throws(LaminaError) -> Bool {
        while part < parts.count {
            if row < parts[part].table.rowCount {
                rows.write(parts[part], row, into: &writer)
                row += 1
                return true
            }
            part += 1
            row = 0
        }
        return false
    }
}
