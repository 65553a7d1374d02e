/// Writing index bitmaps straight from sorted rows, without building sets: indexes have one bitmap for every dictionary value.
extension RoaringBitmap {
    /// One container to be written.
    private struct Shape {
        var end: Int
        /// Number of runs when stored as runs, else -1.
        var runs: Int
    }

    /// Bytes that `serialize(sorted:into:)` may write at most for `count` rows below `rowCount`.
    package static func serializedBound(count: Int, rowCount: Int) -> Int {
        let containers = Swift.min(count, (rowCount >> 16) &+ 1)
        return 16 &+ containers &* 9 &+ Swift.min(count &* 2, containers &* 8192)
    }

    /// Writes what `RoaringBitmap(sorted: rows).serialized()` gives to `out`, which has room for `serializedBound`; returns the
    /// number of bytes. `rows` must be strictly ascending.
    package static func serialize(sorted rows: UnsafeBufferPointer<UInt32>, into out: UnsafeMutableRawPointer) -> Int {
        guard let start = rows.baseAddress, let first = rows.first, let last = rows.last else { return 0 }
        if rows.count == 1 {
            // The commonest bitmap by far: a value that occurs once.
            store(out, 0, UInt32(12346))
            store(out, 4, UInt32(1))
            store(out, 8, UInt16(truncatingIfNeeded: first >> 16))
            store(out, 10, UInt16(0))
            store(out, 12, UInt32(16))
            store(out, 16, UInt16(truncatingIfNeeded: first))
            return 18
        }
        let most = Swift.min(Int((last >> 16) &- (first >> 16)) &+ 1, rows.count)
        return withUnsafeTemporaryAllocation(of: Shape.self, capacity: most) { shapes in
            let (count, hasRuns) = measure(start, rows.count, shapes)
            let header = writeHeader(start, shapes, count: count, hasRuns: hasRuns, into: out)
            return writeContainers(start, shapes, count: count, into: out, at: header)
        }
    }

    @inline(__always)
    private static func store<Number: FixedWidthInteger>(_ out: UnsafeMutableRawPointer, _ place: Int, _ value: Number)
    {
        (out + place).storeBytes(of: value.littleEndian, as: Number.self)
    }

    private static func measure(
        _ rows: UnsafePointer<UInt32>,
        _ total: Int,
        _ shapes: UnsafeMutableBufferPointer<Shape>
    ) -> (count: Int, hasRuns: Bool) {
        var begin = 0
        var count = 0
        var hasRuns = false
        while begin < total {
            let key = rows[begin] >> 16
            var runs = 1
            var place = begin &+ 1
            while place < total, rows[place] >> 16 == key {
                if rows[place] != rows[place &- 1] &+ 1 { runs &+= 1 }
                place &+= 1
            }
            let cardinality = place &- begin
            let otherwise = cardinality <= 4096 ? cardinality &* 2 : 8192
            let asRuns = otherwise > 2 &+ runs &* 4
            hasRuns = hasRuns || asRuns
            shapes[count] = Shape(end: place, runs: asRuns ? runs : -1)
            count &+= 1
            begin = place
        }
        return (count, hasRuns)
    }

    private static func writeHeader(
        _ rows: UnsafePointer<UInt32>,
        _ shapes: UnsafeMutableBufferPointer<Shape>,
        count: Int,
        hasRuns: Bool,
        into out: UnsafeMutableRawPointer
    ) -> Int {
        var place: Int
        if hasRuns {
            store(out, 0, UInt32(12347) | UInt32(count &- 1) << 16)
            let flagBytes = (count &+ 7) / 8
            for index in 0..<flagBytes { store(out, 4 &+ index, UInt8(0)) }
            for index in 0..<count where shapes[index].runs >= 0 {
                let at = 4 &+ index / 8
                store(out, at, out.load(fromByteOffset: at, as: UInt8.self) | 1 << UInt8(index % 8))
            }
            place = 4 &+ flagBytes
        } else {
            store(out, 0, UInt32(12346))
            store(out, 4, UInt32(count))
            place = 8
        }
        var begin = 0
        for index in 0..<count {
            store(out, place, UInt16(truncatingIfNeeded: rows[begin] >> 16))
            store(out, place &+ 2, UInt16(truncatingIfNeeded: shapes[index].end &- begin &- 1))
            place &+= 4
            begin = shapes[index].end
        }
        guard !hasRuns || count >= 4 else { return place }
        var offset = place &+ count &* 4
        begin = 0
        for index in 0..<count {
            store(out, place, UInt32(truncatingIfNeeded: offset))
            place &+= 4
            let cardinality = shapes[index].end &- begin
            let runs = shapes[index].runs
            offset &+= runs >= 0 ? 2 &+ runs &* 4 : cardinality <= 4096 ? cardinality &* 2 : 8192
            begin = shapes[index].end
        }
        return place
    }

    private static func writeContainers(
        _ rows: UnsafePointer<UInt32>,
        _ shapes: UnsafeMutableBufferPointer<Shape>,
        count: Int,
        into out: UnsafeMutableRawPointer,
        at header: Int
    ) -> Int {
        var place = header
        var begin = 0
        for index in 0..<count {
            let end = shapes[index].end
            if shapes[index].runs >= 0 {
                store(out, place, UInt16(truncatingIfNeeded: shapes[index].runs))
                place &+= 2
                var first = begin
                while first < end {
                    var last = first
                    while last &+ 1 < end, rows[last &+ 1] == rows[last] &+ 1 { last &+= 1 }
                    store(out, place, UInt16(truncatingIfNeeded: rows[first]))
                    store(out, place &+ 2, UInt16(truncatingIfNeeded: last &- first))
                    place &+= 4
                    first = last &+ 1
                }
            } else if end &- begin <= 4096 {
                for row in begin..<end {
                    store(out, place, UInt16(truncatingIfNeeded: rows[row]))
                    place &+= 2
                }
            } else {
                (out + place).initializeMemory(as: UInt8.self, repeating: 0, count: 8192)
                for row in begin..<end {
                    let low = Int(rows[row] & 0xFFFF)
                    let at = place &+ (low >> 3)
                    store(out, at, out.load(fromByteOffset: at, as: UInt8.self) | 1 << UInt8(low & 7))
                }
                place &+= 8192
            }
            begin = end
        }
        return place
    }
}
