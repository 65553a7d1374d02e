package import LaminaBase
import LaminaBitmaps
import LaminaQuery
package import LaminaSegment

/// Rows that come from no segment: written in a query, of a look-up, the answer of an inner query. Kept in columns.
///
/// - Source: `RowBasedSegment` and `InlineDataSource.rowAdapter`: without a column `__time` every row lies at time 0.
package final class RowTable: SegmentView {
    package let rowCount: Int
    package let timeBounds: (min: Int64, max: Int64)?
    package let columnNames: [String]
    private let columns: [String: Column]
    private let untyped: Set<String>
    private let hold: MemoryHold?
    /// Roughly what the rows take in memory.
    package let byteCount: Int

    package struct Input: Sendable {
        package var name: String
        /// nil: left open.
        package var type: ColumnType?
        package var column: Column

        package init(name: String, type: ColumnType?, column: Column) {
            self.name = name
            self.type = type
            self.column = column
        }

        /// A column of single values, cast to the type; without one they get the narrowest that holds them all.
        package init(name: String, type: ColumnType?, values: [Value]) {
            self.init(name: name, type: type, column: makeRowColumn(values, type))
        }
    }

    /// - Parameters:
    ///   - inputs: of equal names the last one counts.
    ///   - time: of every row when no input is named `__time`.
    ///   - memory: which the rows count against as long as they live.
    package init(
        _ inputs: [Input],
        rowCount: Int,
        time: Int64 = 0,
        _ memory: MemoryBudget? = nil
    ) throws(LaminaError) {
        self.rowCount = rowCount
        byteCount = inputs.reduce(0) { $0 + $1.column.bytesPerRow * rowCount }
        hold = if let memory { try MemoryHold(byteCount, of: memory, for: "rows of an inner query") } else { nil }
        var columns: [String: Column] = [:]
        var names: [String] = []
        var untyped: Set<String> = []
        for input in inputs {
            if columns.updateValue(input.column, forKey: input.name) == nil { names.append(input.name) }
            if input.type == nil { untyped.insert(input.name) }
        }
        columnNames = names
        var bounds: (min: Int64, max: Int64)?
        if rowCount > 0 { bounds = (time, time) }
        if let given = columns["__time"] {
            let times = try timeColumn(given, rowCount)
            columns["__time"] = .long(times)
            untyped.remove("__time")
            bounds = try timeSpan(of: times)
        } else {
            columns["__time"] = .long(ConstantLongColumn(time, rowCount: rowCount))
        }
        timeBounds = bounds
        self.columns = columns
        self.untyped = untyped
    }

    package var dataInterval: Interval { .eternity }
    package var ordering: [OrderedColumn] { [OrderedColumn("", ascending: false)] }
    package var dimensions: [String] { columnNames.filter { $0 != "__time" } }
    package var metrics: [String] { [] }
    package var metadata: JSON? { nil }
    package var sizeBytes: Int64 { 0 }

    package func column(_ name: String) throws(LaminaError) -> Column? { columns[name] }
    package func isUntyped(_ column: String) -> Bool { untyped.contains(column) }
}

extension Column {
    fileprivate var bytesPerRow: Int {
        switch self {
        case .long, .double: 8
        case .float: 4
        // An id, and a share of the dictionary.
        case .string: 24
        case .object: 2 * MemoryLayout<Value>.stride
        }
    }
}

/// The column of times as longs; what is none is 0.
private func timeColumn(_ column: Column, _ rowCount: Int) throws(LaminaError) -> any LongColumn {
    if case .long(let times) = column { return times }
    var values = [Int64](repeating: 0, count: rowCount)
    for (row, value) in try column.values(0..<rowCount).enumerated() { values[row] = value.asLong ?? 0 }
    return InlineNumbers(values, nulls: nil)
}

private func timeSpan(of column: any LongColumn) throws(LaminaError) -> (min: Int64, max: Int64)? {
    guard column.rowCount > 0 else { return nil }
    let reader = column.makeReader()
    return try withExtendedLifetime(reader) { () throws(LaminaError) in
        var low = Int64.max
        var high = Int64.min
        for time in try reader.read(0..<column.rowCount) {
            low = min(low, time)
            high = max(high, time)
        }
        return (low, high)
    }
}

/// Values of a row-based column in the form the engine reads.
///
/// - Parameter type: nil gives longs, doubles or strings where all values are of one of these, else values as they are.
func makeRowColumn(_ values: [Value], _ type: ColumnType?) -> Column {
    let type = type ?? commonType(values)
    if type == .string { return .string(InlineStrings(values, sorts: false, hasBitmaps: false, isRowBased: true)) }
    let cast = values.map { rowValue($0, as: type) }
    if case .complex = type { return .object(InlineObjects(cast, type: type)) }
    return makeColumn(InlineSegment.Input("", type, cast), sorts: false, bitmaps: false)
}

/// A value in the type of its row-based column, which is not STRING.
func rowValue(_ value: Value, as type: ColumnType) -> Value {
    if case .complex(let name) = type { return complexValue(value, name) }
    return value.isNull ? .null : value.cast(to: type)
}

/// Bytes of sketches are written as base64.
private func complexValue(_ value: Value, _ name: String) -> Value {
    if name == "json" { return value.isNull ? .null : .json(value.asJSON) }
    if case .string(let text) = value, let bytes = base64Decoded(text) { return .complex(type: name, bytes: bytes) }
    return value
}

private func commonType(_ values: [Value]) -> ColumnType {
    var common = CommonType()
    for value in values { common.add(value) }
    return common.type
}

/// The narrowest type that holds all values seen.
struct CommonType {
    private var common: ColumnType?

    var type: ColumnType { common ?? .string }

    mutating func add(_ value: Value) {
        let type: ColumnType
        switch value {
        case .null: return
        case .long: type = .long
        case .float: type = .float
        case .double: type = .double
        case .json: type = .complex("json")
        case .complex(let name, _): type = .complex(name)
        case .string, .array: type = .string
        }
        if common == nil || common == type {
            common = type
        } else if let known = common, known.isNumeric, type.isNumeric {
            common = .double
        } else {
            common = .string
        }
    }
}
