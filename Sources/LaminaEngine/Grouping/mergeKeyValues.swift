import LaminaBase
import LaminaQuery

/// The union of sorted value lists, and where each list's entries lie in it.
///
/// Texts are merged pair by pair as sorted runs, so that lists that mostly agree cost one comparison an entry.
func mergeKeyValues(_ lists: [KeyValues]) -> (values: KeyValues, places: [[UInt32]]) {
    var tables: [StringTable] = []
    var isText = true
    var isLong = true
    for list in lists where list.count > 1 {
        switch list {
        case .strings(let table):
            tables.append(table)
            isLong = false
        case .longs: isText = false
        default:
            isText = false
            isLong = false
        }
    }
    if isText { return mergeTexts(lists) }
    if isLong { return mergeLongs(lists) }
    var dictionary = KeyDictionary()
    var places: [[UInt32]] = []
    for list in lists {
        var own: [UInt32] = [0]
        for index in 1..<max(list.count, 1) { own.append(dictionary.id(key(list, index))) }
        places.append(own)
    }
    let (values, order) = sortedKeys(dictionary.keys)
    return (values, places.map { pick(order, $0) })
}

private func key(_ list: KeyValues, _ index: Int) -> KeyValue {
    switch list {
    case .strings(let table): .text(ExactText(table.text(index) ?? ""))
    case .longs(let values): .long(values[index])
    case .floats(let values): .float(values[index].bitPattern)
    case .doubles(let values): .double(values[index].bitPattern)
    case .others(let values): KeyValue(other: values[index])
    }
}

extension KeyValue {
    /// A value of a mixed list, in its own type.
    init(other value: Value) {
        self.init(value, as: value.columnType ?? .string)
    }
}

private func mergeLongs(_ lists: [KeyValues]) -> (values: KeyValues, places: [[UInt32]]) {
    var all: [Int64] = []
    var columns: [[Int64]] = []
    for list in lists {
        guard case .longs(let values) = list, values.count > 1 else {
            columns.append([])
            continue
        }
        columns.append(Array(values.dropFirst()))
        all += columns[columns.count - 1]
    }
    all.sort()
    var union: [Int64] = [0]
    for value in all where union.count == 1 || union[union.count - 1] != value { union.append(value) }
    var places: [[UInt32]] = []
    for column in columns {
        var own: [UInt32] = [0]
        own.reserveCapacity(column.count + 1)
        var place = 1
        for value in column {
            while union[place] != value { place += 1 }
            own.append(UInt32(place))
        }
        places.append(own)
    }
    return (.longs(union), places)
}

/// A text in some table, with its first eight bytes as a number that orders as they do.
private struct TextEntry {
    let prefix: UInt64
    let start: UnsafePointer<UInt8>?
    let count: Int

    @inline(__always)
    func compare(_ other: TextEntry) -> Int {
        if prefix != other.prefix { return prefix < other.prefix ? -1 : 1 }
        if count <= 8, other.count <= 8 { return count < other.count ? -1 : count == other.count ? 0 : 1 }
        return compareBytesUTF16(
            UnsafeBufferPointer(start: start, count: count),
            UnsafeBufferPointer(start: other.start, count: other.count)
        )
    }
}

private func mergeTexts(_ lists: [KeyValues]) -> (values: KeyValues, places: [[UInt32]]) {
    var runs: [(entries: [TextEntry], members: [Int])] = []
    var places: [[UInt32]] = []
    for (index, list) in lists.enumerated() {
        guard case .strings(let table) = list else {
            places.append([0])
            continue
        }
        places.append(Array(0..<UInt32(table.count)))
        runs.append((entries(table), [index]))
    }
    // Rounds of pairs keep the work at log2(lists) passes even when no two lists share a value.
    while runs.count > 1 {
        var next: [(entries: [TextEntry], members: [Int])] = []
        for pair in stride(from: 0, to: runs.count - 1, by: 2) {
            let merged = mergeRuns(runs[pair].entries, runs[pair + 1].entries)
            for member in runs[pair].members { places[member] = renumbered(places[member], merged.left) }
            for member in runs[pair + 1].members { places[member] = renumbered(places[member], merged.right) }
            next.append((merged.union, runs[pair].members + runs[pair + 1].members))
        }
        if runs.count % 2 == 1 { next.append(runs[runs.count - 1]) }
        runs = next
    }
    guard let union = runs.first?.entries else { return (.none, places) }
    var builder = StringTableBuilder(capacity: union.count)
    for entry in union { builder.append(UnsafeBufferPointer(start: entry.start, count: entry.count)) }
    // The entries point into the lists' tables, which must live until here.
    return withExtendedLifetime(lists) { (.strings(builder.finish()), places) }
}

private func entries(_ table: StringTable) -> [TextEntry] {
    [TextEntry](unsafeUninitializedCapacity: table.count - 1) { buffer, count in
        for index in 1..<max(table.count, 1) {
            let bytes = table.utf8(index)
            var prefix: UInt64 = 0
            for place in 0..<min(bytes.count, 8) {
                prefix |= UInt64(utf16Rank(bytes[place])) &<< UInt64(56 &- place &* 8)
            }
            buffer.initializeElement(
                at: index - 1,
                to: TextEntry(prefix: prefix, start: bytes.baseAddress, count: bytes.count)
            )
        }
        count = table.count - 1
    }
}

/// Merges two sorted runs; `left[i]` and `right[i]` say where entry i of each went.
private func mergeRuns(_ one: [TextEntry], _ two: [TextEntry]) -> (union: [TextEntry], left: [UInt32], right: [UInt32])
{
    var union: [TextEntry] = []
    union.reserveCapacity(max(one.count, two.count) + min(one.count, two.count) / 4)
    var left = [UInt32](repeating: 0, count: one.count)
    var right = [UInt32](repeating: 0, count: two.count)
    var first = 0
    var second = 0
    while first < one.count, second < two.count {
        let order = one[first].compare(two[second])
        let place = UInt32(truncatingIfNeeded: union.count)
        if order <= 0 {
            union.append(one[first])
            left[first] = place
            first &+= 1
        } else {
            union.append(two[second])
        }
        if order >= 0 {
            right[second] = place
            second &+= 1
        }
    }
    while first < one.count {
        left[first] = UInt32(truncatingIfNeeded: union.count)
        union.append(one[first])
        first &+= 1
    }
    while second < two.count {
        right[second] = UInt32(truncatingIfNeeded: union.count)
        union.append(two[second])
        second &+= 1
    }
    return (union, left, right)
}

/// Places (1-based, 0 is null) after their run was merged into another.
private func renumbered(_ places: [UInt32], _ moved: [UInt32]) -> [UInt32] {
    var result = places
    for index in 1..<max(result.count, 1) { result[index] = moved[Int(result[index]) &- 1] &+ 1 }
    return result
}
