import LaminaBase
import LaminaQuery
import LaminaSegment

/// Paths of nested columns and columns of mixed values by their own dictionaries, instead of value by value.
extension SegmentScan {
    /// The stored column of a path; nil where rows must be read.
    ///
    /// - Parameter type: the type the expression announces.
    /// - Source: `NestedFieldVirtualColumn`, `CompressedNestedDataComplexColumn.getColumnHolder`.
    func nestedPath(_ expression: Expression, type: ColumnType?) throws(LaminaError) -> ScanColumn? {
        guard let access = expression.jsonValueAccess, case .object(let object) = try column(access.column),
            let nested = object as? any NestedPaths, nested.hasPaths, access.path.isForward
        else { return nil }
        let direct = try nested.path(access.path.text)
        var ofArray: NestedPathColumn?
        var element = 0
        if case .element(let index)? = access.path.steps.last {
            ofArray = try nested.path(JSONPath(steps: Array(access.path.steps.dropLast())).text)
            element = index
        }
        switch (direct, ofArray) {
        case (nil, nil): return .missing
        // Some rows have arrays of scalars there, others something else: only the rows themselves know.
        case (.some, .some): return nil
        case (let path?, nil):
            if let column = path.column, access.type == nil || access.type == column.type { return scanColumn(column) }
            let values = path.dictionary
            return mapped(values, type: type) { (id) throws(LaminaError) in access.converted(try values.value(id)) }
        case (nil, let path?):
            let values = path.dictionary
            return mapped(values, type: type) { (id) throws(LaminaError) in
                guard case .array(let items) = try values.value(id), element < items.count else { return .null }
                return access.converted(items[element])
            }
        }
    }

    /// A stored column of arrays or mixed values, by its dictionary if it has one.
    func dictionaryColumn(_ column: any ObjectColumn) -> ScanColumn {
        guard let values = column.valueDictionary else { return .object(column) }
        return mapped(values, type: column.type) { (id) throws(LaminaError) in try values.value(id) }
    }

    private func mapped(
        _ dictionary: any ValueDictionary,
        type: ColumnType?,
        _ value: @escaping (UInt32) throws(LaminaError) -> Value
    ) -> ScanColumn {
        .mapped(dictionary.ids, values: MappedValues(type: type, count: dictionary.ids.cardinality, value))
    }

    private func scanColumn(_ column: Column) -> ScanColumn {
        switch column {
        case .long(let column): .long(column)
        case .float(let column): .float(column)
        case .double(let column): .double(column)
        case .string(let column): .string(column)
        case .object(let column): .object(column)
        }
    }
}

extension JSONPath {
    /// Whether no element is counted from the end.
    fileprivate var isForward: Bool {
        !steps.contains { if case .element(let index) = $0 { index < 0 } else { false } }
    }
}
