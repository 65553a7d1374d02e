import LaminaBase
import LaminaBitmaps
import LaminaQuery
import LaminaSegment

/// Strings of a row table that was built row by row: as `InlineStrings` of row-based columns, on disk as far as memory is short.
final class TableStrings: StringColumn {
    let rowCount: Int
    let hasMultipleValues: Bool
    let nullID: UInt32?
    private let dictionary: ByteTable
    private let offsets: FixedValues<UInt32>
    private let values: FixedValues<UInt32>
    private let lists: RoaringBitmap

    /// Collects the rows of a column.
    struct Builder {
        private let dictionary: ByteTable
        private let offsets: GrowingArray<UInt32>
        private let values: GrowingArray<UInt32>
        private var lists = RoaringBitmap()
        private var nullID: UInt32?

        init(_ run: QueryRun, for purpose: String) throws(LaminaError) {
            dictionary = try ByteTable(run, for: purpose)
            offsets = try GrowingArray(run, for: purpose)
            values = try GrowingArray(run, for: purpose)
            try offsets.append(0)
        }

        mutating func append(_ value: Value) throws(LaminaError) {
            if case .array(let elements) = value {
                lists.append(UInt32(offsets.count - 1))
                // A row without values counts as null, but has none.
                if elements.isEmpty { _ = try id(nil) }
                for element in elements { try values.append(try id(element.asText)) }
            } else {
                try values.append(try id(value.asText))
            }
            guard values.count < Int(UInt32.max) else { throw .resourceLimit("More than 2^32 values of a column") }
            try offsets.append(UInt32(values.count))
        }

        private mutating func id(_ text: String?) throws(LaminaError) -> UInt32 {
            guard var text else {
                if let nullID { return nullID }
                let id = try dictionary.insertNull()
                nullID = id
                return id
            }
            return try text.withUTF8Bytes { (utf8) throws(LaminaError) in try dictionary.insert(utf8) }
        }

        func finish() -> TableStrings { TableStrings(dictionary, offsets, values, lists, nullID) }
    }

    private init(
        _ dictionary: ByteTable,
        _ offsets: GrowingArray<UInt32>,
        _ values: GrowingArray<UInt32>,
        _ lists: RoaringBitmap,
        _ nullID: UInt32?
    ) {
        self.dictionary = dictionary
        rowCount = offsets.count - 1
        self.offsets = FixedValues(offsets)
        self.values = FixedValues(values)
        self.lists = lists
        hasMultipleValues = !lists.isEmpty
        self.nullID = nullID
    }

    var cardinality: Int { dictionary.count }
    var isSorted: Bool { false }
    var hasBitmaps: Bool { false }
    var isRowBased: Bool { true }
    func isList(_ row: Int) -> Bool { hasMultipleValues && lists.contains(UInt32(row)) }

    func value(_ id: UInt32) -> String? {
        id == nullID ? nil : String(decoding: dictionary.bytes(Int(id)), as: UTF8.self)
    }

    func withUTF8<Result>(_ id: UInt32, _ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result {
        id == nullID ? body(nil) : body(dictionary.bytes(Int(id)))
    }

    func id(of value: String?) -> UInt32? {
        guard var value else { return nullID }
        return value.withUTF8 { dictionary.find(UnsafeRawBufferPointer($0)) }
    }

    func lowerBound(_ value: String) -> UInt32 {
        preconditionFailure("a dictionary in order of arrival has no bounds")
    }

    func rows(_ id: UInt32) throws(LaminaError) -> RoaringBitmap {
        preconditionFailure("a column without bitmaps was asked for one")
    }

    func makeIDReader() -> any ValueReader<UInt32> {
        precondition(!hasMultipleValues, "rows of several values have no single id")
        return FixedReader(values)
    }

    func makeMultiIDReader() -> any MultiIDReader { InlineMultiReader(offsets, values) }
}

/// Values of any type of a row table that was built row by row, encoded.
final class TableObjects: ObjectColumn {
    let type: ColumnType
    let hasNulls: Bool
    private let bytes: FixedValues<UInt8>
    private let offsets: FixedValues<Int>

    /// Collects the rows of a column.
    struct Builder {
        private let bytes: GrowingArray<UInt8>
        private let offsets: GrowingArray<Int>
        private var hasNulls = false

        init(_ run: QueryRun, for purpose: String) throws(LaminaError) {
            bytes = try GrowingArray(run, for: purpose)
            offsets = try GrowingArray(run, for: purpose)
            try offsets.append(0)
        }

        mutating func append(_ value: Value) throws(LaminaError) {
            if value.isNull { hasNulls = true }
            var code: [UInt8] = []
            ValueCode.append(value, to: &code)
            try bytes.append(code)
            try offsets.append(bytes.count)
        }

        func finish(_ type: ColumnType) -> TableObjects { TableObjects(type, hasNulls, bytes, offsets) }
    }

    private init(_ type: ColumnType, _ hasNulls: Bool, _ bytes: GrowingArray<UInt8>, _ offsets: GrowingArray<Int>) {
        self.type = type
        self.hasNulls = hasNulls
        self.bytes = FixedValues(bytes)
        self.offsets = FixedValues(offsets)
    }

    var rowCount: Int { offsets.buffer.count - 1 }

    func value(row: Int) throws(LaminaError) -> Value {
        guard let base = bytes.buffer.baseAddress else { return .null }
        var reader = SpillReader(base, at: offsets.buffer[row])
        return try reader.value()
    }
}
