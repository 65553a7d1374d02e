/// The three number types of columns.
///
/// Its requirements work on whole vectors, so that generic classes, which are not specialised behind a vtable, call compiled
/// code once per batch.
protocol VectorNumber: BitwiseCopyable, Sendable, Comparable, Hashable {
    static var zero: Self { get }
    static func convert(_ values: UnsafePointer<Int64>, _ result: UnsafeMutablePointer<Self>, count: Int)
    static func convert(_ values: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Self>, count: Int)
    static func convert(_ values: UnsafePointer<Float>, _ result: UnsafeMutablePointer<Self>, count: Int)
    static func lookUp(
        _ ids: UnsafePointer<UInt32>,
        _ table: UnsafePointer<Self>,
        _ result: UnsafeMutablePointer<Self>,
        count: Int
    )
    static func clearNulls(_ values: UnsafeMutablePointer<Self>, _ nulls: UnsafePointer<UInt64>, count: Int)
    static func sum(_ vector: Vector<Self>, _ rows: SlotSet, start: Self) -> Self
    static func extreme(_ vector: Vector<Self>, _ rows: SlotSet, start: Self, greatest: Bool) -> (
        value: Self, any: Bool
    )
    static func sumGroups(
        _ values: UnsafePointer<Self>,
        _ rows: SlotSet,
        _ groups: UnsafePointer<UInt32>,
        into sums: UnsafeMutablePointer<Self>
    )
    static func extremeGroups(
        _ vector: Vector<Self>,
        _ rows: SlotSet,
        _ groups: UnsafePointer<UInt32>,
        into best: UnsafeMutablePointer<Self>,
        greatest: Bool
    )
    /// values[groups[i]] for every i
    static func pick(_ values: UnsafePointer<Self>, _ groups: [UInt32]) -> [Self]
    static func fill(_ values: UnsafeMutablePointer<Self>, _ value: Self, count: Int)
    static func add(_ left: Self, _ right: Self) -> Self
    /// What a fold starts from: Druid's initial values of Min and Max.
    static func extremeStart(greatest: Bool) -> Self
}

@inline(__always)
private func clearNullsGeneric<T>(
    _ values: UnsafeMutablePointer<T>,
    _ nulls: UnsafePointer<UInt64>,
    count: Int,
    _ zero: T
) {
    for word in 0..<maskWords(count) {
        var bits = nulls[word]
        while bits != 0 {
            values[word &<< 6 &+ bits.trailingZeroBitCount] = zero
            bits &= bits &- 1
        }
    }
}

extension Int64: VectorNumber {
    static func convert(_ values: UnsafePointer<Int64>, _ result: UnsafeMutablePointer<Int64>, count: Int) {
        result.update(from: values, count: count)
    }
    static func convert(_ values: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Int64>, count: Int) {
        convertDoubleToInt64(values, result, count: count)
    }
    static func convert(_ values: UnsafePointer<Float>, _ result: UnsafeMutablePointer<Int64>, count: Int) {
        convertFloatToInt64(values, result, count: count)
    }
    static func lookUp(
        _ ids: UnsafePointer<UInt32>,
        _ table: UnsafePointer<Int64>,
        _ result: UnsafeMutablePointer<Int64>,
        count: Int
    ) { lookUpInt64(ids, table, result, count: count) }
    static func clearNulls(_ values: UnsafeMutablePointer<Int64>, _ nulls: UnsafePointer<UInt64>, count: Int) {
        clearNullsGeneric(values, nulls, count: count, 0)
    }
    static func sum(_ vector: Vector<Int64>, _ rows: SlotSet, start: Int64) -> Int64 {
        if let slots = rows.slots { return start &+ sumInt64(vector.values, slots: slots, count: rows.count) }
        return start &+ sumInt64(vector.values, count: rows.count)
    }
    static func extreme(
        _ vector: Vector<Int64>,
        _ rows: SlotSet,
        start: Int64,
        greatest: Bool
    ) -> (value: Int64, any: Bool) { extremeInt64(vector, rows, start, greatest: greatest) }
    static func sumGroups(
        _ values: UnsafePointer<Int64>,
        _ rows: SlotSet,
        _ groups: UnsafePointer<UInt32>,
        into sums: UnsafeMutablePointer<Int64>
    ) { sumGroupsInt64(values, rows, groups, into: sums) }
    static func extremeGroups(
        _ vector: Vector<Int64>,
        _ rows: SlotSet,
        _ groups: UnsafePointer<UInt32>,
        into best: UnsafeMutablePointer<Int64>,
        greatest: Bool
    ) { extremeGroupsInt64(vector, rows, groups, into: best, greatest: greatest) }
    static func pick(_ values: UnsafePointer<Int64>, _ groups: [UInt32]) -> [Int64] {
        LaminaEngine.pick(values, groups)
    }
    static func fill(_ values: UnsafeMutablePointer<Int64>, _ value: Int64, count: Int) {
        for index in 0..<count { values[index] = value }
    }
    static func add(_ left: Int64, _ right: Int64) -> Int64 { left &+ right }
    static func extremeStart(greatest: Bool) -> Int64 { greatest ? .min : .max }
}

