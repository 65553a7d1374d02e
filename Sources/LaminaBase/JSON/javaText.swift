import Glibc

/// A double as `Double.toString` of Java 19 and later prints it: shortest digits, `1.0E10` form outside 1e-3..<1e7.
package func javaText(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    var bytes: [UInt8] = []
    appendJavaText(value, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
}

/// A float as `Float.toString` prints it.
package func javaText(_ value: Float) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    var bytes: [UInt8] = []
    let shortest = value.description
    if value.magnitude < 1e-35, let text = twoDigits(Double(value), shortest), Float(text) == value {
        appendJavaForm(of: text, to: &bytes)
    } else {
        appendJavaForm(of: shortest, to: &bytes)
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// The nearest decimal of two digits, for values whose shortest text has one: Java prints `4.9E-324`, not `5.0E-324`.
private func twoDigits(_ value: Double, _ shortest: String) -> String? {
    guard value != 0, !shortest.contains(".") else { return nil }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { buffer in
        let count = withVaList([value]) { vsnprintf(buffer.baseAddress, buffer.count, "%.1e", $0) }
        return String(decoding: buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Appends a finite double in Java's form.
package func appendJavaText(_ value: Double, to bytes: inout [UInt8]) {
    if value.magnitude < 1e7, value == value.rounded(.towardZero), value != 0 || value.sign == .plus {
        appendDecimal(Int64(value), to: &bytes)
        bytes.append(UInt8(ascii: "."))
        bytes.append(UInt8(ascii: "0"))
        return
    }
    if value.magnitude < 1e-300, let text = twoDigits(value, value.description), Double(text) == value {
        appendJavaForm(of: text, to: &bytes)
        return
    }
    appendJavaForm(of: value.description, to: &bytes)
}

/// Appends a whole number.
package func appendDecimal(_ value: Int64, to bytes: inout [UInt8]) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    var rest = value.magnitude
    let start = bytes.count
    repeat {
        bytes.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10))
        rest /= 10
    } while rest > 0
    var low = start
    var high = bytes.count - 1
    while low < high {
        bytes.swapAt(low, high)
        low += 1
        high -= 1
    }
}

/// Rewrites Swift's shortest round-trip text of a finite number into Java's layout.
private func appendJavaForm(of text: String, to bytes: inout [UInt8]) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { digits in
        var count = 0
        var exponent = 0
        var power = 0
        var isPowerNegative = false
        var phase = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "-"):
                if phase == 2 { isPowerNegative = true } else { bytes.append(byte) }
            case UInt8(ascii: "+"): continue
            case UInt8(ascii: "."): phase = 1
            case UInt8(ascii: "e"), UInt8(ascii: "E"): phase = 2
            default:
                if phase == 2 {
                    power = power * 10 + Int(byte &- 0x30)
                    continue
                }
                if phase == 0 { exponent += 1 }
                // Leading zeros carry nothing but the place of the point.
                if count == 0, byte == UInt8(ascii: "0") {
                    exponent -= 1
                } else if count < digits.count {
                    digits[count] = byte
                    count += 1
                }
            }
        }
        exponent += isPowerNegative ? -power : power
        while count > 1, digits[count - 1] == UInt8(ascii: "0") { count -= 1 }
        appendLayout(UnsafeBufferPointer(rebasing: digits[..<count]), exponent: exponent, to: &bytes)
    }
}

/// The value is 0.DIGITS × 10^exponent.
private func appendLayout(_ digits: UnsafeBufferPointer<UInt8>, exponent: Int, to bytes: inout [UInt8]) {
    let (zero, point) = (UInt8(ascii: "0"), UInt8(ascii: "."))
    if digits.isEmpty {
        bytes.append(contentsOf: [zero, point, zero])
    } else if exponent > -3, exponent <= 0 {
        bytes.append(contentsOf: [zero, point])
        for _ in 0..<(-exponent) { bytes.append(zero) }
        bytes.append(contentsOf: digits)
    } else if exponent > 0, exponent <= 7 {
        for place in 0..<exponent { bytes.append(place < digits.count ? digits[place] : zero) }
        bytes.append(point)
        if digits.count > exponent {
            bytes.append(contentsOf: digits[exponent...])
        } else {
            bytes.append(zero)
        }
    } else {
        bytes.append(digits[0])
        bytes.append(point)
        if digits.count > 1 { bytes.append(contentsOf: digits[1...]) } else { bytes.append(zero) }
        bytes.append(UInt8(ascii: "E"))
        appendDecimal(Int64(exponent - 1), to: &bytes)
    }
}
