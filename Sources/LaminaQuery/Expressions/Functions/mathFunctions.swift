import Glibc
import LaminaBase

/// Math over doubles and longs; texts give null.
///
/// Source: `Function.UnivariateMathFunction`, `Function.BivariateMathFunction`.
let mathFunctions: [ExpressionFunction] = [
    ExpressionFunction("pi", 0...0, type: always(.double), .strict { _ in .double(.pi) }),
    ExpressionFunction("abs", 1...1, type: typeOfFirst, .strict(absolute)),
    ExpressionFunction("round", 1...2, type: typeOfFirst, .strict(round)),
    unary("acos", acos), unary("asin", asin), unary("atan", atan), unary("cbrt", cbrt), unary("ceil", ceil),
    unary("cos", cos), unary("cosh", cosh), unary("exp", exp), unary("expm1", expm1), unary("floor", floor),
    unary("log", log), unary("log10", log10), unary("log1p", log1p), unary("rint", rint), unary("sin", sin),
    unary("sinh", sinh), unary("sqrt", { $0.squareRoot() }), unary("tan", tan), unary("tanh", tanh),
    unary("cot") { cos($0) / sin($0) },
    unary("nextup") { $0.nextUp },
    unary("signum") { $0.isNaN || $0 == 0 ? $0 : $0 > 0 ? 1 : -1 },
    unary("todegrees") { $0 * (180 / .pi) },
    unary("toradians") { $0 / 180 * .pi },
    unary("ulp") { $0.isNaN ? $0 : $0.isInfinite ? .infinity : abs($0).ulp },
    ExpressionFunction("getexponent", 1...1, type: always(.long), .strict(exponent)),
    binary("atan2", atan2), binary("hypot", hypot), binary("remainder", remainder), binary("pow", javaPower),
    binary("copysign", { copysign($0, $1) }),
    binary("nextafter", { nextafter($0, $1) }),
    ExpressionFunction("scalb", 2...2, type: always(.double), .strict(scaleByPower)),
    twoNumbers("max", type: typeOfAll, long: { .long(max($0, $1)) }, double: { .double(javaMax($0, $1)) }),
    twoNumbers("min", type: typeOfAll, long: { .long(min($0, $1)) }, double: { .double(javaMin($0, $1)) }),
    ExpressionFunction("div", 2...2, type: divisionType, .strict(divide)),
    twoNumbers("safe_divide", type: typeOfAll, long: safeDivide, double: safeDivide),
]

/// `Math.max`: NaN wins, 0.0 is more than -0.0.
func javaMax(_ left: Double, _ right: Double) -> Double {
    if left.isNaN || right.isNaN { return .nan }
    return compareJava(left, right) >= 0 ? left : right
}

/// `Math.min`: NaN wins, -0.0 is less than 0.0.
func javaMin(_ left: Double, _ right: Double) -> Double {
    if left.isNaN || right.isNaN { return .nan }
    return compareJava(left, right) <= 0 ? left : right
}

private func unary(_ name: String, _ body: @escaping @Sendable (Double) -> Double) -> ExpressionFunction {
    ExpressionFunction(
        name,
        1...1,
        type: always(.double),
        .strict { values in
            switch values[0] {
            case .long(let number): .double(body(Double(number)))
            case .double(let number): .double(body(number))
            default: .null
            }
        }
    )
}

private func binary(_ name: String, _ body: @escaping @Sendable (Double, Double) -> Double) -> ExpressionFunction {
    twoNumbers(
        name,
        type: always(.double),
        long: { .double(body(Double($0), Double($1))) },
        double: { .double(body($0, $1)) }
    )
}

/// Two longs stay longs, two texts give null; beside a number a text or array that is none counts as 0.
private func twoNumbers(
    _ name: String,
    type: @escaping ExpressionFunction.TypeRule,
    long: @escaping @Sendable (Int64, Int64) -> Value,
    double: @escaping @Sendable (Double, Double) -> Value
) -> ExpressionFunction {
    ExpressionFunction(
        name,
        2...2,
        type: type,
        .strict { values in
            switch (values[0], values[1]) {
            case (.string, .string), (.null, _), (_, .null): return .null
            case (.long(let left), .long(let right)): return long(left, right)
            default: return double(values[0].asDouble ?? 0, values[1].asDouble ?? 0)
            }
        }
    )
}

