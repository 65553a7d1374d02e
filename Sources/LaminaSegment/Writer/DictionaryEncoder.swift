import LaminaBase

/// Writes sorted string dictionaries.
///
/// Source: Druid's `EncodedStringDictionaryWriter`, `GenericIndexedWriter`, `FrontCodedIndexedWriter`.
enum DictionaryEncoder {
    /// Writes null (if `hasNull`) and the strings of `table` at `order`, which is strictly ascending.
    static func write(
        _ table: StringTable,
        order: [UInt32],
        hasNull: Bool,
        encoding: IndexSpec.StringEncoding,
        to sink: ByteSink
    ) throws(LaminaError) {
        table.seal()
        switch encoding {
        case .utf8: try writePlain(table, order: order, hasNull: hasNull, to: sink)
        case .frontCoded(let bucketSize, let version):
            sink.append(0x7F)
            sink.append(1)
            try writeFrontCoded(table, order, hasNull: hasNull, bucketSize: bucketSize, version: version, to: sink)
        }
    }

    private static func writePlain(
        _ table: StringTable,
        order: [UInt32],
        hasNull: Bool,
        to sink: ByteSink
    ) throws(LaminaError) {
        var list = try GenericIndexedBuilder(sink, count: order.count + (hasNull ? 1 : 0), isSorted: true)
        if hasNull { list.null() }
        for index in order { list.element(table.value(Int(index))) }
        extendLifetime(table)
        try list.finish("a dictionary")
    }

    private static func writeFrontCoded(
        _ table: StringTable,
        _ order: [UInt32],
        hasNull: Bool,
        bucketSize: Int,
        version: Int,
        to sink: ByteSink
    ) throws(LaminaError) {
        let buckets = ByteSink(capacity: 1 << 16)
        var bucketEnds: [Int32] = []
        for (place, index) in order.enumerated() {
            let value = table.value(Int(index))
            if place % bucketSize == 0 {
                if place > 0 { bucketEnds.append(try int32(buckets.count, "a dictionary")) }
                buckets.vbyte(value.count)
                buckets.append(value)
            } else {
                // Version 0 shares with the bucket's first value, version 1 with the one before.
                let other = version == 0 ? place - place % bucketSize : place - 1
                let shared = sharedPrefix(table.value(Int(order[other])), value)
                buckets.vbyte(shared)
                buckets.vbyte(value.count - shared)
                buckets.append(UnsafeRawBufferPointer(rebasing: value.dropFirst(shared)))
            }
        }
        extendLifetime(table)
        sink.append(UInt8(version))
        sink.append(UInt8(bucketSize))
        sink.append(hasNull ? 1 : 0)
        sink.vbyte(order.count)
        sink.vbyte(Int(try int32(bucketEnds.count * 4 + buckets.count, "a dictionary")))
        for end in bucketEnds { sink.littleEndian(end) }
        sink.append(buckets)
    }

    private static func sharedPrefix(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        let most = min(left.count, right.count)
        var count = 0
        while count < most, left[count] == right[count] { count &+= 1 }
        return count
    }
}
