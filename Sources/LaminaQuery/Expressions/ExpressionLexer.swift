import LaminaBase

/// A token of the expression language with the byte where it begins.
struct ExpressionToken: Sendable {
    enum Kind: Sendable, Equatable {
        case long(Int64)
        case double(Double)
        case text(String)
        /// `quoted` identifiers are never keywords or functions.
        case identifier(String, quoted: Bool)
        case symbol(String)
        case end
    }

    var kind: Kind
    var start: Int
}

/// Cuts expression text into tokens. Source: `Expr.g4`.
struct ExpressionLexer {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    /// An error at a byte, told as line and column.
    func error(_ what: String, at byte: Int) -> LaminaError {
        var line = 1
        var column = 1
        for index in 0..<min(byte, bytes.count) {
            if bytes[index] == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if bytes[index] & 0xC0 != 0x80 {
                column += 1
            }
        }
        return .invalidInput(
            "Expression [\(String(decoding: bytes.prefix(500), as: UTF8.self))] is malformed at line \(line), "
                + "column \(column): \(what)",
            context: ["line": "\(line)", "column": "\(column)"]
        )
    }

    mutating func tokens() throws(LaminaError) -> [ExpressionToken] {
        var tokens: [ExpressionToken] = []
        while true {
            let token = try next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private func peek(_ offset: Int = 0) -> UInt8 {
        position + offset < bytes.count ? bytes[position + offset] : 0
    }

    private mutating func next() throws(LaminaError) -> ExpressionToken {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
        let start = position
        guard position < bytes.count else { return ExpressionToken(kind: .end, start: start) }
        let byte = peek()
        if isDigit(byte) || byte == UInt8(ascii: ".") && isDigit(peek(1)) {
            return ExpressionToken(kind: try number(), start: start)
        }
        if isIdentifierStart(byte) {
            while isIdentifierStart(peek()) || isDigit(peek()) { position += 1 }
            let name = String(decoding: bytes[start..<position], as: UTF8.self)
            return ExpressionToken(kind: .identifier(name, quoted: false), start: start)
        }
        if byte == UInt8(ascii: "'") { return ExpressionToken(kind: .text(try quoted(byte)), start: start) }
        if byte == UInt8(ascii: "\"") {
            return ExpressionToken(kind: .identifier(try quoted(byte), quoted: true), start: start)
        }
        for symbol in ["->", "<=", ">=", "==", "!=", "&&", "||"] where Array(symbol.utf8) == [byte, peek(1)] {
            position += 2
            return ExpressionToken(kind: .symbol(symbol), start: start)
        }
        guard "()[],<>+-*/%^!".utf8.contains(byte) else {
            throw error("unexpected character", at: start)
        }
        position += 1
        return ExpressionToken(kind: .symbol(String(UnicodeScalar(byte))), start: start)
    }

    private mutating func number() throws(LaminaError) -> ExpressionToken.Kind {
        let start = position
        var isDouble = false
        while isDigit(peek()) { position += 1 }
        if peek() == UInt8(ascii: ".") {
            isDouble = true
            position += 1
            while isDigit(peek()) { position += 1 }
        }
        if peek() | 0x20 == UInt8(ascii: "e") {
            let signed = peek(1) == UInt8(ascii: "-") || peek(1) == UInt8(ascii: "+")
            if isDigit(peek(signed ? 2 : 1)) {
                isDouble = true
                position += signed ? 2 : 1
                while isDigit(peek()) { position += 1 }
            }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if !isDouble {
            guard let value = Int64(text) else { throw error("the number \(text) does not fit 64 bits", at: start) }
            return .long(value)
        }
        guard let value = parseJavaDouble(text) else { throw error("'\(text)' is no number", at: start) }
        return .double(value)
    }

    private mutating func quoted(_ quote: UInt8) throws(LaminaError) -> String {
        let start = position
        position += 1
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == quote {
                // Two quotes inside a text stand for themselves, both of them.
                guard quote == UInt8(ascii: "'"), peek() == quote else { return String(decoding: text, as: UTF8.self) }
                text += [quote, quote]
                position += 1
                continue
            }
            guard byte == UInt8(ascii: "\\") else {
                text.append(byte)
                continue
            }
            let escape = peek()
            position += 1
            switch escape {
            case UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escape)
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"): text.append(contentsOf: String(try unicode(start)).utf8)
            default: throw error("unknown escape in quoted text", at: position - 2)
            }
        }
        throw error("the quote is never closed", at: start)
    }

    /// `XXXX` after `\u`; a surrogate pair is one character, a lone surrogate the replacement character.
    private mutating func unicode(_ start: Int) throws(LaminaError) -> Character {
        let high = try hex(start)
        if high >= 0xD800, high < 0xDC00, peek() == UInt8(ascii: "\\"), peek(1) == UInt8(ascii: "u") {
            let back = position
            position += 2
            let low = try hex(start)
            if low >= 0xDC00, low < 0xE000, let scalar = UnicodeScalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
            {
                return Character(scalar)
            }
            position = back
        }
        return Character(UnicodeScalar(high) ?? "\u{FFFD}")
    }

    private mutating func hex(_ start: Int) throws(LaminaError) -> UInt32 {
        guard position + 4 <= bytes.count, bytes[position] != UInt8(ascii: "+"),
            let code = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
        else { throw error("\\u needs four hexadecimal digits", at: position) }
        position += 4
        return code
    }
}

private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

private func isIdentifierStart(_ byte: UInt8) -> Bool {
    byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z") || byte == UInt8(ascii: "_")
        || byte == UInt8(ascii: "$")
}