private func absolute(_ values: [Value]) -> Value {
    switch values[0] {
    case .long(let number): .long(number < 0 ? 0 &- number : number)
    case .double(let number): .double(abs(number))
    default: .null
    }
}

private func exponent(_ values: [Value]) -> Value {
    let number: Double
    switch values[0] {
    case .long(let value): number = Double(value)
    case .double(let value): number = value
    default: return .null
    }
    // `Math.getExponent`: NaN and infinity 1024, zero and subnormal numbers -1023.
    return .long(Int64(number.bitPattern >> 52 & 0x7FF) - 1023)
}

private func scaleByPower(_ values: [Value]) -> Value {
    switch (values[0], values[1]) {
    case (.string, .string), (.null, _), (_, .null): return .null
    default: return .double(scalbn(values[0].asDouble ?? 0, Int32(clamping: values[1].asLong ?? 0)))
    }
}

private func divide(_ values: [Value]) throws(LaminaError) -> Value {
    switch (values[0], values[1]) {
    case (.string, .string), (.null, _), (_, .null): return .null
    case (.long(let left), .long(let right)):
        guard right != 0 else { throw .evaluation("/ by zero") }
        return .long(left.dividedReportingOverflow(by: right).partialValue)
    default: return .long(saturatingLong((values[0].asDouble ?? 0) / (values[1].asDouble ?? 0)))
    }
}

private func divisionType(_ types: [ColumnType?], _ nodes: [ExpressionNode]) -> ColumnType? {
    let type = commonType(types)
    return type?.isNumeric ?? false ? .long : type
}

@Sendable private func safeDivide(_ left: Int64, _ right: Int64) -> Value {
    if right == 0 { return .null }
    return .long(left.dividedReportingOverflow(by: right).partialValue)
}

@Sendable private func safeDivide(_ left: Double, _ right: Double) -> Value {
    // Druid: nothing over nothing is 0 here, null among longs.
    if right == 0 || right.isNaN { return left == 0 ? .double(0) : .null }
    return .double(left / right)
}

private func round(_ values: [Value]) throws(LaminaError) -> Value {
    var digits = 0
    if values.count > 1 {
        guard case .long(let number) = values[1] else {
            throw .evaluation("Function[round] second argument should be a LONG but got \(values[1].typeName) instead")
        }
        digits = Int(Int32(truncatingIfNeeded: number))
    }
    switch values[0] {
    case .null: return .null
    case .long(let number): return .long(roundHalfUp(number, digits: digits))
    case .double(let number): return .double(roundHalfUp(number, digits: digits))
    default:
        if values[0].asDouble == nil { return .null }
        throw .evaluation(
            "Function[round] first argument should be a LONG or DOUBLE but got \(values[0].typeName) instead"
        )
    }
}

/// `BigDecimal.valueOf(number).setScale(digits, HALF_UP).doubleValue()`; NaN is 0, infinities the largest number.
func roundHalfUp(_ number: Double, digits: Int) -> Double {
    if number.isNaN { return 0 }
    if number.isInfinite { return number < 0 ? -.greatestFiniteMagnitude : .greatestFiniteMagnitude }
    var decimal = Decimal(number)
    decimal.round(digits: digits)
    return decimal.doubleValue
}

/// The same for longs; a result beyond 64 bits keeps its low bits, as Java's does.
private func roundHalfUp(_ number: Int64, digits: Int) -> Int64 {
    if digits >= 0 { return number }
    if digits < -19 { return 0 }
    var unit: UInt64 = 1
    for _ in 0..<(-digits) {
        let (next, overflow) = unit.multipliedReportingOverflow(by: 10)
        if overflow { return 0 }
        unit = next
    }
    let magnitude = number.magnitude
    let rest = magnitude % unit
    let floored = magnitude - rest
    let rounded = rest >= unit - rest ? floored &+ unit : floored
    let bits = Int64(truncatingIfNeeded: rounded)
    return number < 0 ? 0 &- bits : bits
}
