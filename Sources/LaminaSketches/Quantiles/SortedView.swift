package import LaminaBase

/// The items of a quantiles sketch in order, with their weights added up: what ranks and quantiles are read from.
/// Bounds are inclusive, Apache DataSketches' default, which Druid keeps.
///
/// - Source: `DoublesSketchSortedView`, `KllDoublesSketchSortedView`, `QuantileSearchCriteria.INCLUSIVE`.
package struct SortedView: Sendable {
    private let values: [Double]
    private let cumulative: [UInt64]

    /// - Parameter runs: items of one weight, each run sorted.
    init(_ runs: [(items: [Double], weight: UInt64)]) {
        var pairs: [(value: Double, weight: UInt64)] = []
        pairs.reserveCapacity(runs.reduce(0) { $0 + $1.items.count })
        for run in runs { for item in run.items { pairs.append((item, run.weight)) } }
        if runs.count > 1 { pairs.sort { $0.value < $1.value } }
        var total: UInt64 = 0
        values = pairs.map(\.value)
        cumulative = pairs.map { pair in
            total &+= pair.weight
            return total
        }
    }

    private var total: Double { Double(cumulative.last ?? 0) }

    /// The least item whose rank is at least `rank`; NaN of no items. Errors: a rank outside 0 to 1.
    package func quantile(_ rank: Double) throws(LaminaError) -> Double {
        guard rank >= 0, rank <= 1 else {
            throw .invalidInput("A normalized rank must be >= 0 and <= 1.0: \(javaText(rank))")
        }
        guard let last = values.last else { return .nan }
        let natural = UInt64((rank * total).rounded(.up))
        var low = 0
        var high = cumulative.count
        while low < high {
            let middle = (low + high) / 2
            if cumulative[middle] >= natural { high = middle } else { low = middle + 1 }
        }
        return low < values.count ? values[low] : last
    }

    /// The part of the items that are not greater than `value`; NaN of no items.
    package func rank(_ value: Double) throws(LaminaError) -> Double {
        guard !value.isNaN else { throw .invalidInput("The value of a rank must not be NaN") }
        guard !values.isEmpty else { return .nan }
        var low = 0
        var high = values.count
        while low < high {
            let middle = (low + high) / 2
            if values[middle] <= value { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? 0 : Double(cumulative[low - 1]) / total
    }

    /// Ranks of the split points, and 1; all NaN of no items. Errors: points that do not rise.
    package func cumulativeRanks(_ splitPoints: [Double]) throws(LaminaError) -> [Double] {
        for (index, point) in splitPoints.enumerated() {
            guard !point.isNaN, index == 0 || splitPoints[index - 1] < point else {
                throw .invalidInput("splitPoints must be unique, monotonically increasing and not NaN")
            }
        }
        guard !values.isEmpty else { return Array(repeating: .nan, count: splitPoints.count + 1) }
        var ranks: [Double] = []
        for point in splitPoints { ranks.append(try rank(point)) }
        return ranks + [1]
    }

    /// Items between the split points (m points, m + 1 counts), as estimated numbers; all NaN of no items.
    package func histogram(_ splitPoints: [Double]) throws(LaminaError) -> [Double] {
        var masses = try cumulativeRanks(splitPoints)
        for index in stride(from: masses.count - 1, to: 0, by: -1) { masses[index] -= masses[index - 1] }
        return masses.map { $0 * total }
    }
}
