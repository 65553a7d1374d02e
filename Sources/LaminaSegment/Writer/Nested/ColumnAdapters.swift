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

/// Longs in memory.
package final class MemoryLongColumn: LongColumn {
    private let values: [Int64]
    package let nullRows: RoaringBitmap?

    package init(_ values: [Int64], nullRows: RoaringBitmap? = nil) {
        self.values = values
        self.nullRows = nullRows
    }

    package var rowCount: Int { values.count }
    package func makeReader() -> any ValueReader<Int64> { ArrayReader(values) }
    package var valueIndex: (any NumericValueIndex<Int64>)? { nil }
}

/// Doubles in memory.
package final class MemoryDoubleColumn: DoubleColumn {
    private let values: [Double]
    package let nullRows: RoaringBitmap?

    package init(_ values: [Double], nullRows: RoaringBitmap? = nil) {
        self.values = values
        self.nullRows = nullRows
    }

    package var rowCount: Int { values.count }
    package func makeReader() -> any ValueReader<Double> { ArrayReader(values) }
    package var valueIndex: (any NumericValueIndex<Double>)? { nil }
}

/// Floats in memory.
package final class MemoryFloatColumn: FloatColumn {
    private let values: [Float]
    package let nullRows: RoaringBitmap?

    package init(_ values: [Float], nullRows: RoaringBitmap? = nil) {
        self.values = values
        self.nullRows = nullRows
    }

    package var rowCount: Int { values.count }
    package func makeReader() -> any ValueReader<Float> { ArrayReader(values) }
    package var valueIndex: (any NumericValueIndex<Float>)? { nil }
}

/// Strings in memory, one or several a row; ids in order of arrival, no bitmaps.
package final class MemoryStringColumn: StringColumn {
    private let texts: [String?]
    private let places: [String?: UInt32]
    private let ids: [UInt32]
    private let offsets: [UInt32]
    package let rowCount: Int
    package let hasMultipleValues: Bool

    package convenience init(_ rows: [String?]) {
        self.init(rows.map { [$0] }, hasMultipleValues: false)
    }

    package init(_ rows: [[String?]], hasMultipleValues: Bool = true) {
        var texts: [String?] = []
        var places: [String?: UInt32] = [:]
        var ids: [UInt32] = []
        var offsets: [UInt32] = [0]
        for row in rows {
            for text in row {
                if let place = places[text] {
                    ids.append(place)
                } else {
                    places[text] = UInt32(texts.count)
                    ids.append(UInt32(texts.count))
                    texts.append(text)
                }
            }
            offsets.append(UInt32(ids.count))
        }
        self.texts = texts
        self.places = places
        self.ids = ids
        self.offsets = offsets
        rowCount = rows.count
        self.hasMultipleValues = hasMultipleValues
    }

    package var cardinality: Int { texts.count }
    package var isSorted: Bool { false }
    package var nullID: UInt32? { places[nil] }
    package func value(_ id: UInt32) -> String? { texts[Int(id)] }

    package func withUTF8<Result>(_ id: UInt32, _ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result {
        guard var text = texts[Int(id)] else { return body(nil) }
        return text.withUTF8 { body($0) }
    }

    package func id(of value: String?) -> UInt32? { places[value] }
    package func lowerBound(_ value: String) -> UInt32 { preconditionFailure("the dictionary is not sorted") }
    package var hasBitmaps: Bool { false }
    package func rows(_ id: UInt32) throws(LaminaError) -> RoaringBitmap { RoaringBitmap() }
    package func makeIDReader() -> any ValueReader<UInt32> { ArrayReader(ids) }
    package func makeMultiIDReader() -> any MultiIDReader { ArrayMultiReader(ids: ids, offsets: offsets) }
}

/// Multi-value rows in memory, as a reader.
final class ArrayMultiReader: MultiIDReader {
    private let ids: ArrayReader<UInt32>
    private let count: Int
    private let offsets: [UInt32]
    private var part = ArrayReader<UInt32>([])
    private var partIDs = ArrayReader<UInt32>([])

    init(ids: [UInt32], offsets: [UInt32]) {
        self.ids = ArrayReader(ids)
        count = ids.count
        self.offsets = offsets
    }

    func read(_ rows: Range<Int>) throws(LaminaError) -> MultiIDs {
        part = ArrayReader(Array(offsets[rows.lowerBound...rows.upperBound]))
        return MultiIDs(offsets: try part.read(0..<rows.count + 1), ids: try ids.read(0..<count))
    }

    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> MultiIDs {
        var starts: [UInt32] = [0]
        var gathered: [UInt32] = []
        let all = try ids.read(0..<count)
        for row in rows {
            gathered += all[Int(offsets[Int(row)])..<Int(offsets[Int(row) + 1])]
            starts.append(UInt32(gathered.count))
        }
        part = ArrayReader(starts)
        partIDs = ArrayReader(gathered)
        return MultiIDs(offsets: try part.read(0..<starts.count), ids: try partIDs.read(0..<gathered.count))
    }
}
