import LaminaBase
import LaminaBitmaps

final class NullDoubleColumn: DoubleColumn {
    let rowCount: Int
    init(rowCount: Int) { self.rowCount = rowCount }
    var nullRows: RoaringBitmap? { RoaringBitmap(range: 0..<UInt32(rowCount)) }
    func makeReader() -> any ValueReader<Double> { ConstantReader(0, rowCount: rowCount) }
    var valueIndex: (any NumericValueIndex<Double>)? { nil }
}
