import LaminaBase

/// Encodes a value as SMILE (Jackson's binary JSON), byte for byte as Druid's mapper does: names shared, texts not, raw binary
/// allowed.
///
/// Source: the Smile format specification 1.0; `NestedDataComplexTypeSerde` of Druid.
struct SmileEncoder {
    private static let sharedNamesMax = 1024

    private let sink: ByteSink
    private var names: [String: Int] = [:]

    /// Appends the document to `sink`.
    static func encode(_ json: JSON, to sink: ByteSink) {
        var encoder = SmileEncoder(sink: sink)
        sink.append([0x3A, 0x29, 0x0A, 0x05])
        encoder.value(json)
    }

    private init(sink: ByteSink) { self.sink = sink }

    private mutating func value(_ json: JSON) {
        switch json {
        case .null: sink.append(0x21)
        case .bool(let flag): sink.append(flag ? 0x23 : 0x22)
        case .int(let number): int(number)
        case .double(let number): double(number)
        case .string(let text): string(text)
        case .array(let items):
            sink.append(0xF8)
            for item in items { value(item) }
            sink.append(0xF9)
        case .object(let object):
            sink.append(0xFA)
            for entry in object.entries {
                name(entry.key)
                value(entry.value)
            }
            sink.append(0xFB)
        }
    }

    private func int(_ number: Int64) {
        if (-16...15).contains(number) {
            sink.append(0xC0 | UInt8(truncatingIfNeeded: (number << 1) ^ (number >> 63)))
            return
        }
        sink.append(Int32(exactly: number) == nil ? 0x25 : 0x24)
        let zigzag = UInt64(bitPattern: (number << 1) ^ (number >> 63))
        // Seven bits a byte, most significant first; the last byte has six bits and its high bit set.
        var groups: [UInt8] = [0x80 | UInt8(zigzag & 0x3F)]
        var rest = zigzag >> 6
        while rest > 0 {
            groups.append(UInt8(rest & 0x7F))
            rest >>= 7
        }
        sink.append(groups.reversed())
    }

    private func double(_ number: Double) {
        sink.append(0x29)
        let bits = number.bitPattern
        var shift = 63
        while shift >= 0 {
            sink.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)) & 0x7F)
            shift -= 7
        }
    }

    private func string(_ text: String) {
        let bytes = Array(text.utf8)
        if bytes.isEmpty {
            sink.append(0x20)
            return
        }
        let isASCII = bytes.allSatisfy { $0 < 0x80 }
        if bytes.count <= 64 {
            sink.append(isASCII ? 0x3F + UInt8(bytes.count) : 0x7E + UInt8(bytes.count))
            sink.append(bytes)
        } else {
            sink.append(isASCII ? 0xE0 : 0xE4)
            sink.append(bytes)
            sink.append(0xFC)
        }
    }

    private mutating func name(_ name: String) {
        let bytes = Array(name.utf8)
        if bytes.isEmpty {
            sink.append(0x20)
            return
        }
        if let place = names[name] {
            if place < 64 {
                sink.append(0x40 + UInt8(place))
            } else {
                sink.append(0x30 + UInt8(place >> 8))
                sink.append(UInt8(truncatingIfNeeded: place))
            }
            return
        }
        let isASCII = bytes.allSatisfy { $0 < 0x80 }
        // Jackson's limit counts UTF-16 units first, then bytes.
        guard name.utf16.count <= 56, isASCII || bytes.count <= 56 else {
            sink.append(0x34)
            sink.append(bytes)
            sink.append(0xFC)
            return
        }
        sink.append(isASCII ? 0x7F + UInt8(bytes.count) : 0xBE + UInt8(bytes.count))
        sink.append(bytes)
        if names.count == Self.sharedNamesMax { names.removeAll(keepingCapacity: true) }
        names[name] = names.count
    }
}
