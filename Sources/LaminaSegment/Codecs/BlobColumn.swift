import LaminaBase
import LaminaCompression

/// A byte string for each row, in blocks across rows: raw nested values, compressed complex values.
///
/// Source: `CompressedVariableSizedBlobColumnSupplier`. Three internal files: `base`, `base_offsets`, `base_compressed`.
struct BlobColumn: Sendable {
    let count: Int
    let byteCount: Int
    private let ends: BlockStream
    private let bytes: BlockStream

    var codec: BlockCodec { bytes.codec }
    var codecName: String { bytes.codec.name }

    init(base: String, order: ByteOrder, rowCount: Int, reader: ColumnReading) throws(LaminaError) {
        let head = try reader.require(base)
        var cursor = ByteCursor(head)
        let version = try cursor.u8()
        guard version == 1 else { throw cursor.corrupt("unknown blob column version \(version)") }
        count = try cursor.count("a blob column's row count")
        guard count == rowCount else { throw cursor.corrupt("a column of \(count) rows in a segment of \(rowCount)") }
        let offsets = try reader.require(base + "_offsets")
        let values = try reader.require(base + "_compressed")
        byteCount = head.count + offsets.count + values.count
        ends = try BlockStream(offsets, byteCount: 8 * count, order: order, reader: reader)
        bytes = try BlockStream(values, byteCount: nil, order: order, reader: reader)
        // Ends of the last row tell a stream that is cut short.
        let total = count == 0 ? 0 : try ends.long(8 * (count - 1))
        guard total == Int64(bytes.byteCount) else {
            throw values.corrupt("blobs end at \(total) of \(bytes.byteCount) bytes")
        }
    }

    func value(_ row: Int) throws(LaminaError) -> [UInt8] {
        precondition(row >= 0 && row < count, "row out of range")
        let start = row == 0 ? 0 : try ends.long(8 * (row - 1))
        let end = try ends.long(8 * row)
        guard start >= 0, start <= end, end <= Int64(bytes.byteCount) else {
            throw .corrupt(
                "row \(row)'s value spans \(start)..\(end) of \(bytes.byteCount) bytes",
                at: ends.store.place
            )
        }
        return try bytes.read(Int(start)..<Int(end))
    }
}
