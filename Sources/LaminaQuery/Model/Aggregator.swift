package import LaminaBase

/// An aggregation of a query or a metric of an ingestion spec.
package indirect enum Aggregator: Sendable {
    case count(name: String)
    /// The nine number folds: long/float/double × sum/min/max over a field or an expression.
    case number(name: String, type: NumberType, fold: Fold, input: Input)
    /// Counts only rows the filter passes; `name` is the filtered aggregator's own.
    case filtered(name: String, aggregator: Aggregator, filter: Filter)

    package enum NumberType: String, Sendable, Hashable {
        case long, float, double
    }

    package enum Fold: String, Sendable, Hashable {
        case sum = "Sum"
        case min = "Min"
        case max = "Max"
    }

    package enum Input: Sendable {
        case field(String)
        case expression(Expression)
    }

    /// The output name.
    package var name: String {
        switch self {
        case .count(let name), .number(let name, _, _, _), .filtered(let name, _, _): name
        }
    }

    /// The type of the finalized value.
    package var outputType: ColumnType {
        switch self {
        case .count: .long
        case .number(_, let type, _, _):
            switch type {
            case .long: .long
            case .float: .float
            case .double: .double
            }
        case .filtered(_, let inner, _): inner.outputType
        }
    }
}

/// A value computed from finished aggregations, in listed order (druid-surface 5.3).
package indirect enum PostAggregator: Sendable {
    case arithmetic(name: String, function: Arithmetic, fields: [PostAggregator], numericFirst: Bool)
    case fieldAccess(name: String, field: String, finalizing: Bool)
    case constant(name: String, value: Value)
    /// `greatest`/`least` over fields, null ignored.
    case extremum(name: String, type: Aggregator.NumberType, greatest: Bool, fields: [PostAggregator])
    case expression(name: String, expression: Expression, outputType: ColumnType?, numericFirst: Bool)

    package enum Arithmetic: String, Sendable {
        case add = "+"
        case subtract = "-"
        case multiply = "*"
        case divide = "/"
        case quotient
        case pow
    }

    package var name: String {
        switch self {
        case .arithmetic(let name, _, _, _), .fieldAccess(let name, _, _), .constant(let name, _),
            .extremum(let name, _, _, _), .expression(let name, _, _, _):
            name
        }
    }
}
