import LaminaBase

/// Events in msgpack as JSON documents: maps, arrays of maps, and Fluent Bit's events: `[time, map]` and `[[time, metadata], map]`, one
/// behind the other.
///
/// The time of an event goes into the timestampSpec's column, written as its format reads it, when the map has no such key; metadata
/// and the marks around groups of events are left out. Bytes and texts both become strings, keys texts, what JSON has no number for null.
///
/// Source: the msgpack specification; Fluent Bit's "Development: event format".
struct MessagePackFraming {
    private(set) var records: [Range<Int>] = []
    /// What `records` point into.
    private(set) var text: [UInt8] = []
    private let rowsMax: Int
    private let column: String
    private let parser: TimestampParser?
    private var input = MessagePackReader([])

    init(_ timestamp: TimestampSpec, rowsMax: Int = .max) {
        self.rowsMax = rowsMax
        column = timestamp.column
        // A format that cannot be read was refused with the spec; without one the time is written in milliseconds.
        parser = try? TimestampParser(format: timestamp.format)
    }

    /// Whether a body without a type is msgpack: it begins with a map or an array in bytes that begin no JSON.
    static func mayBegin(_ body: [UInt8]) -> Bool {
        guard let first = body.first else { return false }
        return (0x80...0x9F).contains(first) || (0xDC...0xDF).contains(first)
    }

    mutating func read(_ body: [UInt8]) throws(LaminaError) {
        input = MessagePackReader(body)
        text.reserveCapacity(body.count + body.count / 2)
        while !input.isAtEnd { try takeTop(depth: 0) }
    }

    /// A map, an event, or an array of them.
    private mutating func takeTop(depth: Int) throws(LaminaError) {
        if depth > MessagePackReader.depthMax { throw input.tooDeep }
        switch try input.peekKind() {
        case .map: try takeRecord(time: nil)
        case .array:
            let start = input.position
            if let time = try eventTime() {
                guard case .event(let seconds, let nanoseconds) = time else {
                    // A mark: its map is no event.
                    return try input.skip()
                }
                return try takeRecord(time: (seconds, nanoseconds))
            }
            input.position = start
            let count = try input.arrayCount()
            for _ in 0..<count { try takeTop(depth: depth + 1) }
        case .other: throw input.malformed("an event must be a map, or an array of a time and a map")
        }
    }

    private enum EventTime {
        case event(seconds: Int64, nanoseconds: Int64)
        case mark
    }

    /// Reads the head of `[time, map]` or `[[time, metadata], map]` and leaves the reader before the map; nil for anything else.
    private mutating func eventTime() throws(LaminaError) -> EventTime? {
        guard try input.arrayCount() == 2 else { return nil }
        var time: (seconds: Int64, nanoseconds: Int64)?
        if try input.peekKind() == .array {
            guard try input.arrayCount() == 2 else { return nil }
            time = try input.time()
            guard time != nil, try input.peekKind() == .map else { return nil }
            try input.skip()
        } else {
            time = try input.time()
        }
        guard let time, try input.peekKind() == .map else { return nil }
        if time.seconds == -1 || time.seconds == -2 || time.seconds >= 0xFFFF_FFFE && time.seconds <= 0xFFFF_FFFF {
            return .mark
        }
        return .event(seconds: time.seconds, nanoseconds: time.nanoseconds)
    }

    private mutating func takeRecord(time: (seconds: Int64, nanoseconds: Int64)?) throws(LaminaError) {
        guard records.count < rowsMax else { throw tooManyRows(rowsMax) }
        let start = text.count
        let hasTime = try input.writeMap(to: &text, watching: column)
        if let time, !hasTime, !column.isEmpty {
            // Before the closing brace.
            text.removeLast()
            if text.count > start + 1 { text.append(UInt8(ascii: ",")) }
            appendJSONString(column.utf8, to: &text)
            text.append(UInt8(ascii: ":"))
            text.append(contentsOf: timeText(time.seconds, time.nanoseconds).utf8)
            text.append(UInt8(ascii: "}"))
        }
        records.append(start..<text.count)
        text.append(0x0A)
    }

    private func timeText(_ seconds: Int64, _ nanoseconds: Int64) -> String {
        func scaled(_ factor: Int64) -> String {
            let (whole, overflows) = seconds.multipliedReportingOverflow(by: factor)
            let (sum, isBeyond) = whole.addingReportingOverflow(nanoseconds / (1_000_000_000 / factor))
            return overflows || isBeyond ? "null" : String(sum)
        }
        switch parser?.format {
        case .posix: return String(seconds)
        case .micro: return scaled(1_000_000)
        case .nano: return scaled(1_000_000_000)
        case .ruby:
            let digits = String(nanoseconds)
            return "\(seconds).\(String(repeating: "0", count: 9 - digits.count))\(digits)"
        case .pattern(let pattern): return Int64(scaled(1000)).map { "\"\(pattern.format($0))\"" } ?? "null"
        case .iso: return Int64(scaled(1000)).map { "\"\(instantText($0))\"" } ?? "null"
        default: return scaled(1000)
        }
    }
}

/// A JSON string of bytes that should be UTF-8; what is not becomes U+FFFD.
func appendJSONString(_ bytes: some Collection<UInt8>, to text: inout [UInt8]) {
    text.append(UInt8(ascii: "\""))
    let isPlain = bytes.allSatisfy { $0 >= 0x20 && $0 < 0x80 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    if isPlain {
        text.append(contentsOf: bytes)
    } else {
        for byte in String(decoding: bytes, as: UTF8.self).utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                text.append(UInt8(ascii: "\\"))
                text.append(byte)
            case 0x0A: text.append(contentsOf: "\\n".utf8)
            case 0..<0x20:
                text.append(contentsOf: "\\u00\(byte < 0x10 ? "0" : "1")".utf8)
                text.append("0123456789abcdef".utf8.map { $0 }[Int(byte & 15)])
            default: text.append(byte)
            }
        }
    }
    text.append(UInt8(ascii: "\""))
}
