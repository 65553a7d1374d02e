import Glibc
import LaminaBase

extension QuantilesSketch {
    /// What Druid's `quantilesDoublesSketchToString` shows of the sketch as it is stored.
    ///
    /// - Source: `DoublesUtil.getSummary` of a `DirectCompactDoublesSketch`.
    package var summary: String {
        let lines: [(String, String)] = [
            ("Empty", "\(isEmpty)"),
            ("Memory, Capacity bytes", "true, \(compactSize)"),
            ("Estimation Mode", "\(isEstimation)"),
            ("K", grouped(k)),
            ("N", grouped(Int(count))),
            ("Levels (Needed, Total, Valid)", "\(levelsNeeded), \(levelsNeeded), \(bitPattern.nonzeroBitCount)"),
            ("Level Bit Pattern", String(bitPattern, radix: 2)),
            ("BaseBufferCount", grouped(base.count)),
            ("Combined Buffer Capacity", grouped((compactSize - 32) / 8)),
            ("Retained Items", grouped(retained)),
            ("Compact Storage Bytes", grouped(compactSize)),
            ("Updatable Storage Bytes", grouped(updatableSize)),
            ("Normalized Rank Error", percent(Self.rankError(k: k, pmf: false))),
            ("Normalized Rank Error (PMF)", percent(Self.rankError(k: k, pmf: true))),
            ("Min Item", scientific(minimum)),
            ("Max Item", scientific(maximum)),
        ]
        var text = "\n### Quantiles DirectCompactDoublesSketch SUMMARY: \n"
        for (name, value) in lines { text += "   \(padded(name, 29)): \(value)\n" }
        return text + "### END SKETCH SUMMARY\n"
    }
}

extension KLLSketch where Item: KLLItem {
    /// What Druid's `KllDoublesSketchToString` shows of the sketch as it is stored.
    ///
    /// - Source: `KllHelper.toStringImpl` of a wrapped compact sketch.
    package var summary: String {
        let lines: [(String, String)] = [
            ("K", "\(k)"),
            ("Dynamic min K", "\(minK)"),
            ("M", "\(m)"),
            ("N", "\(count)"),
            ("Epsilon", percent(2.296 / power(minK, 0.9723))),
            ("Epsilon PMF", percent(2.446 / power(minK, 0.9433))),
            ("Empty", "\(isEmpty)"),
            ("Estimation Mode", "\(isEstimation)"),
            ("Levels", "\(levels.count)"),
            ("Level 0 Sorted", "false"),
            ("Capacity Items", "\(capacity)"),
            ("Retained Items", "\(retained)"),
            ("Empty/Garbage Items", "\(capacity - retained)"),
            ("ReadOnly", "true(Format)"),
            ("Updatable Storage Bytes", "\(updatableSize)"),
            ("Compact Storage Bytes", "\(compactSize)"),
            ("Min Item", minimum.javaText),
            ("Max Item", maximum.javaText),
        ]
        var text = "\n### KllDirectCompact\(Item.sketchName) Summary:\n"
        for (name, value) in lines { text += "   \(padded(name, 23)): \(value)\n" }
        return text + "### End sketch summary\n"
    }
}

func power(_ base: Int, _ exponent: Double) -> Double { pow(Double(base), exponent) }

private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.utf8.count))
}

/// `%,d`
private func grouped(_ number: Int) -> String {
    var text = ""
    for (index, digit) in String(number.magnitude).reversed().enumerated() {
        if index > 0, index % 3 == 0 { text.append(",") }
        text.append(digit)
    }
    return (number < 0 ? "-" : "") + String(text.reversed())
}

/// `%.3f%%` of a fraction.
private func percent(_ fraction: Double) -> String {
    guard let (digits, point) = roundedDigits(fraction * 100, keeping: { $0 + 3 }) else { return "NaN%" }
    var text = digits
    while text.count < point + 3 { text.append("0") }
    while text.count < 4 { text = "0" + text }
    return "\(text.dropLast(3)).\(text.suffix(3))%"
}

/// `%12.6e`
private func scientific(_ value: Double) -> String {
    var text: String
    if value.isNaN {
        text = "NaN"
    } else if value.isInfinite {
        text = value < 0 ? "-Infinity" : "Infinity"
    } else if let (digits, point) = roundedDigits(value.magnitude, keeping: { _ in 7 }) {
        let shown = digits + String(repeating: "0", count: max(0, 7 - digits.count))
        let exponent = value == 0 ? 0 : point - 1
        let power = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
        text = "\(value.sign == .minus ? "-" : "")\(shown.prefix(1)).\(shown.dropFirst().prefix(6))"
        text += "e\(exponent < 0 ? "-" : "+")\(power)"
    } else {
        text = ""
    }
    return String(repeating: " ", count: max(0, 12 - text.utf8.count)) + text
}

/// The shortest decimal digits of a number that is not negative, rounded half up as Java's formatter does.
///
/// - Parameter keeping: how many digits stay, told where the decimal point stands.
/// - Returns: digits without leading zeros and how many of them stand before the point; nil of what is no number.
private func roundedDigits(_ value: Double, keeping: (Int) -> Int) -> (digits: String, point: Int)? {
    guard value.isFinite else { return nil }
    let parts = value.description.split(separator: "e")
    var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    exponent += mantissa[0].count
    var digits = (mantissa.joined()).utf8.map { Int($0) - 48 }
    while let first = digits.first, first == 0, digits.count > 1 {
        digits.removeFirst()
        exponent -= 1
    }
    let kept = keeping(exponent)
    if kept < digits.count {
        let up = kept >= 0 && digits[kept] >= 5
        digits = Array(digits.prefix(max(kept, 0)))
        if up {
            var index = digits.count - 1
            while index >= 0, digits[index] == 9 {
                digits[index] = 0
                index -= 1
            }
            if index >= 0 {
                digits[index] += 1
            } else {
                digits.insert(1, at: 0)
                exponent += 1
            }
        }
    }
    return (digits.map { "\($0)" }.joined(), exponent)
}
