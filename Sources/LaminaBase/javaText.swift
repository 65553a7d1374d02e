import Glibc

/// A double as `Double.toString` of Java 19 and later prints it: shortest digits, `1.0E10` form outside 1e-3..<1e7.
package func javaText(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    let shortest = value.description
    // Java prints two digits where one is enough; the nearest two need not be the shortest one and a zero near the smallest number.
    if abs(value) < 1e-300, let text = twoDigits(value, shortest), Double(text) == value { return javaForm(text) }
    return javaForm(shortest)
}

/// A float as `Float.toString` prints it.
package func javaText(_ value: Float) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    let shortest = value.description
    if abs(value) < 1e-35, let text = twoDigits(Double(value), shortest), Float(text) == value { return javaForm(text) }
    return javaForm(shortest)
}

/// The nearest decimal of two digits, for values whose shortest text has one: `4.9e-324` for `5e-324`.
private func twoDigits(_ value: Double, _ shortest: String) -> String? {
    guard value != 0, !shortest.contains(".") else { return nil }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { buffer in
        let count = withVaList([value]) { vsnprintf(buffer.baseAddress, buffer.count, "%.1e", $0) }
        return String(decoding: buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Rewrites Swift's shortest round-trip text into Java's layout.
private func javaForm(_ text: String) -> String {
    var digits: [UInt8] = []
    var exponent = 0
    var pointSeen = false
    var negative = false
    var rest = Array(text.utf8)[...]
    if rest.first == UInt8(ascii: "-") {
        negative = true
        rest = rest.dropFirst()
    }
    while let byte = rest.first {
        rest = rest.dropFirst()
        if byte == UInt8(ascii: ".") {
            pointSeen = true
        } else if byte | 0x20 == UInt8(ascii: "e") {
            exponent += Int(String(decoding: rest.drop { $0 == UInt8(ascii: "+") }, as: UTF8.self)) ?? 0
            break
        } else {
            digits.append(byte)
            if !pointSeen { exponent += 1 }
        }
    }
    // The value is 0.DIGITS × 10^exponent; leading and trailing zeros carry nothing.
    while digits.count > 1, digits.first == UInt8(ascii: "0") {
        digits.removeFirst()
        exponent -= 1
    }
    while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
    let sign = negative ? "-" : ""
    if digits == [UInt8(ascii: "0")] { return sign + "0.0" }
    let all = String(decoding: digits, as: UTF8.self)
    if exponent > -3, exponent <= 7 {
        if exponent <= 0 { return sign + "0." + String(repeating: "0", count: -exponent) + all }
        if digits.count <= exponent {
            return sign + all + String(repeating: "0", count: exponent - digits.count) + ".0"
        }
        return sign + all.prefix(exponent) + "." + all.dropFirst(exponent)
    }
    let fraction = digits.count > 1 ? String(all.dropFirst()) : "0"
    return sign + all.prefix(1) + "." + fraction + "E\(exponent - 1)"
}
