import LaminaBase
import LaminaQuery

/// A text as the number it is written as, else itself (`tryParseNumbers`).
///
/// Source: `ParserUtils.tryParseStringAsNumber`: `NumberUtils.isCreatable`, then Guava's `Longs.tryParse` and `Doubles.tryParse`.
func parseNumber(_ text: String) -> JSON {
    guard isCreatable(Array(text.utf8)) else { return .string(text) }
    if !text.hasPrefix("+"), let number = Int64(text) { return .int(number) }
    if let number = parseJavaDouble(text) { return .double(number) }
    return .string(text)
}

/// Whether commons-lang would make a number of it: decimal, hexadecimal with `0x`, octal with a leading zero, type letters.
private func isCreatable(_ text: [UInt8]) -> Bool {
    let start = text.first == UInt8(ascii: "-") || text.first == UInt8(ascii: "+") ? 1 : 0
    let digits = text[start...]
    if digits.count > 1, digits[start] == 0x30, !text.contains(UInt8(ascii: ".")) {
        let second = digits[start + 1]
        if second | 0x20 == UInt8(ascii: "x") {
            return digits.count > 2
                && digits.dropFirst(2).allSatisfy { isDigit($0) || $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x66 }
        }
        if isDigit(second) { return digits.dropFirst().allSatisfy { $0 >= 0x30 && $0 <= 0x37 } }
    }
    var place = start
    var hasDigits = false
    var hasPoint = false
    var hasExponent = false
    while place < text.count {
        let byte = text[place]
        if isDigit(byte) {
            hasDigits = true
        } else if byte == UInt8(ascii: ".") {
            if hasPoint || hasExponent { return false }
            hasPoint = true
        } else if byte | 0x20 == UInt8(ascii: "e"), hasDigits, !hasExponent {
            hasExponent = true
            hasDigits = false
            if place + 1 < text.count, text[place + 1] == UInt8(ascii: "+") || text[place + 1] == UInt8(ascii: "-") {
                place += 1
            }
        } else if place == text.count - 1, hasDigits {
            switch byte | 0x20 {
            case UInt8(ascii: "f"), UInt8(ascii: "d"): return true
            case UInt8(ascii: "l"): return !hasPoint && !hasExponent
            default: return false
            }
        } else {
            return false
        }
        place += 1
    }
    return hasDigits
}

private func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
