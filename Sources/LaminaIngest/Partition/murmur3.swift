/// MurmurHash3 x86 32 bits with seed 0, as Guava's `Hashing.murmur3_32().hashBytes` gives it.
///
/// - Cost: O(bytes), no allocation.
/// - Source: Austin Appleby's public description; Druid's `HashPartitionFunction.MURMUR3_32_ABS`.
package func murmur3(_ bytes: UnsafeRawBufferPointer) -> Int32 {
    func mixed(_ word: UInt32) -> UInt32 {
        let product = word &* 0xCC9E_2D51
        return (product << 15 | product >> 17) &* 0x1B87_3593
    }
    var hash: UInt32 = 0
    var index = 0
    while index &+ 4 <= bytes.count {
        hash ^= mixed(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self)))
        hash = (hash << 13 | hash >> 19) &* 5 &+ 0xE654_6B64
        index &+= 4
    }
    var tail: UInt32 = 0
    var shift: UInt32 = 0
    while index < bytes.count {
        tail |= UInt32(bytes[index]) << shift
        shift &+= 8
        index &+= 1
    }
    hash ^= mixed(tail)
    hash ^= UInt32(truncatingIfNeeded: bytes.count)
    hash = (hash ^ hash >> 16) &* 0x85EB_CA6B
    hash = (hash ^ hash >> 13) &* 0xC2B2_AE35
    return Int32(bitPattern: hash ^ hash >> 16)
}
