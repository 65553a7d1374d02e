import LaminaBase

/// Group keys as bytes that compare (`memcmp`) as the keys do in their natural order: null first, numbers by value, texts by
/// UTF-16 units, arrays by element.
///
/// A tag, then: longs and floating point numbers big-endian with the sign bit turned so that they order as unsigned ones; texts
/// with bytes ranked as UTF-16 orders them, 0 followed by FF, ended by two zeros; arrays element by element, ended by tag 0.
enum KeyOrderCode {
    static let end: UInt8 = 0
    static let null: UInt8 = 1
    static let long: UInt8 = 2
    static let float: UInt8 = 3
    static let double: UInt8 = 4
    static let text: UInt8 = 5
    static let array: UInt8 = 6

    /// Appends the value of an id.
    static func append(_ values: KeyValues, _ id: UInt32, to bytes: inout [UInt8]) {
        guard id != 0 else {
            bytes.append(null)
            return
        }
        switch values {
        case .strings(let table): append(table.utf8(Int(id)), to: &bytes)
        case .longs(let numbers): append(numbers[Int(id)], to: &bytes)
        case .floats(let numbers): append(bits: numbers[Int(id)].bitPattern, to: &bytes)
        case .doubles(let numbers): append(bits: javaBits(numbers[Int(id)]), to: &bytes)
        case .others(let others): append(KeyValue(other: others[Int(id)]), to: &bytes)
        }
    }

    private static func append(_ key: KeyValue, to bytes: inout [UInt8]) {
        switch key {
        case .null: bytes.append(null)
        case .text(let exact):
            var text = exact.text
            text.withUTF8 { append($0, to: &bytes) }
        case .long(let number): append(number, to: &bytes)
        case .float(let pattern): append(bits: pattern, to: &bytes)
        case .double(let pattern): append(bits: pattern, to: &bytes)
        case .other(let elements):
            bytes.append(array)
            for element in elements { append(element, to: &bytes) }
            bytes.append(end)
        }
    }

    private static func append(_ utf8: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
        bytes.append(text)
        for byte in utf8 {
            bytes.append(utf16Rank(byte))
            if byte == 0 { bytes.append(0xFF) }
        }
        bytes.append(0)
        bytes.append(0)
    }

    private static func append(_ number: Int64, to bytes: inout [UInt8]) {
        bytes.append(long)
        appendBigEndian(UInt64(bitPattern: number) ^ 1 << 63, to: &bytes)
    }

    private static func append(bits: UInt64, to bytes: inout [UInt8]) {
        bytes.append(double)
        appendBigEndian(bits >> 63 == 0 ? bits | 1 << 63 : ~bits, to: &bytes)
    }

    private static func append(bits: UInt32, to bytes: inout [UInt8]) {
        bytes.append(float)
        let ordered = bits >> 31 == 0 ? bits | 1 << 31 : ~bits
        for shift in stride(from: UInt32(24), through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: ordered >> shift))
        }
    }

    private static func appendBigEndian(_ word: UInt64, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
    }
}

/// Reads what `KeyOrderCode` wrote.
struct KeyOrderReader {
    private let bytes: UnsafePointer<UInt8>
    private(set) var place: Int

    init(_ bytes: UnsafePointer<UInt8>, at place: Int = 0) {
        self.bytes = bytes
        self.place = place
    }

    /// Passes over one value.
    mutating func skip() {
        let tag = bytes[place]
        place &+= 1
        switch tag {
        case KeyOrderCode.long, KeyOrderCode.double: place &+= 8
        case KeyOrderCode.float: place &+= 4
        case KeyOrderCode.text:
            while bytes[place] != 0 || bytes[place &+ 1] != 0 { place &+= bytes[place] == 0 ? 2 : 1 }
            place &+= 2
        case KeyOrderCode.array:
            while bytes[place] != KeyOrderCode.end { skip() }
            place &+= 1
        default: break
        }
    }

    mutating func value() -> Value {
        let tag = bytes[place]
        switch tag {
        case KeyOrderCode.long: return .long(long())
        case KeyOrderCode.double: return .double(double())
        case KeyOrderCode.float: return .float(float())
        case KeyOrderCode.text:
            var buffer: [UInt8] = []
            text(into: &buffer)
            return .string(String(decoding: buffer, as: UTF8.self))
        case KeyOrderCode.array:
            place &+= 1
            var elements: [Value] = []
            while bytes[place] != KeyOrderCode.end { elements.append(value()) }
            place &+= 1
            return .array(elements)
        default:
            place &+= 1
            return .null
        }
    }

    mutating func long() -> Int64 { Int64(bitPattern: word() ^ 1 << 63) }

    mutating func double() -> Double {
        let ordered = word()
        return Double(bitPattern: ordered >> 63 == 1 ? ordered & ~(1 << 63) : ~ordered)
    }

    mutating func float() -> Float {
        var ordered: UInt32 = 0
        for index in 1...4 { ordered = ordered << 8 | UInt32(bytes[place + index]) }
        place &+= 5
        return Float(bitPattern: ordered >> 31 == 1 ? ordered & ~(1 << 31) : ~ordered)
    }

    private mutating func word() -> UInt64 {
        let word = UnsafeRawPointer(bytes + place + 1).loadUnaligned(as: UInt64.self)
        place &+= 9
        return UInt64(bigEndian: word)
    }

    /// The UTF-8 of a text in place of what the buffer held.
    mutating func text(into buffer: inout [UInt8]) {
        buffer.removeAll(keepingCapacity: true)
        place &+= 1
        while true {
            let byte = bytes[place]
            if byte == 0 {
                place &+= 2
                if bytes[place &- 1] == 0 { return }
                buffer.append(0)
                continue
            }
            // The inverse of `utf16Rank`.
            buffer.append(byte >= 0xFE ? byte &- 0x10 : byte)
            place &+= 1
        }
    }
}
