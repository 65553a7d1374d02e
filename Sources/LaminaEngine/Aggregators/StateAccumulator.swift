import LaminaBase
import LaminaQuery

/// States that are folded row by row: the aggregations that have no vectors.
class StateAccumulator: Accumulator {
    let rule: any ValueAggregation
    final var states: [AggregateState?] = []

    init(_ rule: any ValueAggregation) { self.rule = rule }

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
            try fold(rows.slots.map { Int($0[index]) } ?? index, into: &states[Int(groups[index])])
        }
    }

    final override func emit(_ groups: [UInt32]) -> AggregateColumn {
        AggregateColumn(numbers: .states(pick(states, groups), rule), seen: [], fold: .sum)
    }
}

/// Any aggregation, fed with the values of its columns.
final class ValueAccumulator: StateAccumulator {
    private let columns: [ValueInput]
    private var values: [Value]

    init(_ rule: any ValueAggregation, in scan: SegmentScan) throws(LaminaError) {
        var columns: [ValueInput] = []
        for name in rule.inputs { columns.append(try scan.valueInput(name)) }
        self.columns = columns
        values = Array(repeating: .null, count: columns.count)
        super.init(rule)
    }

    override func load(_ batch: Batch) throws(LaminaError) {
        for column in columns { try column.load(batch) }
    }

    override func fold(_ slot: Int, into state: inout AggregateState?) throws(LaminaError) {
        for (index, column) in columns.enumerated() { values[index] = try column.value(slot) }
        try rule.fold(values, into: &state)
    }
}

/// First and last over plain columns: values are read only when their time counts.
final class FirstLastAccumulator: StateAccumulator {
    private let times: ValueInput
    private let values: ValueInput
    private let aggregation: FirstLastAggregation

    init(_ aggregation: FirstLastAggregation, in scan: SegmentScan) throws(LaminaError) {
        self.aggregation = aggregation
        times = try scan.valueInput(aggregation.timeColumn)
        values = try scan.valueInput(aggregation.field)
        super.init(aggregation)
    }

    override func load(_ batch: Batch) throws(LaminaError) {
        try times.load(batch)
        try values.load(batch)
    }

    override func fold(_ slot: Int, into state: inout AggregateState?) throws(LaminaError) {
        let time = try times.value(slot)
        guard let instant = time.asLong, aggregation.replaces(state, at: instant) else { return }
        try aggregation.fold(time: time, value: try values.value(slot), into: &state)
    }
}
