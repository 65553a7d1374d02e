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
