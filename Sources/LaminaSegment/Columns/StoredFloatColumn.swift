import LaminaBase
import LaminaBitmaps

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
