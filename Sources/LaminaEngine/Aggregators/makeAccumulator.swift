import LaminaBase
import LaminaQuery
import LaminaSegment

/// The accumulator of an aggregation over one segment.
///
/// - Parameter rowsWanted: how many rows will come, for the plans of filters.
func makeAccumulator(
    _ aggregator: Aggregator,
    in scan: SegmentScan,
    rowsWanted: Int,
    skipsRows: Bool = false
) throws(LaminaError) -> Accumulator {
    switch aggregator {
    case .count: return CountAccumulator()
    case .number(_, let type, let fold, let source):
        let kind: AggregateColumn.Fold = fold == .sum ? .sum : fold == .min ? .min : .max
        let column: ScanColumn
        var name: String?
        switch source {
        case .field(let field):
            column = try scan.column(field)
            name = field
        case .expression(let expression): column = try scan.bind(expression)
        }
        if case .string(let stored) = column, stored.hasMultipleValues {
            return multiValue(scan.idInput(stored), type, kind)
        }
        switch type {
        case .long:
            let input: NumericInput<Int64> =
                if let name { try scan.longInput(name) } else { try makeNumericInput(column, in: scan) }
            return NumberAccumulator(input, kind, skipsRows: skipsRows) { .long($0) }
        case .float:
            let input: NumericInput<Float> =
                if let name { try scan.floatInput(name) } else { try makeNumericInput(column, in: scan) }
            return NumberAccumulator(input, kind, skipsRows: skipsRows) { .float($0) }
        case .double:
            let input: NumericInput<Double> =
                if let name { try scan.doubleInput(name) } else { try makeNumericInput(column, in: scan) }
            return NumberAccumulator(input, kind, skipsRows: skipsRows) { .double($0) }
        }
    case .filtered(_, let inner, let filter):
        let plan = try FilterCompiler(scan: scan, rowsWanted: rowsWanted).plan(filter)
        let accumulator = try makeAccumulator(inner, in: scan, rowsWanted: rowsWanted, skipsRows: true)
        return FilteredAccumulator(plan.matcher, accumulator)
    case .grouping: return GroupingAccumulator()
    default: return try makeStateAccumulator(aggregator, in: scan)
    }
}

/// The accumulator of an aggregation that is folded row by row.
private func makeStateAccumulator(
    _ aggregator: Aggregator,
    in scan: SegmentScan
) throws(LaminaError) -> Accumulator {
    switch aggregator {
    case .firstLast(_, let type, let last, let field, let timeColumn, let maxBytes):
        return FirstLastAccumulator(
            try scan.valueInput(timeColumn),
            try scan.valueInput(field),
            type,
            last: last,
            maxBytes: maxBytes
        )
    case .any(_, let type, let field, let maxBytes, let joins):
        return AnyAccumulator(try scan.valueInput(field), type, maxBytes: maxBytes, joins: joins)
    case .doubleMean(_, let field): return MeanAccumulator(try scan.valueInput(field))
    case .cardinality(_, let dimensions, let byRow, let round):
        var fields: [CardinalityAccumulator.Field] = []
        for dimension in dimensions {
            fields.append(CardinalityAccumulator.Field(try scan.valueInput(dimension.dimension), dimension))
        }
        return CardinalityAccumulator(fields, byRow: byRow, round: round)
    case .hyperUnique(_, let field, _, let round):
        return SketchUnionAccumulator(try scan.valueInput(field), round: round)
    case .expression(let expression): return try ExpressionAccumulator(expression, in: scan)
    case .count, .number, .filtered, .grouping: throw .unsupported("aggregator \(aggregator.name)")
    }
}

private func multiValue(_ ids: IDInput, _ type: Aggregator.NumberType, _ kind: AggregateColumn.Fold) -> Accumulator {
    switch type {
    case .long:
        MultiValueAccumulator<Int64>(ids, kind, parse: { number(.string($0)) }, wrap: { .long($0) })
    case .float:
        MultiValueAccumulator<Float>(ids, kind, parse: { number(.string($0)) }, wrap: { .float($0) })
    case .double:
        MultiValueAccumulator<Double>(ids, kind, parse: { number(.string($0)) }, wrap: { .double($0) })
    }
}

/// Refuses aggregators that are not there yet and output names used twice.
///
/// - Source: `Queries.prepareAggregations`.
func checkOutputs(
    dimensions: [String],
    _ aggregators: [Aggregator],
    _ postAggregators: [PostAggregator]
) throws(LaminaError) {
    var names = Set(dimensions.map { ExactText($0) })
    if names.count < dimensions.count { throw .invalidInput("Duplicate output names among the dimensions") }
    for aggregator in aggregators {
        _ = try AggregateColumn.empty(aggregator, count: 0)
        guard names.insert(ExactText(aggregator.name)).inserted else {
            throw .invalidInput("[\(aggregator.name)] already defined")
        }
    }
    for aggregator in postAggregators {
        guard names.insert(ExactText(aggregator.name)).inserted else {
            throw .invalidInput("[\(aggregator.name)] already defined")
        }
    }
}
