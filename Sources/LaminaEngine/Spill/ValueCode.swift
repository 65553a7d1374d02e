import LaminaBase

/// Values as bytes, for what is spilled: a tag, then the value; lengths are 32-bit, everything little-endian.
enum ValueCode {
    static func append(_ value: Value, to bytes: inout [UInt8]) {
        switch value {
        case .null: bytes.append(0)
        case .long(let number):
            bytes.append(1)
            appendRaw(number, to: &bytes)
        case .float(let number):
            bytes.append(2)
            appendRaw(number.bitPattern, to: &bytes)
        case .double(let number):
            bytes.append(3)
            appendRaw(number.bitPattern, to: &bytes)
        case .string(let text):
            bytes.append(4)
            append(text, to: &bytes)
        case .array(let elements):
            bytes.append(5)
            appendRaw(UInt32(elements.count), to: &bytes)
            for element in elements { append(element, to: &bytes) }
        case .json(let json):
            bytes.append(6)
            append(json.text, to: &bytes)
        case .complex(let type, let blob):
            bytes.append(7)
            append(type, to: &bytes)
            appendRaw(UInt32(blob.count), to: &bytes)
            bytes.append(contentsOf: blob)
        }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        appendRaw(UInt32(text.utf8.count), to: &bytes)
        bytes.append(contentsOf: text.utf8)
    }

    static func appendRaw<Number: BitwiseCopyable>(_ number: Number, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number) { bytes.append(contentsOf: $0) }
    }

    static func appendRaw<Number: BitwiseCopyable>(_ numbers: [Number], to bytes: inout [UInt8]) {
        numbers.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }
}

/// Reads spilled bytes in order. They are this process's own, so nothing is checked.
struct SpillReader {
    private let bytes: UnsafeRawPointer
    private(set) var place: Int

    init(_ bytes: UnsafeRawPointer, at place: Int = 0) {
        self.bytes = bytes
        self.place = place
    }

    mutating func raw<Number: BitwiseCopyable>(_ type: Number.Type) -> Number {
        let number = bytes.loadUnaligned(fromByteOffset: place, as: type)
        place += MemoryLayout<Number>.size
        return number
    }

    mutating func raws<Number: BitwiseCopyable>(_ type: Number.Type, count: Int) -> [Number] {
        let size = count * MemoryLayout<Number>.stride
        let start = place
        place += size
        return [Number](unsafeUninitializedCapacity: count) { buffer, initialized in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(
                from: UnsafeRawBufferPointer(start: bytes + start, count: size)
            )
            initialized = count
        }
    }

    mutating func text() -> String {
        let count = Int(raw(UInt32.self))
        defer { place += count }
        return String(decoding: UnsafeRawBufferPointer(start: bytes + place, count: count), as: UTF8.self)
    }

    mutating func value() throws(LaminaError) -> Value {
        switch raw(UInt8.self) {
        case 1: return .long(raw(Int64.self))
        case 2: return .float(Float(bitPattern: raw(UInt32.self)))
        case 3: return .double(Double(bitPattern: raw(UInt64.self)))
        case 4: return .string(text())
        case 5:
            let count = Int(raw(UInt32.self))
            var elements: [Value] = []
            elements.reserveCapacity(count)
            for _ in 0..<count { elements.append(try value()) }
            return .array(elements)
        case 6: return .json(try JSONParser.parse(text()))
        case 7:
            let type = text()
            return .complex(type: type, bytes: raws(UInt8.self, count: Int(raw(UInt32.self))))
        default: return .null
        }
    }
}
