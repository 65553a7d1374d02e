package import LaminaBase
import LaminaQuery

/// One dimension of the groups of a partial: sorted distinct values, and for each group the number of its value.
package struct KeyColumn: Sendable {
    var values: KeyValues
    /// One entry a group; 0 is null.
    var ids: [UInt32]

    package func value(_ group: Int) -> Value { values.value(ids[group]) }
}

/// Distinct values in ascending natural order; entry 0 stands for null in all of them.
package enum KeyValues: Sendable {
    case strings(StringTable)
    case longs([Int64])
    case floats([Float])
    case doubles([Double])
    case others([Value])

    var count: Int {
        switch self {
        case .strings(let table): table.count
        case .longs(let values): values.count
        case .floats(let values): values.count
        case .doubles(let values): values.count
        case .others(let values): values.count
        }
    }

    package func value(_ id: UInt32) -> Value {
        if id == 0 { return .null }
        switch self {
        case .strings(let table): return table.text(Int(id)).map(Value.string) ?? .null
        case .longs(let values): return .long(values[Int(id)])
        case .floats(let values): return .float(values[Int(id)])
        case .doubles(let values): return .double(values[Int(id)])
        case .others(let values): return values[Int(id)]
        }
    }

    /// Roughly the bytes held.
    var byteCount: Int {
        switch self {
        case .strings(let table): table.byteCount
        case .longs(let values): values.count * 8
        case .floats(let values): values.count * 4
        case .doubles(let values): values.count * 8
        case .others(let values): values.count * 64
        }
    }

    /// Only null.
    static let none = KeyValues.longs([0])
}

/// A key value while groups are being formed; equal when Druid's group keys are.
enum KeyValue: Hashable {
    case null
    case text(ExactText)
    case long(Int64)
    case float(UInt32)
    case double(UInt64)
    case other([KeyValue])

    /// The value in the type of its dimension.
    init(_ value: Value, as type: ColumnType) {
        switch value.cast(to: type) {
        case .null: self = .null
        case .string(let text): self = .text(ExactText(text))
        case .long(let number): self = .long(number)
        case .float(let number): self = .float(number.isNaN ? Float.nan.bitPattern : number.bitPattern)
        case .double(let number): self = .double(javaBits(number))
        case .array(let elements):
            let inner: ColumnType = if case .array(let element) = type { element } else { .string }
            self = .other(elements.map { KeyValue($0, as: inner) })
        case .json(let json): self = .text(ExactText(json.text))
        case .complex(_, let bytes): self = .text(ExactText(base64Encoded(bytes)))
        }
    }

    /// Roughly the bytes held.
    var byteCount: Int {
        switch self {
        case .null, .long, .float, .double: 16
        case .text(let text): 32 + text.text.utf8.count
        case .other(let elements): elements.reduce(32) { $0 + $1.byteCount }
        }
    }

    var value: Value {
        switch self {
        case .null: .null
        case .text(let text): .string(text.text)
        case .long(let number): .long(number)
        case .float(let bits): .float(Float(bitPattern: bits))
        case .double(let bits): .double(Double(bitPattern: bits))
        case .other(let elements): .array(elements.map(\.value))
        }
    }

    /// Natural order: null first, texts by UTF-16 units, numbers by value, arrays element by element.
    static func precedes(_ left: KeyValue, _ right: KeyValue) -> Bool { compare(left, right) < 0 }

    static func compare(_ left: KeyValue, _ right: KeyValue) -> Int {
        switch (left, right) {
        case (.null, .null): return 0
        case (.null, _): return -1
        case (_, .null): return 1
        case (.text(let one), .text(let two)): return compareTextUTF16(one.text, two.text)
        case (.long(let one), .long(let two)): return one < two ? -1 : one == two ? 0 : 1
        case (.float(let one), .float(let two)):
            return compareJavaNumber(Double(Float(bitPattern: one)), Double(Float(bitPattern: two)))
        case (.double(let one), .double(let two)):
            return compareJavaNumber(Double(bitPattern: one), Double(bitPattern: two))
        case (.other(let one), .other(let two)):
            for index in 0..<min(one.count, two.count) {
                let order = compare(one[index], two[index])
                if order != 0 { return order }
            }
            return one.count < two.count ? -1 : one.count == two.count ? 0 : 1
        default: return left.rank < right.rank ? -1 : 1
        }
    }

