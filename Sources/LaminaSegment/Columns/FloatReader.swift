import LaminaBase

/// Reads stored floats; see `LongReader`.
final class FloatReader: ValueReader {
    private var cursor: BlockCursor<Float>
    init(_ store: BlockStore) { cursor = BlockCursor(store) }
    deinit { cursor.free() }
    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<Float> { try cursor.read(rows) }
    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<Float> {
        try cursor.gather(rows)
    }
    func contiguousRows(from row: Int) -> Int { cursor.contiguousRows(from: row) }
}
