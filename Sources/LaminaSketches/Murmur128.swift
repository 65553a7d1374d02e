/// MurmurHash3 x64 128 over bytes: two 64-bit halves, as Guava's `Hashing.murmur3_128()` (seed 0) and DataSketches'
/// `MurmurHash3` (seed 9001) give them.
package func murmur128(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> (low: UInt64, high: UInt64) {
    var low = seed
    var high = seed
    var place = 0
    while bytes.count - place >= 16 {
        low = mixLow(low, word(bytes, place, 8))
        low = (low << 27 | low >> 37) &+ high
        low = low &* 5 &+ 0x52DC_E729
        high = mixHigh(high, word(bytes, place + 8, 8))
        high = (high << 31 | high >> 33) &+ low
        high = high &* 5 &+ 0x3849_5AB5
        place += 16
    }
    let rest = bytes.count - place
    if rest > 8 { high = mixHigh(high, word(bytes, place + 8, rest - 8)) }
    if rest > 0 { low = mixLow(low, word(bytes, place, min(rest, 8))) }
    return finish(low, high, UInt64(bytes.count))
}

package func murmur128(_ bytes: [UInt8], seed: UInt64 = 0) -> (low: UInt64, high: UInt64) {
    bytes.withUnsafeBytes { murmur128($0, seed: seed) }
}

/// The hash of one 64-bit word: that of its eight bytes, low byte first.
package func murmur128(word: UInt64, seed: UInt64) -> (low: UInt64, high: UInt64) {
    finish(mixLow(seed, word), seed, 8)
}

private func finish(_ low: UInt64, _ high: UInt64, _ count: UInt64) -> (low: UInt64, high: UInt64) {
    var low = low ^ count
    var high = high ^ count
    low = low &+ high
    high = high &+ low
    low = finalMix(low)
    high = finalMix(high)
    low = low &+ high
    high = high &+ low
    return (low, high)
}

private let firstFactor: UInt64 = 0x87C3_7B91_1142_53D5
private let secondFactor: UInt64 = 0x4CF5_AD43_2745_937F

private func mixLow(_ state: UInt64, _ word: UInt64) -> UInt64 {
    var mixed = word &* firstFactor
    mixed = mixed << 31 | mixed >> 33
    return state ^ mixed &* secondFactor
}

private func mixHigh(_ state: UInt64, _ word: UInt64) -> UInt64 {
    var mixed = word &* secondFactor
    mixed = mixed << 33 | mixed >> 31
    return state ^ mixed &* firstFactor
}

private func finalMix(_ value: UInt64) -> UInt64 {
    var mixed = value
    mixed = (mixed ^ mixed >> 33) &* 0xFF51_AFD7_ED55_8CCD
    mixed = (mixed ^ mixed >> 33) &* 0xC4CE_B9FE_1A85_EC53
    return mixed ^ mixed >> 33
}

/// Little-endian word of up to eight bytes.
@inline(__always)
private func word(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> UInt64 {
    if count == 8 { return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self)) }
    var word: UInt64 = 0
    for offset in 0..<count { word |= UInt64(bytes[start + offset]) << UInt64(8 * offset) }
    return word
}
