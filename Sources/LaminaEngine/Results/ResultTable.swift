import LaminaBase
import LaminaQuery
import LaminaSegment

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
        /// An aggregation that is no plain number: finished values, states, and whether the finished values are shown.
        case states(finished: [Value], AggregateColumn, showsFinished: Bool)

        /// What order, conditions and other computations go by.
        func value(_ row: Int) -> Value {
            switch self {
            case .states(let finished, _, _): finished[row]
            case .key(let column): column.value(row)
            case .aggregate(let column): column.value(row)
            case .values(let values): values[row]
            }
        }

        /// What the answer shows.
        func shown(_ row: Int) -> Value {
            guard case .states(let finished, let states, let showsFinished) = self else { return value(row) }
            return showsFinished ? finished[row] : shownValue(states.unfinished(row))
        }
    }

    /// - Parameters:
    ///   - dimensions: output names of the key columns from `firstDimension` on.
    ///   - finalizes: false shows sketches and pairs themselves (`finalize` of the query's context).
    init(
        dimensions: [String],
        _ groups: GroupPartial,
        firstDimension: Int,
        _ aggregators: [Aggregator],
        _ postAggregators: [PostAggregator],
        finalizes: Bool,
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
            if let finished = try column.finishedStates() {
                let shows = finalizes && column.showsFinished
                columns.append(.states(finished: finished, column, showsFinished: shows))
            } else {
                columns.append(.aggregate(column))
            }
        }
        for aggregator in postAggregators {
            // A field access that does not finalize shows a sketch itself, one that does its number.
            if case .fieldAccess(_, let field, let finalizing) = aggregator, let index = index(of: field),
                case .states(let finished, let states, _) = columns[index]
            {
                names.append(aggregator.name)
                columns.append(.states(finished: finished, states, showsFinished: finalizing && states.showsFinished))
                continue
            }
            let program = PostProgram(aggregator, names)
            var values: [Value] = []
            values.reserveCapacity(rowCount)
            for row in 0..<rowCount {
                if row % batchRowsMax == 0 { try run.poll() }
                values.append(try program.value(PostRow(columns: columns, row: row)))
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
    func writeFields(_ row: Int, into writer: inout JSONWriter, areNull: Bool = false) {
        for (index, name) in names.enumerated() {
            writer.key(name)
            if areNull { writer.null() } else { writer.value(columns[index].shown(row)) }
        }
    }

    /// Writes the row's values as elements of an array that is open.
    func writeValues(_ row: Int, into writer: inout JSONWriter) {
        for column in columns { writer.value(column.shown(row)) }
    }
}

/// A value as results print it: stored pairs are objects, other complex values stay what they are.
///
/// Source: the JSON properties of `SerializablePair`.
func shownValue(_ value: Value) -> Value {
    guard case .complex(let type, let bytes) = value, let kind = SerializedPair.Kind(rawValue: type),
        let pair = SerializedPair(bytes, kind: kind)
    else { return value }
    return .json(pair.json)
}
