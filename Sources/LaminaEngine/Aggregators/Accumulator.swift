import LaminaBase
import LaminaQuery
import LaminaSegment

/// The running states of one aggregation over one segment, by group number.
class Accumulator {
    /// Makes room for groups 0 to `count - 1`.
    func grow(to count: Int) {}

    /// Folds selected slots into one group.
    func fold(_ batch: Batch, _ rows: SlotSet, group: Int) throws(LaminaError) {}

    /// Folds the i-th of the selected slots into group `groups[i]`.
    func fold(_ batch: Batch, _ rows: SlotSet, groups: UnsafePointer<UInt32>) throws(LaminaError) {}

    /// The states of some groups.
    func emit(_ groups: [UInt32]) -> AggregateColumn { preconditionFailure("an accumulator without a body") }
}

/// Counts rows.
///
/// - Source: `CountVectorAggregator`.
final class CountAccumulator: Accumulator {
    private let counts = Scratch<Int64>()
    private var size = 0

    override func grow(to count: Int) {
        guard count > size else { return }
        counts.grow(to: count, keeping: size)
        (counts.pointer + size).initialize(repeating: 0, count: counts.capacity - size)
        size = counts.capacity
    }

    override func fold(_ batch: Batch, _ rows: SlotSet, group: Int) throws(LaminaError) {
        counts.pointer[group] &+= Int64(rows.count)
    }

    override func fold(_ batch: Batch, _ rows: SlotSet, groups: UnsafePointer<UInt32>) throws(LaminaError) {
        countGroups(groups, count: rows.count, into: counts.pointer)
    }

    override func emit(_ groups: [UInt32]) -> AggregateColumn {
        AggregateColumn(numbers: .long(pick(UnsafePointer(counts.pointer), groups)), seen: [], fold: .sum)
    }
}

/// Sums, least or greatest values of one number type.
///
/// - Source: `LongSumVectorAggregator` and its eight relatives; null results by `NullableNumericAggregator`.
final class NumberAccumulator<Number: VectorNumber>: Accumulator {
    private let input: NumericInput<Number>
    private let kind: AggregateColumn.Fold
    private let wrap: ([Number]) -> AggregateColumn.Numbers
    private let start: Number
    private let states = Scratch<Number>()
    private let seen = Scratch<UInt8>()
    private var size = 0
    /// Rows of a column without nulls need no bookkeeping: a group that exists has a value.
    private let tracksNulls: Bool

    /// - Parameter skipsRows: true when some rows of a group may be left out (a filtered aggregator).
    init(
        _ input: NumericInput<Number>,
        _ kind: AggregateColumn.Fold,
        skipsRows: Bool,
        wrap: @escaping ([Number]) -> AggregateColumn.Numbers
    ) {
        self.input = input
        self.kind = kind
        self.wrap = wrap
        start = kind == .sum ? Number.zero : Number.extremeStart(greatest: kind == .max)
        tracksNulls = skipsRows || input.mayBeNull
    }

    override func grow(to count: Int) {
        guard count > size else { return }
        states.grow(to: count, keeping: size)
        Number.fill(states.pointer + size, start, count: states.capacity - size)
        if tracksNulls {
            seen.grow(to: states.capacity, keeping: size)
            (seen.pointer + size).initialize(repeating: 0, count: states.capacity - size)
        }
        size = states.capacity
    }

    override func fold(_ batch: Batch, _ rows: SlotSet, group: Int) throws(LaminaError) {
        if rows.count == 0 { return }
        let vector = try input.vector(batch)
        if kind == .sum {
            states.pointer[group] = Number.sum(vector, rows, start: states.pointer[group])
            if tracksNulls, vector.nulls.map({ anyNotNull($0, slots: rows.slots, count: rows.count) }) ?? true {
                seen.pointer[group] = 1
            }
        } else {
            let best = Number.extreme(vector, rows, start: states.pointer[group], greatest: kind == .max)
            states.pointer[group] = best.value
            if tracksNulls, best.any { seen.pointer[group] = 1 }
        }
    }

    override func fold(_ batch: Batch, _ rows: SlotSet, groups: UnsafePointer<UInt32>) throws(LaminaError) {
        if rows.count == 0 { return }
        let vector = try input.vector(batch)
        if kind == .sum {
            Number.sumGroups(vector.values, rows, groups, into: states.pointer)
        } else {
            Number.extremeGroups(vector, rows, groups, into: states.pointer, greatest: kind == .max)
        }
        guard tracksNulls else { return }
        if let nulls = vector.nulls {
            markNotNull(nulls, rows, groups, into: seen.pointer)
        } else {
            markGroups(groups, count: rows.count, into: seen.pointer)
        }
    }

    override func emit(_ groups: [UInt32]) -> AggregateColumn {
        AggregateColumn(
            numbers: wrap(Number.pick(states.pointer, groups)),
            seen: tracksNulls ? pick(UnsafePointer(seen.pointer), groups) : [],
            fold: kind
        )
    }
}

