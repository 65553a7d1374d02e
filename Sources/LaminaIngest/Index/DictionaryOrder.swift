import LaminaBase
import LaminaSegment

/// Ranks of one dimension's texts and lists: what rows sort by, and the order of its dictionary.
final class DictionaryOrder: Sendable {
    /// Ids in order of their values, null (id 0) first.
    let sorted: [UInt32]
    /// The rank of an id among the values.
    let valueRank: [UInt32]
    /// Rank of rows: of single values by id, of lists by number. The same as `valueRank` without lists.
    let rowRank: [UInt32]
    let listRank: [UInt32]
    /// Lists as ranks of their values, by number.
    let rankedLists: [[UInt32]]

    init(_ store: DimensionStore) {
        let texts = store.texts ?? TextDictionary()
        if case .auto = store.schema.kind {
            sorted = Self.sortEncoded(texts)
        } else {
            sorted = sortTexts(texts)
        }
        var ranks = [UInt32](repeating: 0, count: texts.count)
        for (rank, id) in sorted.enumerated() { ranks[Int(id)] = UInt32(rank) }
        valueRank = ranks
        guard let lists = store.lists, lists.count > 0 else {
            rowRank = ranks
            listRank = []
            rankedLists = []
            return
        }
        // Single values and lists in one order: element by element, the shorter first; no values at all as null.
        let ranked = (0..<lists.count).map { number in lists.list(number).map { ranks[Int($0)] } }
        rankedLists = ranked
        let order = ranked.indices.sorted { ranked[$0].lexicographicallyPrecedes(ranked[$1]) }
        var rows = [UInt32](repeating: 0, count: ranks.count)
        var places = [UInt32](repeating: 0, count: ranked.count)
        var next: UInt32 = 0
        var list = 0
        for (rank, id) in sorted.enumerated() {
            while list < order.count, ranked[order[list]].lexicographicallyPrecedes([UInt32(rank)]) {
                places[order[list]] = next
                if !ranked[order[list]].isEmpty { next += 1 }
                list += 1
            }
            rows[Int(id)] = next
            next += 1
        }
        while list < order.count {
            places[order[list]] = next
            next += 1
            list += 1
        }
        rowRank = rows
        listRank = places
    }

    /// In the order in which `compareDimensionValues` merges pieces.
    private static func sortEncoded(_ texts: TextDictionary) -> [UInt32] {
        var others: [UInt32] = []
        // Read once, not at each comparison.
        var arrays: [(id: UInt32, value: Value)] = []
        var structured: [UInt32] = []
        for id in 1..<UInt32(max(texts.count, 1)) {
            let text = texts.text(id)
            if text[0] != EncodedValue.json {
                others.append(id)
            } else if text.count > 1, text[1] == UInt8(ascii: "["), case .array(let items) = EncodedValue.decode(text) {
                arrays.append((id, .array(items)))
            } else {
                structured.append(id)
            }
        }
        others.sort { EncodedValue.compare(texts.text($0), texts.text($1)) < 0 }
        arrays.sort { compareDimensionValues($0.value, $1.value) < 0 }
        structured.sort { EncodedValue.compare(texts.text($0), texts.text($1)) < 0 }
        return [0] + others + arrays.map(\.id) + structured
    }
}

/// Ids of a dictionary in Druid's order of strings (UTF-16 code units), null first.
///
/// Sorts eight bytes at a time: by their number first, then the runs of equal ones by the next eight.
func sortTexts(_ texts: TextDictionary) -> [UInt32] {
    var entries: [TextSortEntry] = []
    entries.reserveCapacity(texts.count)
    for id in 1..<UInt32(max(texts.count, 1)) {
        entries.append(TextSortEntry(key: textKey(texts.text(id), 0), id: id))
    }
    sortRun(&entries, 0..<entries.count, depth: 0, texts)
    return [0] + entries.map(\.id)
}

private struct TextSortEntry {
    var key: UInt64
    var id: UInt32
}

private func sortRun(_ entries: inout [TextSortEntry], _ range: Range<Int>, depth: Int, _ texts: TextDictionary) {
    guard range.count > 1 else { return }
    if depth > 0 { for place in range { entries[place].key = textKey(texts.text(entries[place].id), depth) } }
    entries[range].sort { $0.key < $1.key }
    var start = range.lowerBound
    while start < range.upperBound {
        var end = start + 1
        while end < range.upperBound, entries[end].key == entries[start].key { end += 1 }
        if end - start > 1 {
            // Zero bytes may be padding or content: the shorter text comes first, and ends here.
            let ended = partitionEnded(&entries, start..<end, depth + 8, texts)
            if end - ended > 1 { sortRun(&entries, ended..<end, depth: depth + 8, texts) }
        }
        start = end
    }
}

/// Brings texts that end within the compared bytes to the front, by length; returns the first that goes on.
private func partitionEnded(
    _ entries: inout [TextSortEntry],
    _ range: Range<Int>,
    _ depth: Int,
    _ texts: TextDictionary
) -> Int {
    var done: [TextSortEntry] = []
    var rest: [TextSortEntry] = []
    for place in range {
        if texts.text(entries[place].id).count <= depth {
            done.append(entries[place])
        } else {
            rest.append(entries[place])
        }
    }
    guard !done.isEmpty else { return range.lowerBound }
    done.sort { texts.text($0.id).count < texts.text($1.id).count }
    entries.replaceSubrange(range, with: done + rest)
    return range.lowerBound + done.count
}

/// Eight bytes from `depth` on as a number that orders as UTF-16 does: lead bytes of U+E000…U+FFFF (EE, EF) behind those of the
/// supplementary planes (F0…F4).
@inline(__always)
private func textKey(_ text: UnsafeRawBufferPointer, _ depth: Int) -> UInt64 {
    let left = text.count &- depth
    if left >= 8 {
        let word = UInt64(bigEndian: text.loadUnaligned(fromByteOffset: depth, as: UInt64.self))
        if word & (word &<< 1) & (word &<< 2) & 0x8080_8080_8080_8080 == 0 { return word }
    }
    var key: UInt64 = 0
    for place in 0..<8 {
        key = key &<< 8
        if place < left {
            let byte = text[depth &+ place]
            key |= UInt64(byte < 0xEE ? byte : byte >= 0xF0 ? byte &- 2 : byte &+ 8)
        }
    }
    return key
}
