import LaminaBase

/// Reads ids of four bytes (three in the file); see `LongReader`.
final class WordIDReader: ValueReader {
    private var cursor: BlockCursor<UInt32>
    init(_ store: BlockStore) { cursor = BlockCursor(store) }
    deinit { cursor.free() }
    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<UInt32> { try cursor.read(rows) }
    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<UInt32> {
        try cursor.gather(rows)
    }
    func contiguousRows(from row: Int) -> Int { cursor.contiguousRows(from: row) }
}
