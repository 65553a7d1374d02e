package import LaminaBase

/// The compact, ordered form of serial version 3.
///
///     0 longs of preamble (1 empty or single, 2 exact, 3 estimating)  1 version 3  2 family 3  3, 4 sizes of tables, 0
///     5 flags (2 read only, 4 empty, 8 compact, 16 ordered, 32 single)  6 hash of the seed, 0 when empty
///     8 count  12 sampling probability 1.0f   16 theta   hashes
///
/// Source: `org.apache.datasketches.theta.PreambleUtil`, `CompactOperations`.
extension ThetaSketch {
    static let seedHash: UInt16 = 0x93CC

    package var bytes: [UInt8] {
        let result = result
        let single = !result.isEmpty && result.keys.count == 1 && result.theta == HashSample.noTheta
        let longs = result.isEmpty || single ? 1 : result.theta == HashSample.noTheta ? 2 : 3
        var bytes: [UInt8] = [UInt8(longs), 3, 3, 0, 0, 0x1A]
        bytes.reserveCapacity(8 * (longs + result.keys.count))
        if result.isEmpty { bytes[5] = 0x1E }
        if single { bytes[5] = 0x3A }
        bytes.append(little: result.isEmpty ? 0 : Self.seedHash)
        if longs > 1 {
            bytes.append(little: UInt32(result.keys.count))
            bytes.append(little: Float(1).bitPattern)
        }
        if longs > 2 { bytes.append(little: result.theta) }
        for key in result.keys { bytes.append(little: key) }
        return bytes
    }

    /// Reads compact sketches, update sketches (family 2) and unions (family 4) of serial version 3. Throws when the bytes are no
    /// such sketch; no more memory is taken than the bytes hold.
    package init(bytes: [UInt8], size: Int = 16384) throws(LaminaError) {
        var reader = ByteReader(bytes, "thetaSketch")
        let longs = Int(try reader.little(UInt8.self) & 0x3F)
        let version = try reader.little(UInt8.self)
        let family = try reader.little(UInt8.self)
        guard version == 3 else { throw reader.corrupt("serial version \(version)") }
        guard [2, 3, 4].contains(family), (1...4).contains(longs) else { throw reader.corrupt("family \(family)") }
        _ = try reader.little(UInt8.self)
        let lgTable = Int(try reader.little(UInt8.self))
        let flags = try reader.little(UInt8.self)
        guard flags & 1 == 0 else { throw reader.corrupt("big-endian words") }
        let seed = try reader.little(UInt16.self)
        var result = HashResult()
        result.isEmpty = flags & 4 != 0
        if result.isEmpty, longs == 1 {
            self.init(size: size, result)
            return
        }
        guard seed == Self.seedHash else { throw reader.corrupt("another hash seed") }
        var count = 1
        if longs > 1 {
            count = Int(try reader.little(UInt32.self))
            try reader.skip(4)
        }
        if longs > 2 { result.theta = try reader.little(UInt64.self) }
        if longs > 3 { result.theta = min(result.theta, try reader.little(UInt64.self)) }
        guard result.theta > 0, result.theta <= HashSample.noTheta else { throw reader.corrupt("theta out of range") }
        // Update sketches are written as their table, with empty places.
        let places = family == 3 ? count : lgTable < 28 ? 1 << lgTable : Int.max
        guard places <= reader.remaining / 8 else { throw reader.corrupt("fewer than \(places) hashes") }
        result.keys.reserveCapacity(min(places, count))
        for _ in 0..<places {
            let key = try reader.little(UInt64.self)
            if family != 3, key == 0 || key >= result.theta { continue }
            guard key != 0, key < result.theta else { throw reader.corrupt("a hash out of range") }
            result.keys.append(key)
        }
        result.keys.sort()
        for index in result.keys.indices.dropFirst() where result.keys[index] == result.keys[index - 1] {
            throw reader.corrupt("a hash twice")
        }
        result.settle()
        self.init(size: size, result)
    }
}
