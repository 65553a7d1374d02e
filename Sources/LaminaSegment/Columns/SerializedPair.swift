package import LaminaBase

/// A value and the time it was seen, as the first and last aggregators keep it.
///
/// In `Value.complex` its bytes are: i64 big-endian time, then nothing for a null value, or 8 (long, double) or 4 (float) bytes
/// big-endian; strings have an i32 big-endian length first, 0 for null and -1 for the empty text.
package struct SerializedPair: Sendable, Hashable {
    package enum Kind: String, Sendable {
        case long = "serializablePairLongLong"
        case float = "serializablePairLongFloat"
        case double = "serializablePairLongDouble"
        case string = "serializablePairLongString"
    }

    package var kind: Kind
    package var time: Int64
    /// `.null`, `.long`, `.float`, `.double` or `.string`.
    package var value: Value

    package init(kind: Kind, time: Int64, value: Value) {
        self.kind = kind
        self.time = time
        self.value = value
    }

    /// The bytes of a `Value.complex`; nil when they are malformed.
    package init?(_ bytes: [UInt8], kind: Kind) {
        let pair = bytes.withUnsafeBytes { bytes -> SerializedPair? in
            guard bytes.count >= 8, let start = bytes.baseAddress else { return nil }
            let time = load64(start, 0, .big)
            let value = Self.decode(UnsafeRawBufferPointer(rebasing: bytes[8...]), kind, .big)
            return value.map { SerializedPair(kind: kind, time: time, value: $0) }
        }
        guard let pair else { return nil }
        self = pair
    }

    /// A cell of a `PairColumn`.
    init?(cell: UnsafeRawBufferPointer, kind: Kind, base: Int64, hasShortTime: Bool) {
        let width = hasShortTime ? 4 : 8
        guard cell.count >= width, let start = cell.baseAddress else { return nil }
        let delta = hasShortTime ? Int64(load32(start, 0, .little)) : load64(start, 0, .little)
        var rest = cell[width...]
        // Newer Druids put a byte before numbers: 1 for null (then nothing follows), else 0.
        if kind != .string, rest.count % 4 == 1, let flag = rest.first {
            guard flag <= 1, (flag == 1) == (rest.count == 1) else { return nil }
            rest = rest.dropFirst()
        }
        guard let value = Self.decode(UnsafeRawBufferPointer(rebasing: rest), kind, .little) else { return nil }
        self.init(kind: kind, time: base &+ delta, value: value)
    }

    private static func decode(_ bytes: UnsafeRawBufferPointer, _ kind: Kind, _ order: ByteOrder) -> Value? {
        if kind == .string {
            guard bytes.count >= 4, let start = bytes.baseAddress else { return nil }
            let length = load32(start, 0, order)
            if length == 0 { return .null }
            if length < 0 { return .string("") }
            guard bytes.count >= 4 + length else { return nil }
            return .string(String(decoding: bytes[4..<4 + length], as: UTF8.self))
        }
        if bytes.isEmpty { return .null }
        guard bytes.count >= (kind == .float ? 4 : 8), let start = bytes.baseAddress else { return nil }
        switch kind {
        case .long: return .long(load64(start, 0, order))
        case .double: return .double(Double(bitPattern: UInt64(bitPattern: load64(start, 0, order))))
        default: return .float(Float(bitPattern: UInt32(truncatingIfNeeded: load32(start, 0, order))))
        }
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        func append<Word: FixedWidthInteger>(_ word: Word) {
            withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
        }
        append(time)
        switch value {
        case .long(let number): append(number)
        case .double(let number): append(number.bitPattern)
        case .float(let number): append(number.bitPattern)
        case .string(let text):
            append(text.isEmpty ? Int32(-1) : Int32(truncatingIfNeeded: text.utf8.count))
            bytes.append(contentsOf: text.utf8)
        default:
            if kind == .string { append(Int32(0)) }
        }
        return bytes
    }

    /// `{"lhs": time, "rhs": value}`, as Druid's scan prints pairs.
    package var json: JSON {
        let right: JSON =
            switch value {
            case .long(let number): .int(number)
            case .double(let number): .double(number)
            case .float(let number): .double(Double(number))
            case .string(let text): .string(text)
            default: .null
            }
        return ["lhs": .int(time), "rhs": right]
    }
}
