import LaminaBase

/// The same number in every row.
final class ConstantInput<Number: VectorNumber>: NumericInput<Number> {
    private let buffer = Scratch<Number>(batchRowsMax)

    init(_ value: Number) { buffer.pointer.initialize(repeating: value, count: batchRowsMax) }

    override var mayBeNull: Bool { false }

    override func load(_ batch: Batch) throws(LaminaError) -> Vector<Number> {
        Vector(values: buffer.pointer, nulls: nil)
    }
}

/// One vector from another; null stays null and holds 0.
final class UnaryInput<Number: VectorNumber>: NumericInput<Number> {
    typealias Kernel = (UnsafePointer<Number>, UnsafeMutablePointer<Number>, Int) -> Void
    private let source: NumericInput<Number>
    private let kernel: Kernel
    private let buffer = Scratch<Number>(batchRowsMax)

    init(_ source: NumericInput<Number>, _ kernel: @escaping Kernel) {
        self.source = source
        self.kernel = kernel
    }

    override var mayBeNull: Bool { source.mayBeNull }

    override func load(_ batch: Batch) throws(LaminaError) -> Vector<Number> {
        let vector = try source.vector(batch)
        kernel(vector.values, buffer.pointer, batch.slotCount)
        if let nulls = vector.nulls { Number.clearNulls(buffer.pointer, nulls, count: batch.slotCount) }
        return Vector(values: buffer.pointer, nulls: vector.nulls)
    }
}

/// One vector from two; null when either is.
final class BinaryInput<Source: VectorNumber, Number: VectorNumber>: NumericInput<Number> {
    typealias Kernel = (UnsafePointer<Source>, UnsafePointer<Source>, UnsafeMutablePointer<Number>, Int) -> Void
    private let left: NumericInput<Source>
    private let right: NumericInput<Source>
    private let kernel: Kernel
    private let buffer = Scratch<Number>(batchRowsMax)
    private let mask = Scratch<UInt64>(maskWords(batchRowsMax))

    init(_ left: NumericInput<Source>, _ right: NumericInput<Source>, _ kernel: @escaping Kernel) {
        self.left = left
        self.right = right
        self.kernel = kernel
    }

    override var mayBeNull: Bool { left.mayBeNull || right.mayBeNull }

    override func load(_ batch: Batch) throws(LaminaError) -> Vector<Number> {
        let first = try left.vector(batch)
        let second = try right.vector(batch)
        kernel(first.values, second.values, buffer.pointer, batch.slotCount)
        let nulls = union(first.nulls, second.nulls, words: maskWords(batch.slotCount))
        if let nulls { Number.clearNulls(buffer.pointer, nulls, count: batch.slotCount) }
        return Vector(values: buffer.pointer, nulls: nulls)
    }

    private func union(_ one: UnsafePointer<UInt64>?, _ two: UnsafePointer<UInt64>?, words: Int) -> UnsafePointer<
        UInt64
    >? {
        guard let one else { return two }
        guard let two else { return one }
        for word in 0..<words { mask.pointer[word] = one[word] | two[word] }
        return UnsafePointer(mask.pointer)
    }
}

/// Three-valued `&&` and `||` over vectors of 1, 0 and null.
final class LogicInput: NumericInput<Int64> {
    private let left: NumericInput<Int64>
    private let right: NumericInput<Int64>
    private let isAnd: Bool
    private let buffer = Scratch<Int64>(batchRowsMax)
    private let mask = Scratch<UInt64>(maskWords(batchRowsMax))

    init(_ left: NumericInput<Int64>, _ right: NumericInput<Int64>, isAnd: Bool) {
        self.left = left
        self.right = right
        self.isAnd = isAnd
    }

    override var mayBeNull: Bool { left.mayBeNull || right.mayBeNull }

    override func load(_ batch: Batch) throws(LaminaError) -> Vector<Int64> {
        let first = try left.vector(batch)
        let second = try right.vector(batch)
        maskClear(mask.pointer, words: maskWords(batch.slotCount))
        var anyNull = false
        // The value that decides alone: 0 for &&, 1 for ||. Nulls hold 0, so they must be told apart.
        let decisive: Int64 = isAnd ? 0 : 1
        for slot in 0..<batch.slotCount {
            let oneNull = first.isNull(slot)
            let twoNull = second.isNull(slot)
            let one = first.values[slot]
            let two = second.values[slot]
            if !oneNull && one == decisive || !twoNull && two == decisive {
                buffer.pointer[slot] = decisive
            } else if oneNull || twoNull {
                buffer.pointer[slot] = 0
                maskSet(mask.pointer, slot)
                anyNull = true
            } else {
                buffer.pointer[slot] = 1 - decisive
            }
        }
        return Vector(values: buffer.pointer, nulls: anyNull ? UnsafePointer(mask.pointer) : nil)
    }
}
