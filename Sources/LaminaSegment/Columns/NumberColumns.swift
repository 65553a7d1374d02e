import LaminaBase
import LaminaBitmaps

/// Numbers as stored in a segment: blocks, null rows, and for `auto` columns the dictionary with its row bitmaps.
final class StoredLongColumn: LongColumn {
    let payload: NumberPayload
    let nullRows: RoaringBitmap?
    let index: NumberIndex?

    init(_ payload: NumberPayload, nullRows: RoaringBitmap?, index: NumberIndex? = nil) {
        self.payload = payload
        self.nullRows = nullRows
        self.index = index
    }

    var rowCount: Int { payload.store.count }
    func makeReader() -> any ValueReader<Int64> { LongReader(payload.store) }
    var valueIndex: (any NumericValueIndex<Int64>)? { index.map(LongValueIndex.init) }
}

final class StoredFloatColumn: FloatColumn {
    let payload: NumberPayload
    let nullRows: RoaringBitmap?

    init(_ payload: NumberPayload, nullRows: RoaringBitmap?) {
        self.payload = payload
        self.nullRows = nullRows
    }

    var rowCount: Int { payload.store.count }
    func makeReader() -> any ValueReader<Float> { FloatReader(payload.store) }
    var valueIndex: (any NumericValueIndex<Float>)? { nil }
}

final class StoredDoubleColumn: DoubleColumn {
    let payload: NumberPayload
    let nullRows: RoaringBitmap?
    let index: NumberIndex?

    init(_ payload: NumberPayload, nullRows: RoaringBitmap?, index: NumberIndex? = nil) {
        self.payload = payload
        self.nullRows = nullRows
        self.index = index
    }

    var rowCount: Int { payload.store.count }
    func makeReader() -> any ValueReader<Double> { DoubleReader(payload.store) }
    var valueIndex: (any NumericValueIndex<Double>)? { index.map(DoubleValueIndex.init) }
}

/// The dictionary and bitmaps of a scalar numeric `auto` column; id 0 is null, whether or not a row is.
struct NumberIndex: Sendable {
    let dictionary: FixedIndexed
    let bitmaps: BitmapList
    let ids: IDPayload

    var nullCount: Int { dictionary.hasNull ? 1 : 0 }
    var cardinality: Int { dictionary.count - nullCount }
}

final class LongValueIndex: NumericValueIndex {
    private let index: NumberIndex
    init(_ index: NumberIndex) { self.index = index }
    var cardinality: Int { index.cardinality }
    func value(_ place: Int) -> Int64 { index.dictionary.long(place + index.nullCount) }
    func rows(_ place: Int) throws(LaminaError) -> RoaringBitmap { try index.bitmaps.rows(place + index.nullCount) }
}

final class DoubleValueIndex: NumericValueIndex {
    private let index: NumberIndex
    init(_ index: NumberIndex) { self.index = index }
    var cardinality: Int { index.cardinality }
    func value(_ place: Int) -> Double { index.dictionary.double(place + index.nullCount) }
    func rows(_ place: Int) throws(LaminaError) -> RoaringBitmap { try index.bitmaps.rows(place + index.nullCount) }
}

/// A number column that is null in every row.
final class NullLongColumn: LongColumn {
    let rowCount: Int
    init(rowCount: Int) { self.rowCount = rowCount }
    var nullRows: RoaringBitmap? { RoaringBitmap(range: 0..<UInt32(rowCount)) }
    func makeReader() -> any ValueReader<Int64> { ConstantReader(0, rowCount: rowCount) }
    var valueIndex: (any NumericValueIndex<Int64>)? { nil }
}

final class NullFloatColumn: FloatColumn {
    let rowCount: Int
    init(rowCount: Int) { self.rowCount = rowCount }
    var nullRows: RoaringBitmap? { RoaringBitmap(range: 0..<UInt32(rowCount)) }
    func makeReader() -> any ValueReader<Float> { ConstantReader(0, rowCount: rowCount) }
    var valueIndex: (any NumericValueIndex<Float>)? { nil }
}

final class NullDoubleColumn: DoubleColumn {
    let rowCount: Int
    init(rowCount: Int) { self.rowCount = rowCount }
    var nullRows: RoaringBitmap? { RoaringBitmap(range: 0..<UInt32(rowCount)) }
    func makeReader() -> any ValueReader<Double> { ConstantReader(0, rowCount: rowCount) }
    var valueIndex: (any NumericValueIndex<Double>)? { nil }
}
