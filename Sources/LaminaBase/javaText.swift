/// A double as `Double.toString` of Java 19 and later prints it: shortest digits, `1.0E10` form outside 1e-3..<1e7.
package func javaText(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    return javaForm(value.description)
}

/// A float as `Float.toString` prints it.
package func javaText(_ value: Float) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    return javaForm(value.description)
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
