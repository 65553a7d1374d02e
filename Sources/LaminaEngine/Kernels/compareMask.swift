/// A comparison that a range filter comes down to.
enum RangeTest {
    /// lower <= v && v <= upper
    case closed
    /// lower < v && v < upper and the mixed forms
    case open, openLower, openUpper
    case atLeast, above, atMost, below
}

/// Clears the bits of `mask` whose value does not pass the test.
///
/// - Shape: `count` values; the mask's bits from `count` on are clear and stay so.
/// - Nulls: hold 0 and are tested like it: the caller removes them.
@inline(__always)
private func refine<T>(
    _ values: UnsafePointer<T>,
    count: Int,
    _ mask: UnsafeMutablePointer<UInt64>,
    _ test: (T) -> Bool
) {
    let whole = count >> 6
    for word in 0..<whole {
        if mask[word] == 0 { continue }
        let base = values + (word &<< 6)
        var bits: UInt64 = 0
        for byte in 0..<8 {
            var part: UInt64 = 0
            let at = base + (byte &<< 3)
            for bit in 0..<8 { part |= (test(at[bit]) ? 1 : 0) &<< UInt64(truncatingIfNeeded: bit) }
            bits |= part &<< UInt64(truncatingIfNeeded: byte &<< 3)
        }
        mask[word] &= bits
    }
    var bits: UInt64 = 0
    for index in (whole &<< 6)..<max(count, whole &<< 6) where test(values[index]) {
        bits |= 1 &<< UInt64(truncatingIfNeeded: index & 63)
    }
    if count & 63 != 0 { mask[whole] &= bits }
}

@inline(__always)
private func refineRangeGeneric<T: Comparable>(
    _ values: UnsafePointer<T>,
    count: Int,
    _ test: RangeTest,
    _ lower: T,
    _ upper: T,
    _ mask: UnsafeMutablePointer<UInt64>
) {
    switch test {
    case .closed: refine(values, count: count, mask) { $0 >= lower && $0 <= upper }
    case .open: refine(values, count: count, mask) { $0 > lower && $0 < upper }
    case .openLower: refine(values, count: count, mask) { $0 > lower && $0 <= upper }
    case .openUpper: refine(values, count: count, mask) { $0 >= lower && $0 < upper }
    // Written so that NaN, which Java puts last, passes.
    case .atLeast: refine(values, count: count, mask) { !($0 < lower) }
    case .above: refine(values, count: count, mask) { !($0 <= lower) }
    case .atMost: refine(values, count: count, mask) { $0 <= upper }
    case .below: refine(values, count: count, mask) { $0 < upper }
    }
}

/// mask &= values in a range of longs, bounds included.
func refineRangeInt64(
    _ values: UnsafePointer<Int64>,
    count: Int,
    _ lower: Int64,
    _ upper: Int64,
    _ mask: UnsafeMutablePointer<UInt64>
) {
    if upper == .max {
        refineRangeGeneric(values, count: count, .atLeast, lower, upper, mask)
    } else if lower == .min {
        refineRangeGeneric(values, count: count, .atMost, lower, upper, mask)
    } else {
        refineRangeGeneric(values, count: count, .closed, lower, upper, mask)
    }
}

/// mask &= ids in a half-open range of dictionary ids.
func refineRangeUInt32(
    _ values: UnsafePointer<UInt32>,
    count: Int,
    _ ids: Range<UInt32>,
    _ mask: UnsafeMutablePointer<UInt64>
) {
    let low = ids.lowerBound
    let width = ids.upperBound &- low
    refine(values, count: count, mask) { ($0 &- low) < width }
}

/// mask &= values that pass a comparison of doubles.
func refineRangeDouble(
    _ values: UnsafePointer<Double>,
    count: Int,
    _ test: RangeTest,
    _ lower: Double,
    _ upper: Double,
    _ mask: UnsafeMutablePointer<UInt64>
) {
    refineRangeGeneric(values, count: count, test, lower, upper, mask)
}

/// mask &= values that pass a comparison of floats.
func refineRangeFloat(
    _ values: UnsafePointer<Float>,
    count: Int,
    _ test: RangeTest,
    _ lower: Float,
    _ upper: Float,
    _ mask: UnsafeMutablePointer<UInt64>
) {
    refineRangeGeneric(values, count: count, test, lower, upper, mask)
}

/// mask &= table[id] != 0.
///
/// - Shape: every id is below the table's length.
func refineTable(
    _ ids: UnsafePointer<UInt32>,
    count: Int,
    _ table: UnsafePointer<UInt8>,
    _ mask: UnsafeMutablePointer<UInt64>
) {
    refine(ids, count: count, mask) { table[Int($0)] != 0 }
}
