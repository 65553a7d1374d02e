/// The coins of compactions: seeded, so that equal updates give equal sketches, and stirred with the items compacted, so
/// that the errors of many sketches do not all lean to one side.
///
/// - Source: `DoublesSketch.rand`, `KllSketch.random`, which are seeded by the clock.
package struct SketchCoin: Sendable, Hashable {
    private var state: UInt64

    package init(seed: UInt64 = 0x9E37_79B9_7F4A_7C15) { state = seed }

    private mutating func next(_ stir: UInt64) -> UInt64 {
        state = (state ^ stir) &+ 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// 0 or 1.
    mutating func flip(_ stir: UInt64) -> Int { Int(next(stir) & 1) }

    /// 0 to `bound` - 1; `bound` is a power of two.
    mutating func below(_ bound: Int, _ stir: UInt64) -> Int { Int(truncatingIfNeeded: next(stir)) & (bound - 1) }
}

/// Sorts as Java does: -0.0 stands before 0.0.
func sortAsJava<Item: BinaryFloatingPoint>(_ items: inout [Item]) {
    items.sort()
    guard let first = items.firstIndex(where: { $0 >= 0 }), items[first] == 0 else { return }
    var end = first
    var negatives = 0
    while end < items.count, items[end] == 0 {
        if items[end].sign == .minus { negatives += 1 }
        end += 1
    }
    for index in first..<end { items[index] = index < first + negatives ? -0.0 : 0.0 }
}

/// Two sorted runs as one.
func mergeSorted<Item: BinaryFloatingPoint>(_ left: [Item], _ right: [Item]) -> [Item] {
    if left.isEmpty { return right }
    if right.isEmpty { return left }
    return [Item](unsafeUninitializedCapacity: left.count + right.count) { buffer, count in
        var mine = 0
        var theirs = 0
        for index in 0..<(left.count + right.count) {
            if theirs == right.count || mine < left.count && left[mine] < right[theirs] {
                buffer.initializeElement(at: index, to: left[mine])
                mine += 1
            } else {
                buffer.initializeElement(at: index, to: right[theirs])
                theirs += 1
            }
        }
        count = left.count + right.count
    }
}

/// Every second item, from `offset` (0 or 1) on.
func halved<Item: BinaryFloatingPoint>(_ items: [Item], offset: Int) -> [Item] {
    [Item](unsafeUninitializedCapacity: items.count / 2) { buffer, count in
        for index in 0..<(items.count / 2) { buffer.initializeElement(at: index, to: items[2 * index + offset]) }
        count = items.count / 2
    }
}
