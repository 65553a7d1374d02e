import LaminaBase
import LaminaCompression

/// Ids of multi-value rows: all ids one after another, and where each row's ids begin.
///
/// Source: `VSizeColumnarMultiInts`, `CompressedVSizeColumnarMultiIntsSupplier`, `V3CompressedVSizeColumnarMultiIntsSupplier`.
struct MultiIDPayload: Sendable {
    /// `rowCount + 1` entries.
    let offsets: BlockStore
    let ids: BlockStore
    /// Bytes of a stored id.
    let storedWidth: Int
    let codec: BlockCodec?
    /// 1: uncompressed, 2 and 3: the compressed forms.
    let version: Int

    init(
        _ cursor: inout ByteCursor,
        order: ByteOrder,
        rowCount: Int,
        idLimit: Int,
        reader: ColumnReading
    ) throws(LaminaError) {
        version = Int(try cursor.u8())
        switch version {
        case 1:
            storedWidth = Int(try cursor.u8())
            guard (1...4).contains(storedWidth) else { throw cursor.corrupt("ids of \(storedWidth) bytes") }
            codec = nil
            let body = try cursor.take(try cursor.count("the size of multi-value ids"))
            (offsets, ids) = try Self.uncompressed(body, storedWidth, rowCount, idLimit, reader)
        case 2:
            let starts = try IDPayload(&cursor, order: order, count: rowCount + 1, idLimit: nil, reader: reader)
            let values = try IDPayload(&cursor, order: order, count: nil, idLimit: idLimit, reader: reader)
            (offsets, ids, storedWidth, codec) = (starts.store, values.store, values.storedWidth, values.codec)
        case 3:
            let starts = try IDPayload(offsets: &cursor, order: order, count: rowCount + 1, reader: reader)
            let values = try IDPayload(&cursor, order: order, count: nil, idLimit: idLimit, reader: reader)
            (offsets, ids, storedWidth, codec) = (starts.store, values.store, values.storedWidth, values.codec)
        default: throw cursor.corrupt("unknown multi-value version \(version)")
        }
    }

    /// The uncompressed form keeps byte ends a row; they become offsets of ids here, once.
    private static func uncompressed(
        _ body: MappedBytes,
        _ width: Int,
        _ rowCount: Int,
        _ idLimit: Int,
        _ reader: ColumnReading
    ) throws(LaminaError) -> (BlockStore, BlockStore) {
        var cursor = ByteCursor(body)
        let rows = try cursor.count("the count of multi-value rows")
        guard rows == rowCount else { throw cursor.corrupt("a column of \(rows) rows in a segment of \(rowCount)") }
        let ends = try cursor.take(4 * rows)
        let values = try cursor.rest()
        guard values.count >= 4 - width, (values.count - (4 - width)) % width == 0 else {
            throw values.corrupt("ids of \(width) bytes cannot fill \(values.count) bytes")
        }
        let size = values.count - (4 - width)
        let memory = try Memory(byteCount: 4 * (rows + 1)) { buffer throws(LaminaError) in
            let starts = buffer.bindMemory(to: UInt32.self)
            starts[0] = 0
            for row in 0..<rows {
                let end = loadBig32(ends.base, 4 * row)
                guard end % width == 0, end <= size, end >= 0 else {
                    throw ends.corrupt("row \(row)'s ids end at \(end) of \(size)", at: 4 * row)
                }
                starts[row + 1] = UInt32(end / width)
            }
        }
        let offsets = BlockStore(
            count: rows + 1,
            shift: 14,
            width: 4,
            form: .run(MappedBytes(memory, file: body.file), .little, storedWidth: 4),
            cache: reader.cache
        )
        let ids = BlockStore(
            count: size / width,
            shift: 15,
            width: IDPayload.decodedWidth(width),
            form: .run(values, .big, storedWidth: width),
            idLimit: idLimit,
            cache: reader.cache
        )
        return (offsets, ids)
    }
}
