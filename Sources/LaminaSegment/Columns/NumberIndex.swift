import LaminaBase
import LaminaBitmaps

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
