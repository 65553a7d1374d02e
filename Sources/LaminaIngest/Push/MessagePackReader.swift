import LaminaBase

/// Reads msgpack values one behind the other and writes them as JSON. Every length is checked against what is there.
struct MessagePackReader {
    enum Kind { case map, array, other }

    static let depthMax = 200

    private let bytes: [UInt8]
    var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position >= bytes.count }

    func malformed(_ what: String) -> LaminaError { malformedBody("msgpack: \(what)", at: position) }
    var tooDeep: LaminaError { malformed("values are nested deeper than \(Self.depthMax)") }

    func peekKind() throws(LaminaError) -> Kind {
        guard position < bytes.count else { throw malformed("the data ends early") }
        switch bytes[position] {
        case 0x80...0x8F, 0xDE, 0xDF: return .map
        case 0x90...0x9F, 0xDC, 0xDD: return .array
        default: return .other
        }
    }

    private mutating func byte() throws(LaminaError) -> UInt8 {
        guard position < bytes.count else { throw malformed("the data ends early") }
        position += 1
        return bytes[position - 1]
    }

    /// A big-endian number of so many bytes.
    private mutating func number(_ width: Int) throws(LaminaError) -> UInt64 {
        guard width <= bytes.count - position else { throw malformed("the data ends early") }
        var value: UInt64 = 0
        for offset in 0..<width { value = value << 8 | UInt64(bytes[position + offset]) }
        position += width
        return value
    }

    private mutating func take(_ count: UInt64) throws(LaminaError) -> Range<Int> {
        guard count <= UInt64(bytes.count - position) else { throw malformed("the data ends early") }
        let range = position..<position + Int(count)
        position = range.upperBound
        return range
    }

    /// The elements of the array that begins here. Each takes at least a byte, so that a count beyond the data is refused at once.
    mutating func arrayCount() throws(LaminaError) -> Int {
        switch try byte() {
        case let first where first & 0xF0 == 0x90: return try counted(UInt64(first & 15), each: 1)
        case 0xDC: return try counted(try number(2), each: 1)
        case 0xDD: return try counted(try number(4), each: 1)
        default: throw malformed("an array was expected")
        }
    }

    private mutating func mapCount() throws(LaminaError) -> Int {
        switch try byte() {
        case let first where first & 0xF0 == 0x80: return try counted(UInt64(first & 15), each: 2)
        case 0xDE: return try counted(try number(2), each: 2)
        case 0xDF: return try counted(try number(4), each: 2)
        default: throw malformed("a map was expected")
        }
    }

    private func counted(_ count: UInt64, each: UInt64) throws(LaminaError) -> Int {
        guard count * each <= UInt64(bytes.count - position) else { throw malformed("the data ends early") }
        return Int(count)
    }

    /// A time as Fluent Bit and Fluentd write it: their extension type 0, the msgpack timestamp, or a number of seconds; nil for
    /// another value, the position then being anywhere.
    mutating func time() throws(LaminaError) -> (seconds: Int64, nanoseconds: Int64)? {
        switch try byte() {
        case let first where first < 0x80: return (Int64(first), 0)
        case 0xCC: return (Int64(try number(1)), 0)
        case 0xCD: return (Int64(try number(2)), 0)
        case 0xCE: return (Int64(try number(4)), 0)
        case 0xCF, 0xD3: return (Int64(bitPattern: try number(8)), 0)
        case 0xD0: return (Int64(Int8(truncatingIfNeeded: try number(1))), 0)
        case 0xD1: return (Int64(Int16(truncatingIfNeeded: try number(2))), 0)
        case 0xD2: return (Int64(Int32(truncatingIfNeeded: try number(4))), 0)
        case let first where first >= 0xE0: return (Int64(Int8(bitPattern: first)), 0)
        case 0xCA: return split(Double(Float(bitPattern: UInt32(truncatingIfNeeded: try number(4)))))
        case 0xCB: return split(Double(bitPattern: try number(8)))
        case 0xD6: return try extensionTime(count: 4)
        case 0xD7: return try extensionTime(count: 8)
        case 0xC7: return try extensionTime(count: Int(try number(1)))
        default: return nil
        }
    }

    private func split(_ seconds: Double) -> (seconds: Int64, nanoseconds: Int64)? {
        guard let whole = Int64(exactly: seconds.rounded(.down)) else { return nil }
        // A double of seconds is exact to about a microsecond.
        let micros = ((seconds - Double(whole)) * 1e6).rounded()
        return (whole, Int64(min(micros, 999_999)) * 1000)
    }

    /// Its type byte comes next.
    private mutating func extensionTime(count: Int) throws(LaminaError) -> (seconds: Int64, nanoseconds: Int64)? {
        let type = try byte()
        switch (type, count) {
        case (0, 8):
            let seconds = Int64(try number(4))
            return (seconds, Int64(min(try number(4), 999_999_999)))
        case (0xFF, 4): return (Int64(try number(4)), 0)
        case (0xFF, 8):
            let value = try number(8)
            return (Int64(value & 0x3_FFFF_FFFF), Int64(min(value >> 34, 999_999_999)))
        case (0xFF, 12):
            let nanoseconds = Int64(min(try number(4), 999_999_999))
            return (Int64(bitPattern: try number(8)), nanoseconds)
        default: return nil
        }
    }

    /// Passes over one value.
    mutating func skip() throws(LaminaError) {
        var ignored: [UInt8] = []
        try write(to: &ignored, depth: 0)
    }

    /// Writes the map that begins here as an object; answers whether it has a key.
    mutating func writeMap(to text: inout [UInt8], watching key: String) throws(LaminaError) -> Bool {
        try writeMap(to: &text, depth: 0, watching: Array(key.utf8))
    }

    private mutating func writeMap(
        to text: inout [UInt8],
        depth: Int,
        watching wanted: [UInt8]? = nil
    ) throws(LaminaError) -> Bool {
        let count = try mapCount()
        var found = false
        text.append(UInt8(ascii: "{"))
        for index in 0..<count {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            let start = text.count
            try write(to: &text, depth: depth + 1)
            if let first = text[start...].first, first != UInt8(ascii: "\"") {
                guard first != UInt8(ascii: "{"), first != UInt8(ascii: "[") else {
                    throw malformed("a key of a map must be a text or a number")
                }
                text.insert(UInt8(ascii: "\""), at: start)
                text.append(UInt8(ascii: "\""))
            }
            if let wanted, text[(start + 1)..<(text.count - 1)].elementsEqual(wanted) { found = true }
            text.append(UInt8(ascii: ":"))
            try write(to: &text, depth: depth + 1)
        }
        text.append(UInt8(ascii: "}"))
        return found
    }

    private mutating func writeArray(to text: inout [UInt8], depth: Int) throws(LaminaError) {
        let count = try arrayCount()
        text.append(UInt8(ascii: "["))
        for index in 0..<count {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            try write(to: &text, depth: depth + 1)
        }
        text.append(UInt8(ascii: "]"))
    }

    /// Writes the value that begins here.
    private mutating func write(to text: inout [UInt8], depth: Int) throws(LaminaError) {
        if depth > Self.depthMax { throw tooDeep }
        switch try peekKind() {
        case .map:
            _ = try writeMap(to: &text, depth: depth)
            return
        case .array: return try writeArray(to: &text, depth: depth)
        case .other: break
        }
        let first = try byte()
        switch first {
        case 0...0x7F: text.append(contentsOf: String(first).utf8)
        case 0xE0...0xFF: text.append(contentsOf: String(Int8(bitPattern: first)).utf8)
        case 0xA0...0xBF: try writeString(UInt64(first & 31), to: &text)
        case 0xC0: text.append(contentsOf: "null".utf8)
        case 0xC2: text.append(contentsOf: "false".utf8)
        case 0xC3: text.append(contentsOf: "true".utf8)
        case 0xC4, 0xD9: try writeString(try number(1), to: &text)
        case 0xC5, 0xDA: try writeString(try number(2), to: &text)
        case 0xC6, 0xDB: try writeString(try number(4), to: &text)
        case 0xCA:
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: try number(4)))
            text.append(contentsOf: (value.isFinite ? "\(value)" : "null").utf8)
        case 0xCB:
            let value = Double(bitPattern: try number(8))
            text.append(contentsOf: (value.isFinite ? "\(value)" : "null").utf8)
        case 0xCC...0xCF: text.append(contentsOf: String(try number(1 << Int(first - 0xCC))).utf8)
        case 0xD0: text.append(contentsOf: String(Int8(truncatingIfNeeded: try number(1))).utf8)
        case 0xD1: text.append(contentsOf: String(Int16(truncatingIfNeeded: try number(2))).utf8)
        case 0xD2: text.append(contentsOf: String(Int32(truncatingIfNeeded: try number(4))).utf8)
        case 0xD3: text.append(contentsOf: String(Int64(bitPattern: try number(8))).utf8)
        case 0xD4...0xD8: try writeExtension(1 << UInt64(first - 0xD4), to: &text)
        case 0xC7: try writeExtension(try number(1), to: &text)
        case 0xC8: try writeExtension(try number(2), to: &text)
        case 0xC9: try writeExtension(try number(4), to: &text)
        default: throw malformed("byte \(first) begins no value")
        }
    }

    private mutating func writeString(_ count: UInt64, to text: inout [UInt8]) throws(LaminaError) {
        appendJSONString(bytes[try take(count)], to: &text)
    }

    /// A time as ISO text, other extensions as base64 of their bytes.
    private mutating func writeExtension(_ count: UInt64, to text: inout [UInt8]) throws(LaminaError) {
        let start = position
        if count <= 12, let time = try extensionTime(count: Int(count)),
            let millis = Int64(exactly: Double(time.seconds) * 1000)
        {
            return appendJSONString(instantText(millis + time.nanoseconds / 1_000_000).utf8, to: &text)
        }
        position = start
        _ = try byte()
        appendJSONString(base64Encoded(Array(bytes[try take(count)])).utf8, to: &text)
    }
}
