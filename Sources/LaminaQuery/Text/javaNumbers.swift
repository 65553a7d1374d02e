import Glibc

/// `Double.compare`: -0.0 before 0.0, NaN after everything.
package func compareJava(_ left: Double, _ right: Double) -> Int {
    if left < right { return -1 }
    if left > right { return 1 }
    let first = Int64(bitPattern: left.isNaN ? 0x7FF8_0000_0000_0000 : left.bitPattern)
    let second = Int64(bitPattern: right.isNaN ? 0x7FF8_0000_0000_0000 : right.bitPattern)
    return first < second ? -1 : first == second ? 0 : 1
}

/// A decimal long, an optional sign first; nil for anything else (`GuavaUtils.tryParseLong`).
package func parseJavaLong(_ text: String) -> Int64? {
    Int64(text)
}

/// A double as Guava's `Doubles.tryParse` reads it: decimal or hexadecimal, `NaN`, `Infinity`, a trailing f or d.
package func parseJavaDouble(_ text: String) -> Double? {
    var body = Substring(text)
    guard let last = body.utf8.last else { return nil }
    var sign = 1.0
    if body.hasPrefix("-") || body.hasPrefix("+") {
        if body.hasPrefix("-") { sign = -1 }
        body = body.dropFirst()
    }
    if body == "NaN" { return .nan }
    if body == "Infinity" { return sign * .infinity }
    guard let first = body.utf8.first, first == UInt8(ascii: ".") || isDigit(first) else { return nil }
    let isHex = body.hasPrefix("0x") || body.hasPrefix("0X")
    if isHex, !body.utf8.contains(where: { $0 | 0x20 == UInt8(ascii: "p") }) { return nil }
    if last | 0x20 == UInt8(ascii: "f") || last | 0x20 == UInt8(ascii: "d") { body = body.dropLast() }
    if let point = body.utf8.last, point == UInt8(ascii: ".") {
        body = body.dropLast()
        guard let before = body.utf8.last, isDigit(before) else { return nil }
    }
    guard let tail = body.utf8.last, isHex || isDigit(tail) else { return nil }
    let allowed = body.utf8.allSatisfy { byte in
        isDigit(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
            || byte | 0x20 == UInt8(ascii: "e")
            || isHex && (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x66 || byte | 0x20 == 0x78 || byte | 0x20 == 0x70)
    }
    guard allowed else { return nil }
    var plain = String(body)
    if plain.hasPrefix(".") { plain = "0" + plain }
    plain = plain.replacingPointBeforeExponent()
    guard let number = Double(plain) else { return nil }
    return sign * number
}

extension String {
    /// `1.e5` is a number in Java, not in Swift: `1e5` is the same.
    fileprivate func replacingPointBeforeExponent() -> String {
        var result: [UInt8] = []
        let bytes = Array(utf8)
        for index in bytes.indices {
            if bytes[index] == UInt8(ascii: "."), index + 1 < bytes.count, bytes[index + 1] | 0x20 == UInt8(ascii: "e")
            {
                continue
            }
            result.append(bytes[index])
        }
        return String(decoding: result, as: UTF8.self)
    }
}

private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

/// Java's `%` on doubles: the sign of the dividend.
package func javaRemainder(_ left: Double, _ right: Double) -> Double { fmod(left, right) }

/// `Math.pow`: unlike C, 1 to the power NaN is NaN and ±1 to an infinite power is NaN.
package func javaPower(_ base: Double, _ exponent: Double) -> Double {
    if exponent.isNaN { return .nan }
    if exponent.isInfinite, abs(base) == 1 { return .nan }
    if exponent == 0 { return 1 }
    if base.isNaN { return .nan }
    return pow(base, exponent)
}
