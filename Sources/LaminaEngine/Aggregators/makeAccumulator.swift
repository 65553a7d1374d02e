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
        if case .string(let stored) = column {
            return overTexts(stored, scan.idInput(stored), type, kind, skipsRows: skipsRows)
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
    guard let rule = makeValueAggregation(aggregator) else { throw .unsupported("aggregator \(aggregator.name)") }
    if let first = rule as? FirstLastAggregation, case .plain = try inputKind(first.field, in: scan) {
        return try FirstLastAccumulator(first, in: scan)
    }
    if let fast = try makeSketchAccumulator(rule, in: scan) { return fast }
    return try ValueAccumulator(rule, in: scan)
}

private enum InputKind { case plain, complex }

/// Whether a column may hold complex values, which an aggregation reads as states.
private func inputKind(_ name: String, in scan: SegmentScan) throws(LaminaError) -> InputKind {
    switch try scan.column(name).type {
    case .complex, nil: .complex
    default: .plain
    }
}

/// Texts are parsed; one that is no number counts as a row that changes nothing: 0 of a sum, of a maximum the least number.
///
/// - Source: `StringColumnDoubleAggregatorWrapper` and its neighbours.
private func overTexts(
    _ column: any StringColumn,
    _ ids: IDInput,
    _ type: Aggregator.NumberType,
    _ kind: AggregateColumn.Fold,
    skipsRows: Bool
) -> Accumulator {
    func accumulator<Number: VectorNumber>(
        _ wrap: @escaping ([Number]) -> AggregateColumn.Numbers
    ) -> Accumulator {
        let neutral = kind == .sum ? Number.zero : Number.extremeStart(greatest: kind == .max)
        if column.hasMultipleValues {
            return MultiValueAccumulator<Number>(ids, kind, parse: { number(.string($0)) ?? neutral }, wrap: wrap)
        }
        let input = ParsedInput<Number>(ids) { (id: UInt32) throws(LaminaError) -> Number? in
            column.value(id).map { number(.string($0)) ?? neutral }
        }
        return NumberAccumulator(input, kind, skipsRows: skipsRows, wrap: wrap)
    }
    return switch type {
    case .long: accumulator { .long($0) }
    case .float: accumulator { .float($0) }
    case .double: accumulator { .double($0) }
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
