extension Filter {
    /// Names of the columns the filter reads, virtual ones included.
    package var requiredColumns: Set<String> {
        switch self {
        case .true, .false: []
        case .and(let fields), .or(let fields): fields.reduce(into: []) { $0.formUnion($1.requiredColumns) }
        case .not(let field), .isTrue(let field), .isFalse(let field): field.requiredColumns
        case .selector(let name, _, _), .bound(let name, _, _, _, _, _, _), .in(let name, _, _), .like(let name, _, _),
            .regex(let name, _, _), .search(let name, _, _), .interval(let name, _, _),
            .bloom(let name, _, _):
            [name]
        case .equals(let name, _, _), .null(let name), .range(let name, _, _, _, _, _), .inType(let name, _, _),
            .arrayContainsElement(let name, _, _), .spatial(let name, _):
            [name]
        case .columnComparison(let dimensions): Set(dimensions.map(\.dimension))
        case .expression(let expression, let virtualColumns):
            Set(expression.requiredColumns + virtualColumns.flatMap(\.expression.requiredColumns))
        }
    }
}
