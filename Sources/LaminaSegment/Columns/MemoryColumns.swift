package import LaminaBase
package import LaminaBitmaps

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
    package func makeMultiIDReader() -> any MultiIDReader { ArrayMultiReader(offsets: offsets, ids: ids) }
}
