package import LaminaBase

/// The compact form of arrays of doubles.
///
///     0 longs of preamble 1  1 version 1  2 family 9  3 kind 3  4 flags (4 empty, 8 has entries)  5 doubles a value
///     6 hash of the seed  8 theta  16 count  20 unused   hashes, doubles
///
/// Source: `HeapArrayOfDoublesCompactSketch`, `ArrayOfDoublesQuickSelectSketch`.
extension TupleSketch {
    package var bytes: [UInt8] {
        let result = result
        let flags: UInt8 = (result.isEmpty ? 4 : 0) | (result.keys.isEmpty ? 0 : 8)
        var bytes: [UInt8] = [1, 1, 9, 3, flags, UInt8(truncatingIfNeeded: numberOfValues)]
        appendLittle(ThetaSketch.seedHash, to: &bytes)
        appendLittle(result.theta, to: &bytes)
        if result.keys.isEmpty { return bytes }
        appendLittle(UInt32(result.keys.count), to: &bytes)
        appendLittle(UInt32(0), to: &bytes)
        for key in result.keys { appendLittle(key, to: &bytes) }
        for number in result.values { appendLittle(number.bitPattern, to: &bytes) }
        return bytes
    }

    /// Reads compact and updatable forms. Throws when the bytes are no such sketch.
    package init(bytes: [UInt8], nominalEntries: Int = 4096) throws(LaminaError) {
        var reader = ByteReader(bytes, "arrayOfDoublesSketch")
        _ = try reader.u8()
        guard try reader.u8() == 1, try reader.u8() == 9 else { throw reader.broken("another version or family") }
        let kind = try reader.u8()
        guard kind == 2 || kind == 3 else { throw reader.broken("kind \(kind)") }
        let flags = try reader.u8()
        let width = Int(try reader.u8())
        guard width > 0 else { throw reader.broken("no values") }
        guard try reader.u16() == ThetaSketch.seedHash else { throw reader.broken("another hash seed") }
        var result = HashResult(width: width)
        result.isEmpty = flags & 4 != 0
        result.theta = try reader.u64()
        guard result.theta > 0, result.theta <= HashSample.noTheta else { throw reader.broken("theta out of range") }
        var places = 0
        // An updatable sketch has the sizes of its table before the count, and empty places in it.
        if kind == 2 {
            _ = try reader.u8()
            let lgTable = Int(try reader.u8())
            _ = try reader.take(6)
            places = flags & 8 == 0 ? 0 : lgTable < 28 ? 1 << lgTable : Int.max
        }
        if kind == 2 || flags & 8 != 0 {
            let count = Int(try reader.u32())
            _ = try reader.u32()
            if kind == 3 { places = count }
        }
        guard places <= reader.remaining / (8 + 8 * width) else { throw reader.broken("fewer than \(places) hashes") }
        var kept: [Int] = []
        for place in 0..<places {
            let key = try reader.u64()
            if kind == 2, key == 0 || key >= result.theta { continue }
            guard key != 0, key < result.theta else { throw reader.broken("a hash out of range") }
            result.keys.append(key)
            kept.append(place)
        }
        guard result.places.count == result.keys.count else { throw reader.broken("a hash twice") }
        var next = 0
        for place in 0..<places {
            let isKept = next < kept.count && kept[next] == place
            for _ in 0..<width {
                let number = try reader.double()
                if isKept { result.values.append(number) }
            }
            if isKept { next += 1 }
        }
        self.init(nominalEntries: nominalEntries, result)
    }
}
