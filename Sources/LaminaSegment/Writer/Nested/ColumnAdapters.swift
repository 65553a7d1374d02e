import LaminaBase
import LaminaBitmaps

/// Any column value by value: typed columns that an `auto` column is written from although its form does not match.
final class ValuesOfColumn: ObjectColumn {
    let rowCount: Int
    let type = ColumnType.complex("json")
    var hasNulls: Bool { true }
    private let read: @Sendable (Int) throws(LaminaError) -> Value

    /// Null in every row.
    init(count: Int) {
        rowCount = count
        read = { _ throws(LaminaError) in .null }
    }

    init(_ column: Column, count: Int) {
        rowCount = count
        switch column {
        case .long(let longs):
            read = { row throws(LaminaError) in
                if longs.nullRows?.contains(UInt32(row)) == true { return .null }
                return .long(try longs.makeReader().read(row..<row + 1)[0])
            }
        case .float(let floats):
            read = { row throws(LaminaError) in
                if floats.nullRows?.contains(UInt32(row)) == true { return .null }
                return .double(Double(try floats.makeReader().read(row..<row + 1)[0]))
            }
        case .double(let doubles):
            read = { row throws(LaminaError) in
                if doubles.nullRows?.contains(UInt32(row)) == true { return .null }
                return .double(try doubles.makeReader().read(row..<row + 1)[0])
            }
        case .string(let strings):
            read = { row throws(LaminaError) in try Self.text(strings, row) }
        case .object(let objects): read = { row throws(LaminaError) in try objects.value(row: row) }
        }
    }

    private static func text(_ strings: any StringColumn, _ row: Int) throws(LaminaError) -> Value {
        let reader = strings.makeMultiIDReader()
        let ids = try reader.read(row..<row + 1)
        let values = (Int(ids.offsets[0])..<Int(ids.offsets[1])).map { place -> Value in
            strings.value(ids.ids[place]).map { .string($0) } ?? .null
        }
        extendLifetime(reader)
        if !strings.hasMultipleValues { return values.first ?? .null }
        // A multi-value row is an array; one value stands alone, as Druid gives it to its indexers.
        return values.isEmpty ? .null : values.count == 1 ? values[0] : .array(values)
    }

    func value(row: Int) throws(LaminaError) -> Value { try read(row) }
}

/// The rows of an object column that are all leaves of one type (or null), as typed columns in memory.
struct LeavesOfColumn {
    private var leaves: [StructuredValue.Leaf?] = []

    init(_ column: any ObjectColumn, count: Int, type: StructuredValue.LeafType) throws(LaminaError) {
        leaves.reserveCapacity(count)
        for row in 0..<count {
            let value = StructuredValue(try column.value(row: row)).cast(to: type.columnType)
            if case .leaf(let leaf) = value { leaves.append(leaf) } else { leaves.append(nil) }
        }
    }

    private var nullRows: RoaringBitmap? {
        var rows = RoaringBitmap()
        for (row, leaf) in leaves.enumerated() where leaf == nil { rows.append(UInt32(row)) }
        return rows.isEmpty ? nil : rows
    }

    func longs() -> any LongColumn {
        let values = leaves.map { leaf -> Int64 in if case .long(let value)? = leaf { value } else { 0 } }
        return MemoryLongColumn(values, nullRows: nullRows)
    }

    func doubles() -> any DoubleColumn {
        let values = leaves.map { leaf -> Double in
            if case .double(let bits)? = leaf { Double(bitPattern: bits) } else { 0 }
        }
        return MemoryDoubleColumn(values, nullRows: nullRows)
    }

    func strings() -> any StringColumn {
        MemoryStringColumn(leaves.map { leaf in if case .string(let text)? = leaf { text } else { nil } })
    }
}
