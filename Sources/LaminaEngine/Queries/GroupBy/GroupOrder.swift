import LaminaBase
import LaminaQuery

/// The order and limit of groupBy rows.
///
/// Without a limitSpec's columns: time, then dimensions as listed, each in its natural order, null first.
struct GroupOrder {
    private let groupBy: GroupByQuery
    private let sortByDimsFirst: Bool
    private let appliesPushDown: Bool

    init(_ groupBy: GroupByQuery, sortByDimsFirst: Bool, appliesPushDown: Bool) {
        self.groupBy = groupBy
        self.sortByDimsFirst = sortByDimsFirst
        self.appliesPushDown = appliesPushDown
    }

    /// Whether Druid would limit before it merges: order by dimensions alone, no having, no subtotals.
    ///
    /// Source: `GroupByQuery.determineApplyLimitPushDown`.
    var pushesLimit: Bool {
        guard appliesPushDown, let spec = groupBy.limitSpec, spec.limit != nil, !spec.columns.isEmpty,
            groupBy.having == nil,
            groupBy.subtotals == nil
        else { return false }
        return spec.columns.allSatisfy { column in
            groupBy.dimensions.contains { sameText($0.outputName, column.name) }
        }
    }

    /// Whether two rows compare equal: same time, ordered dimensions equal to their comparators, the others the same.
    func tieTest(_ all: GroupByRows) -> (UInt32, UInt32) -> Bool {
        var tests: [(ResultTable.Column, (Value, Value) -> Int)] = []
        for (index, dimension) in groupBy.dimensions.enumerated() {
            let ordered = groupBy.limitSpec?.columns.first { sameText($0.name, dimension.outputName) }
            tests.append((all.table.columns[index], ordered.map { comparison($0, index) } ?? compareNatural))
        }
        let times = all.times
        return { left, right in
            times[Int(left)] == times[Int(right)]
                && tests.allSatisfy { $0.1($0.0.value(Int(left)), $0.0.value(Int(right))) == 0 }
        }
    }

    var isDefault: Bool { groupBy.limitSpec?.columns.isEmpty ?? true }

    private var hasTime: Bool { !groupBy.granularity.isAll }

    /// Groups in the default order. Ids of sorted values are ranks, so keys compare as integers.
    func sortedByKeys(_ groups: GroupPartial) -> [UInt32] {
        var columns = groups.keys
        if hasTime, sortByDimsFirst { columns.append(columns.removeFirst()) }
        var order = Array(0..<UInt32(groups.groupCount))
        if columns.isEmpty { return order }
        var bits = 0
        let widths = columns.map { max(1, Int.bitWidth - max($0.values.count - 1, 0).leadingZeroBitCount) }
        for width in widths { bits += width }
        if bits <= 64 {
            var words = [UInt64](repeating: 0, count: groups.groupCount)
            for (index, column) in columns.enumerated() {
                for group in words.indices {
                    words[group] = words[group] << UInt64(widths[index]) | UInt64(column.ids[group])
                }
            }
            if zip(words, words.dropFirst()).allSatisfy({ $0 <= $1 }) { return order }
            order.sort { words[Int($0)] < words[Int($1)] }
            return order
        }
        order.sort { left, right in
            for column in columns {
                let one = column.ids[Int(left)]
                let two = column.ids[Int(right)]
                if one != two { return one < two }
            }
            return false
        }
        return order
    }

    /// Rows in the order of the limitSpec's columns; rows that tie stay as they are.
    func sorted(_ rows: [UInt32], _ all: GroupByRows, _ run: QueryRun) throws(LaminaError) -> [UInt32] {
        guard let columns = groupBy.limitSpec?.columns, !columns.isEmpty else { return rows }
        var comparisons: [(column: ResultTable.Column, descending: Bool, compare: (Value, Value) -> Int)] = []
        for column in columns {
            guard let index = all.table.index(of: column.name) else { continue }
            comparisons.append((all.table.columns[index], column.descending, comparison(column, index)))
        }
        try run.poll()
        // Values are looked up once: a comparison of texts in a table would build them every time.
        var keys: [[Value]] = []
        keys.reserveCapacity(rows.count)
        for row in rows { keys.append(comparisons.map { $0.column.value(Int(row)) }) }
        let times = all.times
        let hasTime = hasTime
        let dimsFirst = sortByDimsFirst
        var order = Array(rows.indices)
        order.sort { left, right in
            let byTime = { () -> Int in
                guard hasTime else { return 0 }
                let one = times[Int(rows[left])]
                let two = times[Int(rows[right])]
                return one < two ? -1 : one == two ? 0 : 1
            }
            if !dimsFirst {
                let order = byTime()
                if order != 0 { return order < 0 }
            }
            for (index, comparison) in comparisons.enumerated() {
                let order = comparison.compare(keys[left][index], keys[right][index])
                if order != 0 { return comparison.descending ? order > 0 : order < 0 }
            }
            if dimsFirst {
                let order = byTime()
                if order != 0 { return order < 0 }
            }
            return left < right
        }
        return order.map { rows[$0] }
    }

    /// Dimensions by the wanted string order, unless that is numeric or natural for a number; the rest by their own order.
    ///
    /// Source: `DefaultLimitSpec.dimensionOrdering`, `metricOrdering`.
    private func comparison(_ column: OrderByColumn, _ index: Int) -> (Value, Value) -> Int {
        let dimensionCount = groupBy.dimensions.count
        guard index < dimensionCount else {
            let post = index - dimensionCount - groupBy.aggregations.count
            if post >= 0 {
                switch groupBy.postAggregations[post] {
                case .arithmetic(_, _, _, true), .expression(_, _, _, true): return compareNumericFirst
                default: break
                }
            }
            return compareNatural
        }
        let type = groupBy.dimensions[index].outputType
        let ordering = column.ordering
        if ordering == .natural || type.isNumeric && ordering == .numeric { return compareNatural }
        if case .array = type { return compareNatural }
        return { ordering.compare($0.asText, $1.asText) }
    }

    /// The rows that offset and limit leave.
    func limited(_ rows: [UInt32]) -> [UInt32] {
        guard let spec = groupBy.limitSpec else { return rows }
        let rest = rows.dropFirst(max(0, spec.offset))
        return Array(spec.limit.map { rest.prefix($0) } ?? rest)
    }
}
