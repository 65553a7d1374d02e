package import LaminaBase

/// An aggregation of a query or a metric of an ingestion spec.
package indirect enum Aggregator: Sendable {
    case count(name: String)
    /// The nine number folds: long/float/double × sum/min/max over a field or an expression.
    case number(name: String, type: NumberType, fold: Fold, input: Input)
    /// Counts only rows the filter passes; `name` is the filtered aggregator's own.
    case filtered(name: String, aggregator: Aggregator, filter: Filter)
    /// The value at the first or last time of `timeColumn`; `type` is long, float, double or string.
    case firstLast(name: String, type: ColumnType, last: Bool, field: String, timeColumn: String, maxStringBytes: Int)
    /// Some value of the column, null allowed; `type` as in `firstLast`. `joinsMultipleValues`: a row of several string
    /// values counts as one JSON-like array text, else only its first value counts.
    case any(name: String, type: ColumnType, field: String, maxStringBytes: Int, joinsMultipleValues: Bool)
    case doubleMean(name: String, field: String)
    /// Estimated distinct values (or tuples, `byRow`) of the dimensions.
    case cardinality(name: String, fields: [DimensionSpec], byRow: Bool, round: Bool)
    /// Estimated distinct values of a column, or the union of `COMPLEX<hyperUnique>` sketches.
    case hyperUnique(name: String, field: String, isInputHyperUnique: Bool, round: Bool)
    /// Which of `groupings` the current subtotal leaves out, as bits, the first column the highest.
    case grouping(name: String, groupings: [String])
    case expression(ExpressionAggregator)
    case sketch(SketchAggregator)

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
        case .count(let name), .number(let name, _, _, _), .filtered(let name, _, _),
            .firstLast(let name, _, _, _, _, _),
            .any(let name, _, _, _, _), .doubleMean(let name, _), .cardinality(let name, _, _, _),
            .hyperUnique(let name, _, _, _), .grouping(let name, _):
            name
        case .expression(let aggregator): aggregator.name
        case .sketch(let aggregator): aggregator.name
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
        case .firstLast(_, let type, _, _, _, _), .any(_, let type, _, _, _): type
        case .doubleMean: .double
        case .cardinality(_, _, _, let round), .hyperUnique(_, _, _, let round): round ? .long : .double
        case .grouping: .long
        case .expression(let aggregator): aggregator.outputType
        case .sketch(let aggregator): aggregator.outputType
        }
    }
}

/// An aggregation written as expressions (Druid's `ExpressionLambdaAggregatorFactory`).
package struct ExpressionAggregator: Sendable {
    package var name: String
    /// Columns read by `fold`.
    package var fields: [String]
    /// The name by which `fold` and `combine` read what is accumulated so far.
    package var accumulator: String
    /// Constant expressions.
    package var initialValue: Expression
    package var initialCombineValue: Expression
    package var isNullUnlessAggregated: Bool
    package var shouldAggregateNullInputs: Bool
    package var shouldCombineAggregateNullInputs: Bool
    package var fold: Expression
    /// Reads the other partial under the aggregator's `name`.
    package var combine: Expression
    /// Compares `o1` and `o2`.
    package var compare: Expression?
    /// Reads the accumulated value as `o`.
    package var finalize: Expression?
    package var maxSizeBytes: Int

    package var outputType: ColumnType {
        let folded = initialCombineValue.outputType { _ in nil } ?? .string
        guard let finalize else { return folded }
        return finalize.outputType { $0 == "o" ? folded : nil } ?? folded
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
    /// The estimate of a `hyperUnique` or `cardinality` aggregation.
    case hyperUniqueCardinality(name: String, field: String)
    case sketch(SketchPostAggregator)

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
            .extremum(let name, _, _, _), .expression(let name, _, _, _), .hyperUniqueCardinality(let name, _):
            name
        case .sketch(let aggregator): aggregator.name
        }
    }
}
