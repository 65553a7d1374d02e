import LaminaBase

/// A decimal number of any length: 0.d₁d₂d₃… × 10^exponent, as `BigDecimal.valueOf(double)` makes it.
struct Decimal {
    private(set) var isNegative: Bool
    /// Without leading zeros; empty is zero.
    private(set) var digits: [UInt8] = []
    /// Digits before the decimal point.
    private(set) var exponent = 0

    /// The shortest decimal that gives back the same double (finite ones).
    init(_ number: Double) {
        isNegative = number.sign == .minus
        var scale = 0
        var pointSeen = false
        var parsingExponent = false
        var exponentText = ""
        for byte in number.magnitude.description.utf8 {
            switch byte {
            case UInt8(ascii: "."): pointSeen = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"): parsingExponent = true
            default:
                if parsingExponent {
                    exponentText.unicodeScalars.append(UnicodeScalar(byte))
                } else {
                    digits.append(byte - UInt8(ascii: "0"))
                    if !pointSeen { scale += 1 }
                }
            }
        }
        exponent = scale + (Int(exponentText.hasPrefix("+") ? String(exponentText.dropFirst()) : exponentText) ?? 0)
        normalize()
    }

    private mutating func normalize() {
        let zeros = digits.prefix { $0 == 0 }.count
        digits.removeFirst(zeros)
        exponent -= zeros
        while digits.last == 0 { digits.removeLast() }
        if digits.isEmpty { exponent = 0 }
    }

    /// Rounds to `count` digits after the point (negative: before it), halves away from zero.
    mutating func round(digits count: Int) {
        let keep = exponent + max(-400, min(400, count))
        if keep >= digits.count { return }
        if keep < 0 {
            digits = []
            exponent = 0
            return
        }
        let roundsUp = digits[keep] >= 5
        digits.removeLast(digits.count - keep)
        if roundsUp {
            var place = keep - 1
            while place >= 0, digits[place] == 9 {
                digits[place] = 0
                place -= 1
            }
            if place >= 0 {
                digits[place] += 1
            } else {
                digits.insert(1, at: 0)
                exponent += 1
            }
        }
        normalize()
    }

    var doubleValue: Double {
        if digits.isEmpty { return 0 }
        let text = String(decoding: digits.map { $0 + UInt8(ascii: "0") }, as: UTF8.self)
        let magnitude = Double("0.\(text)e\(exponent)") ?? .infinity
        return isNegative ? -magnitude : magnitude
    }

    /// Plain text with exactly `count` digits after the point; call `round(digits: count)` first.
    func plainText(digits count: Int) -> (whole: String, fraction: String) {
        func digit(_ place: Int) -> UInt8 { place >= 0 && place < digits.count ? digits[place] : 0 }
        var whole = ""
        if exponent <= 0 {
            whole = "0"
        } else {
            for place in 0..<exponent { whole.unicodeScalars.append(UnicodeScalar(digit(place) + UInt8(ascii: "0"))) }
        }
        var fraction = ""
        for offset in 0..<max(0, count) {
            fraction.unicodeScalars.append(UnicodeScalar(digit(exponent + offset) + UInt8(ascii: "0")))
        }
        return (whole, fraction)
    }
}
