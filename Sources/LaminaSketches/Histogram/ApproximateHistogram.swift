package import LaminaBase

/// A histogram of at most `size` bins whose places follow the values: near bins are joined when there are too many. Floats,
/// as Druid's; kept for Druid's deprecated aggregators.
///
/// - Source: `ApproximateHistogram` (Ben-Haim and Tom-Tov, "A Streaming Parallel Decision Tree Algorithm").
package struct ApproximateHistogram: Sendable, Hashable {
    package static let defaultSize = 50
    package static let maxSize = 1 << 20
    /// Set in the count of a bin that joined different values.
    static let approximate: UInt64 = 1 << 63

    package private(set) var size: Int
    package internal(set) var positions: [Float] = []
    var bins: [UInt64] = []
    package internal(set) var minimum = Float.infinity
    package internal(set) var maximum = -Float.infinity
    package internal(set) var count: Int64 = 0
    package var lowerLimit: Float
    package var upperLimit: Float

    /// - Parameter limits: outside of them all values may share two bins.
    package init(
        size: Int = defaultSize,
        lowerLimit: Float = -.infinity,
        upperLimit: Float = .infinity
    ) throws(LaminaError) {
        guard size >= 0, size <= Self.maxSize else {
            throw .invalidInput("The resolution of an approximate histogram must be 1 to \(Self.maxSize), not \(size)")
        }
        self.size = size
        self.lowerLimit = lowerLimit
        self.upperLimit = upperLimit
    }

    /// The same with other limits: bytes do not hold them.
    package func limited(_ lower: Float, _ upper: Float) -> ApproximateHistogram {
        var histogram = self
        histogram.lowerLimit = lower
        histogram.upperLimit = upper
        return histogram
    }

    func binCount(_ index: Int) -> Int64 { Int64(bins[index] & ~Self.approximate) }
    func isExact(_ index: Int) -> Bool { bins[index] & Self.approximate == 0 }

    private static func joined(_ left: Int64, _ right: Int64) -> UInt64 {
        UInt64(bitPattern: left &+ right) | approximate
    }

    package mutating func update(value: Float) {
        if value < minimum { minimum = value }
        if value > maximum { maximum = value }
        let (index, found) = place(value)
        if found {
            bins[index] = bins[index] & Self.approximate | UInt64(bitPattern: binCount(index) &+ 1) & ~Self.approximate
        } else if bins.count < size {
            positions.insert(value, at: index)
            bins.insert(1, at: index)
        } else if !bins.isEmpty {
            join(value, at: index)
        } else {
            return
        }
        count &+= 1
    }

    /// Where a value stands among the bins, or would.
    func place(_ value: Float) -> (index: Int, found: Bool) {
        var low = 0
        var high = positions.count
        while low < high {
            let middle = (low + high) / 2
            if positions[middle] < value {
                low = middle + 1
            } else if positions[middle] > value {
                high = middle
            } else {
                let (mine, theirs) = (
                    Int32(bitPattern: positions[middle].bitPattern), Int32(bitPattern: value.bitPattern)
                )
                if mine == theirs { return (middle, true) }
                if mine < theirs { low = middle + 1 } else { high = middle }
            }
        }
        return (low, false)
    }

    /// The first of the two nearest bins and their distance; nil of bins without a distance.
    private func nearest() -> (index: Int, distance: Float)? {
        var best: (index: Int, distance: Float)?
        for index in 0..<max(0, positions.count - 1) {
            let distance = positions[index + 1] - positions[index]
            if distance < best?.distance ?? .infinity { best = (index, distance) }
        }
        return best
    }

    /// All bins are in use: the value joins the nearest bin, or the two nearest bins make room for it.
    private mutating func join(_ value: Float, at index: Int) {
        let pair = nearest()
        var distance = pair?.distance ?? .infinity
        var target: Int?
        let right = index < bins.count ? positions[index] - value : .infinity
        let left = index > 0 ? value - positions[index - 1] : .infinity
        if right < distance {
            distance = right
            target = index
        }
        if left < distance { target = index - 1 }
        if let target {
            let known = binCount(target)
            positions[target] = (positions[target] * Float(known) + value) / Float(known &+ 1)
            bins[target] = Self.joined(known, 1)
        } else if let pair {
            joinPair(pair.index, inserting: value, at: index)
        } else {
            // Infinite places have no distances; the value counts where it stands.
            let neighbour = min(index, bins.count - 1)
            bins[neighbour] = Self.joined(binCount(neighbour), 1)
        }
    }

    private mutating func joinPair(_ first: Int, inserting value: Float, at index: Int) {
        let (left, right) = (binCount(first), binCount(first + 1))
        let weighted = Double(positions[first]) * Double(left) + Double(positions[first + 1]) * Double(right)
        positions[first] = Float(weighted / Double(left &+ right))
        bins[first] = Self.joined(left, right)
        positions.remove(at: first + 1)
        bins.remove(at: first + 1)
        let place = index <= first + 1 ? index : index - 1
        positions.insert(value, at: place)
        bins.insert(1, at: place)
    }

    /// Takes in another histogram by Druid's fast rule: bins nearer than an even share of the range are joined.
    ///
    /// - Source: `ApproximateHistogram.foldFast`, `ruleCombineBins`.
    package mutating func merge(same other: ApproximateHistogram) {
        if size == 0 {
            let limits = (lowerLimit, upperLimit)
            self = other
            (lowerLimit, upperLimit) = limits
            return
        }
        if other.bins.isEmpty { return }
        minimum = minimum < other.minimum ? minimum : other.minimum
        maximum = maximum > other.maximum ? maximum : other.maximum
        count &+= other.count
        if bins.count + other.bins.count <= size { combine(other) } else { combineByRule(other) }
    }

    private mutating func combine(_ other: ApproximateHistogram) {
        var merged = Bins()
        var (mine, theirs) = (0, 0)
        while mine < bins.count || theirs < other.bins.count {
            if mine < bins.count, theirs == other.bins.count || positions[mine] < other.positions[theirs] {
                merged.append(positions[mine], bins[mine])
                mine += 1
            } else if theirs < other.bins.count, mine == bins.count || positions[mine] > other.positions[theirs] {
                merged.append(other.positions[theirs], other.bins[theirs])
                theirs += 1
            } else {
                merged.append(positions[mine], bins[mine] &+ other.bins[theirs])
                mine += 1
                theirs += 1
            }
        }
        positions = merged.positions
        bins = merged.bins
    }

    private struct Bins {
        var positions: [Float] = []
        var bins: [UInt64] = []

        mutating func append(_ position: Float, _ bin: UInt64) {
            positions.append(position)
            bins.append(bin)
        }

        /// Joins values into the last bin, which moves by their weight.
        mutating func joinLast(_ position: Float, _ added: Int64) {
            let last = bins.count - 1
            let known = Int64(bins[last] & ~ApproximateHistogram.approximate)
            let share = Float(known) / Float(known &+ added)
            positions[last] = -(position - positions[last]) * share + position
            bins[last] = ApproximateHistogram.joined(known, added)
        }
    }

    /// Bins nearer than this are joined.
    private var cutoff: Float {
        switch (upperLimit != .infinity, lowerLimit != -.infinity) {
        case (true, true): (upperLimit - lowerLimit) / Float(size - 3)
        case (true, false): (upperLimit - minimum) / Float(size - 2)
        case (false, true): (maximum - lowerLimit) / Float(size - 2)
        case (false, false): (maximum - minimum) / Float(size - 1)
        }
    }

    private mutating func combineByRule(_ other: ApproximateHistogram) {
        let cutoff = cutoff
        var merged = Bins()
        var below = Bins(positions: [0], bins: [0])
        var above = Bins(positions: [0], bins: [0])
        var (mine, theirs) = (0, 0)
        while mine < bins.count, positions[mine] < lowerLimit {
            below.joinLast(positions[mine], binCount(mine))
            mine += 1
        }
        while theirs < other.bins.count, other.positions[theirs] < lowerLimit {
            below.joinLast(other.positions[theirs], other.binCount(theirs))
            theirs += 1
        }
        if below.bins[0] & ~Self.approximate > 0 { merged.append(below.positions[0], below.bins[0]) }
        var isFirst = true
        while mine < bins.count || theirs < other.bins.count {
            let takesMine =
                mine < bins.count && (theirs == other.bins.count || positions[mine] < other.positions[theirs])
            let position = takesMine ? positions[mine] : other.positions[theirs]
            let bin = takesMine ? bins[mine] : other.bins[theirs]
            if takesMine { mine += 1 } else { theirs += 1 }
            let added = Int64(bin & ~Self.approximate)
            if isFirst {
                merged.append(position, bin)
                isFirst = false
            } else if position > upperLimit {
                above.joinLast(position, added)
            } else if let last = merged.positions.last, position - last <= cutoff {
                merged.joinLast(position, added)
            } else {
                merged.append(position, UInt64(bitPattern: added))
            }
        }
        if above.bins[0] & ~Self.approximate > 0 { merged.append(above.positions[0], above.bins[0]) }
        // A bin beyond the limits may be one too many where rounding lets every distance pass.
        size = max(size, merged.bins.count)
        positions = merged.positions
        bins = merged.bins
    }
}
