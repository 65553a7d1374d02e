package import LaminaBase

/// What a query reads (druid-surface 2).
///
/// - Source: the classes of `org.apache.druid.query` that end in `DataSource`.
package indirect enum DataSource: Sendable {
    case table(String)
    /// The rows of several tables one after the other.
    case union([String])
    case inline(InlineSource)
    case lookup(LookupSource)
    case query(Query)
    case join(JoinSource)
    case unnest(UnnestSource)
    /// The rows of `base` that pass a filter.
    case filter(base: DataSource, Filter)

    /// The tables read, in order of mention, each once.
    package var tables: [String] {
        var names: [String] = []
        for name in allTables where !names.contains(name) { names.append(name) }
        return names
    }

    private var allTables: [String] {
        switch self {
        case .table(let name): [name]
        case .union(let names): names
        case .inline, .lookup: []
        case .query(let query): query.dataSource.allTables
        case .join(let join): join.left.allTables + join.right.allTables
        case .unnest(let unnest): unnest.base.allTables
        case .filter(let base, _): base.allTables
        }
    }
}

/// Rows written in the query itself, kept by column.
package struct InlineSource: Sendable {
    package var names: [String]
    /// nil: nothing is said of the column's type.
    package var types: [ColumnType?]
    /// For each column a value for each row, as written: JSON scalars, lists as arrays, objects as json.
    package var columns: [[Value]]
    package var rowCount: Int

    package init(names: [String], types: [ColumnType?], columns: [[Value]], rowCount: Int) {
        self.names = names
        self.types = types
        self.columns = columns
        self.rowCount = rowCount
    }
}

/// A look-up as a table of two text columns, `k` and `v`.
package struct LookupSource: Sendable {
    package var name: String
    package var table: LookupTable

    package init(name: String, table: LookupTable) {
        self.name = name
        self.table = table
    }
}

/// Rows of `left`, each with the rows of `right` that meet the condition; columns of `right` under prefixed names.
package struct JoinSource: Sendable {
    package var left: DataSource
    package var right: DataSource
    package var rightPrefix: String
    package var condition: JoinCondition
    package var type: JoinType
    /// Applied to the left rows first.
    package var leftFilter: Filter?

    package init(
        left: DataSource,
        right: DataSource,
        rightPrefix: String,
        condition: JoinCondition,
        type: JoinType,
        leftFilter: Filter? = nil
    ) {
        self.left = left
        self.right = right
        self.rightPrefix = rightPrefix
        self.condition = condition
        self.type = type
        self.leftFilter = leftFilter
    }
}

package enum JoinType: String, Sendable, CaseIterable {
    case inner = "INNER"
    case left = "LEFT"
    case right = "RIGHT"
    case full = "FULL"

    /// Left rows without a match stay, with nulls on the right.
    package var keepsLeft: Bool { self == .left || self == .full }
    /// Right rows without a match stay, with nulls on the left.
    package var keepsRight: Bool { self == .right || self == .full }
}

/// For each row of `base` one row for each element of an expression, under the name of the virtual column.
package struct UnnestSource: Sendable {
    package var base: DataSource
    package var virtualColumn: VirtualColumn
    /// Applied to the rows that come out.
    package var filter: Filter?

    package init(base: DataSource, virtualColumn: VirtualColumn, filter: Filter? = nil) {
        self.base = base
        self.virtualColumn = virtualColumn
        self.filter = filter
    }
}
