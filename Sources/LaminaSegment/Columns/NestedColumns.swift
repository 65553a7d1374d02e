import LaminaBase
import LaminaBitmaps

/// An `auto` column whose rows are arrays or of several types: ids into a value space of four dictionaries.
///
/// Ids: 0 null, then strings, longs, doubles, arrays. Source: `VariantColumn`, `VariantColumnAndIndexSupplier`.
final class VariantColumn: ObjectColumn {
    let type: ColumnType
    let values: GlobalDictionary
    let ids: IDPayload
    let bitmaps: BitmapList
    /// For each value that occurs inside an array, the rows whose arrays hold it.
    let elements: FixedIndexed
    let elementBitmaps: BitmapList
    /// Bits of the types present, where they are mixed.
    let typeSet: UInt8?
    let rowCount: Int
    let hasNulls: Bool

    init(
        type: ColumnType,
        values: GlobalDictionary,
        ids: IDPayload,
        bitmaps: BitmapList,
        elements: FixedIndexed,
        elementBitmaps: BitmapList,
        typeSet: UInt8?,
        rowCount: Int
    ) throws(LaminaError) {
        self.type = type
        self.values = values
        self.ids = ids
        self.bitmaps = bitmaps
        self.elements = elements
        self.elementBitmaps = elementBitmaps
        self.typeSet = typeSet
        self.rowCount = rowCount
        hasNulls = bitmaps.count > 0 ? try !bitmaps.rows(0).isEmpty : false
    }

    func id(row: Int) throws(LaminaError) -> Int {
        precondition(row >= 0 && row < rowCount, "row out of range")
        let store = ids.store
        let index = row >> store.shift
        let block = try store.block(index)
        let place = row - store.rows(index).lowerBound
        return withExtendedLifetime(block) {
            switch store.width {
            case 1: Int(block.base.load(fromByteOffset: place, as: UInt8.self))
            case 2: Int(block.base.load(fromByteOffset: 2 * place, as: UInt16.self))
            default: Int(block.base.load(fromByteOffset: 4 * place, as: UInt32.self))
            }
        }
    }

    func value(row: Int) throws(LaminaError) -> Value { try values.value(try id(row: row)) }
}

/// The values of a nested or variant column by global id.
struct GlobalDictionary: Sendable {
    let strings: StringDictionary
    let longs: FixedIndexed
    let doubles: FixedIndexed
    /// Absent in old `json` columns.
    let arrays: IntArrayDictionary?

    /// Ids of values that are no arrays.
    var scalarCount: Int { strings.count + longs.count + doubles.count }
    var count: Int { scalarCount + (arrays?.count ?? 0) }

    init(
        strings: StringDictionary,
        longs: FixedIndexed,
        doubles: FixedIndexed,
        arrays: IntArrayDictionary?
    ) {
        self.strings = strings
        self.longs = longs
        self.doubles = doubles
        self.arrays = arrays
    }

    /// Precondition: `id < count`.
    func value(_ id: Int) throws(LaminaError) -> Value {
        if id < strings.count { return strings.value(id).map { .string($0) } ?? .null }
        if id < strings.count + longs.count { return .long(longs.long(id - strings.count)) }
        if id < scalarCount { return .double(doubles.double(id - strings.count - longs.count)) }
        guard let arrays, let ids = try arrays.ids(id - scalarCount) else { return .null }
        var items: [Value] = []
        items.reserveCapacity(ids.count)
        for id in ids { items.append(try value(id)) }
        return .array(items)
    }
}

/// A `json` column read whole: each row's value as it was ingested.
///
/// Source: `CompressedNestedDataComplexColumn`, `NestedDataColumnSupplier(V4)`.
final class NestedColumn: ObjectColumn {
    let raw: BlobColumn
    let nullRows: RoaringBitmap?
    let fields: [NestedField]
    let values: GlobalDictionary
    /// The base of the names of this column's internal files.
    let base: String
    /// 0: `nestedCommonFormat`; 3 to 5: the older `json` column.
    let version: Int

    init(
        raw: BlobColumn,
        nullRows: RoaringBitmap?,
        fields: [NestedField],
        values: GlobalDictionary,
        base: String,
        version: Int
    ) {
        self.raw = raw
        self.nullRows = nullRows
        self.fields = fields
        self.values = values
        self.base = base
        self.version = version
    }

    var rowCount: Int { raw.count }
    var type: ColumnType { .complex("json") }
    var hasNulls: Bool { !(nullRows?.isEmpty ?? true) }

    func value(row: Int) throws(LaminaError) -> Value {
        if nullRows?.contains(UInt32(row)) ?? false { return .null }
        let bytes = try raw.value(row)
        if bytes.isEmpty { return .null }
        guard let json = SmileDecoder.decode(bytes) else {
            throw .corrupt(
                "row \(row)'s raw value is no SMILE document",
                at: "internal file '\(base).__raw_compressed'"
            )
        }
        return json.isNull ? .null : .json(json)
    }
}

/// One path inside a nested column: its normalized JSONPath, its types as bits, and the internal file with its values.
struct NestedField: Sendable, Hashable {
    var path: String
    var typeSet: UInt8
    var file: String
}
