package import LaminaBase

/// `String.format` with Java's conversions `s S d x X o c b e E f g % n`, flags, width, precision and argument numbers.
///
/// What does not fit (a wrong type, an unknown conversion, too few arguments) gives the pattern with the arguments
/// appended, as Druid's `StringUtils.nonStrictFormat` does.
package func javaFormat(_ pattern: String, _ arguments: [Value]) -> String {
    var formatter = JavaFormatter(Array(pattern.utf8), arguments)
    if let text = formatter.run() { return text }
    return ([pattern] + arguments.map { $0.asText ?? "null" }).joined(separator: "; ")
}

/// A width or precision beyond this is refused, so that a pattern cannot ask for any amount of memory.
private let paddingMax = 10_000

private struct JavaFormatter {
    let pattern: [UInt8]
    let arguments: [Value]
    var position = 0
    var nextArgument = 0
    var result = ""

    struct Specifier {
        var flags: Set<UInt8> = []
        var width: Int?
        var precision: Int?
        var conversion: UInt8 = 0

        func has(_ flag: Unicode.Scalar) -> Bool { flags.contains(UInt8(ascii: flag)) }
    }

    init(_ pattern: [UInt8], _ arguments: [Value]) {
        self.pattern = pattern
        self.arguments = arguments
    }

    mutating func run() -> String? {
        var literal: [UInt8] = []
        while position < pattern.count {
            let byte = pattern[position]
            position += 1
            guard byte == UInt8(ascii: "%") else {
                literal.append(byte)
                continue
            }
            result += String(decoding: literal, as: UTF8.self)
            literal = []
            guard conversion() else { return nil }
        }
        return result + String(decoding: literal, as: UTF8.self)
    }

    private mutating func number() -> Int? {
        let start = position
        while position < pattern.count, pattern[position] >= 0x30, pattern[position] <= 0x39 { position += 1 }
        return start == position ? nil : Int(String(decoding: pattern[start..<position], as: UTF8.self)) ?? Int.max
    }

    /// One `%` specifier; false when it does not fit.
    private mutating func conversion() -> Bool {
        var specifier = Specifier()
        var explicit: Int?
        let start = position
        if let index = number(), position < pattern.count, pattern[position] == UInt8(ascii: "$") {
            explicit = index
            position += 1
        } else {
            position = start
        }
        while position < pattern.count, "-#+ 0,(".utf8.contains(pattern[position]) {
            specifier.flags.insert(pattern[position])
            position += 1
        }
        specifier.width = number()
        if position < pattern.count, pattern[position] == UInt8(ascii: ".") {
            position += 1
            guard let precision = number() else { return false }
            specifier.precision = precision
        }
        guard position < pattern.count, specifier.width ?? 0 <= paddingMax, specifier.precision ?? 0 <= paddingMax
        else {
            return false
        }
        specifier.conversion = pattern[position]
        position += 1
        switch specifier.conversion {
        case UInt8(ascii: "%"):
            result += padded("%", specifier)
            return true
        case UInt8(ascii: "n"):
            result += "\n"
            return true
        default: break
        }
        let index =
            (explicit
                ?? {
                    nextArgument += 1; return nextArgument
                }()) - 1
        guard index >= 0, index < arguments.count, let text = converted(arguments[index], specifier) else {
            return false
        }
        result += text
        return true
    }

    private func padded(_ text: String, _ specifier: Specifier) -> String {
        let missing = (specifier.width ?? 0) - text.utf16.count
        guard missing > 0 else { return text }
        let spaces = String(repeating: " ", count: missing)
        return specifier.has("-") ? text + spaces : spaces + text
    }

