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
        bytes.append(little: ThetaSketch.seedHash)
        bytes.append(little: result.theta)
        if result.keys.isEmpty { return bytes }
        bytes.append(little: UInt32(result.keys.count))
        bytes.append(little: UInt32(0))
        for key in result.keys { bytes.append(little: key) }
        for number in result.values { bytes.append(little: number.bitPattern) }
        return bytes
    }

    /// Reads compact and updatable forms. Throws when the bytes are no such sketch.
    package init(bytes: [UInt8], nominalEntries: Int = 4096) throws(LaminaError) {
        var reader = ByteReader(bytes, "arrayOfDoublesSketch")
        _ = try reader.little(UInt8.self)
        guard try reader.little(UInt8.self) == 1, try reader.little(UInt8.self) == 9 else {
            throw reader.corrupt("another version or family")
        }
        let kind = try reader.little(UInt8.self)
        guard kind == 2 || kind == 3 else { throw reader.corrupt("kind \(kind)") }
        let flags = try reader.little(UInt8.self)
        let width = Int(try reader.little(UInt8.self))
        guard width > 0 else { throw reader.corrupt("no values") }
        guard try reader.little(UInt16.self) == ThetaSketch.seedHash else { throw reader.corrupt("another hash seed") }
        var result = HashResult(width: width)
        result.isEmpty = flags & 4 != 0
        result.theta = try reader.little(UInt64.self)
        guard result.theta > 0, result.theta <= HashSample.noTheta else { throw reader.corrupt("theta out of range") }
        var places = 0
        // An updatable sketch has the sizes of its table before the count, and empty places in it.
        if kind == 2 {
            _ = try reader.little(UInt8.self)
            let lgTable = Int(try reader.little(UInt8.self))
            try reader.skip(6)
            places = flags & 8 == 0 ? 0 : lgTable < 28 ? 1 << lgTable : Int.max
        }
        if kind == 2 || flags & 8 != 0 {
            let count = Int(try reader.little(UInt32.self))
            _ = try reader.little(UInt32.self)
            if kind == 3 { places = count }
        }
        guard places <= reader.remaining / (8 + 8 * width) else { throw reader.corrupt("fewer than \(places) hashes") }
        var kept: [Int] = []
        for place in 0..<places {
            let key = try reader.little(UInt64.self)
            if kind == 2, key == 0 || key >= result.theta { continue }
            guard key != 0, key < result.theta else { throw reader.corrupt("a hash out of range") }
            result.keys.append(key)
            kept.append(place)
        }
        guard result.places.count == result.keys.count else { throw reader.corrupt("a hash twice") }
        var next = 0
        for place in 0..<places {
            let isKept = next < kept.count && kept[next] == place
            for _ in 0..<width {
                let number = Double(bitPattern: try reader.little(UInt64.self))
                if isKept { result.values.append(number) }
            }
            if isKept { next += 1 }
        }
        self.init(nominalEntries: nominalEntries, result)
    }
}
