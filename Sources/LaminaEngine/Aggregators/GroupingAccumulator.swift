import LaminaBase
import LaminaQuery

/// Which dimensions a subtotal leaves out: 0 on every row, set for each subtotal when it is formed.
///
/// - Source: `GroupingAggregatorFactory`.
final class GroupingAccumulator: Accumulator {
    override func emit(_ groups: [UInt32]) -> AggregateColumn { AggregateColumn(groupingID: 0, count: groups.count) }
}

extension AggregateColumn {
    /// The same grouping id for every group.
    init(groupingID: Int64, count: Int) {
        self.init(numbers: .long(Array(repeating: groupingID, count: count)), seen: [], fold: .max)
    }
}

/// One bit a column, the first the highest: 0 where the subtotal groups by it, 1 where it leaves it out.
func groupingID(_ columns: [String], groupedBy dimensions: [String]) -> Int64 {
    columns.reduce(0) { id, column in
        id << 1 | (dimensions.contains { sameText($0, column) } ? 0 : 1)
    }
}
