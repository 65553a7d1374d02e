import LaminaBase
import LaminaBitmaps
import LaminaSegment

extension ResultTable {
    /// The columns as those of rows that another query reads. Keys keep their dictionaries.
    ///
    /// - Parameter dimensionTypes: of the first columns.
    func rowInputs(dimensionTypes: [ColumnType]) -> [RowTable.Input] {
        names.indices.map { index in
            let type = index < dimensionTypes.count ? dimensionTypes[index] : nil
            return columns[index].rowInput(name: names[index], type: type, rowCount: rowCount)
        }
    }
}

extension ResultTable.Column {
    func rowInput(name: String, type: ColumnType?, rowCount: Int) -> RowTable.Input {
        switch self {
        case .key(let column):
            guard let read = column.rowColumn else { break }
            return RowTable.Input(name: name, type: type ?? read.type, column: read)
        case .aggregate(let column):
            let read = column.rowColumn
            return RowTable.Input(name: name, type: read.type, column: read)
        case .values, .states: break
        }
        let values = rowValues(rowCount)
        // What a column of states finishes to is announced to nobody; all else is what it holds.
        if case .states = self { return RowTable.Input(name: name, type: nil, values: values) }
        let column = makeRowColumn(values, type)
        return RowTable.Input(name: name, type: type ?? column.type, column: column)
    }

    /// The type of an aggregation's numbers; nil: that of the values, whatever they are.
    var rowType: ColumnType? {
        guard case .aggregate(let column) = self else { return nil }
        switch column.numbers {
        case .long: return .long
        case .float: return .float
        case .double: return .double
        case .states: return nil
        }
    }

    /// Values as an outer query computes with them: of sketches that are not finished their bytes.
    func rowValues(_ rowCount: Int) -> [Value] {
        (0..<rowCount).map { row in
            if case .states(_, let states, showsFinished: false) = self { return states.unfinished(row) }
            return value(row)
        }
    }
}

extension KeyColumn {
    /// nil: values that are no strings or numbers.
    fileprivate var rowColumn: Column? {
        switch values {
        case .strings(let table): .string(KeyStrings(table, ids))
        case .longs(let values): .long(InlineNumbers(ids.map { values[Int($0)] }, nulls: nullGroups))
        case .floats(let values): .float(InlineNumbers(ids.map { values[Int($0)] }, nulls: nullGroups))
        case .doubles(let values): .double(InlineNumbers(ids.map { values[Int($0)] }, nulls: nullGroups))
        case .others: nil
        }
    }

    private var nullGroups: RoaringBitmap? {
        var nulls = RoaringBitmap()
        for (group, id) in ids.enumerated() where id == 0 { nulls.append(UInt32(group)) }
        return nulls.isEmpty ? nil : nulls
    }
}

extension AggregateColumn {
    /// Numbers with their nulls.
    fileprivate var rowColumn: Column {
        var nulls = RoaringBitmap()
        for (group, flag) in seen.enumerated() where flag == 0 { nulls.append(UInt32(group)) }
        let found = nulls.isEmpty ? nil : nulls
        switch numbers {
        case .long(let values): return .long(InlineNumbers(cleared(values), nulls: found))
        case .float(let values): return .float(InlineNumbers(cleared(values), nulls: found))
        case .double(let values): return .double(InlineNumbers(cleared(values), nulls: found))
        case .states(let states, _):
            return makeRowColumn(states.indices.map { unfinished($0) }, nil)
        }
    }

    /// Null rows of a column hold 0.
    private func cleared<Number: VectorNumber>(_ values: [Number]) -> [Number] {
        var values = values
        for (group, flag) in seen.enumerated() where flag == 0 { values[group] = Number.zero }
        return values
    }
}
