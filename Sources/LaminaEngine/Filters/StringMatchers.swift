import LaminaBase
import LaminaQuery
import LaminaSegment

/// Ids in a half-open range, for single-value columns with a sorted dictionary.
final class IDRangeMatcher: Matcher {
    private let input: IDInput
    private let range: Range<UInt32>

    init(_ input: IDInput, _ range: Range<UInt32>) {
        self.input = input
        self.range = range
    }

    override func refine(_ batch: Batch, _ mask: UnsafeMutablePointer<UInt64>) throws(LaminaError) {
        refineRangeUInt32(try input.ids(batch), count: batch.slotCount, range, mask)
    }
}

/// Ids by a table of all dictionary values.
final class IDTableMatcher: Matcher {
    private let input: IDInput
    private let table: [UInt8]
    private let emptyPasses: Bool

    /// - Parameter emptyPasses: whether a row without values passes.
    init(_ input: IDInput, table: [UInt8], emptyPasses: Bool) {
        self.input = input
        self.table = table
        self.emptyPasses = emptyPasses
    }

    override func refine(_ batch: Batch, _ mask: UnsafeMutablePointer<UInt64>) throws(LaminaError) {
        if input.column.hasMultipleValues {
            let ids = try input.multiIDs(batch)
            table.withUnsafeBufferPointer { table in
                refineMulti(ids, count: batch.slotCount, mask, emptyPasses: emptyPasses) { table[Int($0)] != 0 }
            }
            return
        }
        let ids = try input.ids(batch)
        table.withUnsafeBufferPointer { table in
            if let base = table.baseAddress { refineTable(ids, count: batch.slotCount, base, mask) }
        }
    }
}

/// Ids by a test that is made once for each value that turns up: for dictionaries larger than the rows looked at.
final class LazyIDMatcher: Matcher {
    private let input: IDInput
    private let test: (UInt32) throws(LaminaError) -> Bool
    /// 0: not tested yet, 1: passes, 2: does not.
    private var state: [UInt8]
    private let emptyPasses: Bool

    init(_ input: IDInput, emptyPasses: Bool, test: @escaping (UInt32) throws(LaminaError) -> Bool) {
        self.input = input
        self.test = test
        self.emptyPasses = emptyPasses
        state = Array(repeating: 0, count: input.column.cardinality)
    }

    private func learn(_ id: UInt32) throws(LaminaError) {
        if state[Int(id)] == 0 { state[Int(id)] = try test(id) ? 1 : 2 }
    }

    override func refine(_ batch: Batch, _ mask: UnsafeMutablePointer<UInt64>) throws(LaminaError) {
        if input.column.hasMultipleValues {
            let ids = try input.multiIDs(batch)
            for index in 0..<Int(ids.offsets[batch.slotCount]) { try learn(ids.ids[index]) }
            state.withUnsafeBufferPointer { state in
                refineMulti(ids, count: batch.slotCount, mask, emptyPasses: emptyPasses) { state[Int($0)] == 1 }
            }
            return
        }
        let ids = try input.ids(batch)
        for word in 0..<maskWords(batch.slotCount) {
            var bits = mask[word]
            while bits != 0 {
                let slot = word << 6 + bits.trailingZeroBitCount
                try learn(ids[slot])
                if state[Int(ids[slot])] != 1 { mask[word] &= ~(bits & (0 &- bits)) }
                bits &= bits &- 1
            }
        }
    }
}

/// Keeps slots with at least one id that passes.
@inline(__always)
private func refineMulti(
    _ ids: MultiIDs,
    count: Int,
    _ mask: UnsafeMutablePointer<UInt64>,
    emptyPasses: Bool,
    _ test: (UInt32) -> Bool
) {
    for word in 0..<maskWords(count) {
        var bits = mask[word]
        while bits != 0 {
            let slot = word << 6 + bits.trailingZeroBitCount
            let low = Int(ids.offsets[slot])
            let high = Int(ids.offsets[slot + 1])
            var passes = low == high && emptyPasses
            var index = low
            while index < high, !passes {
                passes = test(ids.ids[index])
                index += 1
            }
            if !passes { mask[word] &= ~(bits & (0 &- bits)) }
            bits &= bits &- 1
        }
    }
}

/// Rows by their value, whatever it is.
final class ValueMatcher: Matcher {
    private let input: ValueInput
    private let test: (Value) throws(LaminaError) -> Bool

    init(_ input: ValueInput, test: @escaping (Value) throws(LaminaError) -> Bool) {
        self.input = input
        self.test = test
    }

    override func refine(_ batch: Batch, _ mask: UnsafeMutablePointer<UInt64>) throws(LaminaError) {
        try input.load(batch)
        for word in 0..<maskWords(batch.slotCount) {
            var bits = mask[word]
            while bits != 0 {
                let slot = word << 6 + bits.trailingZeroBitCount
                if try !test(try input.value(slot)) { mask[word] &= ~(bits & (0 &- bits)) }
                bits &= bits &- 1
            }
        }
    }
}
