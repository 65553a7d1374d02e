import LaminaBase
import LaminaCompression

/// The stored values of a number column: what the header says, and the blocks.
///
/// Source: `CompressedColumnarLongsSupplier`, `CompressedColumnarFloatsSupplier`, `CompressionFactory`.
struct NumberPayload: Sendable {
    enum Encoding: Sendable {
        case plain
        case delta(bits: Int)
        case table(size: Int, bits: Int)
    }

    let store: BlockStore
    let codec: BlockCodec
    let encoding: Encoding
    /// Values per block as stored, 0 for the layout without blocks.
    let perBlock: Int

    /// Values a virtual block has where the layout has no blocks.
    private static let runShift = 13

    init(
        _ cursor: inout ByteCursor,
        kind: NumberKind,
        order: ByteOrder,
        rowCount: Int?,
        reader: ColumnReading
    ) throws(LaminaError) {
        let version = try cursor.u8()
        guard version == 1 || version == 2 else { throw cursor.corrupt("unknown number column version \(version)") }
        let count = try cursor.count("a column's row count")
        if let rowCount, count != rowCount {
            throw cursor.corrupt("a column of \(count) rows in a segment of \(rowCount)")
        }
        let perBlock = try cursor.count("a column's block size")
        self.perBlock = perBlock
        var id: UInt8 = version == 1 ? 0 : try cursor.u8()
        var packing: LongPacking?
        var encoding = Encoding.plain
        // As signed bytes, ids below -2 say that an encoding follows.
        if version == 2, kind == .long, Int8(bitPattern: id) < -2 {
            id = id &+ 126
            (encoding, packing) = try Self.readEncoding(&cursor)
        }
        let codec = try cursor.codec(id, allowsNone: true)
        self.codec = codec
        self.encoding = encoding
        let width = kind.bytesPerValue
        let form: BlockStore.Form
        let shift: Int
        if codec == .none {
            let run = try cursor.rest()
            let need = packing?.byteCount(count) ?? count * width
            guard run.count >= need else {
                throw run.corrupt("\(count) values need \(need) bytes, there are \(run.count)")
            }
            shift = Self.runShift
            form = if let packing { .packedRun(run, packing) } else { .run(run, order, storedWidth: width) }
        } else {
            let layout = packing
            shift = try cursor.blockShift(perBlock) { layout?.byteCount($0) ?? $0 * width }
            let blocks = try reader.list(&cursor)
            try cursor.checkBlocks(blocks.count, values: count, shift: shift)
            form =
                if let packing { .packedBlocks(blocks, codec, packing) } else {
                    .blocks(blocks, codec, order, storedWidth: width)
                }
        }
        store = BlockStore(count: count, shift: shift, width: width, form: form, cache: reader.cache)
    }

    private static func readEncoding(_ cursor: inout ByteCursor) throws(LaminaError) -> (Encoding, LongPacking?) {
        let format = try cursor.u8()
        switch format {
        case 0xFF: return (.plain, nil)
        case 0:
            guard try cursor.u8() == 1 else { throw cursor.corrupt("unknown delta encoding version") }
            let base = try cursor.i64()
            let bits = try cursor.i32()
            guard LongPacking.supportedBits.contains(bits) else { throw cursor.corrupt("longs packed to \(bits) bits") }
            return (.delta(bits: bits), LongPacking(bits: bits, meaning: .delta(base: base)))
        case 1:
            guard try cursor.u8() == 1 else { throw cursor.corrupt("unknown table encoding version") }
            let size = try cursor.count("a table's size")
            guard size <= 256 else { throw cursor.corrupt("a table of \(size) values") }
            var table: [Int64] = []
            for _ in 0..<size { table.append(try cursor.i64()) }
            let bits = LongPacking.bits(forTableOf: size)
            return (.table(size: size, bits: bits), LongPacking(bits: bits, meaning: .table(table)))
        default: throw cursor.corrupt("unknown long encoding \(format)")
        }
    }
}

extension ByteCursor {
    /// A block codec by its stored id.
    func codec(_ id: UInt8, allowsNone: Bool) throws(LaminaError) -> BlockCodec {
        guard let codec = BlockCodec(rawValue: id), codec != .none || allowsNone else {
            throw corrupt("unknown compression \(id)")
        }
        return codec
    }

    /// log2 of the values per block; blocks are powers of two of at most 64 KiB.
    func blockShift(_ perBlock: Int, bytes: (Int) -> Int) throws(LaminaError) -> Int {
        guard perBlock > 0, perBlock & (perBlock - 1) == 0, perBlock <= 1 << 19, bytes(perBlock) <= 65536 else {
            throw corrupt("a block of \(perBlock) values")
        }
        return perBlock.trailingZeroBitCount
    }

    func checkBlocks(_ blocks: Int, values: Int, shift: Int) throws(LaminaError) {
        guard blocks == (values + (1 << shift) - 1) >> shift else {
            throw corrupt("\(values) values in \(blocks) blocks of \(1 << shift)")
        }
    }
}