    private func converted(_ value: Value, _ specifier: Specifier) -> String? {
        switch specifier.conversion {
        case UInt8(ascii: "s"), UInt8(ascii: "S"):
            var text = value.asText ?? "null"
            if let precision = specifier.precision { text = javaSubstring(text, from: 0, length: precision) ?? "" }
            return padded(specifier.conversion == UInt8(ascii: "S") ? text.uppercased() : text, specifier)
        case UInt8(ascii: "b"), UInt8(ascii: "B"): return padded(value.isNull ? "false" : "true", specifier)
        case UInt8(ascii: "d"), UInt8(ascii: "x"), UInt8(ascii: "X"), UInt8(ascii: "o"), UInt8(ascii: "c"):
            if value.isNull { return padded("null", specifier) }
            guard case .long(let number) = value, specifier.precision == nil else { return nil }
            return integer(number, specifier)
        case UInt8(ascii: "f"), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "g"), UInt8(ascii: "G"):
            if value.isNull { return padded("null", specifier) }
            switch value {
            case .double(let number): return floating(number, specifier)
            case .float(let number): return floating(Double(number), specifier)
            default: return nil
            }
        default: return nil
        }
    }

    private func integer(_ number: Int64, _ specifier: Specifier) -> String? {
        switch specifier.conversion {
        case UInt8(ascii: "c"):
            guard let scalar = UInt32(exactly: number).flatMap(UnicodeScalar.init) else { return nil }
            return padded(String(scalar), specifier)
        case UInt8(ascii: "d"):
            return signed(digits: String(number.magnitude), isNegative: number < 0, fraction: "", specifier)
        default:
            let isOctal = specifier.conversion == UInt8(ascii: "o")
            var text = String(UInt64(bitPattern: number), radix: isOctal ? 8 : 16)
            if specifier.has("#") { text = (isOctal ? "0" : "0x") + text }
            if specifier.has("0") { text = zeros(text, specifier) }
            return padded(specifier.conversion == UInt8(ascii: "X") ? text.uppercased() : text, specifier)
        }
    }

    private func zeros(_ text: String, _ specifier: Specifier) -> String {
        String(repeating: "0", count: max(0, (specifier.width ?? 0) - text.count)) + text
    }

    /// Sign, grouping and padding around a number's digits; `fraction` holds all that follows the whole digits.
    private func signed(digits: String, isNegative: Bool, fraction: String, _ specifier: Specifier) -> String {
        var whole = digits
        if specifier.has(",") {
            var grouped: [Character] = []
            for (place, digit) in whole.reversed().enumerated() {
                if place > 0, place % 3 == 0 { grouped.append(",") }
                grouped.append(digit)
            }
            whole = String(grouped.reversed())
        }
        let prefix =
            isNegative ? (specifier.has("(") ? "(" : "-") : specifier.has("+") ? "+" : specifier.has(" ") ? " " : ""
        let suffix = isNegative && specifier.has("(") ? ")" : ""
        var body = whole + fraction
        if specifier.has("0") {
            let missing = (specifier.width ?? 0) - prefix.count - body.count - suffix.count
            body = String(repeating: "0", count: max(0, missing)) + body
        }
        return padded(prefix + body + suffix, specifier)
    }

    private func floating(_ number: Double, _ specifier: Specifier) -> String {
        if !number.isFinite {
            let text = number.isNaN ? "NaN" : number < 0 ? "-Infinity" : specifier.has("+") ? "+Infinity" : "Infinity"
            return padded(text, specifier)
        }
        let precision = specifier.precision ?? 6
        var decimal = Decimal(number)
        let isNegative = number.sign == .minus
        switch specifier.conversion {
        case UInt8(ascii: "f"):
            decimal.round(digits: precision)
            let (whole, fraction) = decimal.plainText(digits: precision)
            return signed(
                digits: whole,
                isNegative: isNegative,
                fraction: precision > 0 ? "." + fraction : "",
                specifier
            )
        case UInt8(ascii: "g"), UInt8(ascii: "G"):
            let digits = max(1, precision)
            decimal.round(digits: digits - decimal.exponent)
            if number == 0 || (decimal.exponent > -4 && decimal.exponent <= digits) {
                let places = number == 0 ? digits - 1 : digits - decimal.exponent
                let (whole, fraction) = decimal.plainText(digits: places)
                return signed(
                    digits: whole,
                    isNegative: isNegative,
                    fraction: places > 0 ? "." + fraction : "",
                    specifier
                )
            }
            return scientific(decimal, digits - 1, isNegative, specifier)
        default: return scientific(decimal, precision, isNegative, specifier)
        }
    }

    private func scientific(_ number: Decimal, _ precision: Int, _ isNegative: Bool, _ specifier: Specifier) -> String {
        var decimal = number
        decimal.round(digits: precision + 1 - decimal.exponent)
        let power = decimal.digits.isEmpty ? 0 : decimal.exponent - 1
        var digits = decimal.digits.map { Character(UnicodeScalar($0 + UInt8(ascii: "0"))) }
        while digits.count < precision + 1 { digits.append("0") }
        let exponent = (power < 0 ? "e-" : "e+") + (abs(power) < 10 ? "0" : "") + String(abs(power))
        let fraction = (precision > 0 ? "." + String(digits[1...precision]) : "") + exponent
        let isUpper = specifier.conversion == UInt8(ascii: "E") || specifier.conversion == UInt8(ascii: "G")
        return signed(
            digits: String(digits[0]),
            isNegative: isNegative,
            fraction: isUpper ? fraction.uppercased() : fraction,
            specifier
        )
    }
}
