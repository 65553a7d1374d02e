import LaminaBase
import LaminaQuery
import LaminaSegment

/// The accumulator of an aggregation over one segment.
///
/// - Parameters:
///   - rowsWanted: how many rows will come, for the plans of filters.
///   - engine: what Druid would read the rows with.
func makeAccumulator(
    _ aggregator: Aggregator,
    in scan: SegmentScan,
    rowsWanted: Int,
    skipsRows: Bool = false,
    engine: GroupingEngine = .vectors
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
        if name != nil, case .string(let stored) = column, stored.hasMultipleValues {
            return multiValue(scan.idInput(stored), type, kind)
        }
        switch type {
        case .long:
            let input: NumericInput<Int64> = try numericInput(column, named: name, kind, in: scan)
            return NumberAccumulator(input, kind, skipsRows: skipsRows) { .long($0) }
        case .float:
            let input: NumericInput<Float> = try numericInput(column, named: name, kind, in: scan)
            return NumberAccumulator(input, kind, skipsRows: skipsRows) { .float($0) }
        case .double:
            let input: NumericInput<Double> = try numericInput(column, named: name, kind, in: scan)
            return NumberAccumulator(input, kind, skipsRows: skipsRows) { .double($0) }
        }
    case .filtered(_, let inner, let filter):
        let plan = try FilterCompiler(scan: scan, rowsWanted: rowsWanted).plan(filter)
        let inside = engine == .rows ? engine : .vectors
        let accumulator = try makeAccumulator(inner, in: scan, rowsWanted: rowsWanted, skipsRows: true, engine: inside)
        return FilteredAccumulator(plan.matcher, accumulator)
    case .grouping: return GroupingAccumulator()
    default: return try makeStateAccumulator(aggregator, in: scan, engine)
    }
}

/// The accumulator of an aggregation that is folded row by row.
private func makeStateAccumulator(
    _ aggregator: Aggregator,
    in scan: SegmentScan,
    _ engine: GroupingEngine
) throws(LaminaError) -> Accumulator {
    guard let rule = try makeValueAggregation(aggregator) else { throw .unsupported("aggregator \(aggregator.name)") }
    if let single = try makeSingleValueAccumulator(rule, in: scan, engine) { return single }
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

/// The numbers that a sum, minimum or maximum folds.
///
/// Texts of a column are parsed; one that is no number counts as a row that changes nothing: 0 of a sum, of a maximum the least
/// number. Texts an expression makes are null then.
///
/// - Parameter name: the column's; nil: an expression's results.
/// - Source: `StringColumnDoubleAggregatorWrapper` and its neighbours.
private func numericInput<Number: VectorNumber>(
    _ column: ScanColumn,
    named name: String?,
    _ kind: AggregateColumn.Fold,
    in scan: SegmentScan
) throws(LaminaError) -> NumericInput<Number> {
    // Arrays of numbers are no numbers, and several values of an expression are an array.
    if case .array(let element)? = column.type, element.isNumeric { return NullInput() }
    guard let name else {
        switch column {
        case .string(let stored) where stored.hasMultipleValues: return NullInput()
        case .rows(let bound) where bound.isMapped: return NullInput()
        default: break
        }
        return try makeNumericInput(column, in: scan)
    }
    let neutral = neutral(Number.self, kind)
    switch column {
    case .string(let stored):
        return ParsedInput<Number>(scan.idInput(stored)) { (id: UInt32) throws(LaminaError) -> Number? in
            stored.value(id).map { number(.string($0)) ?? neutral }
        }
    case .mapped, .object, .rows:
        return CastInput<Number>(try scan.valueInput(name)) { value in
            if case .string = value { return number(value) ?? neutral }
            return number(value)
        }
    case .missing, .long, .float, .double, .numbers: return try makeNumericInput(column, in: scan)
    }
}

private func neutral<Number: VectorNumber>(_ type: Number.Type, _ kind: AggregateColumn.Fold) -> Number {
    kind == .sum ? Number.zero : Number.extremeStart(greatest: kind == .max)
}

/// The same over rows of several values, each folded by itself.
private func multiValue(_ ids: IDInput, _ type: Aggregator.NumberType, _ kind: AggregateColumn.Fold) -> Accumulator {
    switch type {
    case .long:
        MultiValueAccumulator<Int64>(
            ids,
            kind,
            parse: { number(.string($0)) ?? neutral(Int64.self, kind) },
            wrap: { .long($0) }
        )
    case .float:
        MultiValueAccumulator<Float>(
            ids,
            kind,
            parse: { number(.string($0)) ?? neutral(Float.self, kind) },
            wrap: { .float($0) }
        )
    case .double:
        MultiValueAccumulator<Double>(
            ids,
            kind,
            parse: { number(.string($0)) ?? neutral(Double.self, kind) },
            wrap: { .double($0) }
        )
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
