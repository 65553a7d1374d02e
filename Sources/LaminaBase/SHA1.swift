/// SHA-1 of bytes as hexadecimal text in capital letters: what Druid keeps beside commit metadata and pending segments.
///
/// Not for secrets. Source: FIPS 180-4; Druid's `BaseEncoding.base16().encode(Hashing.sha1()…)`.
package func sha1Text(_ bytes: [UInt8]) -> String {
    var state: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0]
    var padded = bytes
    padded.append(0x80)
    while padded.count % 64 != 56 { padded.append(0) }
    let bits = UInt64(bytes.count) &* 8
    for shift in stride(from: 56, through: 0, by: -8) {
        padded.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
    }
    var words = [UInt32](repeating: 0, count: 80)
    for block in stride(from: 0, to: padded.count, by: 64) { addBlock(padded[block..<block + 64], to: &state, &words) }
    let digits = Array("0123456789ABCDEF".utf8)
    var text: [UInt8] = []
    for word in state {
        for shift in stride(from: 28, through: 0, by: -4) { text.append(digits[Int(word >> UInt32(shift) & 15)]) }
    }
    return String(decoding: text, as: UTF8.self)
}

private func addBlock(_ block: ArraySlice<UInt8>, to state: inout [UInt32], _ words: inout [UInt32]) {
    var place = block.startIndex
    for index in 0..<16 {
        var word: UInt32 = 0
        for _ in 0..<4 {
            word = word << 8 | UInt32(block[place])
            place += 1
        }
        words[index] = word
    }
    for index in 16..<80 {
        words[index] = rotated(words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], by: 1)
    }
    var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
    for index in 0..<80 {
        let (mixed, constant): (UInt32, UInt32) =
            switch index {
            case 0..<20: ((b & c) | (~b & d), 0x5a82_7999)
            case 20..<40: (b ^ c ^ d, 0x6ed9_eba1)
            case 40..<60: ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc)
            default: (b ^ c ^ d, 0xca62_c1d6)
            }
        let next = rotated(a, by: 5) &+ mixed &+ e &+ constant &+ words[index]
        (a, b, c, d, e) = (next, a, rotated(b, by: 30), c, d)
    }
    for (index, value) in [a, b, c, d, e].enumerated() { state[index] &+= value }
}

private func rotated(_ word: UInt32, by count: UInt32) -> UInt32 { word << count | word >> (32 - count) }
