import LaminaBase

/// Numbers of one type against a test.
final class NumberMatcher<Number: VectorNumber>: Matcher {
    typealias Kernel = (UnsafePointer<Number>, Int, UnsafeMutablePointer<UInt64>) -> Void
    private let input: NumericInput<Number>
    private let kernel: Kernel
    private let nullPasses: Bool
    private let nulls = Scratch<UInt64>(maskWords(batchRowsMax))

    init(_ input: NumericInput<Number>, nullPasses: Bool, kernel: @escaping Kernel) {
        self.input = input
        self.kernel = kernel
        self.nullPasses = nullPasses
    }

    override func refine(_ batch: Batch, _ mask: UnsafeMutablePointer<UInt64>) throws(LaminaError) {
        let vector = try input.vector(batch)
        guard let isNull = vector.nulls else {
            kernel(vector.values, batch.slotCount, mask)
            return
        }
        let words = maskWords(batch.slotCount)
        if nullPasses {
            for word in 0..<words { nulls.pointer[word] = mask[word] & isNull[word] }
            kernel(vector.values, batch.slotCount, mask)
            for word in 0..<words { mask[word] = mask[word] & ~isNull[word] | nulls.pointer[word] }
        } else {
            maskAndNot(mask, isNull, words: words)
            kernel(vector.values, batch.slotCount, mask)
        }
    }
}

/// Null rows of a numeric input, or all others.
final class NullMatcher<Number: VectorNumber>: Matcher {
    private let input: NumericInput<Number>
    private let keepsNull: Bool

    init(_ input: NumericInput<Number>, keepsNull: Bool) {
        self.input = input
        self.keepsNull = keepsNull
    }

    override func refine(_ batch: Batch, _ mask: UnsafeMutablePointer<UInt64>) throws(LaminaError) {
        let words = maskWords(batch.slotCount)
        guard let nulls = try input.vector(batch).nulls else {
            if keepsNull { maskClear(mask, words: words) }
            return
        }
        if keepsNull { maskAnd(mask, nulls, words: words) } else { maskAndNot(mask, nulls, words: words) }
    }
}

/// The kernel of a test on longs.
func kernel(_ test: NumberTest<Int64>) -> NumberMatcher<Int64>.Kernel? {
    switch test {
    case .never: return nil
    case .range(let lower, let lowerOpen, let upper, let upperOpen):
        var low = lower ?? .min
        var high = upper ?? .max
        if lower != nil, lowerOpen {
            if low == .max { return nil }
            low += 1
        }
        if upper != nil, upperOpen {
            if high == .min { return nil }
            high -= 1
        }
        if low > high { return nil }
        let bounds = low...high
        return { refineRangeInt64($0, count: $1, bounds.lowerBound, bounds.upperBound, $2) }
    case .values(let set):
        if set.isEmpty { return nil }
        if set.count == 1, let only = set.first { return { refineRangeInt64($0, count: $1, only, only, $2) } }
        return { refinePredicate($0, count: $1, $2) { set.contains($0) } }
    case .predicate(let test): return { refinePredicate($0, count: $1, $2, test) }
    }
}

/// The kernel of a test on doubles.
func kernel(_ test: NumberTest<Double>) -> NumberMatcher<Double>.Kernel? {
    switch test {
    case .never: return nil
    case .range(let lower, let lowerOpen, let upper, let upperOpen):
        if let plain = plainTest(lower, lowerOpen, upper, upperOpen) {
            return { refineRangeDouble($0, count: $1, plain, lower ?? 0, upper ?? 0, $2) }
        }
        return {
            refinePredicate($0, count: $1, $2) { value in
                if let lower, lowerOpen ? !javaLess(lower, value) : javaLess(value, lower) { return false }
                if let upper, upperOpen ? !javaLess(value, upper) : javaLess(upper, value) { return false }
                return true
            }
        }
    case .values(let set):
        let bits = Set(set.map(javaBits))
        if bits.isEmpty { return nil }
        return { refinePredicate($0, count: $1, $2) { bits.contains(javaBits($0)) } }
    case .predicate(let test): return { refinePredicate($0, count: $1, $2, test) }
    }
}

/// The kernel of a test on floats.
func kernel(_ test: NumberTest<Float>) -> NumberMatcher<Float>.Kernel? {
    switch test {
    case .never: return nil
    case .range(let lower, let lowerOpen, let upper, let upperOpen):
        if let plain = plainTest(lower.map(Double.init), lowerOpen, upper.map(Double.init), upperOpen) {
            return { refineRangeFloat($0, count: $1, plain, lower ?? 0, upper ?? 0, $2) }
        }
        let low = lower.map(Double.init)
        let high = upper.map(Double.init)
        return {
            refinePredicate($0, count: $1, $2) { number in
                let value = Double(number)
                if let low, lowerOpen ? !javaLess(low, value) : javaLess(value, low) { return false }
                if let high, upperOpen ? !javaLess(value, high) : javaLess(high, value) { return false }
                return true
            }
        }
    case .values(let set):
        let bits = Set(set.map { javaBits(Double($0)) })
        if bits.isEmpty { return nil }
        return { refinePredicate($0, count: $1, $2) { bits.contains(javaBits(Double($0))) } }
    case .predicate(let test): return { refinePredicate($0, count: $1, $2, test) }
    }
}

/// The comparison that plain IEEE operators answer as Java's `Double.compare` would: for bounds that are neither zero, whose
/// sign Java minds, nor NaN.
private func plainTest(_ lower: Double?, _ lowerOpen: Bool, _ upper: Double?, _ upperOpen: Bool) -> RangeTest? {
    if lower == 0 || upper == 0 || lower?.isNaN == true || upper?.isNaN == true { return nil }
    switch (lower, upper) {
    case (nil, nil): return nil
    case (_?, nil): return lowerOpen ? .above : .atLeast
    case (nil, _?): return upperOpen ? .below : .atMost
    case (_?, _?):
        if lowerOpen { return upperOpen ? .open : .openLower }
        return upperOpen ? .openUpper : .closed
    }
}

/// `Double.doubleToLongBits`: all NaN alike.
@inline(__always)
func javaBits(_ value: Double) -> UInt64 { value.isNaN ? 0x7FF8_0000_0000_0000 : value.bitPattern }

/// mask &= test(value), asked only for set bits.
@inline(__always)
func refinePredicate<T>(
    _ values: UnsafePointer<T>,
    count: Int,
    _ mask: UnsafeMutablePointer<UInt64>,
    _ test: (T) -> Bool
) {
    for word in 0..<maskWords(count) {
        var bits = mask[word]
        while bits != 0 {
            if !test(values[word &<< 6 &+ bits.trailingZeroBitCount]) { mask[word] &= ~(bits & (0 &- bits)) }
            bits &= bits &- 1
        }
    }
}
