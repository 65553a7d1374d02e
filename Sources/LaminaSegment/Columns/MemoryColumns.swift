package import LaminaBase
package import LaminaBitmaps

/// Values in memory that readers share without copying.
package final class ValueMemory<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
    /// To be filled before the memory is shared.
    package let buffer: UnsafeMutableBufferPointer<Element>

    package init(_ values: [Element]) {
        buffer = .allocate(capacity: values.count)
        _ = buffer.initialize(from: values)
    }

    package init(count: Int, repeating value: Element) {
        buffer = .allocate(capacity: count)
        buffer.initialize(repeating: value)
    }

    deinit { buffer.deallocate() }
}

/// Reads a `ValueMemory` without copying.
final class MemoryReader<Element: BitwiseCopyable & Sendable>: ValueReader {
    private let memory: ValueMemory<Element>
    private var gathered = ValueMemory<Element>([])

    init(_ memory: ValueMemory<Element>) { self.memory = memory }

    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<Element> {
        UnsafeBufferPointer(rebasing: memory.buffer[rows])
    }

    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<Element> {
        guard let first = rows.first else { return UnsafeBufferPointer(start: nil, count: 0) }
        if gathered.buffer.count < rows.count {
            gathered = ValueMemory(count: rows.count, repeating: memory.buffer[Int(first)])
        }
        for index in rows.indices { gathered.buffer[index] = memory.buffer[Int(rows[index])] }
        return UnsafeBufferPointer(rebasing: gathered.buffer[..<rows.count])
    }

    func contiguousRows(from row: Int) -> Int { memory.buffer.count - row }
}

/// Longs in memory.
package final class MemoryLongColumn: LongColumn {
    private let values: ValueMemory<Int64>
    package let nullRows: RoaringBitmap?

    package init(_ values: ValueMemory<Int64>, nullRows: RoaringBitmap? = nil) {
        self.values = values
        self.nullRows = nullRows
    }

    package convenience init(_ values: [Int64], nullRows: RoaringBitmap? = nil) {
        self.init(ValueMemory(values), nullRows: nullRows)
    }

    package var rowCount: Int { values.buffer.count }
    package func makeReader() -> any ValueReader<Int64> { MemoryReader(values) }
    package var valueIndex: (any NumericValueIndex<Int64>)? { nil }
}

/// Doubles in memory.
package final class MemoryDoubleColumn: DoubleColumn {
    private let values: ValueMemory<Double>
    package let nullRows: RoaringBitmap?

    package init(_ values: ValueMemory<Double>, nullRows: RoaringBitmap? = nil) {
        self.values = values
        self.nullRows = nullRows
    }

    package convenience init(_ values: [Double], nullRows: RoaringBitmap? = nil) {
        self.init(ValueMemory(values), nullRows: nullRows)
    }

    package var rowCount: Int { values.buffer.count }
    package func makeReader() -> any ValueReader<Double> { MemoryReader(values) }
    package var valueIndex: (any NumericValueIndex<Double>)? { nil }
}

/// Floats in memory.
package final class MemoryFloatColumn: FloatColumn {
    private let values: ValueMemory<Float>
    package let nullRows: RoaringBitmap?

    package init(_ values: ValueMemory<Float>, nullRows: RoaringBitmap? = nil) {
        self.values = values
        self.nullRows = nullRows
    }

    package convenience init(_ values: [Float], nullRows: RoaringBitmap? = nil) {
        self.init(ValueMemory(values), nullRows: nullRows)
    }

    package var rowCount: Int { values.buffer.count }
    package func makeReader() -> any ValueReader<Float> { MemoryReader(values) }
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
    package func rows(_ id: UInt32) throws(LaminaError) -> RoaringBitmap {
        preconditionFailure("the column has no bitmaps")
    }
    package func makeIDReader() -> any ValueReader<UInt32> {
        precondition(!hasMultipleValues, "a multi-value column has no single ids")
        return ArrayReader(ids)
    }
    package func makeMultiIDReader() -> any MultiIDReader { ArrayMultiReader(offsets: offsets, ids: ids) }
}

/// Any values in memory.
package final class MemoryObjectColumn: ObjectColumn {
    private let values: [Value]
    package let type: ColumnType

    package init(_ values: [Value], type: ColumnType) {
        self.values = values
        self.type = type
    }

    package var rowCount: Int { values.count }
    package var hasNulls: Bool { values.contains(.null) }
    package func value(row: Int) throws(LaminaError) -> Value { values[row] }
}
