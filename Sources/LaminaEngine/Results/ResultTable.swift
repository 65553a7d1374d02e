import LaminaBase
import LaminaQuery

/// The finished rows of a query in columns: dimensions, aggregations, post-aggregations, in that order.
struct ResultTable: Sendable {
    private(set) var names: [String]
    private(set) var columns: [Column]
    let rowCount: Int
    let dimensionCount: Int

    enum Column: Sendable {
        case key(KeyColumn)
        case aggregate(AggregateColumn)
        case values([Value])

        func value(_ row: Int) -> Value {
            switch self {
            case .key(let column): column.value(row)
            case .aggregate(let column): column.value(row)
            case .values(let values): values[row]
            }
        }
    }

    /// - Parameters:
    ///   - dimensions: output names of the key columns from `firstDimension` on.
    init(
        dimensions: [String],
        _ groups: GroupPartial,
        firstDimension: Int,
        _ aggregators: [Aggregator],
        _ postAggregators: [PostAggregator],
        _ run: QueryRun
    ) throws(LaminaError) {
        rowCount = groups.groupCount
        dimensionCount = dimensions.count
        names = dimensions
        columns = []
        for index in dimensions.indices { columns.append(.key(groups.keys[firstDimension + index])) }
        for (index, aggregator) in aggregators.enumerated() {
            names.append(aggregator.name)
            let column = groups.states[index]
            columns.append(try column.finishedStates().map(Column.values) ?? .aggregate(column))
        }
        for aggregator in postAggregators {
            // A field access that does not finalize shows a sketch itself.
            if case .fieldAccess(_, let field, finalizing: false) = aggregator,
                let index = aggregators.firstIndex(where: { sameText($0.name, field) }),
                let sketches = groups.states[index].sketches()
            {
                names.append(aggregator.name)
                columns.append(.values(sketches))
                continue
            }
            let program = PostProgram(aggregator, names)
            var values: [Value] = []
            values.reserveCapacity(rowCount)
            for row in 0..<rowCount {
                if row % batchRowsMax == 0 { try run.poll() }
                values.append(try program.value { columns[$0].value(row) })
            }
            names.append(aggregator.name)
            columns.append(.values(values))
        }
    }

    func index(of name: String) -> Int? {
        // Of equal names the later column counts; names were checked to be distinct before.
        names.lastIndex { sameText($0, name) }
    }

    /// Writes the row's fields as members of an object that is open.
    func writeFields(_ row: Int, into writer: inout JSONWriter) {
        for (index, name) in names.enumerated() {
            writer.key(name)
            writer.value(columns[index].value(row))
        }
    }

    /// Writes the row's values as elements of an array that is open.
    func writeValues(_ row: Int, into writer: inout JSONWriter) {
        for column in columns { writer.value(column.value(row)) }
    }
}
