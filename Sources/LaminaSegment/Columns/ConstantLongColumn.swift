import LaminaBase
package import LaminaBitmaps

/// The same number in every row. Source: `Projections.ConstantTimeColumn`.
package final class ConstantLongColumn: LongColumn {
    package let rowCount: Int
    private let value: Int64

    package init(_ value: Int64, rowCount: Int) {
        self.value = value
        self.rowCount = rowCount
    }

    package var nullRows: RoaringBitmap? { nil }
    package var valueIndex: (any NumericValueIndex<Int64>)? { nil }
    package func makeReader() -> any ValueReader<Int64> { ConstantReader(value, rowCount: rowCount) }
}
