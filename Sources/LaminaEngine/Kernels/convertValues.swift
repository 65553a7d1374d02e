// Conversions of whole vectors, with the meaning of Java's casts.

/// Java's `(long) double`: truncates, saturates, NaN is 0.
@inline(__always)
func javaLong(_ value: Double) -> Int64 {
    if value >= 9_223_372_036_854_775_807.0 { return .max }
    if value <= -9_223_372_036_854_775_808.0 { return .min }
    return value == value ? Int64(value) : 0
}

func convertInt64ToDouble(_ values: UnsafePointer<Int64>, _ result: UnsafeMutablePointer<Double>, count: Int) {
    for index in 0..<count { result[index] = Double(values[index]) }
}

func convertInt64ToFloat(_ values: UnsafePointer<Int64>, _ result: UnsafeMutablePointer<Float>, count: Int) {
    for index in 0..<count { result[index] = Float(values[index]) }
}

func convertDoubleToInt64(_ values: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Int64>, count: Int) {
    for index in 0..<count { result[index] = javaLong(values[index]) }
}

func convertDoubleToFloat(_ values: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Float>, count: Int) {
    for index in 0..<count { result[index] = Float(values[index]) }
}

func convertFloatToDouble(_ values: UnsafePointer<Float>, _ result: UnsafeMutablePointer<Double>, count: Int) {
    for index in 0..<count { result[index] = Double(values[index]) }
}

func convertFloatToInt64(_ values: UnsafePointer<Float>, _ result: UnsafeMutablePointer<Int64>, count: Int) {
    for index in 0..<count { result[index] = javaLong(Double(values[index])) }
}

/// result[i] = table[ids[i]]
func lookUpInt64(
    _ ids: UnsafePointer<UInt32>,
    _ table: UnsafePointer<Int64>,
    _ result: UnsafeMutablePointer<Int64>,
    count: Int
) {
    for index in 0..<count { result[index] = table[Int(ids[index])] }
}

func lookUpDouble(
    _ ids: UnsafePointer<UInt32>,
    _ table: UnsafePointer<Double>,
    _ result: UnsafeMutablePointer<Double>,
    count: Int
) {
    for index in 0..<count { result[index] = table[Int(ids[index])] }
}

func lookUpFloat(
    _ ids: UnsafePointer<UInt32>,
    _ table: UnsafePointer<Float>,
    _ result: UnsafeMutablePointer<Float>,
    count: Int
) {
    for index in 0..<count { result[index] = table[Int(ids[index])] }
}

/// result[i] = values[slots[i]]
func pickUInt32(
    _ values: UnsafePointer<UInt32>,
    slots: UnsafePointer<UInt32>,
    _ result: UnsafeMutablePointer<UInt32>,
    count: Int
) {
    for index in 0..<count { result[index] = values[Int(slots[index])] }
}
