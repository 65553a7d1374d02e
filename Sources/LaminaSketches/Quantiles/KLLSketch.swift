package import LaminaBase

/// The KLL quantiles sketch: levels of items, each item of level i standing for 2^i; the capacities shrink downwards by
/// 2/3, and a full sketch halves its lowest full level into the next. Exact while one level is enough. NaN is ignored.
///
/// - Source: `KllDoublesHelper`, `KllFloatsHelper`, `KllHelper` of Apache DataSketches Java 4.2.
package struct KLLSketch<Item: BinaryFloatingPoint & Sendable>: Sendable, Hashable {
    /// Items seen.
    package internal(set) var count: UInt64 = 0
    package let k: Int
    /// The least k of all sketches merged here that were no longer exact: what errors are told by.
    package internal(set) var minK: Int
    /// The least capacity of a level.
    let m: Int
    /// NaN while empty.
    package internal(set) var minimum = Item.nan
    package internal(set) var maximum = Item.nan
    /// At least one level: the lowest in order of arrival, the others sorted.
    var levels: [[Item]] = [[]]
    /// Items in all levels, and what they may be before something is compacted.
    var retained = 0
    var capacity: Int
    var coin: SketchCoin

    /// - Parameter k: from 8 to 65535 (`m`, which is 8 but in old bytes, is the least).
    package init(k: Int = kllDefaultK, m: Int = 8, coin: SketchCoin = SketchCoin()) throws(LaminaError) {
        guard m >= 2, m <= 8, m % 2 == 0 else {
            throw .invalidInput("m of a KLL sketch must be 2, 4, 6 or 8, not \(m)")
        }
        guard k >= m, k <= 65535 else { throw .invalidInput("k must be from \(m) to 65535, not \(k)") }
        self.k = k
        self.m = m
        minK = k
        self.coin = coin
        capacity = k
    }

    package var isEmpty: Bool { count == 0 }
    package var isEstimation: Bool { levels.count > 1 }

    package mutating func update(item: Item) {
        if item.isNaN { return }
        if count == 0 {
            minimum = item
            maximum = item
        } else {
            minimum = min(minimum, item)
            maximum = max(maximum, item)
        }
        if retained >= capacity { compress() }
        count &+= 1
        retained += 1
        levels[0].append(item)
    }

    private mutating func compress() {
        var level = 0
        while level < levels.count - 1,
            levels[level].count < kllLevelCapacity(k: k, m: m, levels: levels.count, level: level)
        {
            level += 1
        }
        if level == levels.count - 1 { addLevel() }
        compact(level)
    }

    private mutating func addLevel() {
        levels.append([])
        capacity += kllLevelCapacity(k: k, m: m, levels: levels.count, level: 0)
    }

    /// Moves half of a level's items up; of an odd number one stays.
    private mutating func compact(_ level: Int) {
        var items = levels[level]
        levels[level] = []
        var kept: [Item] = []
        if items.count % 2 == 1 { kept.append(level == 0 ? items.removeLast() : items.removeFirst()) }
        guard !items.isEmpty else {
            levels[level] = kept
            return
        }
        if level == 0 { sortAsJava(&items) }
        let half = halved(items, offset: coin.flip(Double(items[items.count / 2]).bitPattern))
        levels[level] = kept
        levels[level + 1] = mergeSorted(half, levels[level + 1])
        retained -= half.count
    }

    /// Takes in another sketch.
    ///
    /// - Source: `KllDoublesHelper.mergeDoubleImpl`, `generalDoublesCompress`.
    package mutating func merge(same other: KLLSketch) throws(LaminaError) {
        guard !other.isEmpty else { return }
        // More could not be read again.
        guard other.count < kllMaxCount, count < kllMaxCount - other.count else {
            throw .resourceLimit("A KLL sketch cannot hold 2^60 items or more")
        }
        let total = count + other.count
        let wasEmpty = isEmpty
        let known = (minimum, maximum)
        for item in other.levels[0] { update(item: item) }
        if other.levels.count > 1 {
            while levels.count < other.levels.count { addLevel() }
            for level in 1..<other.levels.count {
                levels[level] = mergeSorted(levels[level], other.levels[level])
                retained += other.levels[level].count
            }
            compressAll()
            minK = min(minK, other.minK)
        }
        count = total
        minimum = wasEmpty ? other.minimum : min(known.0, other.minimum)
        maximum = wasEmpty ? other.maximum : max(known.1, other.maximum)
    }

    /// Compacts from the lowest level up until the items fit.
    private mutating func compressAll() {
        var level = 0
        while level < levels.count {
            if retained >= capacity,
                levels[level].count >= kllLevelCapacity(k: k, m: m, levels: levels.count, level: level)
            {
                if level == levels.count - 1 { addLevel() }
                compact(level)
            }
            level += 1
        }
    }

    package var sortedView: SortedView {
        var runs: [(items: [Double], weight: UInt64)] = []
        for (level, items) in levels.enumerated() where !items.isEmpty {
            var items = items
            if level == 0 { sortAsJava(&items) }
            runs.append((items.map { Double($0) }, UInt64(1) << UInt64(level)))
        }
        return SortedView(runs)
    }
}

package let kllDefaultK = 200

/// Sketches of as many items or more are nobody's: a bound against corrupt bytes.
let kllMaxCount = UInt64(1) << 60

/// What a level may hold: k at the top, below 2/3 of the level above, never less than m.
func kllLevelCapacity(k: Int, m: Int, levels: Int, level: Int) -> Int {
    let depth = levels - level - 1
    if depth <= 30 { return max(m, scaled(k, depth)) }
    let half = depth / 2
    return max(m, scaled(scaled(k, half), min(depth - half, 30)))
}

/// k · (2/3)^depth, rounded; `depth` is at most 30.
private func scaled(_ k: Int, _ depth: Int) -> Int {
    var power = 1
    for _ in 0..<depth { power *= 3 }
    return ((2 * k) << depth / power + 1) >> 1
}

func kllTotalCapacity(k: Int, m: Int, levels: Int) -> Int {
    (0..<levels).reduce(0) { $0 + kllLevelCapacity(k: k, m: m, levels: levels, level: $1) }
}
