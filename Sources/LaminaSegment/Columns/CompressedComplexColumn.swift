import LaminaBase

/// Complex values in compressed blocks (`complexMetricCompression`).
///
/// Source: `CompressedComplexColumnSupplier`.
final class CompressedComplexColumn: ObjectColumn {
    let blobs: BlobColumn
    let typeName: String
    let hasNulls: Bool

    init(_ blobs: BlobColumn, typeName: String, hasNulls: Bool) {
        self.blobs = blobs
        self.typeName = typeName
        self.hasNulls = hasNulls
    }

    var rowCount: Int { blobs.count }
    var type: ColumnType { .complex(typeName) }

    func value(row: Int) throws(LaminaError) -> Value {
        let bytes = try blobs.value(row)
        return bytes.isEmpty ? .null : .complex(type: typeName, bytes: bytes)
    }
}
