/// One string while it is sorted: eight of its bytes as a number that orders as they do, and its place in the table.
private struct SortEntry {
    var key: UInt64
    var index: UInt32
}

/// Bytes rearranged so that plain comparison gives Druid's dictionary order (UTF-16 code units): lead bytes of U+E000…U+FFFF (EE, EF)
/// go behind those of the supplementary planes (F0…F4). Continuation bytes stay as they are.
@inline(__always)
private func orderedByte(_ byte: UInt8) -> UInt8 {
    byte < 0xEE ? byte : byte >= 0xF0 ? byte &- 2 : byte &+ 8
}

/// Eight bytes from `depth` on, big-endian, zeros behind the end.
@inline(__always)
func sortKey(_ value: UnsafeRawBufferPointer, _ depth: Int) -> UInt64 {
    let left = value.count &- depth
    if left >= 8 {
        let word = UInt64(bigEndian: value.loadUnaligned(fromByteOffset: depth, as: UInt64.self))
        // All bytes below EE when no byte has its three high bits set; that is nearly always so.
        if word & (word << 1) & (word << 2) & 0x8080_8080_8080_8080 == 0 { return word }
    }
    var key: UInt64 = 0
    for place in 0..<8 {
        key <<= 8
        if place < left { key |= UInt64(orderedByte(value[depth &+ place])) }
    }
    return key
}

/// Compares two UTF-8 strings in dictionary order: UTF-16 code units, shorter first.
@inline(__always)
func compareDictionaryOrder(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    var depth = 0
    while true {
        let leftKey = sortKey(left, depth)
        let rightKey = sortKey(right, depth)
        if leftKey != rightKey { return leftKey < rightKey ? -1 : 1 }
        depth &+= 8
        if depth >= left.count || depth >= right.count {
            return left.count < right.count ? -1 : left.count > right.count ? 1 : 0
        }
    }
}

/// The given places of a table, brought into dictionary order of their strings.
///
/// Sorts by eight bytes at a time (radix sort of large groups), then refines what is still equal. Equal strings stay in any order.
func sortStrings(_ table: StringTable, _ places: [UInt32]) -> [UInt32] {
    table.seal()
    defer { extendLifetime(table) }
    let texts = table.values
    var entries = places.map { SortEntry(key: sortKey(texts[Int($0)], 0), index: $0) }
    var spare = [SortEntry](repeating: SortEntry(key: 0, index: 0), count: entries.count)
    entries.withUnsafeMutableBufferPointer { entries in
        spare.withUnsafeMutableBufferPointer { spare in
            refine(texts, entries, spare, depth: 0)
        }
    }
    return entries.map(\.index)
}

/// Sorts entries whose keys are those of `depth`, and groups of equal keys further on.
private func refine(
    _ texts: UnsafeBufferPointer<UnsafeRawBufferPointer>,
    _ entries: UnsafeMutableBufferPointer<SortEntry>,
    _ spare: UnsafeMutableBufferPointer<SortEntry>,
    depth: Int
) {
    if entries.count < 512 {
        sortSmall(texts, entries, depth: depth)
        return
    }
    radixSort(entries, spare)
    var begin = 0
    while begin < entries.count {
        var end = begin &+ 1
        while end < entries.count, entries[end].key == entries[begin].key { end &+= 1 }
        if end &- begin > 1 {
            let group = UnsafeMutableBufferPointer(rebasing: entries[begin..<end])
            // Strings that end within these eight bytes differ in length only (by NUL bytes): rare, so compared whole.
            var goesOn = true
            for entry in group where texts[Int(entry.index)].count <= depth &+ 8 { goesOn = false }
            if goesOn {
                for place in group.indices {
                    group[place].key = sortKey(texts[Int(group[place].index)], depth &+ 8)
                }
                refine(texts, group, UnsafeMutableBufferPointer(rebasing: spare[begin..<end]), depth: depth &+ 8)
            } else {
                sortSmall(texts, group, depth: depth)
            }
        }
        begin = end
    }
}

private func sortSmall(
    _ texts: UnsafeBufferPointer<UnsafeRawBufferPointer>,
    _ entries: UnsafeMutableBufferPointer<SortEntry>,
    depth: Int
) {
    var entries = entries
    entries.sort { left, right in
        if left.key != right.key { return left.key < right.key }
        return compareDictionaryOrder(texts[Int(left.index)], texts[Int(right.index)]) < 0
    }
}

/// Sorts by key, least significant byte first, passing over bytes that all keys share.
private func radixSort(
    _ entries: UnsafeMutableBufferPointer<SortEntry>,
    _ spare: UnsafeMutableBufferPointer<SortEntry>
) {
    var counts = [Int](repeating: 0, count: 8 * 256)
    for entry in entries {
        for byte in 0..<8 { counts[byte &* 256 &+ Int(entry.key >> UInt64(byte &* 8) & 0xFF)] &+= 1 }
    }
    var source = entries
    var target = spare
    for byte in 0..<8 {
        let base = byte &* 256
        guard let first = source.first else { return }
        if counts[base &+ Int(first.key >> UInt64(byte &* 8) & 0xFF)] == entries.count { continue }
        var place = 0
        for value in 0..<256 {
            let count = counts[base &+ value]
            counts[base &+ value] = place
            place &+= count
        }
        for entry in source {
            let slot = base &+ Int(entry.key >> UInt64(byte &* 8) & 0xFF)
            target[counts[slot]] = entry
            counts[slot] &+= 1
        }
        swap(&source, &target)
    }
    if source.baseAddress != entries.baseAddress { _ = entries.update(fromContentsOf: source) }
}

/// The place of every id of a column's dictionary in Druid's dictionary order (null first, then by UTF-16 code units): what
/// in-memory rows are sorted by. Sorted dictionaries give 0, 1, 2, ….
package func dictionaryRanks(_ column: any StringColumn) -> [UInt32] {
    let count = UInt32(column.cardinality)
    if column.isSorted { return [UInt32](0..<count) }
    let table = StringTable(dictionaryOf: column)
    let nullID = column.nullID
    let order = sortStrings(table, (0..<count).filter { $0 != nullID })
    var ranks = [UInt32](repeating: 0, count: Int(count))
    let first: UInt32 = nullID == nil ? 0 : 1
    for (place, id) in order.enumerated() { ranks[Int(id)] = UInt32(place) &+ first }
    return ranks
}
