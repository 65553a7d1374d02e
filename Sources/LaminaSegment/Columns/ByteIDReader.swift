import LaminaBase

/// Reads ids of one byte; see `LongReader`.
final class ByteIDReader: ValueReader {
    private var cursor: BlockCursor<UInt8>
    init(_ store: BlockStore) { cursor = BlockCursor(store) }
    deinit { cursor.free() }
    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<UInt8> { try cursor.read(rows) }
    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<UInt8> {
        try cursor.gather(rows)
    }
    func contiguousRows(from row: Int) -> Int { cursor.contiguousRows(from: row) }
}
