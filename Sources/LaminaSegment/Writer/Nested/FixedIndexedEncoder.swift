import LaminaBase

/// Fixed-width dictionaries and the dictionary of arrays, all little-endian.
///
/// Source: Druid's `FixedIndexedWriter`, `FixedIndexedIntWriter`, `FrontCodedIntArrayIndexedWriter`.
enum FixedIndexedEncoder {
    private static let sorted: UInt8 = 2
    private static let hasNull: UInt8 = 1

    private static func header(_ count: Int, withNull: Bool, to sink: ByteSink) throws(LaminaError) {
        sink.append(0)
        sink.append(withNull ? sorted | hasNull : sorted)
        sink.littleEndian(try int32(count, "a dictionary"))
    }

    static func write(_ values: [Int64], withNull: Bool = false, to sink: ByteSink) throws(LaminaError) {
        try header(values.count, withNull: withNull, to: sink)
        for value in values { sink.littleEndian(value) }
    }

    static func write(_ values: [Double], withNull: Bool = false, to sink: ByteSink) throws(LaminaError) {
        try header(values.count, withNull: withNull, to: sink)
        for value in values { sink.littleEndian(value.bitPattern) }
    }

    static func write(ids: [UInt32], to sink: ByteSink) throws(LaminaError) {
        try header(ids.count, withNull: false, to: sink)
        for id in ids { sink.littleEndian(id) }
    }

    /// Arrays of ids, ascending element by element, then by length; front-coded in buckets of four.
    static func write(arrays: [[UInt32]], to sink: ByteSink) throws(LaminaError) {
        let bucketSize = 4
        let buckets = ByteSink()
        var ends: [Int32] = []
        for (place, array) in arrays.enumerated() {
            var shared = 0
            if place % bucketSize == 0 {
                if place > 0 { ends.append(try int32(buckets.count, "a dictionary of arrays")) }
            } else {
                let before = arrays[place - 1]
                while shared < min(before.count, array.count), before[shared] == array[shared] { shared += 1 }
                buckets.vbyte(shared)
            }
            buckets.vbyte(array.count - shared)
            for id in array.dropFirst(shared) { buckets.littleEndian(id) }
        }
        sink.append(0)
        sink.append(UInt8(bucketSize))
        sink.append(0)
        sink.vbyte(arrays.count)
        sink.vbyte(Int(try int32(ends.count * 4 + buckets.count, "a dictionary of arrays")))
        for end in ends { sink.littleEndian(end) }
        sink.append(buckets)
    }
}
