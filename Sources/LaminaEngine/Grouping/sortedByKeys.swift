/// Groups in the natural order of their keys. Ids of sorted values are ranks, so keys compare as integers.
///
/// - Parameter keyOrder: the key columns by their weight.
func sortedByKeys(_ groups: GroupPartial, _ keyOrder: [Int]) -> [UInt32] {
    let columns = keyOrder.map { groups.keys[$0] }
    var order = Array(0..<UInt32(groups.groupCount))
    if columns.isEmpty { return order }
    var bits = 0
    let widths = columns.map { max(1, Int.bitWidth - max($0.values.count - 1, 0).leadingZeroBitCount) }
    for width in widths { bits += width }
    if bits <= 64 {
        var words = [UInt64](repeating: 0, count: groups.groupCount)
        for (index, column) in columns.enumerated() {
            for group in words.indices {
                words[group] = words[group] << UInt64(widths[index]) | UInt64(column.ids[group])
            }
        }
        if zip(words, words.dropFirst()).allSatisfy({ $0 <= $1 }) { return order }
        order.sort { words[Int($0)] < words[Int($1)] }
        return order
    }
    order.sort { left, right in
        for column in columns {
            let one = column.ids[Int(left)]
            let two = column.ids[Int(right)]
            if one != two { return one < two }
        }
        return false
    }
    return order
}
