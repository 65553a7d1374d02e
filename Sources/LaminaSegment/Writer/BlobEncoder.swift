import LaminaBase

/// A long run of bytes cut into compressed blocks of 64 KiB.
///
/// Source: Druid's `CompressedBlockSerializer` (`endsWithBlock`: closed by one more block, even an empty one) and
/// `BlockCompressedPayloadBuffer`.
struct BlockRun {
    private static let blockBytes = 65536

    let compression: BlockCompressor
    private let pending = ByteSink(capacity: BlockRun.blockBytes)
    private let blocks = ByteSink(capacity: 1 << 12)
    private var ends: [Int32] = []

    init(_ compression: BlockCompressor) { self.compression = compression }

    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(LaminaError) {
        if pending.count == Self.blockBytes { try flush() }
        if bytes.count <= Self.blockBytes - pending.count {
            pending.append(bytes)
            return
        }
        // As Druid: what does not fit is spread, and a block that gets full this way leaves at once, so that a file may end with
        // an empty block.
        var rest = bytes
        while !rest.isEmpty {
            let part = min(rest.count, Self.blockBytes - pending.count)
            pending.append(UnsafeRawBufferPointer(rebasing: rest.prefix(part)))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part))
            if pending.count == Self.blockBytes { try flush() }
        }
    }

    mutating func append(_ value: Int64) throws(LaminaError) {
        // Blocks hold a whole number of longs.
        if pending.count == Self.blockBytes { try flush() }
        pending.littleEndian(value)
    }

    private mutating func flush() throws(LaminaError) {
        compression.append(pending.bytes, to: blocks)
        extendLifetime(pending)
        pending.removeAll()
        ends.append(try int32(blocks.count, "a column of blobs"))
    }

    /// The stream as a file of its own: version, compression, block size, ends of blocks, blocks. It ends with the last block,
    /// even if that is empty.
    mutating func finishFile() throws(LaminaError) -> ByteSink {
        try flush()
        let sink = ByteSink(capacity: blocks.count + ends.count * 4 + 16)
        sink.append(1)
        sink.append(compression.id)
        sink.bigEndian(Int32(Self.blockBytes))
        sink.bigEndian(Int32(ends.count))
        for end in ends { sink.littleEndian(end) }
        sink.append(blocks)
        return sink
    }

    /// The stream as part of a cell store: sizes, starts of blocks and the last end, blocks; everything little-endian.
    mutating func finishCells(to sink: ByteSink) throws(LaminaError) {
        if pending.count > 0 { try flush() }
        let indexBytes = (ends.count + 1) * 4
        sink.littleEndian(try int32(4 + indexBytes + 4 + blocks.count, "a column of cells"))
        sink.littleEndian(Int32(indexBytes))
        sink.littleEndian(Int32(0))
        for end in ends { sink.littleEndian(end) }
        sink.littleEndian(Int32(blocks.count))
        sink.append(blocks)
    }
}

/// One byte string for each row, in three internal files.
///
/// Source: Druid's `CompressedVariableSizedBlobColumnSerializer`.
struct BlobEncoder {
    private var values: BlockRun
    private var ends: BlockRun
    private var count = 0
    private var end: Int64 = 0

    init(_ compression: BlockCompressor) {
        values = BlockRun(compression)
        ends = BlockRun(compression)
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(LaminaError) {
        try values.append(bytes)
        end += Int64(bytes.count)
        try ends.append(end)
        count += 1
    }

    mutating func finish(_ name: String, _ smoosh: SmooshWriter) throws(LaminaError) {
        try smoosh.add(name + "_offsets", try ends.finishFile())
        try smoosh.add(name + "_compressed", try values.finishFile())
        let head = ByteSink()
        head.append(1)
        head.bigEndian(try int32(count, "a column of blobs"))
        try smoosh.add(name, head)
    }
}
