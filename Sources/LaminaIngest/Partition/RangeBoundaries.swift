import LaminaBase

/// Where the ranges of one time chunk begin and end.
///
/// Boundaries are the quantiles of the rows' keys that cut them into equal parts; equal quantiles collapse, the least and the
/// greatest become "unbounded". Druid estimates the quantiles with a sketch, so its boundaries may lie a few rows beside these.
///
/// - Source: Druid's `StringSketch.getEvenPartitionsByTargetSize`, `PartitionBoundaries`.
package struct RangeBoundaries: Sendable, Hashable {
    /// A row's values of the partition dimensions; null sorts first.
    package typealias Key = [String?]

    /// The inner boundaries, ascending; `count + 1` partitions.
    package let inner: [Key]

    package var partitionCount: Int { inner.count + 1 }

    /// - Parameters:
    ///   - keys: distinct keys with the number of their rows, in any order.
    ///   - size: rows wanted in a partition, or allowed.
    package init(keys: [(key: Key, rows: Int)], size: PartitionsSpec.RangeSize) {
        let sorted = keys.sorted { Self.precedes($0.key, $1.key) }
        let total = sorted.reduce(0) { $0 + $1.rows }
        let parts =
            switch size {
            case .target(let rows): max(1, Int((Double(total) / Double(rows)).rounded(.toNearestOrAwayFromZero)))
            case .max(let rows): max(1, (total + rows - 1) / rows)
            }
        guard let least = sorted.first?.key, let greatest = sorted.last?.key, parts > 1 else {
            inner = []
            return
        }
        var boundaries: [Key] = []
        var place = 0
        var before = 0
        for part in 1..<parts {
            let rank = Int(Double(total) * Double(part) / Double(parts))
            while before + sorted[place].rows <= rank {
                before += sorted[place].rows
                place += 1
            }
            let key = sorted[place].key
            if key != least, key != greatest, boundaries.last != key { boundaries.append(key) }
        }
        inner = boundaries
    }

    /// The partition of a key: the number of boundaries not after it.
    package func partition(of key: Key) -> Int {
        var low = 0
        var high = inner.count
        while low < high {
            let middle = (low + high) / 2
            if Self.precedes(key, inner[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    package func start(of partition: Int) -> Key? { partition == 0 ? nil : inner[partition - 1] }
    package func end(of partition: Int) -> Key? { partition == inner.count ? nil : inner[partition] }

    /// Element by element, null first, text in UTF-16 order.
    package static func precedes(_ left: Key, _ right: Key) -> Bool {
        for (one, other) in zip(left, right) {
            switch (one, other) {
            case (nil, nil): continue
            case (nil, _): return true
            case (_, nil): return false
            case (let one?, let other?):
                if one == other { continue }
                return one.utf16.lexicographicallyPrecedes(other.utf16)
            }
        }
        return left.count < right.count
    }
}
