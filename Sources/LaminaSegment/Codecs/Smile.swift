import LaminaBase

/// Decodes a SMILE document (Jackson's binary JSON), the form of raw nested values.
///
/// Source: the Smile format specification 1.0; Jackson's generator writes back references to names and short texts.
struct SmileDecoder {
    private let bytes: [UInt8]
    private var position = 4
    private var depth = 0
    private let sharesNames: Bool
    private let sharesTexts: Bool
    private var names: [String] = []
    private var texts: [String] = []

    /// Back references reach this many entries; then both lists begin anew.
    private static let sharedMax = 1024

    private init?(_ bytes: [UInt8]) {
        guard bytes.count >= 5, bytes[0] == 0x3A, bytes[1] == 0x29, bytes[2] == 0x0A, bytes[3] >> 4 == 0 else {
            return nil
        }
        self.bytes = bytes
        sharesNames = bytes[3] & 1 != 0
        sharesTexts = bytes[3] & 2 != 0
    }

    /// The document's value; nil when the bytes are no SMILE or do not end with the value.
    static func decode(_ bytes: [UInt8]) -> JSON? {
        guard var decoder = SmileDecoder(bytes), let value = decoder.value() else { return nil }
        // An end-of-content mark may follow.
        if decoder.position < bytes.count, bytes[decoder.position] == 0xFF { decoder.position += 1 }
        return decoder.position == bytes.count ? value : nil
    }

