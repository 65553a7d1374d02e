package import LaminaBase

/// Count, sum and n times the variance of numbers, joined without loss of precision.
///
/// - Source: `VarianceAggregatorCollector` (Chan, Golub, LeVeque).
package struct VarianceState: Sendable, Hashable {
    package private(set) var count: Int64 = 0
    package private(set) var sum = 0.0
    /// Σ (x - mean)²
    package private(set) var deviation = 0.0

    package init() {}

    package mutating func update(_ value: Double) {
        count &+= 1
        sum += value
        if count > 1 {
            let number = Double(count)
            let distance = number * value - sum
            deviation += distance * distance / (number * (number - 1))
        }
    }

    package mutating func merge(same other: VarianceState) {
        if other.count == 0 { return }
        if count == 0 {
            self = other
            return
        }
        let ratio = Double(count) / Double(other.count)
        let distance = sum / ratio - other.sum
        deviation += other.deviation + ratio / (Double(count) + Double(other.count)) * distance * distance
        count &+= other.count
        sum += other.sum
    }

    /// Null of nothing, 0 of one number.
    package func variance(population: Bool) -> Double? {
        if count <= 0 { return nil }
        if count == 1 { return 0 }
        return deviation / Double(population ? count : count - 1)
    }

    /// Big-endian: count i64, sum f64, deviation f64.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(big: count)
        bytes.append(big: sum.bitPattern)
        bytes.append(big: deviation.bitPattern)
        return bytes
    }

    package init(bytes: [UInt8]) throws(LaminaError) {
        var reader = ByteReader(bytes, "variance")
        count = try reader.big(Int64.self)
        sum = try reader.bigDouble()
        deviation = try reader.bigDouble()
        guard count >= 0 else { throw reader.corrupt("a count of \(count)") }
    }
}

/// The z-score of two samples: successes of tries.
///
/// - Source: `ZtestPostAggregator`.
package func zScore(
    successes first: Double,
    of firstSize: Double,
    and second: Double,
    of secondSize: Double
) throws(LaminaError) -> Double {
    guard first >= 0, second >= 0 else { throw .invalidInput("zscore2sample: a success count can't be negative") }
    guard firstSize >= first, secondSize >= second else {
        throw .invalidInput("zscore2sample: a sample size can't be smaller than the success count")
    }
    let rate = first / firstSize
    let other = second / secondSize
    return (rate - other) / (rate * (1 - rate) / firstSize + other * (1 - other) / secondSize).squareRoot()
}
