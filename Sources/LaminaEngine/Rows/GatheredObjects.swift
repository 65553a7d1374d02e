import LaminaBase
import LaminaSegment

/// Values of any type in the order of a row list.
final class GatheredObjects: ObjectColumn {
    private let source: any ObjectColumn
    private let list: PickedRows

    init(_ source: any ObjectColumn, _ list: PickedRows) {
        self.source = source
        self.list = list
    }

    var rowCount: Int { list.count }
    var type: ColumnType { source.type }
    var hasNulls: Bool { list.hasGaps || source.hasNulls }
    var valueDictionary: (any ValueDictionary)? { source.valueDictionary.map { GatheredValues($0, list) } }

    func value(row: Int) throws(LaminaError) -> Value {
        let row = list[row]
        return row == RowList.none ? .null : try source.value(row: Int(row))
    }
}

/// A nested column in the order of a row list, with its paths.
final class GatheredNested: NestedPaths {
    private let source: any NestedPaths
    private let values: GatheredObjects
    private let list: PickedRows

    init(_ source: any NestedPaths, _ list: PickedRows) {
        self.source = source
        self.list = list
        values = GatheredObjects(source, list)
    }

    var rowCount: Int { list.count }
    var type: ColumnType { values.type }
    var hasNulls: Bool { values.hasNulls }
    var hasPaths: Bool { source.hasPaths }
    var valueDictionary: (any ValueDictionary)? { values.valueDictionary }
    func value(row: Int) throws(LaminaError) -> Value { try values.value(row: row) }

    func path(_ text: String) throws(LaminaError) -> NestedPathColumn? {
        guard let path = try source.path(text) else { return nil }
        return NestedPathColumn(
            column: path.column.map { gatheredColumn($0, list) },
            dictionary: GatheredValues(path.dictionary, list)
        )
    }
}

/// The distinct values of a column, their ids in the order of a row list.
private final class GatheredValues: ValueDictionary {
    private let source: any ValueDictionary
    let ids: any StringColumn

    init(_ source: any ValueDictionary, _ list: PickedRows) {
        self.source = source
        ids = GatheredStrings(source.ids, list)
    }

    func value(_ id: UInt32) throws(LaminaError) -> Value {
        // Gaps have an id behind the others where the source has no null.
        id == ids.nullID ? .null : try source.value(id)
    }
}
