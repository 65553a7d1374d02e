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
        appendLittle(result.isEmpty ? 0 : Self.seedHash, to: &bytes)
        if longs > 1 {
            appendLittle(UInt32(result.keys.count), to: &bytes)
            appendLittle(Float(1).bitPattern, to: &bytes)
        }
        if longs > 2 { appendLittle(result.theta, to: &bytes) }
        for key in result.keys { appendLittle(key, to: &bytes) }
        return bytes
    }

    /// Reads compact sketches, update sketches (family 2) and unions (family 4) of serial version 3. Throws when the bytes are no
    /// such sketch; no more memory is taken than the bytes hold.
    package init(bytes: [UInt8], size: Int = 16384) throws(LaminaError) {
        var reader = ByteReader(bytes, "thetaSketch")
        let longs = Int(try reader.u8() & 0x3F)
        let version = try reader.u8()
        let family = try reader.u8()
        guard version == 3 else { throw reader.broken("serial version \(version)") }
        guard [2, 3, 4].contains(family), (1...4).contains(longs) else { throw reader.broken("family \(family)") }
        _ = try reader.u8()
        let lgTable = Int(try reader.u8())
        let flags = try reader.u8()
        guard flags & 1 == 0 else { throw reader.broken("big-endian words") }
        let seed = try reader.u16()
        var result = HashResult()
        result.isEmpty = flags & 4 != 0
        if result.isEmpty, longs == 1 {
            self.init(size: size, result)
            return
        }
        guard seed == Self.seedHash else { throw reader.broken("another hash seed") }
        var count = 1
        if longs > 1 {
            count = Int(try reader.u32())
            _ = try reader.float()
        }
        if longs > 2 { result.theta = try reader.u64() }
        if longs > 3 { result.theta = min(result.theta, try reader.u64()) }
        guard result.theta > 0, result.theta <= HashSample.noTheta else { throw reader.broken("theta out of range") }
        // Update sketches are written as their table, with empty places.
        let places = family == 3 ? count : lgTable < 28 ? 1 << lgTable : Int.max
        guard places <= reader.remaining / 8 else { throw reader.broken("fewer than \(places) hashes") }
        result.keys.reserveCapacity(min(places, count))
        for _ in 0..<places {
            let key = try reader.u64()
            if family != 3, key == 0 || key >= result.theta { continue }
            guard key != 0, key < result.theta else { throw reader.broken("a hash out of range") }
            result.keys.append(key)
        }
        result.keys.sort()
        for index in result.keys.indices.dropFirst() where result.keys[index] == result.keys[index - 1] {
            throw reader.broken("a hash twice")
        }
        result.settle()
        self.init(size: size, result)
    }
}
