import LaminaBase

/// Reads stored doubles; see `LongReader`.
final class DoubleReader: ValueReader {
    private var cursor: BlockCursor<Double>
    init(_ store: BlockStore) { cursor = BlockCursor(store) }
    deinit { cursor.free() }
    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<Double> { try cursor.read(rows) }
    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<Double> {
        try cursor.gather(rows)
    }
    func contiguousRows(from row: Int) -> Int { cursor.contiguousRows(from: row) }
}
