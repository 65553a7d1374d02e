package import LaminaBase

/// The classic quantiles sketch of doubles: up to 2k items as they came, and levels of k sorted items, each standing for
/// 2, 4, 8… items. Exact while fewer than 2k items came. NaN is ignored.
///
/// - Source: `HeapUpdateDoublesSketch`, `DoublesUpdateImpl`, `DoublesMergeImpl` of Apache DataSketches Java 4.2.
package struct QuantilesSketch: Sendable, Hashable {
    package static let defaultK = 128
    /// Sketches of more items are nobody's: a bound against corrupt bytes.
    static let maxCount = UInt64(1) << 56

    package let k: Int
    /// Items seen.
    package internal(set) var count: UInt64 = 0
    /// NaN while empty.
    package internal(set) var minimum = Double.nan
    package internal(set) var maximum = Double.nan
    /// Items of weight 1, fewer than 2k, in order of arrival.
    var base: [Double] = []
    /// Level i holds no items or k sorted ones of weight 2^(i + 1).
    var levels: [[Double]] = []
    var coin: SketchCoin

    /// - Parameter k: a power of two from 2 to 32768.
    package init(k: Int = defaultK, coin: SketchCoin = SketchCoin()) throws(LaminaError) {
        guard k >= 2, k <= 32768, k.nonzeroBitCount == 1 else {
            throw .invalidInput("k must be a power of 2 from 2 to 32768, not \(k)")
        }
        self.k = k
        self.coin = coin
    }

    package var isEmpty: Bool { count == 0 }
    package var isEstimation: Bool { !levels.isEmpty }
    /// One bit a level in use.
    var bitPattern: UInt64 { count / UInt64(2 * k) }
    var retained: Int { base.count + bitPattern.nonzeroBitCount * k }

    package mutating func update(_ value: Double) {
        if value.isNaN { return }
        if count == 0 {
            minimum = value
            maximum = value
        } else {
            if value > maximum { maximum = value }
            if value < minimum { minimum = value }
        }
        count &+= 1
        base.append(value)
        if base.count == 2 * k { propagateBase() }
    }

    private mutating func propagateBase() {
        sortAsJava(&base)
        let offset = coin.flip(base[k].bitPattern)
        carry(halved(base, offset: offset), from: 0)
        base.removeAll(keepingCapacity: true)
    }

    /// Adds k sorted items to a level; a level in use joins them and hands every second one on, as a binary counter does.
    private mutating func carry(_ items: [Double], from level: Int) {
        var items = items
        var level = level
        while level < levels.count, !levels[level].isEmpty {
            let merged = mergeSorted(levels[level], items)
            items = halved(merged, offset: coin.flip(merged[k].bitPattern))
            levels[level] = []
            level += 1
        }
        while levels.count <= level { levels.append([]) }
        levels[level] = items
    }

    /// Takes in another sketch. The result's k is the lesser one when the other is no longer exact.
    ///
    /// - Source: `DoublesUnionImpl.updateLogic`.
    package mutating func merge(same other: QuantilesSketch) throws(LaminaError) {
        guard !other.isEmpty else { return }
        // More could not be read again.
        guard other.count < Self.maxCount, count < Self.maxCount - other.count else {
            throw .resourceLimit("A quantiles sketch cannot hold 2^56 items or more")
        }
        if !other.isEstimation {
            for item in other.base { update(item) }
        } else if k <= other.k {
            try fold(other)
        } else if isEmpty {
            self = other
        } else {
            var smaller = try QuantilesSketch(k: other.k, coin: coin)
            try smaller.fold(self)
            try smaller.fold(other)
            self = smaller
        }
    }

    /// Folds in a sketch whose k is this one's times a power of two.
    private mutating func fold(_ other: QuantilesSketch) throws(LaminaError) {
        guard !other.isEmpty else { return }
        let factor = other.k / k
        let total = count &+ other.count
        for item in other.base { update(item) }
        for (level, items) in other.levels.enumerated() where !items.isEmpty {
            let start = factor == 1 ? 0 : coin.below(factor, items[0].bitPattern)
            let thinned = factor == 1 ? items : stride(from: start, to: items.count, by: factor).map { items[$0] }
            carry(thinned, from: level + factor.trailingZeroBitCount)
        }
        count = total
        minimum = minimum.isNaN ? other.minimum : min(minimum, other.minimum)
        maximum = maximum.isNaN ? other.maximum : max(maximum, other.maximum)
    }

    package var sortedView: SortedView {
        var sorted = base
        sortAsJava(&sorted)
        var runs: [(items: [Double], weight: UInt64)] = []
        if !sorted.isEmpty { runs.append((sorted, 1)) }
        for (level, items) in levels.enumerated() where !items.isEmpty {
            runs.append((items, UInt64(2) << UInt64(level)))
        }
        return SortedView(runs)
    }

    /// How far a rank may be off, with 99 % certainty; `pmf`: the mass between two points.
    static func rankError(k: Int, pmf: Bool) -> Double { pmf ? 1.854 / power(k, 0.9657) : 1.576 / power(k, 0.9726) }
}
