import LaminaBase
import LaminaSegment

/// Values of one `auto` column as bytes, so that a dictionary can hold them: a tag, then text, eight bytes of a number, or JSON text.
enum EncodedValue {
    static let string: UInt8 = 1
    static let long: UInt8 = 2
    static let double: UInt8 = 3
    static let json: UInt8 = 4

    static func encode(_ tag: UInt8, _ bytes: UnsafeRawBufferPointer, _ arena: TextArena) -> TextRef {
        let place = arena.reserve(bytes.count + 1)
        place.storeBytes(of: tag, as: UInt8.self)
        if let base = bytes.baseAddress { (place + 1).copyMemory(from: base, byteCount: bytes.count) }
        return TextRef(UnsafeRawBufferPointer(start: place, count: bytes.count + 1))
    }

    static func encode(_ tag: UInt8, _ bits: UInt64, _ arena: TextArena) -> TextRef {
        let place = arena.reserve(9)
        place.storeBytes(of: tag, as: UInt8.self)
        (place + 1).storeBytes(of: bits, as: UInt64.self)
        return TextRef(UnsafeRawBufferPointer(start: place, count: 9))
    }

    static func encode(_ value: Value, _ arena: TextArena) -> TextRef {
        switch value {
        case .null: return .null
        case .long(let number): return encode(long, UInt64(bitPattern: number), arena)
        case .float(let number): return encode(double, Double(number).bitPattern, arena)
        case .double(let number): return encode(double, number.bitPattern, arena)
        case .string(let text): return encode(string, arena.copy(text), arena)
        case .array, .json, .complex: return encode(json, arena.copy(jsonValue(value).text), arena)
        }
    }

    static func decode(_ bytes: UnsafeRawBufferPointer) -> Value {
        guard let tag = bytes.first else { return .null }
        let body = UnsafeRawBufferPointer(rebasing: bytes[1...])
        switch tag {
        case string: return .string(String(decoding: body, as: UTF8.self))
        case long: return .long(body.loadUnaligned(as: Int64.self))
        case double: return .double(Double(bitPattern: body.loadUnaligned(as: UInt64.self)))
        default:
            guard let parsed = try? JSONParser.parse(Array(body)) else { return .null }
            return nestedValue(parsed)
        }
    }

    /// Order of rows: null, texts, numbers, then everything structured by its text; see `compareDimensionValues`, which has arrays in
    /// between.
    ///
    /// Source: Druid's `StructuredData.compareTo` (which orders nested values by a hash; any fixed order serves).
    static func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        func group(_ tag: UInt8) -> Int { tag == string ? 0 : tag == json ? 2 : 1 }
        let leftGroup = group(left[0])
        let rightGroup = group(right[0])
        if leftGroup != rightGroup { return leftGroup < rightGroup ? -1 : 1 }
        let leftBody = UnsafeRawBufferPointer(rebasing: left[1...]).assumingMemoryBound(to: UInt8.self)
        let rightBody = UnsafeRawBufferPointer(rebasing: right[1...]).assumingMemoryBound(to: UInt8.self)
        if leftGroup != 1 { return compareUTF16Order(leftBody, rightBody) }
        if left[0] == long, right[0] == long {
            let (a, b) = (UnsafeRawPointer(leftBody.baseAddress), UnsafeRawPointer(rightBody.baseAddress))
            let x = a?.loadUnaligned(as: Int64.self) ?? 0
            let y = b?.loadUnaligned(as: Int64.self) ?? 0
            return x < y ? -1 : x > y ? 1 : 0
        }
        return compareDimensionValues(decode(left), decode(right))
    }
}
