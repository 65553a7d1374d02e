import LaminaBase
import LaminaBitmaps

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
