import LaminaBase

/// Hashes of values as DataSketches' update methods make them, seed 9001: what HLL, theta and tuple sketches are built of.
///
/// Source: `org.apache.datasketches.theta.UpdateSketch.update`, `BaseHllSketch.update`.
package let updateSeed: UInt64 = 9001

package func updateHash(_ number: Int64) -> (low: UInt64, high: UInt64) {
    murmur128(word: UInt64(bitPattern: number), seed: updateSeed)
}

/// Zeros are one value, and all NaN are.
package func updateHash(_ number: Double) -> (low: UInt64, high: UInt64) {
    let bits = number == 0 ? 0 : number.isNaN ? 0x7FF8_0000_0000_0000 : number.bitPattern
    return murmur128(word: bits, seed: updateSeed)
}

/// The hash of a text as UTF-8, else as UTF-16; nil for the empty text, which is no value.
package func updateHash(_ text: String, utf8: Bool) -> (low: UInt64, high: UInt64)? {
    if text.isEmpty { return nil }
    if utf8 {
        var text = text
        return text.withUTF8 { murmur128(UnsafeRawBufferPointer($0), seed: updateSeed) }
    }
    return withUnsafeTemporaryAllocation(of: UInt16.self, capacity: text.utf16.count) { units in
        var count = 0
        for unit in text.utf16 {
            units[count] = unit.littleEndian
            count += 1
        }
        return murmur128(UnsafeRawBufferPointer(start: units.baseAddress, count: count * 2), seed: updateSeed)
    }
}
