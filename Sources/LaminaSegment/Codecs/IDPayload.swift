import LaminaBase
import LaminaCompression

/// Dictionary ids of single-value rows (or of all values of multi-value rows), one to four bytes each.
///
/// Source: `VSizeColumnarInts`, `CompressedVSizeColumnarIntsSupplier`, `CompressedColumnarIntsSupplier`.
struct IDPayload: Sendable {
    let store: BlockStore
    /// Bytes of a stored id.
    let storedWidth: Int
    /// nil: one run without blocks.
    let codec: BlockCodec?

    /// Values a virtual block has where the layout has no blocks.
    private static let runShift = 15

    static func decodedWidth(_ stored: Int) -> Int { stored == 3 ? 4 : stored }

    /// Version 0 (uncompressed) or 2 (compressed) as the first byte says.
    init(
        _ cursor: inout ByteCursor,
        order: ByteOrder,
        count: Int?,
        idLimit: Int?,
        reader: ColumnReading
    ) throws(LaminaError) {
        let version = try cursor.u8()
        storedWidth = Int(try cursor.u8())
        guard (1...4).contains(storedWidth) else { throw cursor.corrupt("ids of \(storedWidth) bytes") }
        let width = Self.decodedWidth(storedWidth)
        switch version {
        case 0:
            let size = try cursor.count("the size of ids")
            let run = try cursor.take(size)
            let values = (size - (4 - storedWidth)) / storedWidth
            guard values >= 0, values * storedWidth + 4 - storedWidth == size else {
                throw run.corrupt("ids of \(storedWidth) bytes cannot fill \(size) bytes")
            }
            try cursor.check(count, values)
            codec = nil
            store = BlockStore(
                count: values,
                shift: Self.runShift,
                width: width,
                form: .run(run, .big, storedWidth: storedWidth),
                idLimit: idLimit,
                cache: reader.cache
            )
        case 2:
            let values = try cursor.count("the count of ids")
            try cursor.check(count, values)
            let perBlock = try cursor.count("ids per block")
            let id = try cursor.u8()
            let codec = try cursor.codec(id, allowsNone: false)
            self.codec = codec
            let stored = storedWidth
            let shift = try cursor.blockShift(perBlock) { $0 * stored }
            let blocks = try reader.list(&cursor)
            try cursor.checkBlocks(blocks.count, values: values, shift: shift)
            store = BlockStore(
                count: values,
                shift: shift,
                width: width,
                form: .blocks(blocks, codec, order, storedWidth: storedWidth),
                idLimit: idLimit,
                cache: reader.cache
            )
        default: throw cursor.corrupt("unknown id column version \(version)")
        }
    }

    /// Plain 32-bit ints (`CompressedColumnarInts`): the offsets of multi-value rows.
    init(offsets cursor: inout ByteCursor, order: ByteOrder, count: Int, reader: ColumnReading) throws(LaminaError) {
        let version = try cursor.u8()
        guard version == 2 else { throw cursor.corrupt("unknown int column version \(version)") }
        let values = try cursor.count("the count of ints")
        try cursor.check(count, values)
        let perBlock = try cursor.count("ints per block")
        let id = try cursor.u8()
        let codec = try cursor.codec(id, allowsNone: false)
        self.codec = codec
        let shift = try cursor.blockShift(perBlock) { $0 * 4 }
        let blocks = try reader.list(&cursor)
        try cursor.checkBlocks(blocks.count, values: values, shift: shift)
        storedWidth = 4
        store = BlockStore(
            count: values,
            shift: shift,
            width: 4,
            form: .blocks(blocks, codec, order, storedWidth: 4),
            cache: reader.cache
        )
    }
}

extension ByteCursor {
    fileprivate func check(_ expected: Int?, _ found: Int) throws(LaminaError) {
        if let expected, found != expected { throw corrupt("\(found) values where there must be \(expected)") }
    }
}
