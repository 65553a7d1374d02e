import LaminaBase
import LaminaBitmaps

/// A number column that is null in every row.
final class NullLongColumn: LongColumn {
    let rowCount: Int
    init(rowCount: Int) { self.rowCount = rowCount }
    var nullRows: RoaringBitmap? { RoaringBitmap(range: 0..<UInt32(rowCount)) }
    func makeReader() -> any ValueReader<Int64> { ConstantReader(0, rowCount: rowCount) }
    var valueIndex: (any NumericValueIndex<Int64>)? { nil }
}
