import LaminaBase
import LaminaQuery

/// An aggregation written as expressions.
///
/// - Source: `ExpressionLambdaAggregator`.
struct ExpressionAggregation: ValueAggregation {
    private let aggregator: ExpressionAggregator
    /// Where `fold` reads the accumulated value and the columns.
    private let accumulator: Int?
    private let slots: [Int]
    private let columnCount: Int
    let inputs: [String]
    private let start: Value
    /// What no rows come to.
    private let nothing: Value

    init(_ aggregator: ExpressionAggregator) throws(LaminaError) {
        self.aggregator = aggregator
        start = try aggregator.initialValue.constantValue()
        nothing = aggregator.isNullUnlessAggregated ? .null : try aggregator.initialCombineValue.constantValue()
        let names = aggregator.fold.requiredColumns
        columnCount = names.count
        accumulator = names.firstIndex(of: aggregator.accumulator)
        slots = names.indices.filter { names[$0] != aggregator.accumulator }
        inputs = slots.map { names[$0] }
    }

    func fold(_ values: [Value], into state: inout AggregateState?) throws(LaminaError) {
        var columns = [Value](repeating: .null, count: columnCount)
        for (index, slot) in slots.enumerated() {
            columns[slot] = values[index]
            if values[index].isNull, !aggregator.shouldAggregateNullInputs { return }
        }
        if let accumulator {
            if case .value(let known) = state {
                columns[accumulator] = known
            } else {
                columns[accumulator] = start
            }
        }
        let value = try aggregator.fold.evaluate(columns: columns)
        try aggregator.checkSize(value)
        state = .value(value)
    }

    func merge(_ other: AggregateState, into state: inout AggregateState?) throws(LaminaError) {
        guard case .value(let mine) = state, case .value(let theirs) = other else {
            state = state ?? other
            return
        }
        if !aggregator.shouldCombineAggregateNullInputs, theirs.isNull { return }
        state = .value(try aggregator.combined(mine, theirs))
    }

    func finished(_ state: AggregateState?) throws(LaminaError) -> Value { try aggregator.finished(stored(state)) }

    func stored(_ state: AggregateState?) -> Value {
        if case .value(let value) = state { return value }
        return nothing
    }

    func state(fromStored value: Value) throws(LaminaError) -> AggregateState? { .value(value) }

    var storedType: ColumnType? { nil }
    var expectedBytes: Int { min(aggregator.maxSizeBytes, 1024) }
}

extension Expression {
    /// The value of an expression that reads nothing.
    func constantValue() throws(LaminaError) -> Value { try evaluate { (_) throws(LaminaError) in .null } }
}

extension ExpressionAggregator {
    func combined(_ mine: Value, _ theirs: Value) throws(LaminaError) -> Value {
        let result = try combine.evaluate { (column) throws(LaminaError) in
            column == accumulator ? mine : column == name ? theirs : .null
        }
        try checkSize(result)
        return result
    }

    func finished(_ value: Value) throws(LaminaError) -> Value {
        guard let finalize else { return value }
        return try finalize.evaluate { (column) throws(LaminaError) in column == "o" ? value : .null }
    }

    /// Refuses an accumulated value beyond `maxSizeBytes`.
    func checkSize(_ value: Value) throws(LaminaError) {
        let size = value.byteSize
        guard size <= maxSizeBytes else {
            throw .resourceLimit(
                "Expression aggregation '\(name)' holds \(size) bytes and may hold \(maxSizeBytes) (maxSizeBytes)"
            )
        }
    }
}
