import LaminaBase
import LaminaBitmaps
import Synchronization

/// A `json` column read whole: each row's value as it was ingested.
///
/// Source: `CompressedNestedDataComplexColumn`, `NestedDataColumnSupplier(V4)`.
final class NestedColumn: NestedPaths {
    let raw: BlobColumn
    let nullRows: RoaringBitmap?
    let fields: [NestedField]
    let values: GlobalDictionary
    /// The base of the names of this column's internal files.
    let base: String
    /// 0: `nestedCommonFormat`; 3 to 5: the older `json` column.
    let version: Int
    /// How the files of paths are to be read; nil for the older `json` column.
    private let pathReading: PathReading?
    private let places: [String: Int]
    private let opened = Mutex<[Int: NestedPathColumn]>([:])

    /// What the files of paths need to be read.
    struct PathReading: Sendable {
        var format: NestedFormat
        var reader: ColumnReading
    }

    init(
        raw: BlobColumn,
        nullRows: RoaringBitmap?,
        fields: [NestedField],
        values: GlobalDictionary,
        base: String,
        version: Int,
        pathReading: PathReading? = nil
    ) {
        self.raw = raw
        self.nullRows = nullRows
        self.fields = fields
        self.values = values
        self.base = base
        self.version = version
        self.pathReading = pathReading
        var places: [String: Int] = [:]
        for (place, field) in fields.enumerated() { places[field.path] = place }
        self.places = places
    }

    var hasPaths: Bool { pathReading != nil }

    func path(_ text: String) throws(LaminaError) -> NestedPathColumn? {
        guard let place = places[text] else { return nil }
        if let known = opened.withLock({ $0[place] }) { return known }
        guard let column = try field(place) else { return nil }
        let path = try column.pathColumn(values, rowCount: rowCount)
        // Two threads may have opened it at once; both must use the same blocks.
        return opened.withLock { opened in
            if let first = opened[place] { return first }
            opened[place] = path
            return path
        }
    }

    /// The stored form of a path; nil where paths cannot be read.
    func field(_ place: Int) throws(LaminaError) -> NestedFieldColumn? {
        guard let pathReading else { return nil }
        let format = pathReading.format
        let field = fields[place]
        let isLong = field.typeSet == 4
        let isDouble = field.typeSet == 8
        let indexType = format.formatSpec?[isLong ? "longFieldBitmapIndexType" : "doubleFieldBitmapIndexType"]
        return try NestedFieldColumn(
            field,
            in: self,
            order: format.bigEndian ? .big : .little,
            bitmap: format.bitmap,
            nullIndexOnly: (isLong || isDouble) && indexType?["type"]?.stringValue == "nullValueIndex",
            reader: pathReading.reader
        )
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
