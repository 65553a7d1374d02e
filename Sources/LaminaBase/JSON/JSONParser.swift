/// A strict JSON reader over UTF-8 bytes, with depth bounded; errors name the byte.
package struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var depth = 0

    /// Nesting beyond this is refused, so that hostile input cannot exhaust the stack.
    package static let depthMax = 512

    private init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    /// Parses one whole document; anything but white space after it is an error.
    package static func parse(_ bytes: UnsafeBufferPointer<UInt8>) throws(LaminaError) -> JSON {
        var parser = JSONParser(bytes)
        let value = try parser.value()
        parser.skipSpace()
        guard parser.position == bytes.count else { throw parser.error("unexpected text after the JSON value") }
        return value
    }

    package static func parse(_ bytes: [UInt8]) throws(LaminaError) -> JSON {
        try bytes.withUnsafeBufferPointer { buffer throws(LaminaError) in try parse(buffer) }
    }

    package static func parse(_ text: String) throws(LaminaError) -> JSON {
        if let parsed = text.utf8.withContiguousStorageIfAvailable({ buffer in
            Result { () throws(LaminaError) in try parse(buffer) }
        }) {
            return try parsed.get()
        }
        return try parse(Array(text.utf8))
    }

    private func error(_ what: String) -> LaminaError {
        .invalidInput("Malformed JSON at byte \(position): \(what)", context: ["byte": "\(position)"])
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func value() throws(LaminaError) -> JSON {
        skipSpace()
        guard position < bytes.count else { throw error("the text ends where a value was expected") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"):
            try literal("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try literal("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try literal("null")
            return .null
        default: return try number()
        }
    }

    private mutating func literal(_ word: StaticString) throws(LaminaError) {
        let count = word.utf8CodeUnitCount
        guard bytes.count - position >= count else { throw error("expected \(word)") }
        for offset in 0..<count where bytes[position + offset] != word.utf8Start[offset] {
            throw error("expected \(word)")
        }
        position += count
    }

    private mutating func enter() throws(LaminaError) {
        depth += 1
        guard depth <= Self.depthMax else { throw error("nesting deeper than \(Self.depthMax)") }
        position += 1
    }

    private mutating func object() throws(LaminaError) -> JSONObject {
        try enter()
        defer { depth -= 1 }
        var pairs: [(key: String, value: JSON)] = []
        skipSpace()
        if position < bytes.count, bytes[position] == UInt8(ascii: "}") {
            position += 1
            return JSONObject()
        }
        pairs.reserveCapacity(8)
        while true {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                throw error("expected a key in quotes")
            }
            let key = try string()
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else { throw error("expected ':'") }
            position += 1
            pairs.append((key, try value()))
            skipSpace()
            guard position < bytes.count else { throw error("the text ends inside an object") }
            position += 1
            switch bytes[position - 1] {
            case UInt8(ascii: ","): continue
            case UInt8(ascii: "}"): return JSONObject(uniquing: pairs)
            default:
                position -= 1
                throw error("expected ',' or '}'")
            }
        }
    }

    private mutating func array() throws(LaminaError) -> [JSON] {
        try enter()
        defer { depth -= 1 }
        var items: [JSON] = []
        skipSpace()
        if position < bytes.count, bytes[position] == UInt8(ascii: "]") {
            position += 1
            return items
        }
        while true {
            items.append(try value())
            skipSpace()
            guard position < bytes.count else { throw error("the text ends inside an array") }
            position += 1
            switch bytes[position - 1] {
            case UInt8(ascii: ","): continue
            case UInt8(ascii: "]"): return items
            default:
                position -= 1
                throw error("expected ',' or ']'")
            }
        }
    }

    private mutating func string() throws(LaminaError) -> String {
        position += 1
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\") {
            guard bytes[position] >= 0x20 else { throw error("a control character inside a string") }
            position += 1
        }
        guard position < bytes.count else { throw error("the text ends inside a string") }
        if bytes[position] == UInt8(ascii: "\"") {
            defer { position += 1 }
            return String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
        }
        var unescaped = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return String(decoding: unescaped, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &unescaped)
            case 0..<0x20: throw error("a control character inside a string")
            default:
                unescaped.append(byte)
                position += 1
            }
        }
        throw error("the text ends inside a string")
    }

    private mutating func escape(into text: inout [UInt8]) throws(LaminaError) {
        guard position + 1 < bytes.count else { throw error("the text ends inside an escape") }
        let kind = bytes[position + 1]
        position += 2
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(kind)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = UInt32(try hex4())
            if code >= 0xD800, code < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            {
                let saved = position
                position += 2
                let low = UInt32(try hex4())
                if low >= 0xDC00, low < 0xE000 {
                    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                } else {
                    position = saved
                }
            }
            let scalar = Unicode.Scalar(code) ?? "\u{FFFD}"
            text.append(contentsOf: Array(String(Character(scalar)).utf8))
        default:
            position -= 2
            throw error("an unknown escape")
        }
    }

    private mutating func hex4() throws(LaminaError) -> UInt16 {
        guard position + 4 <= bytes.count else { throw error("the text ends inside an escape") }
        var code: UInt16 = 0
        for offset in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[position + offset])).hexDigitValue else {
                throw error("expected four hexadecimal digits")
            }
            code = code << 4 | UInt16(digit)
        }
        position += 4
        return code
    }

    /// Digits of a number, summed into `mantissa` while they fit.
    private mutating func digits(_ mantissa: inout UInt64, _ fits: inout Bool) -> Int {
        let start = position
        while position < bytes.count {
            let digit = bytes[position] &- 0x30
            guard digit <= 9 else { break }
            if mantissa > 922_337_203_685_477_580 { fits = false }
            mantissa = mantissa &* 10 &+ UInt64(digit)
            position += 1
        }
        return position - start
    }

    private mutating func number() throws(LaminaError) -> JSON {
        let start = position
        let negative = bytes[position] == UInt8(ascii: "-")
        if negative { position += 1 }
        let first = position
        var mantissa: UInt64 = 0
        var fits = true
        let count = digits(&mantissa, &fits)
        guard count > 0, count == 1 || bytes[first] != UInt8(ascii: "0") else {
            position = start
            throw error("expected a value")
        }
        var decimals = 0
        var whole = true
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            whole = false
            position += 1
            decimals = digits(&mantissa, &fits)
            guard decimals > 0 else { throw error("expected digits after '.'") }
        }
        var hasExponent = false
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            whole = false
            hasExponent = true
            position += 1
            if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            var ignored: UInt64 = 0
            var ignoredFits = true
            guard digits(&ignored, &ignoredFits) > 0 else { throw error("expected digits in the exponent") }
        }
        if whole, fits {
            if negative, mantissa <= UInt64(Int64.max) + 1 { return .int(Int64(truncatingIfNeeded: 0 &- mantissa)) }
            if !negative, mantissa <= UInt64(Int64.max) { return .int(Int64(mantissa)) }
        }
        // Both operands are exact, so that the one division rounds as the standard demands.
        if fits, !hasExponent, mantissa <= 1 << 53, decimals < Self.powersOfTen.count {
            let value = Double(mantissa) / Self.powersOfTen[decimals]
            return .double(negative ? -value : value)
        }
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
        guard let value = Double(text) else { throw error("not a number") }
        return .double(value)
    }

    /// The powers of ten a double holds exactly.
    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20,
        1e21, 1e22,
    ]
}

extension JSONObject {
    /// Builds an object from parsed pairs in linear time, also when a hostile body has a million keys.
    package init(uniquing pairs: [(key: String, value: JSON)]) {
        if pairs.count <= 16 {
            for index in pairs.indices.dropFirst() {
                for earlier in 0..<index where pairs[earlier].key == pairs[index].key {
                    self.init(pairs.map { ($0.key, $0.value) })
                    return
                }
            }
            self.init(unchecked: pairs)
            return
        }
        var places: [String: Int] = [:]
        var unique: [(key: String, value: JSON)] = []
        unique.reserveCapacity(pairs.count)
        for (key, value) in pairs {
            if let place = places[key] {
                unique[place].value = value
            } else {
                places[key] = unique.count
                unique.append((key, value))
            }
        }
        self.init(unchecked: unique)
    }
}
