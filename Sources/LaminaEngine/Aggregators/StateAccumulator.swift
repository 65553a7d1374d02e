import LaminaBase
import LaminaQuery

/// States that are folded row by row: the aggregations that have no vectors.
class StateAccumulator: Accumulator {
    let rule: StateRule
    final var states: [AggregateState?] = []

    init(_ rule: StateRule) { self.rule = rule }

    /// Loads what a batch needs.
    func load(_ batch: Batch) throws(LaminaError) {}

    /// Folds one row into a state.
    func fold(_ slot: Int, into state: inout AggregateState?) throws(LaminaError) {
        preconditionFailure("a state accumulator without a body")
    }

    final override func grow(to count: Int) {
        if count > states.count { states += Array(repeating: nil, count: max(count - states.count, states.count)) }
    }

    final override func fold(_ batch: Batch, _ rows: SlotSet, group: Int) throws(LaminaError) {
        if rows.count == 0 { return }
        try load(batch)
        // Taken out while it changes, so that a sketch inside is changed in place.
        var state = states[group]
        states[group] = nil
        for index in 0..<rows.count { try fold(rows.slots.map { Int($0[index]) } ?? index, into: &state) }
        states[group] = state
    }

    final override func fold(_ batch: Batch, _ rows: SlotSet, groups: UnsafePointer<UInt32>) throws(LaminaError) {
        if rows.count == 0 { return }
        try load(batch)
        for index in 0..<rows.count {
            let group = Int(groups[index])
            var state = states[group]
            states[group] = nil
            try fold(rows.slots.map { Int($0[index]) } ?? index, into: &state)
            states[group] = state
        }
    }

    final override func emit(_ groups: [UInt32]) -> AggregateColumn {
        AggregateColumn(numbers: .states(pick(states, groups), rule), seen: [], fold: .sum)
    }
}

/// The value at the first or last time; null counts as a value.
///
/// - Source: `NumericFirstAggregator`, `StringFirstAggregator` and their kin.
final class FirstLastAccumulator: StateAccumulator {
    private let times: ValueInput
    private let values: ValueInput
    private let type: ColumnType
    private let isLast: Bool
    private let maxBytes: Int

    init(_ times: ValueInput, _ values: ValueInput, _ type: ColumnType, last: Bool, maxBytes: Int) {
        self.times = times
        self.values = values
        self.type = type
        isLast = last
        self.maxBytes = maxBytes
        super.init(.firstLast(last: last))
    }

    override func load(_ batch: Batch) throws(LaminaError) {
        try times.load(batch)
        try values.load(batch)
    }

    override func fold(_ slot: Int, into state: inout AggregateState?) throws(LaminaError) {
        guard let time = try times.value(slot).asLong else { return }
        if case .timed(let known, _) = state, isLast ? time < known : time >= known { return }
        state = .timed(time, plainValue(try values.value(slot), type, maxBytes))
    }
}

/// The value of the first row met.
///
/// - Source: `NumericAnyAggregator`, `StringAnyAggregator`.
final class AnyAccumulator: StateAccumulator {
    private let values: ValueInput
    private let type: ColumnType
    private let maxBytes: Int
    private let joins: Bool

    init(_ values: ValueInput, _ type: ColumnType, maxBytes: Int, joins: Bool) {
        self.values = values
        self.type = type
        self.maxBytes = maxBytes
        self.joins = joins
        super.init(.any)
    }

    override func load(_ batch: Batch) throws(LaminaError) { try values.load(batch) }

    override func fold(_ slot: Int, into state: inout AggregateState?) throws(LaminaError) {
        guard state == nil else { return }
        var value = try values.value(slot)
        if case .array(let elements) = value, !joins { value = elements.first ?? .null }
        state = .value(plainValue(value, type, maxBytes))
    }
}

/// A value in a type, texts cut to a number of UTF-8 bytes at a whole character.
private func plainValue(_ value: Value, _ type: ColumnType, _ maxBytes: Int) -> Value {
    let plain = value.cast(to: type)
    guard case .string(let text) = plain, text.utf8.count > maxBytes else { return plain }
    let bytes = Array(text.utf8)
    var end = maxBytes
    while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
    return .string(String(decoding: bytes[..<end], as: UTF8.self))
}

/// The mean of the values that are numbers.
///
/// - Source: `DoubleMeanAggregatorFactory`.
final class MeanAccumulator: StateAccumulator {
    private let values: ValueInput

    init(_ values: ValueInput) {
        self.values = values
        super.init(.mean)
    }

    override func load(_ batch: Batch) throws(LaminaError) { try values.load(batch) }

    override func fold(_ slot: Int, into state: inout AggregateState?) throws(LaminaError) {
        var sum = 0.0
        var count: Int64 = 0
        if case .mean(let known, let seen) = state { (sum, count) = (known, seen) }
        let value = try values.value(slot)
        var elements = [value]
        if case .array(let several) = value { elements = several }
        for case let number? in elements.map(\.asDouble) {
            sum += number
            count += 1
        }
        state = .mean(sum: sum, count: count)
    }
}

/// Sketches of a hyperUnique column, joined.
///
/// - Source: `HyperUniquesAggregator`.
final class SketchUnionAccumulator: StateAccumulator {
    private let values: ValueInput

    init(_ values: ValueInput, round: Bool) {
        self.values = values
        super.init(.sketch(round: round))
    }

    override func load(_ batch: Batch) throws(LaminaError) { try values.load(batch) }

    override func fold(_ slot: Int, into state: inout AggregateState?) throws(LaminaError) {
        guard case .complex(_, let bytes) = try values.value(slot) else { return }
        let other = try HyperLogLog(bytes: bytes)
        guard case .sketch(var sketch) = state else {
            state = .sketch(other)
            return
        }
        state = nil
        sketch.merge(other)
        state = .sketch(sketch)
    }
}

/// An aggregation written as expressions.
///
/// - Source: `ExpressionLambdaAggregator`.
final class ExpressionAccumulator: StateAccumulator {
    private let aggregator: ExpressionAggregator
    private let inputs: [(column: Int, input: ValueInput)]
    private let accumulator: Int?
    private let start: Value
    private var columns: [Value]

    init(_ aggregator: ExpressionAggregator, in scan: SegmentScan) throws(LaminaError) {
        self.aggregator = aggregator
        start = try aggregator.initialValue.constantValue()
        let names = aggregator.fold.requiredColumns
        accumulator = names.firstIndex(of: aggregator.accumulator)
        var inputs: [(column: Int, input: ValueInput)] = []
        for (column, name) in names.enumerated() where name != aggregator.accumulator {
            inputs.append((column, try scan.valueInput(name)))
        }
        self.inputs = inputs
        columns = Array(repeating: .null, count: names.count)
        super.init(.expression(aggregator))
    }

    override func load(_ batch: Batch) throws(LaminaError) {
        for entry in inputs { try entry.input.load(batch) }
    }

    override func fold(_ slot: Int, into state: inout AggregateState?) throws(LaminaError) {
        for entry in inputs {
            columns[entry.column] = try entry.input.value(slot)
            if columns[entry.column].isNull, !aggregator.shouldAggregateNullInputs { return }
        }
        if let accumulator {
            if case .value(let known) = state { columns[accumulator] = known } else { columns[accumulator] = start }
        }
        let value = try aggregator.fold.evaluate(columns: columns)
        try aggregator.checkSize(value)
        state = .value(value)
    }
}
