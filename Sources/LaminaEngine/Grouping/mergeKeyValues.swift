import LaminaBase
import LaminaQuery

/// The union of sorted value lists, and where each list's entries lie in it.
///
/// Texts are merged pair by pair as sorted runs, so that lists that mostly agree cost one comparison an entry.
func mergeKeyValues(_ lists: [KeyValues]) -> (values: KeyValues, places: [[UInt32]]) {
    var isText = true
    var isLong = true
    for list in lists where list.count > 1 {
        switch list {
        case .strings: isLong = false
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

private func mergeTexts(_ lists: [KeyValues]) -> (values: KeyValues, places: [[UInt32]]) {
    var runs: [(entries: [TextEntry], members: [Int])] = []
    var places: [[UInt32]] = []
    var tables: [StringTable] = []
    for (index, list) in lists.enumerated() {
        guard case .strings(let table) = list else {
            places.append([0])
            continue
        }
        places.append(Array(0..<UInt32(table.count)))
        tables.append(table)
        runs.append((table.entries, [index]))
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
    return (.strings(StringTable(union, of: tables)), places)
}

/// Merges two sorted runs; `left[i]` and `right[i]` say where entry i of each went.
private func mergeRuns(_ one: [TextEntry], _ two: [TextEntry]) -> (union: [TextEntry], left: [UInt32], right: [UInt32])
{
    var left: [UInt32] = []
    var right: [UInt32] = []
    let union = [TextEntry](unsafeUninitializedCapacity: one.count + two.count) { union, unionCount in
        left = [UInt32](unsafeUninitializedCapacity: one.count) { left, leftCount in
            right = [UInt32](unsafeUninitializedCapacity: two.count) { right, rightCount in
                one.withUnsafeBufferPointer { one in
                    two.withUnsafeBufferPointer { two in
                        unionCount = mergeEntries(one, two, union, left, right)
                    }
                }
                rightCount = two.count
            }
            leftCount = one.count
        }
    }
    return (union, left, right)
}

/// - Shape: `union` has room for both runs, `left` and `right` for one number an entry.
private func mergeEntries(
    _ one: UnsafeBufferPointer<TextEntry>,
    _ two: UnsafeBufferPointer<TextEntry>,
    _ union: UnsafeMutableBufferPointer<TextEntry>,
    _ left: UnsafeMutableBufferPointer<UInt32>,
    _ right: UnsafeMutableBufferPointer<UInt32>
) -> Int {
    var first = 0
    var second = 0
    var count = 0
    while first < one.count, second < two.count {
        let order = one[first].compare(two[second])
        union.initializeElement(at: count, to: order <= 0 ? one[first] : two[second])
        if order <= 0 {
            left.initializeElement(at: first, to: UInt32(truncatingIfNeeded: count))
            first &+= 1
        }
        if order >= 0 {
            right.initializeElement(at: second, to: UInt32(truncatingIfNeeded: count))
            second &+= 1
        }
        count &+= 1
    }
    while first < one.count {
        union.initializeElement(at: count, to: one[first])
        left.initializeElement(at: first, to: UInt32(truncatingIfNeeded: count))
        first &+= 1
        count &+= 1
    }
    while second < two.count {
        union.initializeElement(at: count, to: two[second])
        right.initializeElement(at: second, to: UInt32(truncatingIfNeeded: count))
        second &+= 1
        count &+= 1
    }
    return count
}

/// Places (1-based, 0 is null) after their run was merged into another.
private func renumbered(_ places: [UInt32], _ moved: [UInt32]) -> [UInt32] {
    [UInt32](unsafeUninitializedCapacity: places.count) { result, count in
        places.withUnsafeBufferPointer { places in
            moved.withUnsafeBufferPointer { moved in
                result.initializeElement(at: 0, to: 0)
                for index in 1..<max(places.count, 1) {
                    result.initializeElement(at: index, to: moved[Int(places[index]) &- 1] &+ 1)
                }
            }
        }
        count = places.count
    }
}
