import Glibc
package import LaminaBase

/// A bloom filter that keeps the k bits of a value in one cache line; what Druid's bloom filter extension builds and reads.
///
/// - Source: `BloomKFilter` of the extension (Hive's, storage-api 2.7), 5 % false positives.
package struct BloomKFilter: Sendable, Hashable {
    private static let blockWords = 8
    private static let maxWords = 1 << 23
    /// What null hashes to.
    private static let nullHash: UInt64 = 2_862_933_555_777_941_757

    private let hashCount: Int
    private var words: [UInt64]

    var wordCount: Int { words.count }

    /// A filter for so many distinct values. Errors: none, or so many that 64 MB would not hold it.
    package init(maxEntries: Int) throws(LaminaError) {
        guard maxEntries > 0 else { throw .invalidInput("A bloom filter's number of entries must be greater than 0") }
        let ln2 = log(2.0)
        // The chance is a float in Hive, and so a little more than 0.05.
        let bits = (-Double(maxEntries) * log(Double(0.05 as Float)) / (ln2 * ln2)).rounded(.towardZero)
        guard bits / 64 < Double(Self.maxWords) else {
            throw .resourceLimit("A bloom filter for \(maxEntries) entries is larger than 64 MB")
        }
        hashCount = max(1, Int((bits / Double(maxEntries) * ln2 + 0.5).rounded(.down)))
        let needed = Int((bits / 64).rounded(.up))
        words = Array(repeating: 0, count: needed + Self.blockWords - needed % Self.blockWords)
    }

    /// Big-endian: hashes u8, words i32, words u64.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(5 + 8 * words.count)
        bytes.append(UInt8(hashCount))
        bytes.append(big: Int32(words.count))
        for word in words { bytes.append(big: word) }
        return bytes
    }

    package init(bytes: [UInt8]) throws(LaminaError) {
        var reader = ByteReader(bytes, "bloom filter")
        hashCount = Int(try reader.big(Int8.self))
        let count = Int(try reader.big(Int32.self))
        guard hashCount > 0 else { throw reader.corrupt("\(hashCount) hashes") }
        guard count > 0, count % Self.blockWords == 0, count <= reader.remaining / 8 else {
            throw reader.corrupt("\(count) words")
        }
        words = []
        words.reserveCapacity(count)
        for _ in 0..<count { words.append(try reader.big(UInt64.self)) }
    }

    /// The bits of another filter too. Errors: one of another size.
    package mutating func merge(same other: BloomKFilter) throws(LaminaError) {
        guard hashCount == other.hashCount, words.count == other.words.count else {
            throw .invalidInput(
                "Bloom filters of different sizes cannot be merged: "
                    + "\(words.count) words and \(hashCount) hashes, \(other.words.count) and \(other.hashCount)"
            )
        }
        for index in words.indices { words[index] |= other.words[index] }
    }

    package mutating func addNull() { add(hash: Self.nullHash) }
    package mutating func add(_ text: String) { add(hash: hiveHash(text)) }
    package mutating func add(_ number: Int64) { add(hash: hiveHash(number)) }
    package mutating func add(_ number: Double) { add(hash: hiveHash(Int64(bitPattern: number.javaBits))) }
    package mutating func add(_ number: Float) { add(hash: hiveHash(number)) }

    package func mayContainNull() -> Bool { test(hash: Self.nullHash) }
    package func mayContain(_ text: String) -> Bool { test(hash: hiveHash(text)) }
    package func mayContain(_ number: Int64) -> Bool { test(hash: hiveHash(number)) }
    package func mayContain(_ number: Double) -> Bool { test(hash: hiveHash(Int64(bitPattern: number.javaBits))) }
    package func mayContain(_ number: Float) -> Bool { test(hash: hiveHash(number)) }

    /// The place of a hash's i-th bit.
    private func place(_ low: Int32, _ high: Int32, _ block: Int, _ index: Int) -> (word: Int, mask: UInt64) {
        var combined = low &+ Int32(truncatingIfNeeded: index + 1) &* high
        if combined < 0 { combined = ~combined }
        return (block &+ Int(combined & 7), UInt64(1) << UInt64(combined >> 3 & 63))
    }

    private func block(_ low: Int32, _ high: Int32) -> Int {
        var first = low &+ high
        if first < 0 { first = ~first }
        return Int(first) % (words.count / Self.blockWords) * Self.blockWords
    }

    private mutating func add(hash: UInt64) {
        let (low, high) = (Int32(truncatingIfNeeded: hash), Int32(truncatingIfNeeded: hash >> 32))
        let block = block(low, high)
        for index in 1...hashCount {
            let (word, mask) = place(low, high, block, index)
            words[word] |= mask
        }
    }

    private func test(hash: UInt64) -> Bool {
        let (low, high) = (Int32(truncatingIfNeeded: hash), Int32(truncatingIfNeeded: hash >> 32))
        let block = block(low, high)
        for index in 1...hashCount {
            let (word, mask) = place(low, high, block, index)
            if words[word] & mask == 0 { return false }
        }
        return true
    }
}
