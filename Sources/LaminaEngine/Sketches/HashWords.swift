import LaminaBase
import LaminaQuery
import LaminaSegment

/// An aggregation that sees of each value only a word made of its hash.
protocol HashedAggregation {
    /// Nil for texts that are no value.
    func word(_ text: String) -> UInt64?
    func word(_ number: Int64) -> UInt64
    func word(_ number: Double) -> UInt64
}

extension HashedAggregation {
    /// The word of a single value; nil for null and for what has none.
    func word(of value: Value) -> UInt64? {
        switch value {
        case .string(let text): word(text)
        case .long(let number): word(number)
        case .double(let number): word(number)
        case .float(let number): word(Double(number))
        case .null, .array, .json, .complex: value.asText.flatMap { word($0) }
        }
    }
}

/// Dictionaries up to this size remember the word of each id.
private let rememberedWordsMax = 1 << 22

/// The words of a column's values, batch by batch: each value of a dictionary is hashed once a segment.
final class HashWords {
    private enum Source {
        case ids(IDInput)
        case multiple(IDInput)
        case longs(NumericInput<Int64>)
        case floats(NumericInput<Float>)
        case doubles(NumericInput<Double>)
    }

    private let source: Source
    private let rule: any HashedAggregation
    /// By id: a word, `unknown`, or `none`.
    private var known: [UInt64] = []
    private static let unknown = UInt64.max
    private static let none = UInt64.max - 1
    /// What `load` found: a word and a group for every value.
    private(set) var words: [UInt64] = []
    private(set) var groups: [UInt32] = []

    /// Nil for columns that are read value by value.
    init?(_ column: ScanColumn, _ rule: any HashedAggregation, in scan: SegmentScan) throws(LaminaError) {
        self.rule = rule
        switch column {
        case .string(let stored):
            let input = scan.idInput(stored)
            source = stored.hasMultipleValues ? .multiple(input) : .ids(input)
            known = Array(repeating: Self.unknown, count: min(stored.cardinality, rememberedWordsMax))
        case .long: source = .longs(try makeNumericInput(column, in: scan))
        case .float: source = .floats(try makeNumericInput(column, in: scan))
        case .double: source = .doubles(try makeNumericInput(column, in: scan))
        case .numbers(.long(let input)): source = .longs(input)
        case .numbers(.double(let input)): source = .doubles(input)
        case .missing, .object, .mapped, .rows: return nil
        }
    }

    private func word(_ id: UInt32, _ input: IDInput) -> UInt64 {
        let id = Int(id)
        if id < known.count, known[id] != Self.unknown { return known[id] }
        let word = input.column.value(UInt32(truncatingIfNeeded: id)).flatMap { rule.word($0) } ?? Self.none
        if id < known.count { known[id] = word }
        return word
    }

    /// Finds the words of a batch's selected slots.
    ///
    /// - Parameter group: of the i-th selected slot.
    func load(_ batch: Batch, _ rows: SlotSet, _ group: (Int) -> UInt32) throws(LaminaError) {
        words.removeAll(keepingCapacity: true)
        groups.removeAll(keepingCapacity: true)
        switch source {
        case .ids(let input):
            let ids = try input.ids(batch)
            for index in 0..<rows.count {
                let word = word(ids[rows.slots.map { Int($0[index]) } ?? index], input)
                if word != Self.none { add(word, group(index)) }
            }
        case .multiple(let input):
            let ids = try input.multiIDs(batch)
            for index in 0..<rows.count {
                let slot = rows.slots.map { Int($0[index]) } ?? index
                for place in Int(ids.offsets[slot])..<Int(ids.offsets[slot + 1]) {
                    let word = word(ids.ids[place], input)
                    if word != Self.none { add(word, group(index)) }
                }
            }
        case .longs(let input):
            let vector = try input.vector(batch)
            for index in 0..<rows.count {
                let slot = rows.slots.map { Int($0[index]) } ?? index
                if !vector.isNull(slot) { add(rule.word(vector.values[slot]), group(index)) }
            }
        case .floats(let input):
            let vector = try input.vector(batch)
            for index in 0..<rows.count {
                let slot = rows.slots.map { Int($0[index]) } ?? index
                if !vector.isNull(slot) { add(rule.word(Double(vector.values[slot])), group(index)) }
            }
        case .doubles(let input):
            let vector = try input.vector(batch)
            for index in 0..<rows.count {
                let slot = rows.slots.map { Int($0[index]) } ?? index
                if !vector.isNull(slot) { add(rule.word(vector.values[slot]), group(index)) }
            }
        }
    }

    @inline(__always)
    private func add(_ word: UInt64, _ group: UInt32) {
        words.append(word)
        groups.append(group)
    }
}

/// Sketches by group that are fed with words.
class HashAccumulator: Accumulator {
    private let rule: any ValueAggregation
    private let words: HashWords

    init(_ rule: any ValueAggregation, _ words: HashWords) {
        self.rule = rule
        self.words = words
    }

    /// Updates the sketch of each word's group.
    func apply(_ words: [UInt64], _ groups: [UInt32]) { preconditionFailure("a hash accumulator without a body") }

    /// The state of a group; nil when it saw nothing.
    func state(_ group: Int) -> AggregateState? { preconditionFailure("a hash accumulator without a body") }

    final override func fold(_ batch: Batch, _ rows: SlotSet, group: Int) throws(LaminaError) {
        if rows.count == 0 { return }
        let group = UInt32(truncatingIfNeeded: group)
        try words.load(batch, rows) { _ in group }
        apply(words.words, words.groups)
    }

    final override func fold(_ batch: Batch, _ rows: SlotSet, groups: UnsafePointer<UInt32>) throws(LaminaError) {
        if rows.count == 0 { return }
        try words.load(batch, rows) { groups[$0] }
        apply(words.words, words.groups)
    }

    final override func emit(_ groups: [UInt32]) -> AggregateColumn {
        AggregateColumn(numbers: .states(groups.map { state(Int($0)) }, rule), seen: [], fold: .sum)
    }
}
