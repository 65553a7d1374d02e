/// Hive's 64-bit Murmur3: the first half of the 128-bit one, without its second state; seed 104729.
///
/// - Source: `org.apache.hive.common.util.Murmur3.hash64`.
func hiveHash(_ text: String) -> UInt64 {
    var text = text
    return text.withUTF8 { hiveHash(UnsafeRawBufferPointer($0)) }
}

func hiveHash(_ number: Float) -> UInt64 {
    let bits = (number.isNaN ? 0x7FC0_0000 : number.bitPattern).littleEndian
    return withUnsafeBytes(of: bits) { hiveHash($0) }
}

/// A long's bytes are mixed the other way round than those of a text.
func hiveHash(_ number: Int64) -> UInt64 {
    finished(mixed(seed, UInt64(bitPattern: number).byteSwapped), length: 8)
}

private func hiveHash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash = seed
    var offset = 0
    while bytes.count - offset >= 8 {
        hash = mixed(hash, UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
        offset += 8
    }
    if offset < bytes.count {
        var tail: UInt64 = 0
        for index in stride(from: bytes.count - 1, through: offset, by: -1) { tail = tail << 8 | UInt64(bytes[index]) }
        hash ^= scrambled(tail)
    }
    return finished(hash, length: bytes.count)
}

private let seed: UInt64 = 104729

private func scrambled(_ word: UInt64) -> UInt64 {
    let mixed = word &* 0x87C3_7B91_1142_53D5
    return (mixed << 31 | mixed >> 33) &* 0x4CF5_AD43_2745_937F
}

private func mixed(_ hash: UInt64, _ word: UInt64) -> UInt64 {
    let hash = hash ^ scrambled(word)
    return (hash << 27 | hash >> 37) &* 5 &+ 0x52DC_E729
}

private func finished(_ hash: UInt64, length: Int) -> UInt64 {
    var hash = hash ^ UInt64(length)
    hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
    hash = (hash ^ hash >> 33) &* 0xC4CE_B9FE_1A85_EC53
    return hash ^ hash >> 33
}

extension Double {
    /// `Double.doubleToLongBits`: one NaN only.
    var javaBits: UInt64 { isNaN ? 0x7FF8_0000_0000_0000 : bitPattern }
}