    private var rank: Int {
        switch self {
        case .null: 0
        case .long: 1
        case .float: 2
        case .double: 3
        case .text: 4
        case .other: 5
        }
    }
}

func compareJavaNumber(_ left: Double, _ right: Double) -> Int {
    javaLess(left, right) ? -1 : javaLess(right, left) ? 1 : 0
}

/// `String.compareTo`.
func compareTextUTF16(_ left: String, _ right: String) -> Int {
    var left = left
    var right = right
    return left.withUTF8 { one in right.withUTF8 { two in compareBytesUTF16(one, two) } }
}

/// UTF-8 bytes in the order of their UTF-16 units: lead bytes EE and EF (U+E000 to U+FFFF) come after F0 to F4.
@inline(__always)
func utf16Rank(_ byte: UInt8) -> UInt8 { byte == 0xEE || byte == 0xEF ? byte &+ 0x10 : byte }

func compareBytesUTF16(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Int {
    let shared = min(left.count, right.count)
    var index = 0
    while index < shared {
        if left[index] != right[index] { return utf16Rank(left[index]) < utf16Rank(right[index]) ? -1 : 1 }
        index &+= 1
    }
    return left.count < right.count ? -1 : left.count == right.count ? 0 : 1
}

/// Sorts distinct numbers (as bit patterns); number i stands at `places[i + 1]`, null at 0.
func sortedLongs(_ patterns: [UInt64]) -> (values: KeyValues, places: [UInt32]) {
    var order = Array(0..<UInt32(patterns.count))
    order.sort { Int64(bitPattern: patterns[Int($0)]) < Int64(bitPattern: patterns[Int($1)]) }
    var places = [UInt32](repeating: 0, count: patterns.count + 1)
    var sorted: [Int64] = [0]
    sorted.reserveCapacity(patterns.count + 1)
    for index in order {
        places[Int(index) + 1] = UInt32(sorted.count)
        sorted.append(Int64(bitPattern: patterns[Int(index)]))
    }
    return (.longs(sorted), places)
}

/// Sorts distinct key values, and says which sorted entry each becomes.
func sortedKeys(_ keys: [KeyValue]) -> (values: KeyValues, places: [UInt32]) {
    var order = Array(keys.indices)
    order.sort { KeyValue.precedes(keys[$0], keys[$1]) }
    var places = [UInt32](repeating: 0, count: keys.count)
    var sorted: [KeyValue] = [.null]
    for index in order where keys[index] != .null {
        places[index] = UInt32(sorted.count)
        sorted.append(keys[index])
    }
    return (packed(sorted), places)
}

/// Sorted keys in the tightest form; entry 0 is null.
private func packed(_ sorted: [KeyValue]) -> KeyValues {
    guard sorted.count > 1 else { return .none }
    var builder = StringTableBuilder(capacity: sorted.count)
    var longs: [Int64] = [0]
    var floats: [Float] = [0]
    var doubles: [Double] = [0]
    var texts = 0
    for key in sorted.dropFirst() {
        switch key {
        case .text(let text):
            builder.append(text.text)
            texts += 1
        case .long(let number): longs.append(number)
        case .float(let bits): floats.append(Float(bitPattern: bits))
        case .double(let bits): doubles.append(Double(bitPattern: bits))
        case .null, .other: break
        }
    }
    if texts == sorted.count - 1 { return .strings(builder.finish()) }
    if longs.count == sorted.count { return .longs(longs) }
    if floats.count == sorted.count { return .floats(floats) }
    if doubles.count == sorted.count { return .doubles(doubles) }
    return .others(sorted.map(\.value))
}
