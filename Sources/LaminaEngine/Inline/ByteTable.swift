import Glibc
import LaminaBase

/// Numbers distinct strings of bytes in the order they come in, and finds them again: dictionaries of texts and keys of joins,
/// which may be larger than the query's memory.
///
/// Bytes lie one after the other; an open-addressed table leads from their hash to their number.
// Sendable: one thread fills it before others see it.
final class ByteTable: @unchecked Sendable {
    private let bytes: GrowingArray<UInt8>
    /// Where the bytes of each entry end.
    private let ends: GrowingArray<Int>
    /// 0: free; else 32 bits of the hash above, the entry's number plus one below. At most half of them are taken.
    private var slots: GrowingArray<UInt64>
    private var taken = 0
    private let run: QueryRun
    private let purpose: String

    init(_ run: QueryRun, for purpose: String) throws(LaminaError) {
        self.run = run
        self.purpose = purpose
        bytes = try GrowingArray(run, for: purpose)
        ends = try GrowingArray(run, for: purpose)
        slots = try GrowingArray(repeating: 0, count: 64, run, for: purpose)
    }

    var count: Int { ends.count }

    func bytes(_ id: Int) -> UnsafeBufferPointer<UInt8> {
        let start = id == 0 ? 0 : ends[id - 1]
        return UnsafeBufferPointer(start: bytes.pointer + start, count: ends[id] - start)
    }

    /// The number of some bytes; nil: they are not there.
    func find(_ key: UnsafeRawBufferPointer) -> UInt32? {
        let entry = slots[place(of: key, hash: Self.hash(key))]
        return entry == 0 ? nil : UInt32(truncatingIfNeeded: entry) &- 1
    }

    /// The number of some bytes, which are added when they are new.
    func insert(_ key: UnsafeRawBufferPointer) throws(LaminaError) -> UInt32 {
        let hash = Self.hash(key)
        var place = place(of: key, hash: hash)
        if slots[place] != 0 { return UInt32(truncatingIfNeeded: slots[place]) &- 1 }
        if (taken + 1) * 2 > slots.count {
            try rehash()
            place = self.place(of: key, hash: hash)
        }
        try bytes.append(key)
        let id = try insertUnhashed()
        slots[place] = UInt64(hash) << 32 | UInt64(id + 1)
        taken += 1
        return id
    }

    func insert(_ key: [UInt8]) throws(LaminaError) -> UInt32 {
        try key.withBytes { (raw) throws(LaminaError) in try insert(raw) }
    }

    /// Adds an entry that no bytes find: null.
    func insertNull() throws(LaminaError) -> UInt32 { try insertUnhashed() }

    private func insertUnhashed() throws(LaminaError) -> UInt32 {
        guard ends.count < Int(UInt32.max) - 1 else { throw .resourceLimit("More than 2^32 \(purpose)") }
        try ends.append(bytes.count)
        return UInt32(ends.count - 1)
    }

    /// The slot of the bytes, or the free one where they would go.
    private func place(of key: UnsafeRawBufferPointer, hash: UInt32) -> Int {
        let mask = slots.count &- 1
        var place = Int(hash) & mask
        while true {
            let entry = slots[place]
            if entry == 0 { return place }
            if UInt32(truncatingIfNeeded: entry >> 32) == hash {
                let known = bytes(Int(UInt32(truncatingIfNeeded: entry)) - 1)
                if known.count == key.count {
                    guard key.count > 0, let one = known.baseAddress, let two = key.baseAddress else { return place }
                    if memcmp(one, two, key.count) == 0 { return place }
                }
            }
            place = (place &+ 1) & mask
        }
    }

    private func rehash() throws(LaminaError) {
        guard slots.count < 1 << 33 else { throw .resourceLimit("Too many \(purpose)") }
        let larger = try GrowingArray<UInt64>(repeating: 0, count: slots.count * 2, run, for: purpose)
        let mask = larger.count &- 1
        for entry in slots.buffer where entry != 0 {
            var place = Int(entry >> 32) & mask
            while larger[place] != 0 { place = (place &+ 1) & mask }
            larger[place] = entry
        }
        slots = larger
    }

    /// Folded products of words, as in wyhash; the length counts, so that a short last word may be filled with zeros.
    private static func hash(_ key: UnsafeRawBufferPointer) -> UInt32 {
        var hash = UInt64(truncatingIfNeeded: key.count) ^ 0x9E37_79B9_7F4A_7C15
        var place = 0
        while place &+ 8 <= key.count {
            hash = mixed(hash ^ key.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            place &+= 8
        }
        var rest: UInt64 = 0
        while place < key.count {
            rest = rest << 8 | UInt64(key[place])
            place &+= 1
        }
        hash = mixed(hash ^ rest)
        return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
    }

    private static func mixed(_ word: UInt64) -> UInt64 {
        let (high, low) = word.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        return (high ^ low) &+ 0xA076_1D64_78BD_642F
    }
}
