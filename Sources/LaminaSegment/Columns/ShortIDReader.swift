import LaminaBase

/// Reads ids of two bytes; see `LongReader`.
final class ShortIDReader: ValueReader {
    private var cursor: BlockCursor<UInt16>
    init(_ store: BlockStore) { cursor = BlockCursor(store) }
    deinit { cursor.free() }
    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<UInt16> { try cursor.read(rows) }
    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<UInt16> {
        try cursor.gather(rows)
    }
    func contiguousRows(from row: Int) -> Int { cursor.contiguousRows(from: row) }
}