/// Strings of several values a row: every value is folded, as a number.
///
/// - Source: `StringColumnDoubleAggregatorWrapper`.
final class MultiValueAccumulator<Number: VectorNumber>: Accumulator {
    private let ids: IDInput
    private let parse: (String) -> Number?
    private let kind: AggregateColumn.Fold
    private let wrap: ([Number]) -> AggregateColumn.Numbers
    private let start: Number
    private var states: [Number] = []
    private var seen: [UInt8] = []
    private var table: [Number?]
    private var known: [Bool]

    init(
        _ ids: IDInput,
        _ kind: AggregateColumn.Fold,
        parse: @escaping (String) -> Number?,
        wrap: @escaping ([Number]) -> AggregateColumn.Numbers
    ) {
        self.ids = ids
        self.kind = kind
        self.parse = parse
        self.wrap = wrap
        start = kind == .sum ? Number.zero : Number.extremeStart(greatest: kind == .max)
        table = Array(repeating: nil, count: ids.column.cardinality)
        known = Array(repeating: false, count: ids.column.cardinality)
    }

    override func grow(to count: Int) {
        while states.count < count {
            states.append(start)
            seen.append(0)
        }
    }

    private func number(_ id: UInt32) -> Number? {
        if !known[Int(id)] {
            known[Int(id)] = true
            table[Int(id)] = ids.column.value(id).flatMap(parse)
        }
        return table[Int(id)]
    }

    private func fold(_ values: MultiIDs, _ slot: Int, _ group: Int) {
        for index in Int(values.offsets[slot])..<Int(values.offsets[slot + 1]) {
            guard let number = number(values.ids[index]) else { continue }
            seen[group] = 1
            if kind == .sum {
                states[group] = Number.add(states[group], number)
            } else {
                states[group] = keepExtreme(states[group], number, greatest: kind == .max)
            }
        }
    }

    override func fold(_ batch: Batch, _ rows: SlotSet, group: Int) throws(LaminaError) {
        let values = try ids.multiIDs(batch)
        for index in 0..<rows.count { fold(values, rows.slots.map { Int($0[index]) } ?? index, group) }
    }

    override func fold(_ batch: Batch, _ rows: SlotSet, groups: UnsafePointer<UInt32>) throws(LaminaError) {
        let values = try ids.multiIDs(batch)
        for index in 0..<rows.count {
            fold(values, rows.slots.map { Int($0[index]) } ?? index, Int(groups[index]))
        }
    }

    override func emit(_ groups: [UInt32]) -> AggregateColumn {
        AggregateColumn(numbers: wrap(pick(states, groups)), seen: pick(seen, groups), fold: kind)
    }
}

/// Lets only rows that a filter passes reach another aggregation.
///
/// - Source: `FilteredAggregator`.
final class FilteredAccumulator: Accumulator {
    private let matcher: Matcher
    private let inner: Accumulator
    private let mask = Scratch<UInt64>(maskWords(batchRowsMax))
    private let slots = Scratch<UInt32>(batchRowsMax)
    private let groups = Scratch<UInt32>(batchRowsMax)
    private var serial = -1

    init(_ matcher: Matcher, _ inner: Accumulator) {
        self.matcher = matcher
        self.inner = inner
    }

    override func grow(to count: Int) { inner.grow(to: count) }

    /// The batch's slots that pass.
    private func load(_ batch: Batch) throws(LaminaError) {
        if serial == batch.serial { return }
        maskFill(mask.pointer, bits: batch.slotCount)
        try matcher.refine(batch, mask.pointer)
        serial = batch.serial
    }

    override func fold(_ batch: Batch, _ rows: SlotSet, group: Int) throws(LaminaError) {
        try load(batch)
        slots.reserve(rows.count)
        var count = 0
        for index in 0..<rows.count {
            let slot = rows.slots.map { $0[index] } ?? UInt32(truncatingIfNeeded: index)
            slots.pointer[count] = slot
            count &+= maskTest(mask.pointer, Int(slot)) ? 1 : 0
        }
        try inner.fold(batch, SlotSet(slots: slots.pointer, count: count), group: group)
    }

    override func fold(_ batch: Batch, _ rows: SlotSet, groups: UnsafePointer<UInt32>) throws(LaminaError) {
        try load(batch)
        slots.reserve(rows.count)
        self.groups.reserve(rows.count)
        var count = 0
        for index in 0..<rows.count {
            let slot = rows.slots.map { $0[index] } ?? UInt32(truncatingIfNeeded: index)
            slots.pointer[count] = slot
            self.groups.pointer[count] = groups[index]
            count &+= maskTest(mask.pointer, Int(slot)) ? 1 : 0
        }
        try inner.fold(batch, SlotSet(slots: slots.pointer, count: count), groups: self.groups.pointer)
    }

    override func emit(_ groups: [UInt32]) -> AggregateColumn { inner.emit(groups) }
}
