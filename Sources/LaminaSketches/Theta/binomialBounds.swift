import Glibc

/// Bounds of the number of values of which `count` were sampled, each with probability `theta`, at 1, 2 or 3 standard deviations.
///
/// Source: `BinomialBoundsN` of DataSketches.
func lowerBinomialBound(_ count: Int, _ theta: Double, _ deviations: Int, isEmpty: Bool) -> Double {
    if isEmpty { return 0 }
    let samples = Double(count)
    return min(samples / theta, max(samples, lowerBinomial(count, theta, min(max(deviations, 1), 3))))
}

func upperBinomialBound(_ count: Int, _ theta: Double, _ deviations: Int, isEmpty: Bool) -> Double {
    if isEmpty { return 0 }
    return max(Double(count) / theta, upperBinomial(count, theta, min(max(deviations, 1), 3)))
}

private let tails = [0.5, 0.1586553191586026479, 0.0227502618904135701, 0.0013498126861731796]

private func lowerBinomial(_ count: Int, _ theta: Double, _ deviations: Int) -> Double {
    let samples = Double(count)
    if theta == 1 { return samples }
    if count == 0 { return 0 }
    if count == 1 { return (log(1 - tails[deviations]) / log(1 - theta)).rounded(.down) }
    if count > 120 { return classic(samples, theta, Double(deviations), upper: false) - 0.5 }
    if theta > 1 - 1e-5 { return samples }
    if theta < samples / 360 {
        return classic(samples, theta, lowerEquivalents[3 * count + deviations - 1], upper: false) - 0.5
    }
    return Double(searched(count, theta) { $0 > tails[deviations] } - 1)
}

private func upperBinomial(_ count: Int, _ theta: Double, _ deviations: Int) -> Double {
    let samples = Double(count)
    if theta == 1 { return samples }
    if count == 0 { return (log(tails[deviations]) / log(1 - theta)).rounded(.up) }
    if count > 120 { return classic(samples, theta, Double(deviations), upper: true) + 0.5 }
    if theta > 1 - 1e-5 { return samples + 1 }
    if theta < samples / 360 {
        return classic(samples, theta, upperEquivalents[3 * count + deviations - 1], upper: true) + 0.5
    }
    let wanted = 1 - tails[deviations]
    return Double(searched(count + 1, theta) { $0 >= wanted })
}

/// The normal approximation with continuity correction.
private func classic(_ samples: Double, _ theta: Double, _ deviations: Double, upper: Bool) -> Double {
    let guess = (upper ? samples + 0.5 : samples - 0.5) / theta
    let width = deviations * ((1 - theta) / theta).squareRoot()
    let half = 0.5 * width * (width * width + 4 * guess).squareRoot()
    let center = guess + 0.5 * (width * width)
    return upper ? center + half : center - half
}

/// Sums the probabilities that the count-th sample is the m-th value, until `isEnough`; the m after the last.
private func searched(_ count: Int, _ theta: Double, isEnough: (Double) -> Bool) -> Int {
    var term = pow(theta, Double(count))
    var total = term
    var m = count
    // Callers see to it that count / theta is below 500, so the sum gets there soon.
    while !isEnough(total), m < 1_000_000 {
        term = term * (1 - theta) * Double(m) / Double(m + 1 - count)
        total += term
        m += 1
    }
    return m
}