extension Double: VectorNumber {
    static func convert(_ values: UnsafePointer<Int64>, _ result: UnsafeMutablePointer<Double>, count: Int) {
        convertInt64ToDouble(values, result, count: count)
    }
    static func convert(_ values: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Double>, count: Int) {
        result.update(from: values, count: count)
    }
    static func convert(_ values: UnsafePointer<Float>, _ result: UnsafeMutablePointer<Double>, count: Int) {
        convertFloatToDouble(values, result, count: count)
    }
    static func lookUp(
        _ ids: UnsafePointer<UInt32>,
        _ table: UnsafePointer<Double>,
        _ result: UnsafeMutablePointer<Double>,
        count: Int
    ) { lookUpDouble(ids, table, result, count: count) }
    static func clearNulls(_ values: UnsafeMutablePointer<Double>, _ nulls: UnsafePointer<UInt64>, count: Int) {
        clearNullsGeneric(values, nulls, count: count, 0)
    }
    static func sum(_ vector: Vector<Double>, _ rows: SlotSet, start: Double) -> Double {
        if let slots = rows.slots { return start + sumDouble(vector.values, slots: slots, count: rows.count) }
        return start + sumDouble(vector.values, count: rows.count)
    }
    static func extreme(
        _ vector: Vector<Double>,
        _ rows: SlotSet,
        start: Double,
        greatest: Bool
    ) -> (value: Double, any: Bool) { extremeDouble(vector, rows, start, greatest: greatest) }
    static func sumGroups(
        _ values: UnsafePointer<Double>,
        _ rows: SlotSet,
        _ groups: UnsafePointer<UInt32>,
        into sums: UnsafeMutablePointer<Double>
    ) { sumGroupsDouble(values, rows, groups, into: sums) }
    static func extremeGroups(
        _ vector: Vector<Double>,
        _ rows: SlotSet,
        _ groups: UnsafePointer<UInt32>,
        into best: UnsafeMutablePointer<Double>,
        greatest: Bool
    ) { extremeGroupsDouble(vector, rows, groups, into: best, greatest: greatest) }
    static func pick(_ values: UnsafePointer<Double>, _ groups: [UInt32]) -> [Double] {
        LaminaEngine.pick(values, groups)
    }
    static func fill(_ values: UnsafeMutablePointer<Double>, _ value: Double, count: Int) {
        for index in 0..<count { values[index] = value }
    }
    static func add(_ left: Double, _ right: Double) -> Double { left + right }
    static func extremeStart(greatest: Bool) -> Double { greatest ? -.infinity : .infinity }
}

extension Float: VectorNumber {
    static func convert(_ values: UnsafePointer<Int64>, _ result: UnsafeMutablePointer<Float>, count: Int) {
        convertInt64ToFloat(values, result, count: count)
    }
    static func convert(_ values: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Float>, count: Int) {
        convertDoubleToFloat(values, result, count: count)
    }
    static func convert(_ values: UnsafePointer<Float>, _ result: UnsafeMutablePointer<Float>, count: Int) {
        result.update(from: values, count: count)
    }
    static func lookUp(
        _ ids: UnsafePointer<UInt32>,
        _ table: UnsafePointer<Float>,
        _ result: UnsafeMutablePointer<Float>,
        count: Int
    ) { lookUpFloat(ids, table, result, count: count) }
    static func clearNulls(_ values: UnsafeMutablePointer<Float>, _ nulls: UnsafePointer<UInt64>, count: Int) {
        clearNullsGeneric(values, nulls, count: count, 0)
    }
    static func sum(_ vector: Vector<Float>, _ rows: SlotSet, start: Float) -> Float {
        sumFloat(vector.values, slots: rows.slots, count: rows.count, start: start)
    }
    static func extreme(
        _ vector: Vector<Float>,
        _ rows: SlotSet,
        start: Float,
        greatest: Bool
    ) -> (value: Float, any: Bool) { extremeFloat(vector, rows, start, greatest: greatest) }
    static func sumGroups(
        _ values: UnsafePointer<Float>,
        _ rows: SlotSet,
        _ groups: UnsafePointer<UInt32>,
        into sums: UnsafeMutablePointer<Float>
    ) { sumGroupsFloat(values, rows, groups, into: sums) }
    static func extremeGroups(
        _ vector: Vector<Float>,
        _ rows: SlotSet,
        _ groups: UnsafePointer<UInt32>,
        into best: UnsafeMutablePointer<Float>,
        greatest: Bool
    ) { extremeGroupsFloat(vector, rows, groups, into: best, greatest: greatest) }
    static func pick(_ values: UnsafePointer<Float>, _ groups: [UInt32]) -> [Float] {
        LaminaEngine.pick(values, groups)
    }
    static func fill(_ values: UnsafeMutablePointer<Float>, _ value: Float, count: Int) {
        for index in 0..<count { values[index] = value }
    }
    static func add(_ left: Float, _ right: Float) -> Float { left + right }
    static func extremeStart(greatest: Bool) -> Float { greatest ? -.infinity : .infinity }
}
