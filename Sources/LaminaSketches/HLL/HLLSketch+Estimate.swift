import Glibc
import LaminaBase

extension HLLSketch {
    /// The estimated number of distinct values.
    package var estimate: Double {
        if mode != .registers { return couponEstimate }
        return isOutOfOrder ? compositeEstimate : hip
    }

    /// Coupons are nearly exact. Source: `AbstractCoupons`.
    var couponEstimate: Double { max(interpolatedCoupons, Double(couponCount)) }

    private var interpolatedCoupons: Double {
        interpolate(couponCounts, { couponEstimates[$0] }, Double(couponCount))
    }

    /// Bounds at 1, 2 or 3 standard deviations. Source: `HllEstimators`, `AbstractCoupons`.
    package func lowerBound(_ deviations: Int) -> Double {
        if mode != .registers {
            return max(interpolatedCoupons / (1 + Double(deviations) * couponError), Double(couponCount))
        }
        let used = Double((1 << lgK) - zeroCount)
        return max(estimate / (1 + relativeError(upper: false, deviations)), used)
    }

    package func upperBound(_ deviations: Int) -> Double {
        if mode != .registers {
            return max(interpolatedCoupons / (1 - Double(deviations) * couponError), Double(couponCount))
        }
        return estimate / (1 - relativeError(upper: true, deviations))
    }

    private func relativeError(upper: Bool, _ deviations: Int) -> Double {
        let deviations = min(max(deviations, 1), 3)
        if lgK > 12 {
            let factor = isOutOfOrder ? (3 * log(2.0) - 1).squareRoot() : log(2.0).squareRoot()
            return Double(deviations) * factor / Double(1 << lgK).squareRoot()
        }
        let table =
            switch (isOutOfOrder, upper) {
            case (false, false): hipLowerErrors
            case (false, true): hipUpperErrors
            case (true, false): mergedLowerErrors
            case (true, true): mergedUpperErrors
            }
        return abs(table[(lgK - 4) * 3 + deviations - 1])
    }

    /// The estimate from the registers alone. Source: `HllEstimators.hllCompositeEstimate`.
    private var compositeEstimate: Double {
        let count = Double(1 << lgK)
        let factor =
            switch lgK {
            case 4: 0.673
            case 5: 0.697
            case 6: 0.709
            default: 0.7213 / (1 + 1.079 / count)
            }
        let raw = factor * count * count / (inverses.low + inverses.high)
        let known = lgK < 13 ? hllSmallRawEstimates[lgK - 4] : hllLargeRawEstimates[lgK - 13]
        let step = hllSteps[lgK - 4]
        let last = known.count - 1
        if raw < known[0] { return 0 }
        if raw > known[last] { return raw * (step * Double(last) / known[last]) }
        let adjusted = interpolate(known, { step * Double($0) }, raw)
        if adjusted > 3 * count { return adjusted }
        // Few values: count the empty registers, where that is the better guess.
        let linear = bitmapEstimate
        let crossover = lgK == 4 ? 0.718 : lgK == 5 ? 0.672 : 0.64
        return (adjusted + linear) / 2 > crossover * count ? adjusted : linear
    }

    private var bitmapEstimate: Double {
        let count = Double(1 << lgK)
        if zeroCount == 0 { return count * log(count / 0.5) }
        return count * (harmonicNumber(1 << lgK) - harmonicNumber(zeroCount))
    }

    /// Recounts zeros and sums after registers were changed all at once. Sums of powers of two are exact in any order.
    mutating func recount() {
        var low = 0.0
        var high = 0.0
        var zeros = 0
        var counts = [Int](repeating: 0, count: 64)
        for register in registers { counts[Int(register & 63)] += 1 }
        zeros = counts[0]
        for value in 0..<64 {
            let sum = Double(counts[value]) * inversePower(UInt8(value))
            if value < 32 { low += sum } else { high += sum }
        }
        zeroCount = zeros
        inverses = (low, high)
    }
}

/// Relative standard error of coupons, where registers take over.
private let couponError = 0.409 / 8192

/// 1 + 1/2 + … + 1/n
private func harmonicNumber(_ number: Int) -> Double {
    if number < 25 {
        var sum = 0.0
        for term in stride(from: 1, through: number, by: 1) { sum += 1 / Double(term) }
        return sum
    }
    let x = Double(number)
    let square = 1 / (x * x)
    var sum = log(x) + 0.577215664901532860606512090082 + 1 / (2 * x)
    var power = square
    sum -= power * (1.0 / 12)
    power *= square
    sum += power * (1.0 / 120)
    power *= square
    sum -= power * (1.0 / 252)
    power *= square
    return sum + power * (1.0 / 240)
}

/// The cubic through the four known points around x, of ascending `xs` and the values `y` gives by index.
///
/// Source: `CubicInterpolation`.
private func interpolate(_ xs: [Double], _ y: (Int) -> Double, _ x: Double) -> Double {
    let last = xs.count - 1
    if x >= xs[last] { return y(last) }
    var left = 0
    var right = last
    while left + 1 < right {
        let middle = left + (right - left) / 2
        if xs[middle] <= x { left = middle } else { right = middle }
    }
    let start = left == 0 ? 0 : left == last - 1 ? left - 2 : left - 1
    let (x0, x1, x2, x3) = (xs[start], xs[start + 1], xs[start + 2], xs[start + 3])
    let term0 = y(start) * ((x - x1) * (x - x2) * (x - x3)) / ((x0 - x1) * (x0 - x2) * (x0 - x3))
    let term1 = y(start + 1) * ((x - x0) * (x - x2) * (x - x3)) / ((x1 - x0) * (x1 - x2) * (x1 - x3))
    let term2 = y(start + 2) * ((x - x0) * (x - x1) * (x - x3)) / ((x2 - x0) * (x2 - x1) * (x2 - x3))
    let term3 = y(start + 3) * ((x - x0) * (x - x1) * (x - x2)) / ((x3 - x0) * (x3 - x1) * (x3 - x2))
    return term0 + term1 + term2 + term3
}
