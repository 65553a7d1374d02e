// Folds of all selected values of a batch into one. Several accumulators break the chain of dependent additions.

/// Sum of `count` doubles.
///
/// - Nulls: hold 0 and so do not matter.
/// - Source: `DoubleSumVectorAggregator`; the order of additions differs, as Druid's own does with `vectorSize`.
func sumDouble(_ values: UnsafePointer<Double>, count: Int) -> Double {
    var a = SIMD8<Double>()
    var b = SIMD8<Double>()
    var index = 0
    let raw = UnsafeRawPointer(values)
    while index &+ 16 <= count {
        a += raw.loadUnaligned(fromByteOffset: index &<< 3, as: SIMD8<Double>.self)
        b += raw.loadUnaligned(fromByteOffset: (index &+ 8) &<< 3, as: SIMD8<Double>.self)
        index &+= 16
    }
    var total = (a + b).sum()
    while index < count {
        total += values[index]
        index &+= 1
    }
    return total
}

/// Sum of the doubles at the listed slots.
func sumDouble(_ values: UnsafePointer<Double>, slots: UnsafePointer<UInt32>, count: Int) -> Double {
    var a = 0.0
    var b = 0.0
    var c = 0.0
    var d = 0.0
    var index = 0
    while index &+ 4 <= count {
        a += values[Int(slots[index])]
        b += values[Int(slots[index &+ 1])]
        c += values[Int(slots[index &+ 2])]
        d += values[Int(slots[index &+ 3])]
        index &+= 4
    }
    while index < count {
        a += values[Int(slots[index])]
        index &+= 1
    }
    return (a + b) + (c + d)
}

/// Wrapping sum of longs. Nulls hold 0.
///
/// - Source: `LongSumVectorAggregator`.
func sumInt64(_ values: UnsafePointer<Int64>, count: Int) -> Int64 {
    var total: Int64 = 0
    for index in 0..<count { total &+= values[index] }
    return total
}

func sumInt64(_ values: UnsafePointer<Int64>, slots: UnsafePointer<UInt32>, count: Int) -> Int64 {
    var total: Int64 = 0
    for index in 0..<count { total &+= values[Int(slots[index])] }
    return total
}

/// Adds floats to a running float as Druid does: vectors of 512 rows, each summed from the left, then added.
///
/// Single precision loses so many digits that another order would show in results.
///
/// - Source: `FloatSumVectorAggregator`, `QueryableIndexStorageAdapter.DEFAULT_VECTOR_SIZE`.
func sumFloat(_ values: UnsafePointer<Float>, slots: UnsafePointer<UInt32>?, count: Int, start: Float) -> Float {
    var total = start
    var index = 0
    while index < count {
        let end = min(index &+ 512, count)
        var part: Float = 0
        if let slots {
            while index < end {
                part += values[Int(slots[index])]
                index &+= 1
            }
        } else {
            while index < end {
                part += values[index]
                index &+= 1
            }
        }
        total += part
    }
    return total
}

/// Whether any listed slot is not null.
func anyNotNull(_ nulls: UnsafePointer<UInt64>, slots: UnsafePointer<UInt32>?, count: Int) -> Bool {
    if let slots {
        for index in 0..<count where !maskTest(nulls, Int(slots[index])) { return true }
        return false
    }
    let whole = count >> 6
    for word in 0..<whole where nulls[word] != ~0 { return true }
    if count & 63 != 0 {
        let last = (UInt64(1) << UInt64(count & 63)) &- 1
        return nulls[whole] & last != last
    }
    return false
}

/// Keeps the smaller (or greater) of two numbers; NaN wins over all, as in Java's `Math.min` and `Math.max`.
@inline(__always)
func keepExtreme<T: Comparable>(_ current: T, _ value: T, greatest: Bool) -> T {
    if greatest { return value > current || value != value ? value : current }
    return value < current || value != value ? value : current
}

@inline(__always)
private func extremeOfAll<T: Comparable>(
    _ vector: Vector<T>,
    _ rows: SlotSet,
    _ start: T,
    _ greatest: Bool
) -> (value: T, any: Bool) {
    var best = start
    var any = false
    if let nulls = vector.nulls {
        for index in 0..<rows.count {
            let slot = rows.slots.map { Int($0[index]) } ?? index
            if maskTest(nulls, slot) { continue }
            any = true
            best = keepExtreme(best, vector.values[slot], greatest: greatest)
        }
        return (best, any)
    }
    if let slots = rows.slots {
        for index in 0..<rows.count { best = keepExtreme(best, vector.values[Int(slots[index])], greatest: greatest) }
    } else {
        for index in 0..<rows.count { best = keepExtreme(best, vector.values[index], greatest: greatest) }
    }
    return (best, rows.count > 0)
}

/// The least or greatest of the selected values and `start`, and whether any was not null.
///
/// - Source: `LongMinVectorAggregator` and its eight relatives.
func extremeInt64(_ vector: Vector<Int64>, _ rows: SlotSet, _ start: Int64, greatest: Bool) -> (value: Int64, any: Bool)
{
    greatest ? extremeOfAll(vector, rows, start, true) : extremeOfAll(vector, rows, start, false)
}

func extremeDouble(
    _ vector: Vector<Double>,
    _ rows: SlotSet,
    _ start: Double,
    greatest: Bool
) -> (value: Double, any: Bool) {
    greatest ? extremeOfAll(vector, rows, start, true) : extremeOfAll(vector, rows, start, false)
}

func extremeFloat(_ vector: Vector<Float>, _ rows: SlotSet, _ start: Float, greatest: Bool) -> (value: Float, any: Bool)
{
    greatest ? extremeOfAll(vector, rows, start, true) : extremeOfAll(vector, rows, start, false)
}