    private mutating func next() -> UInt8? {
        guard position < bytes.count else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    private mutating func value() -> JSON? {
        guard let token = next() else { return nil }
        switch token {
        case 0x01...0x1F: return sharedText(Int(token) - 1)
        case 0x20: return ""
        case 0x21: return .null
        case 0x22: return false
        case 0x23: return true
        case 0x24, 0x25: return variableInt().map { .int(Self.unzigzag($0)) }
        case 0x26: return bigInteger()
        case 0x28: return packed(5).map { .double(Double(Float(bitPattern: UInt32(truncatingIfNeeded: $0)))) }
        case 0x29: return packed(10).map { .double(Double(bitPattern: $0)) }
        case 0x2A: return bigDecimal()
        case 0x40...0x7F: return text(Int(token) - 0x40 + 1).map { .string($0) }
        case 0x80...0xBF: return text(Int(token) - 0x80 + 2).map { .string($0) }
        case 0xC0...0xDF: return .int(Self.unzigzag(UInt64(token & 0x1F)))
        case 0xE0, 0xE4: return longText().map { .string($0) }
        case 0xE8: return safeBinary().map { .string(base64Encoded($0)) }
        case 0xEC...0xEF:
            guard let low = next() else { return nil }
            return sharedText(Int(token & 3) << 8 | Int(low))
        case 0xF8: return array()
        case 0xFA: return object()
        case 0xFD: return rawBinary().map { .string(base64Encoded($0)) }
        default: return nil
        }
    }

    private mutating func array() -> JSON? {
        guard enter() else { return nil }
        var items: [JSON] = []
        while position < bytes.count {
            if bytes[position] == 0xF9 {
                position += 1
                depth -= 1
                return .array(items)
            }
            guard let item = value() else { return nil }
            items.append(item)
        }
        return nil
    }

    private mutating func object() -> JSON? {
        guard enter() else { return nil }
        var pairs: [(String, JSON)] = []
        while position < bytes.count {
            if bytes[position] == 0xFB {
                position += 1
                depth -= 1
                return .object(JSONObject(uniquing: pairs))
            }
            guard let name = name(), let item = value() else { return nil }
            pairs.append((name, item))
        }
        return nil
    }

    private mutating func enter() -> Bool {
        depth += 1
        return depth <= JSONParser.depthMax
    }

    private mutating func name() -> String? {
        guard let token = next() else { return nil }
        let found: String?
        switch token {
        case 0x20: return ""
        case 0x30...0x33:
            guard let low = next() else { return nil }
            let place = Int(token & 3) << 8 | Int(low)
            return place < names.count ? names[place] : nil
        case 0x34: return longText()
        case 0x40...0x7F:
            let place = Int(token & 0x3F)
            return place < names.count ? names[place] : nil
        case 0x80...0xBF: found = utf8(Int(token) - 0x80 + 1)
        case 0xC0...0xF7: found = utf8(Int(token) - 0xC0 + 2)
        default: return nil
        }
        if let found, sharesNames {
            if names.count == Self.sharedMax { names.removeAll(keepingCapacity: true) }
            names.append(found)
        }
        return found
    }

    private mutating func utf8(_ count: Int) -> String? {
        guard count <= bytes.count - position else { return nil }
        defer { position += count }
        return String(decoding: bytes[position..<position + count], as: UTF8.self)
    }

    private mutating func text(_ count: Int) -> String? {
        guard let found = utf8(count) else { return nil }
        if sharesTexts {
            if texts.count == Self.sharedMax { texts.removeAll(keepingCapacity: true) }
            texts.append(found)
        }
        return found
    }

    private func sharedText(_ place: Int) -> JSON? { place < texts.count ? .string(texts[place]) : nil }

    /// Up to the end mark 0xFC.
    private mutating func longText() -> String? {
        guard let end = bytes[position...].firstIndex(of: 0xFC) else { return nil }
        defer { position = end + 1 }
        return String(decoding: bytes[position..<end], as: UTF8.self)
    }

    /// Most significant group first, seven bits each; the last byte has its high bit set and six bits.
    private mutating func variableInt() -> UInt64? {
        var result: UInt64 = 0
        for _ in 0..<11 {
            guard let byte = next() else { return nil }
            if byte & 0x80 != 0 { return result << 6 | UInt64(byte & 0x3F) }
            result = result << 7 | UInt64(byte)
        }
        return nil
    }

    private static func unzigzag(_ value: UInt64) -> Int64 {
        Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// Bits in groups of seven, most significant first.
    private mutating func packed(_ count: Int) -> UInt64? {
        var result: UInt64 = 0
        for _ in 0..<count {
            guard let byte = next(), byte & 0x80 == 0 else { return nil }
            result = result << 7 | UInt64(byte)
        }
        return result
    }

    /// A length, then that many bytes spread over groups of seven bits; the last group holds the rest of the bits.
    private mutating func safeBinary() -> [UInt8]? {
        guard let length = variableInt(), length <= UInt64(bytes.count) else { return nil }
        var result: [UInt8] = []
        var bits = 0
        var word: UInt32 = 0
        let total = Int(length)
        while result.count < total {
            guard let byte = next(), byte & 0x80 == 0 else { return nil }
            let left = 8 * total - 8 * result.count - bits
            let width = min(7, left)
            word = word << UInt32(width) | UInt32(byte)
            bits += width
            if bits >= 8 {
                bits -= 8
                result.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
            }
        }
        return result
    }

    private mutating func rawBinary() -> [UInt8]? {
        guard let length = variableInt(), length <= UInt64(bytes.count - position) else { return nil }
        defer { position += Int(length) }
        return Array(bytes[position..<position + Int(length)])
    }

    private mutating func bigInteger() -> JSON? {
        guard let digits = safeBinary() else { return nil }
        return Self.number(digits, scale: 0)
    }

    private mutating func bigDecimal() -> JSON? {
        guard let scale = variableInt(), let digits = safeBinary() else { return nil }
        return Self.number(digits, scale: Self.unzigzag(scale))
    }

    /// Two's complement, big-endian, times ten to the minus `scale`: exact when it fits a long, else the nearest double.
    private static func number(_ bytes: [UInt8], scale: Int64) -> JSON? {
        guard let first = bytes.first else { return nil }
        if bytes.count <= 8, scale == 0 {
            var value: Int64 = first >= 0x80 ? -1 : 0
            for byte in bytes { value = value << 8 | Int64(byte) }
            return .int(value)
        }
        var value = first >= 0x80 ? -1.0 : 0.0
        for byte in bytes { value = value * 256 + Double(byte) }
        guard scale > -400, scale < 400 else { return .double(scale > 0 ? 0 : value * .infinity) }
        var power = 1.0
        for _ in 0..<abs(scale) { power *= 10 }
        return .double(scale >= 0 ? value / power : value * power)
    }
}
