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

    /// How each dimension is compared where rows that the order cannot tell apart become one: by its ordering if it has one.
    func tieComparisons() -> [RowSorter.Comparison] {
        groupBy.dimensions.enumerated().map { index, dimension in
            let ordered = groupBy.limitSpec?.columns.first { sameText($0.name, dimension.outputName) }
            return ordered.map { comparison($0, index) } ?? compareNatural
        }
    }

    /// Whether two rows compare equal: same time, dimensions equal to their comparators.
    func tieTest(_ all: GroupByRows) -> (UInt32, UInt32) -> Bool {
        let tests = tieComparisons()
        return { left, right in
            all.times[Int(left)] == all.times[Int(right)]
                && tests.enumerated().allSatisfy { index, compare in
                    let column = all.table.columns[index]
                    return compare(column.value(Int(left)), column.value(Int(right))) == 0
                }
        }
    }

    private var hasTime: Bool { !groupBy.granularity.isAll }

    /// The key columns by their weight in the default order.
    var keyOrder: [Int] {
        let count = groupBy.dimensions.count + (hasTime ? 1 : 0)
        return hasTime && sortByDimsFirst ? Array(1..<count) + [0] : Array(0..<count)
    }

    /// Whether rows must be ordered after they were grouped: by columns, or because Druid's limitSpec puts time first where
    /// rows do not come so.
    ///
    /// Source: `DefaultLimitSpec.build`, `sortingNeeded`.
    var sortsRows: Bool {
        guard let spec = groupBy.limitSpec else { return false }
        return !spec.columns.isEmpty || hasTime && (groupBy.subtotals != nil || sortByDimsFirst)
    }

    /// With the limit pushed down, or no columns to order by, only the first rows of the default order count; their number.
    ///
    /// An order by dimensions gives the same rows whether it cuts before or after; an order by time alone does not.
    var rowsBeforeOrder: Int? {
        guard let spec = groupBy.limitSpec, spec.columns.isEmpty, appliesPushDown, groupBy.having == nil,
            groupBy.subtotals == nil
        else { return nil }
        return wanted
    }

    /// How many rows limit and offset need; nil: all.
    var wanted: Int? {
        guard let spec = groupBy.limitSpec, let limit = spec.limit else { return nil }
        let (sum, overflow) = limit.addingReportingOverflow(max(0, spec.offset))
        return overflow ? nil : sum
    }

    /// What rows are compared by: the value at a place of the row, and how. Place -1 is the time.
    func comparisons() -> [(place: Int, compare: RowSorter.Comparison)] {
        var result: [(place: Int, compare: RowSorter.Comparison)] = []
        let names =
            groupBy.dimensions.map(\.outputName) + groupBy.aggregations.map(\.name)
            + groupBy.postAggregations.map(\.name)
        for column in groupBy.limitSpec?.columns ?? [] {
            guard let index = names.lastIndex(where: { sameText($0, column.name) }) else { continue }
            let compare = comparison(column, index)
            result.append((index, column.descending ? { -compare($0, $1) } : compare))
        }
        if hasTime { result.insert((-1, compareNatural), at: sortByDimsFirst ? result.count : 0) }
        return result
    }

    /// Rows in the order of the limitSpec; rows that tie stay as they are.
    func sorted(_ rows: [UInt32], _ all: GroupByRows, _ run: QueryRun) throws(LaminaError) -> [UInt32] {
        guard sortsRows else { return rows }
        let comparisons = comparisons()
        try run.poll()
        // Values are looked up once: a comparison of texts in a table would build them every time.
        var keys: [[Value]] = []
        keys.reserveCapacity(rows.count)
        for row in rows { keys.append(comparisons.map { all.value(Int(row), $0.place) }) }
        var order = Array(rows.indices)
        order.sort { left, right in
            for (index, comparison) in comparisons.enumerated() {
                let order = comparison.compare(keys[left][index], keys[right][index])
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
