import LaminaBase

/// Writes rows of dictionary ids (and offsets of multi-value rows) in the format's forms.
///
/// Source: Druid's `VSizeColumnarIntsSerializer`, `CompressedVSizeColumnarIntsSerializer`, `VSizeColumnarMultiIntsSerializer`,
/// `V3CompressedVSizeColumnarMultiIntsSerializer`, `CompressedColumnarIntsSerializer`.
enum IDEncoder {
    /// Bytes an id takes. The largest value counted is the cardinality itself, one more than any id.
    static func width(max: Int) -> Int { max <= 0xFF ? 1 : max <= 0xFFFF ? 2 : max <= 0xFF_FFFF ? 3 : 4 }

    /// `VSizeColumnarInts`: big-endian, padded to four bytes behind the last one.
    static func writeUncompressed(_ ids: UnsafeBufferPointer<UInt32>, max: Int, to sink: ByteSink) throws(LaminaError) {
        let width = width(max: max)
        sink.append(0)
        sink.append(UInt8(width))
        sink.bigEndian(try int32(ids.count * width + 4 - width, "a column of ids"))
        appendBigEndian(ids, width: width, to: sink)
        sink.zeros(4 - width)
    }

    /// `VSizeColumnarMultiInts`: ends of rows in bytes, then ids. `offsets` has one entry more than there are rows.
    static func writeUncompressedMulti(
        _ ids: UnsafeBufferPointer<UInt32>,
        offsets: UnsafeBufferPointer<UInt32>,
        max: Int,
        to sink: ByteSink
    ) throws(LaminaError) {
        let width = width(max: max)
        let rows = offsets.count - 1
        sink.append(1)
        sink.append(UInt8(width))
        sink.bigEndian(try int32(4 + 4 * rows + ids.count * width + 4 - width, "a column of ids"))
        sink.bigEndian(Int32(rows))
        for row in 1..<(rows + 1) { sink.bigEndian(Int32(Int(offsets[row]) * width)) }
        appendBigEndian(ids, width: width, to: sink)
        sink.zeros(4 - width)
    }

    private static func appendBigEndian(_ ids: UnsafeBufferPointer<UInt32>, width: Int, to sink: ByteSink) {
        let out = sink.reserve(ids.count * width).assumingMemoryBound(to: UInt8.self)
        var place = 0
        for id in ids {
            var shift = width &* 8 &- 8
            while shift >= 0 {
                out[place] = UInt8(truncatingIfNeeded: id >> UInt32(shift))
                place &+= 1
                shift &-= 8
            }
        }
        sink.advance(place)
    }

    /// `CompressedVSizeColumnarInts`: blocks of little-endian ids of the smallest width.
    static func writeCompressed(
        _ ids: UnsafeBufferPointer<UInt32>,
        max: Int,
        compression: BlockCompressor,
        to sink: ByteSink
    ) throws(LaminaError) {
        let width = width(max: max)
        // The largest power of two whose block, with Druid's padding in its buffer, is at most 65536 bytes.
        let perBlock = [65536, 32768, 16384, 16384][width - 1]
        sink.append(2)
        sink.append(UInt8(width))
        sink.bigEndian(try int32(ids.count, "a column of ids"))
        sink.bigEndian(Int32(perBlock))
        sink.append(compression.id)
        try writeBlocks(ids, width: width, perBlock: perBlock, compression: compression, to: sink)
    }

    /// Multi-value rows, version 3: offsets as plain ints, then all ids.
    static func writeCompressedMulti(
        _ ids: UnsafeBufferPointer<UInt32>,
        offsets: UnsafeBufferPointer<UInt32>,
        max: Int,
        compression: BlockCompressor,
        to sink: ByteSink
    ) throws(LaminaError) {
        sink.append(3)
        sink.append(2)
        sink.bigEndian(try int32(offsets.count, "a column of ids"))
        sink.bigEndian(Int32(16384))
        sink.append(compression.id)
        try writeBlocks(offsets, width: 4, perBlock: 16384, compression: compression, to: sink)
        try writeCompressed(ids, max: max, compression: compression, to: sink)
    }

    private static func writeBlocks(
        _ ids: UnsafeBufferPointer<UInt32>,
        width: Int,
        perBlock: Int,
        compression: BlockCompressor,
        to sink: ByteSink
    ) throws(LaminaError) {
        var list = try GenericIndexedBuilder(sink, count: (ids.count + perBlock - 1) / perBlock, isSorted: false)
        let block = ByteSink(capacity: perBlock * width)
        defer { extendLifetime(block) }
        var start = 0
        while start < ids.count {
            let part = UnsafeBufferPointer(rebasing: ids[start..<min(start + perBlock, ids.count)])
            list.begin()
            if width == 4 {
                compression.append(UnsafeRawBufferPointer(part), to: sink)
            } else {
                block.removeAll()
                narrow(part, width: width, to: block)
                compression.append(block.bytes, to: sink)
            }
            list.end()
            start += perBlock
        }
        try list.finish("a column of ids")
    }

    private static func narrow(_ ids: UnsafeBufferPointer<UInt32>, width: Int, to block: ByteSink) {
        let out = block.reserve(ids.count * width)
        switch width {
        case 1:
            let bytes = out.assumingMemoryBound(to: UInt8.self)
            for place in 0..<ids.count { bytes[place] = UInt8(truncatingIfNeeded: ids[place]) }
        case 2:
            for place in 0..<ids.count {
                out.storeBytes(
                    of: UInt16(truncatingIfNeeded: ids[place]).littleEndian,
                    toByteOffset: place &* 2,
                    as: UInt16.self
                )
            }
        default:
            let bytes = out.assumingMemoryBound(to: UInt8.self)
            for place in 0..<ids.count {
                bytes[place &* 3] = UInt8(truncatingIfNeeded: ids[place])
                bytes[place &* 3 &+ 1] = UInt8(truncatingIfNeeded: ids[place] >> 8)
                bytes[place &* 3 &+ 2] = UInt8(truncatingIfNeeded: ids[place] >> 16)
            }
        }
        block.advance(ids.count * width)
    }
}
