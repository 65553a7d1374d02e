import LaminaBase

/// Serialized objects of one complex type, opaque: hyperUnique, sketches, types nobody knows.
///
/// Source: `ComplexColumnPartSerde`. An empty payload is null.
final class StoredComplexColumn: ObjectColumn {
    let list: GenericIndexed
    let typeName: String

    init(_ list: GenericIndexed, typeName: String) {
        self.list = list
        self.typeName = typeName
    }

    var rowCount: Int { list.count }
    var type: ColumnType { .complex(typeName) }
    var hasNulls: Bool { (0..<list.count).contains { list.element($0).isEmpty } }

    func value(row: Int) throws(LaminaError) -> Value {
        let bytes = list.element(row)
        return bytes.isEmpty ? .null : .complex(type: typeName, bytes: Array(bytes))
    }
}
