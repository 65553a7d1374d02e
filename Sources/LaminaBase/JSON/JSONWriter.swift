/// Appends JSON text to a growing byte buffer, numbers as Java (and so Druid) prints them.
package struct JSONWriter: Sendable {
    package private(set) var bytes: [UInt8] = []
    /// True when the next value in the current container must be preceded by a comma.
    private var needsComma = false

    package init() {}

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Takes what has been written so far, for streaming; the writer goes on where it was.
    package mutating func drain() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    package mutating func beginObject() { open("{") }
    package mutating func endObject() { close("}") }
    package mutating func beginArray() { open("[") }
    package mutating func endArray() { close("]") }

    private mutating func open(_ mark: Unicode.Scalar) {
        separate()
        bytes.append(UInt8(mark.value))
        needsComma = false
    }

    private mutating func close(_ mark: Unicode.Scalar) {
        bytes.append(UInt8(mark.value))
        needsComma = true
    }

    package mutating func key(_ name: String) {
        separate()
        quote(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    package mutating func null() { raw("null") }
    package mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }

    package mutating func int(_ value: Int64) {
        separate()
        appendDecimal(value, to: &bytes)
    }

    package mutating func string(_ value: String) {
        separate()
        quote(value)
    }

    /// A double as Java prints it; NaN and infinities become strings, as Druid's Jackson settings do.
    package mutating func double(_ value: Double) {
        guard value.isFinite else {
            string(javaText(value))
            return
        }
        separate()
        appendJavaText(value, to: &bytes)
    }

    /// As `double`, in the shortest form that gives back the same 32 bits.
    package mutating func float(_ value: Float) {
        value.isFinite ? raw(javaText(value)) : string(javaText(value))
    }

    /// Text that is already JSON.
    package mutating func raw(_ json: String) {
        separate()
        bytes.append(contentsOf: json.utf8)
    }

    package mutating func value(_ json: JSON) {
        switch json {
        case .null: null()
        case .bool(let flag): bool(flag)
        case .int(let number): int(number)
        case .double(let number): double(number)
        case .string(let text): string(text)
        case .array(let items):
            beginArray()
            for item in items { value(item) }
            endArray()
        case .object(let object):
            beginObject()
            for entry in object.entries {
                key(entry.key)
                value(entry.value)
            }
            endObject()
        }
    }

    package mutating func value(_ value: Value) {
        switch value {
        case .null: null()
        case .long(let number): int(number)
        case .float(let number): float(number)
        case .double(let number): double(number)
        case .string(let text): string(text)
        case .array(let items):
            beginArray()
            for item in items { self.value(item) }
            endArray()
        case .json(let json): self.value(json)
        case .complex(_, let bytes): string(base64Encoded(bytes))
        }
    }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        if text.utf8.withContiguousStorageIfAvailable({ appendEscaped($0) }) == nil {
            Array(text.utf8).withUnsafeBufferPointer { appendEscaped($0) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// A string given as its UTF-8 bytes, such as a dictionary holds.
    package mutating func string(utf8 text: UnsafeBufferPointer<UInt8>) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        appendEscaped(text)
        bytes.append(UInt8(ascii: "\""))
    }

    /// Copies runs that need no escape at once.
    private mutating func appendEscaped(_ text: UnsafeBufferPointer<UInt8>) {
        var start = 0
        for index in text.indices {
            let byte = text[index]
            if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { continue }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<index]))
            appendEscape(byte)
            start = index + 1
        }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start...]))
    }

    private mutating func appendEscape(_ byte: UInt8) {
        bytes.append(0x5C)
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0..<0x20:
            bytes.append(contentsOf: [UInt8(ascii: "u"), 0x30, 0x30, 0x30 + (byte >> 4)])
            bytes.append(byte & 15 < 10 ? 0x30 + (byte & 15) : 0x37 + (byte & 15))
        default: bytes.append(byte)
        }
    }
}

extension JSON {
    /// The compact JSON text.
    package var text: String {
        var writer = JSONWriter()
        writer.value(self)
        return writer.text
    }
}
