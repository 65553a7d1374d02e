import LaminaBase

/// The values of a string column by id: null first if present, then ascending in UTF-16 code-unit order.
///
/// Source: `StringEncodingStrategies.getStringDictionarySupplier`.
final class StringDictionary: Sendable {
    enum Form: Sendable {
        case plain(GenericIndexed)
        case frontCoded(FrontCodedStrings)
    }

    let form: Form
    let count: Int
    let hasNull: Bool

    init(_ cursor: inout ByteCursor, order: ByteOrder, sibling: (String) -> MappedBytes?) throws(LaminaError) {
        var ahead = cursor
        if try ahead.u8() == 0x7F {
            let strategy = try ahead.u8()
            cursor = ahead
            switch strategy {
            case 0: form = .plain(try GenericIndexed(&cursor, sibling: sibling))
            case 1: form = .frontCoded(try FrontCodedStrings(&cursor, order: order))
            default: throw cursor.corrupt("unknown string dictionary encoding \(strategy)")
            }
        } else {
            form = .plain(try GenericIndexed(&cursor, sibling: sibling))
        }
        switch form {
        case .plain(let list):
            count = list.count
            hasNull = list.count > 0 && list.isNull(0)
            for index in 0..<list.count where index > 0 && list.isNull(index) {
                throw list.corrupt("a dictionary has null at id \(index)", element: index)
            }
        case .frontCoded(let strings):
            count = strings.frame.count
            hasNull = strings.frame.hasNull
        }
        guard count <= Int(Int32.max) else { throw cursor.corrupt("a dictionary of \(count) values") }
    }

    /// How the dictionary is stored, in the words of an index spec.
    var encoding: String {
        switch form {
        case .plain: "utf8"
        case .frontCoded(let strings): "frontCoded v\(strings.frame.version) bucket \(strings.frame.bucketSize)"
        }
    }

    var byteCount: Int {
        switch form {
        case .plain(let list): list.byteCount
        case .frontCoded(let strings): strings.frame.byteCount + 2
        }
    }

    /// Calls `body` with a value's UTF-8, nil for null. Traps when the id is out of range.
    func withUTF8<Result>(_ id: Int, _ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result {
        if hasNull, id == 0 { return body(nil) }
        switch form {
        case .plain(let list): return body(list.element(id).assumingMemoryBound(to: UInt8.self))
        case .frontCoded(let strings): return strings.withValue(hasNull ? id - 1 : id, body)
        }
    }

    func value(_ id: Int) -> String? {
        withUTF8(id) { bytes in bytes.map { String(decoding: $0, as: UTF8.self) } }
    }

    /// The first id, null aside, whose value is not less than `value`.
    func lowerBound(_ value: UnsafeBufferPointer<UInt8>) -> Int {
        var low = hasNull ? 1 : 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            let isLess = withUTF8(middle) { bytes in bytes.map { compareUTF16Order($0, value) < 0 } ?? true }
            if isLess { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func id(of value: String?) -> Int? {
        guard var value else { return hasNull ? 0 : nil }
        return value.withUTF8 { bytes in
            let place = lowerBound(bytes)
            guard place < count else { return nil }
            let isEqual = withUTF8(place) { found in found.map { compareUTF16Order($0, bytes) == 0 } ?? false }
            return isEqual ? place : nil
        }
    }
}
