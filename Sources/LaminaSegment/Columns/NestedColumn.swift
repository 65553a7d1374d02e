import LaminaBase
import LaminaBitmaps

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
