import Glibc
import LaminaBase

/// A whole number in decimal digits with an optional sign, as Java's `Long.parseLong` and Guava's `Longs.tryParse` take it; nil for
/// anything else and out of range.
@inline(__always)
func parseWhole(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
    var place = 0
    let count = bytes.count
    guard count > 0, count <= 20 else { return nil }
    let negative = bytes[0] == UInt8(ascii: "-")
    if negative || bytes[0] == UInt8(ascii: "+") { place = 1 }
    guard place < count else { return nil }
    var value: UInt64 = 0
    // 18 digits cannot overflow.
    guard count &- place <= 18 else { return parseLongWhole(bytes, from: place, negative: negative) }
    while place < count {
        let digit = bytes[place] &- 0x30
        guard digit <= 9 else { return nil }
        value = value &* 10 &+ UInt64(digit)
        place &+= 1
    }
    return negative ? 0 &- Int64(bitPattern: value) : Int64(bitPattern: value)
}

private func parseLongWhole(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int, negative: Bool) -> Int64? {
    var value: UInt64 = 0
    for place in start..<bytes.count {
        let digit = bytes[place] &- 0x30
        guard digit <= 9 else { return nil }
        let (high, carried) = value.multipliedReportingOverflow(by: 10)
        let (sum, over) = high.addingReportingOverflow(UInt64(digit))
        if carried || over { return nil }
        value = sum
    }
    if negative { return value <= UInt64(Int64.max) + 1 ? 0 &- Int64(bitPattern: value) : nil }
    return value <= UInt64(Int64.max) ? Int64(value) : nil
}

private let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21,
    1e22,
]

/// A number as Guava's `Doubles.tryParse` takes it (Java's syntax: `1`, `-1.5`, `1e10`, `NaN`, `Infinity`, a final `f` or `d`).
func parseDouble(_ bytes: UnsafeBufferPointer<UInt8>) -> Double? {
    // Short plain decimals: exact integer divided by an exact power of ten rounds correctly.
    var place = 0
    let count = bytes.count
    guard count > 0 else { return nil }
    let negative = bytes[0] == UInt8(ascii: "-")
    if negative || bytes[0] == UInt8(ascii: "+") { place = 1 }
    var value: UInt64 = 0
    var digits = 0
    var decimals = -1
    while place < count {
        let byte = bytes[place]
        let digit = byte &- 0x30
        if digit <= 9 {
            value = value &* 10 &+ UInt64(digit)
            digits &+= 1
            if decimals >= 0 { decimals &+= 1 }
        } else if byte == UInt8(ascii: "."), decimals < 0 {
            decimals = 0
        } else {
            break
        }
        place &+= 1
    }
    if place == count, digits > 0, digits <= 15 {
        let magnitude = decimals > 0 ? Double(value) / powersOfTen[decimals] : Double(value)
        return negative ? -magnitude : magnitude
    }
    return parseJavaDouble(bytes)
}

private func parseJavaDouble(_ bytes: UnsafeBufferPointer<UInt8>) -> Double? {
    var text = String(decoding: bytes, as: UTF8.self)
    switch text {
    case "NaN", "+NaN", "-NaN": return .nan
    case "Infinity", "+Infinity": return .infinity
    case "-Infinity": return -.infinity
    default: break
    }
    if let last = text.utf8.last, "fFdD".utf8.contains(last) { text.removeLast() }
    // `Double.init` also knows words and hexadecimal text, which Java does not.
    for byte in text.utf8 where !"0123456789+-.eE".utf8.contains(byte) { return nil }
    return Double(text)
}

/// The exact long of a decimal text (`"7.0"`, `"1e3"`), as `DimensionHandlerUtils.getExactLongFromDecimalString`.
func parseExactLong(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
    if let whole = parseWhole(bytes) { return whole }
    var digits: [UInt8] = []
    var scale = 0
    var place = 0
    var negative = false
    var pointSeen = false
    if place < bytes.count, bytes[place] == UInt8(ascii: "-") || bytes[place] == UInt8(ascii: "+") {
        negative = bytes[place] == UInt8(ascii: "-")
        place += 1
    }
    loop: while place < bytes.count {
        switch bytes[place] {
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            digits.append(bytes[place])
            if pointSeen { scale -= 1 }
        case UInt8(ascii: "."):
            if pointSeen { return nil }
            pointSeen = true
        case UInt8(ascii: "e"), UInt8(ascii: "E"):
            guard let exponent = parseWhole(UnsafeBufferPointer(rebasing: bytes[(place + 1)...])), abs(exponent) < 400
            else {
                return nil
            }
            scale += Int(exponent)
            place = bytes.count
            break loop
        default: return nil
        }
        place += 1
    }
    guard !digits.isEmpty, digits.count < 400 else { return nil }
    while scale < 0, digits.count > 1 || digits.last == 0x30, digits.last == 0x30 {
        if digits.count > 1 { digits.removeLast() }
        scale += 1
    }
    if scale < 0 { return nil }
    while digits.count > 1, digits.first == 0x30 { digits.removeFirst() }
    if digits == [0x30] { return 0 }
    guard digits.count + scale <= 19 else { return nil }
    digits.append(contentsOf: [UInt8](repeating: 0x30, count: scale))
    if negative { digits.insert(UInt8(ascii: "-"), at: 0) }
    return digits.withUnsafeBufferPointer { parseWhole($0) }
}
