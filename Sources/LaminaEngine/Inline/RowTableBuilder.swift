import LaminaBase
import LaminaBitmaps
import LaminaSegment

/// Makes a table of rows that come some at a time, and may be more than the query's memory holds.
///
/// What is read afterwards are the same columns of plain arrays as those of a table in memory; only where the arrays lie differs
/// (`GrowingArray`). Druid has no such thing: it ends the query with its limits of inner queries.
struct RowTableBuilder {
    struct Shape {
        var name: String
        /// nil: what holds all values.
        var type: ColumnType?
        /// A type that comes from the values alone is not announced to who reads the column.
        var isOpen: Bool
    }

    private let shapes: [Shape]
    private var columns: [ColumnBuilder] = []
    private var rowCount = 0

    init(_ shapes: [Shape], _ run: QueryRun) throws(LaminaError) {
        self.shapes = shapes
        for shape in shapes { columns.append(try ColumnBuilder(shape.type, run)) }
    }

    /// Adds rows, column by column in the order of the names.
    mutating func append(rowCount: Int, _ values: (_ column: Int) throws(LaminaError) -> [Value]) throws(LaminaError) {
        for index in columns.indices { try columns[index].append(try values(index)) }
        self.rowCount += rowCount
    }

    /// - Parameter time: of every row when no column is named `__time`.
    func finish(time: Int64 = 0, _ run: QueryRun) throws(LaminaError) -> RowTable {
        var inputs: [RowTable.Input] = []
        for (index, shape) in shapes.enumerated() {
            let column = try columns[index].finish(run)
            let type = shape.type ?? (shape.isOpen ? nil : column.type)
            inputs.append(RowTable.Input(name: shape.name, type: type, column: column))
        }
        return try RowTable(inputs, rowCount: rowCount, time: time)
    }
}

/// One column of such a table: as `makeRowColumn`, value by value.
private struct ColumnBuilder {
    private enum Store {
        case longs(GrowingArray<Int64>)
        case floats(GrowingArray<Float>)
        case doubles(GrowingArray<Double>)
        case strings(TableStrings.Builder)
        case objects(TableObjects.Builder)
    }

    private static let purpose = "rows of an inner query"

    private let type: ColumnType?
    private var store: Store
    private var nulls = RoaringBitmap()
    private var rowCount = 0
    /// Of a column whose type is open.
    private var common = CommonType()

    init(_ type: ColumnType?, _ run: QueryRun) throws(LaminaError) {
        self.type = type
        switch type {
        case .long: store = .longs(try GrowingArray(run, for: Self.purpose))
        case .float: store = .floats(try GrowingArray(run, for: Self.purpose))
        case .double: store = .doubles(try GrowingArray(run, for: Self.purpose))
        case .string: store = .strings(try TableStrings.Builder(run, for: Self.purpose))
        case .array, .complex, nil: store = .objects(try TableObjects.Builder(run, for: Self.purpose))
        }
    }

    mutating func append(_ values: [Value]) throws(LaminaError) {
        switch store {
        case .longs(let array): try append(values, .long, to: array)
        case .floats(let array): try append(values, .float, to: array)
        case .doubles(let array): try append(values, .double, to: array)
        case .strings(var builder):
            for value in values { try builder.append(value) }
            store = .strings(builder)
        case .objects(var builder):
            for value in values {
                guard let type else {
                    common.add(value)
                    try builder.append(value)
                    continue
                }
                try builder.append(rowValue(value, as: type))
            }
            store = .objects(builder)
        }
        rowCount += values.count
    }

    private mutating func append<Number: VectorNumber>(
        _ values: [Value],
        _ type: ColumnType,
        to array: GrowingArray<Number>
    ) throws(LaminaError) {
        for value in values {
            let found: Number? = number(rowValue(value, as: type))
            if found == nil { nulls.append(UInt32(array.count)) }
            try array.append(found ?? Number.zero)
        }
    }

    func finish(_ run: QueryRun) throws(LaminaError) -> Column {
        let nulls = nulls.isEmpty ? nil : nulls
        switch store {
        case .longs(let array): return .long(InlineNumbers(FixedValues(array), nulls: nulls))
        case .floats(let array): return .float(InlineNumbers(FixedValues(array), nulls: nulls))
        case .doubles(let array): return .double(InlineNumbers(FixedValues(array), nulls: nulls))
        case .strings(let builder): return .string(builder.finish())
        case .objects(let builder):
            if let type { return .object(builder.finish(type)) }
            // Now that the type is known, once more.
            let source = builder.finish(.string)
            var typed = try ColumnBuilder(common.type, run)
            for row in 0..<rowCount {
                if row & 8191 == 0 { try run.poll() }
                try typed.append([try source.value(row: row)])
            }
            return try typed.finish(run)
        }
    }
}
