/// A hash table from 64-bit keys to group numbers in order of arrival: open addressing, linear probing.
final class HashGroups {
    private(set) var keys: [UInt64] = []
    /// Group number + 1; 0 is free.
    private var slots: [UInt32]
    private var mask: Int

    init(capacity: Int = 1024) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        slots = Array(repeating: 0, count: size)
        mask = size - 1
    }

    var count: Int { keys.count }
    var byteCount: Int { keys.capacity * 8 + slots.count * 4 }

    /// The group of each key; new keys get the next numbers.
    func map(_ wanted: UnsafePointer<UInt64>, count: Int, into groups: UnsafeMutablePointer<UInt32>) {
        var index = 0
        while index < count {
            // Between growths there is room for at least this many new keys.
            let room = slots.count / 2 - keys.count
            if room <= 0 {
                grow()
                continue
            }
            let end = min(count, index + room)
            index = probe(wanted, from: index, to: end, into: groups)
        }
    }

    private func probe(
        _ wanted: UnsafePointer<UInt64>,
        from start: Int,
        to end: Int,
        into groups: UnsafeMutablePointer<UInt32>
    ) -> Int {
        let mask = mask
        var known = keys
        keys = []
        known.reserveCapacity(known.count + (end - start))
        slots.withUnsafeMutableBufferPointer { slots in
            for index in start..<end {
                let key = wanted[index]
                var place = Int(truncatingIfNeeded: mixed(key)) & mask
                while true {
                    let found = slots[place]
                    if found == 0 {
                        known.append(key)
                        slots[place] = UInt32(truncatingIfNeeded: known.count)
                        groups[index] = UInt32(truncatingIfNeeded: known.count &- 1)
                        break
                    }
                    if known[Int(found) &- 1] == key {
                        groups[index] = found &- 1
                        break
                    }
                    place = (place &+ 1) & mask
                }
            }
        }
        keys = known
        return end
    }

    private func grow() {
        let size = slots.count * 4
        slots = Array(repeating: 0, count: size)
        mask = size - 1
        slots.withUnsafeMutableBufferPointer { slots in
            for (group, key) in keys.enumerated() {
                var place = Int(truncatingIfNeeded: mixed(key)) & mask
                while slots[place] != 0 { place = (place &+ 1) & mask }
                slots[place] = UInt32(group + 1)
            }
        }
    }
}

/// Spreads a key over all bits (the finalizer of MurmurHash3).
@inline(__always)
private func mixed(_ key: UInt64) -> UInt64 {
    var hash = key
    hash ^= hash >> 33
    hash = hash &* 0xFF51_AFD7_ED55_8CCD
    hash ^= hash >> 33
    hash = hash &* 0xC4CE_B9FE_1A85_EC53
    return hash ^ (hash >> 33)
}
