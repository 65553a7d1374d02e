import LaminaBase

/// Writes the payload of a numeric column: version, counts, compression, then blocks of values.
///
/// Source: Druid's `BlockLayoutColumnar{Longs,Floats,Doubles}Serializer`, `EntireLayout…`, `IntermediateColumnarLongsSerializer`.
enum NumberEncoder {
    private static let version: UInt8 = 2
    private static let blockBytes = 65536

    /// Writes `count` values of a reader; with `encoding` auto longs choose table, delta or plain by their values.
    static func writeLongs(
        _ reader: any ValueReader<Int64>,
        count: Int,
        compression: BlockCompressor,
        encoding: IndexSpec.LongEncoding,
        to sink: ByteSink
    ) throws(LaminaError) {
        if encoding == .auto {
            switch try LongPlan(of: reader, count: count) {
            case .plain: break
            case .packed(let packing):
                try writePacked(reader, count: count, packing: packing, compression: compression, to: sink)
                return
            }
        }
        try writePlain(reader, count: count, compression: compression, to: sink)
    }

    /// Writes values as they are in memory (little-endian): longs, floats, doubles.
    static func writePlain<Element: BitwiseCopyable>(
        _ reader: any ValueReader<Element>,
        count: Int,
        compression: BlockCompressor,
        to sink: ByteSink
    ) throws(LaminaError) {
        let perBlock = blockBytes / MemoryLayout<Element>.stride
        sink.append(version)
        sink.bigEndian(try int32(count, "a column"))
        sink.bigEndian(compression.isNone ? Int32(0) : Int32(perBlock))
        sink.append(compression.id)
        var list =
            compression.isNone
            ? nil
            : try GenericIndexedBuilder(
                sink,
                count: (count + perBlock - 1) / perBlock,
                isSorted: false
            )
        var start = 0
        while start < count {
            let end = min(start + perBlock, count)
            let values = try reader.read(start..<end)
            precondition(values.count == end - start)
            list?.begin()
            compression.append(UnsafeRawBufferPointer(values), to: sink)
            list?.end()
            start = end
        }
        try list?.finish("a numeric column")
    }

    private static func writePacked(
        _ reader: any ValueReader<Int64>,
        count: Int,
        packing: PackedLongs,
        compression: BlockCompressor,
        to sink: ByteSink
    ) throws(LaminaError) {
        let perBlock = packing.valuesPerBlock(blockBytes)
        sink.append(version)
        sink.bigEndian(try int32(count, "a column"))
        sink.bigEndian(compression.isNone ? Int32(0) : Int32(perBlock))
        sink.append(compression.id &- 126)
        packing.writeHeader(to: sink)
        if compression.isNone {
            try packing.pack(reader, 0..<count, to: sink)
            return
        }
        var list = try GenericIndexedBuilder(sink, count: (count + perBlock - 1) / perBlock, isSorted: false)
        let block = ByteSink(capacity: blockBytes)
        defer { extendLifetime(block) }
        var start = 0
        while start < count {
            let end = min(start + perBlock, count)
            block.removeAll()
            try packing.pack(reader, start..<end, to: block)
            list.begin()
            compression.append(block.bytes, to: sink)
            list.end()
            start = end
        }
        try list.finish("a numeric column")
    }
}
