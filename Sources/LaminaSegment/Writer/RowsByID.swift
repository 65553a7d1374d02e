import LaminaBase
import LaminaBitmaps

/// Rows by dictionary id, found by one counting pass: what every bitmap index is written from.
struct RowsByID {
    /// `rows[starts[id]..<starts[id + 1]]` are the rows of an id, ascending.
    private let starts: [Int]
    private let rows: [UInt32]
    private let rowCount: Int

    /// Single-value rows.
    init(ids: UnsafeBufferPointer<UInt32>, cardinality: Int) {
        rowCount = ids.count
        var places = [Int](repeating: 0, count: cardinality + 1)
        for id in ids { places[Int(id) &+ 1] &+= 1 }
        for id in 0..<cardinality { places[id &+ 1] &+= places[id] }
        starts = places
        rows = [UInt32](unsafeUninitializedCapacity: ids.count) { buffer, initialized in
            for row in 0..<ids.count {
                let id = Int(ids[row])
                buffer[places[id]] = UInt32(truncatingIfNeeded: row)
                places[id] &+= 1
            }
            initialized = ids.count
        }
    }

    /// Multi-value rows: a value that a row repeats counts once; rows without values count as `emptyID`, if there is one.
    init(
        ids: UnsafeBufferPointer<UInt32>,
        offsets: UnsafeBufferPointer<UInt32>,
        cardinality: Int,
        emptyID: UInt32?
    ) {
        rowCount = offsets.count - 1
        var places = [Int](repeating: 0, count: cardinality + 1)
        var lastRow = [Int](repeating: -1, count: cardinality)
        var total = 0
        Self.forEach(ids, offsets, emptyID) { id, row in
            if lastRow[id] == row { return }
            lastRow[id] = row
            places[id &+ 1] &+= 1
            total &+= 1
        }
        for id in 0..<cardinality {
            places[id &+ 1] &+= places[id]
            lastRow[id] = -1
        }
        starts = places
        rows = [UInt32](unsafeUninitializedCapacity: total) { buffer, initialized in
            Self.forEach(ids, offsets, emptyID) { id, row in
                if lastRow[id] == row { return }
                lastRow[id] = row
                buffer[places[id]] = UInt32(truncatingIfNeeded: row)
                places[id] &+= 1
            }
            initialized = total
        }
    }

    @inline(__always)
    private static func forEach(
        _ ids: UnsafeBufferPointer<UInt32>,
        _ offsets: UnsafeBufferPointer<UInt32>,
        _ emptyID: UInt32?,
        _ body: (_ id: Int, _ row: Int) -> Void
    ) {
        for row in 0..<(offsets.count - 1) {
            let begin = Int(offsets[row])
            let end = Int(offsets[row &+ 1])
            if begin == end, let emptyID { body(Int(emptyID), row) }
            for place in begin..<end { body(Int(ids[place]), row) }
        }
    }

    var cardinality: Int { starts.count - 1 }

    func isEmpty(_ id: Int) -> Bool { starts[id] == starts[id + 1] }

    /// Writes one bitmap for each id as a list.
    func write(_ format: IndexSpec.Bitmap, to sink: ByteSink) throws(LaminaError) {
        var list = try GenericIndexedBuilder(sink, count: cardinality, isSorted: false)
        rows.withUnsafeBufferPointer { rows in
            for id in 0..<cardinality {
                list.begin()
                appendBitmap(
                    UnsafeBufferPointer(rebasing: rows[starts[id]..<starts[id &+ 1]]),
                    rowCount: rowCount,
                    format,
                    to: sink
                )
                list.end()
            }
        }
        try list.finish("a bitmap index")
    }
}

/// Appends the bitmap of some ascending rows.
func appendBitmap(
    _ rows: UnsafeBufferPointer<UInt32>,
    rowCount: Int,
    _ format: IndexSpec.Bitmap,
    to sink: ByteSink
) {
    switch format {
    case .roaring:
        let out = sink.reserve(RoaringBitmap.serializedBound(count: rows.count, rowCount: rowCount))
        sink.advance(RoaringBitmap.serialize(sorted: rows, into: out))
    case .concise: sink.append(RoaringBitmap(sorted: rows).conciseSerialized())
    }
}

/// Appends a bitmap behind its length, as null rows of numbers and nested columns have it.
func appendSizedBitmap(_ bitmap: RoaringBitmap, _ format: IndexSpec.Bitmap, to sink: ByteSink) throws(LaminaError) {
    let bytes = format == .roaring ? bitmap.serialized() : bitmap.conciseSerialized()
    sink.bigEndian(try int32(bytes.count, "a bitmap"))
    sink.append(bytes)
}
