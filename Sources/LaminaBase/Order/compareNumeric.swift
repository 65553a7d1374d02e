/// Druid's `numeric` string order.
func compareNumeric(_ left: String, _ right: String) -> Int {
    if let leftNumber = Int64(left), let rightNumber = Int64(right) {
        return leftNumber == rightNumber ? 0 : (leftNumber < rightNumber ? -1 : 1)
    }
    switch (DecimalText(left), DecimalText(right)) {
    case (let leftNumber?, let rightNumber?): return leftNumber.compare(rightNumber)
    case (nil, nil): return javaCompare(left, right)
    case (nil, _): return -1
    case (_, nil): return 1
    }
}

/// A decimal number of any length, for exact comparison; what Java's `BigDecimal(String)` accepts.
struct DecimalText {
    private var negative = false
    /// Without zeros at either end; empty for zero.
    private var digits: [UInt8] = []
    /// The value is 0.DIGITS × 10^exponent.
    private var exponent = 0

    init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") {
            negative = rest.removeFirst() == UInt8(ascii: "-")
        }
        var pointSeen = false
        var any = false
        while let byte = rest.first {
            if byte &- 0x30 <= 9 {
                any = true
                digits.append(byte)
                if !pointSeen { exponent += 1 }
            } else if byte == UInt8(ascii: "."), !pointSeen {
                pointSeen = true
            } else {
                break
            }
            rest.removeFirst()
        }
        guard any else { return nil }
        if let mark = rest.first {
            guard mark | 0x20 == UInt8(ascii: "e"), rest.count > 1,
                let power = Int32(String(decoding: rest.dropFirst(), as: UTF8.self))
            else { return nil }
            exponent += Int(power)
        }
        let leading = digits.prefix { $0 == 0x30 }.count
        digits.removeFirst(leading)
        exponent -= leading
        while digits.last == 0x30 { digits.removeLast() }
        if digits.isEmpty {
            exponent = 0
            negative = false
        }
    }

    func compare(_ other: DecimalText) -> Int {
        let sign = digits.isEmpty ? 0 : (negative ? -1 : 1)
        let otherSign = other.digits.isEmpty ? 0 : (other.negative ? -1 : 1)
        if sign != otherSign { return sign < otherSign ? -1 : 1 }
        if sign == 0 { return 0 }
        if exponent != other.exponent { return (exponent < other.exponent) == (sign > 0) ? -1 : 1 }
        if digits == other.digits { return 0 }
        return digits.lexicographicallyPrecedes(other.digits) == (sign > 0) ? -1 : 1
    }
}
