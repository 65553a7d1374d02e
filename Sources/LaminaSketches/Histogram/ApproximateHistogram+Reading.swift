package import LaminaBase

/// Breaks and the estimated numbers of values between them.
package struct HistogramShape: Sendable, Hashable {
    package var breaks: [Float]
    package var counts: [Double]
}

extension ApproximateHistogram {
    /// Values in each bin.
    package var counts: [Int64] { bins.indices.map { binCount($0) } }

    /// The estimated number of values up to and including `limit`.
    ///
    /// - Source: `ApproximateHistogram.sum`.
    package func sum(upTo limit: Float) -> Double {
        if limit < minimum { return 0 }
        if limit >= maximum { return Double(count) }
        let (place, found) = place(limit)
        let index = found ? place : place - 1
        let isLeftOfAll = index < 0
        let isRightOfAll = index >= bins.count - 1
        let left = isLeftOfAll ? 0 : Double(binCount(index))
        let right = isRightOfAll ? 0 : Double(binCount(index + 1))
        let start = isLeftOfAll ? Double(minimum) : Double(positions[index])
        let end = isRightOfAll ? Double(maximum) : Double(positions[index + 1])
        let share = end == start ? 0 : (Double(limit) - start) / (end - start)
        // Exact bins have no width: all their values stand at their place.
        let isLeftExact = !isLeftOfAll && isExact(index)
        let leftSpread = isLeftExact ? 0 : left
        let rightSpread = !isRightOfAll && isExact(index + 1) ? 0 : right
        let middle = leftSpread + (rightSpread - leftSpread) * share
        var total = 0.5 * (leftSpread + middle) * share
        for before in 0..<max(0, index) { total += Double(binCount(before)) }
        return isLeftExact ? total + left : total + 0.5 * left
    }

    /// Estimated quantiles of probabilities between 0 and 1, both excluded; NaN of nothing.
    ///
    /// - Source: `ApproximateHistogram.getQuantiles`.
    package func quantiles(_ probabilities: [Float]) throws(LaminaError) -> [Float] {
        for probability in probabilities {
            guard probability > 0, probability < 1 else {
                throw .invalidInput("quantile probabilities must be strictly between 0 and 1")
            }
        }
        if count == 0 { return Array(repeating: .nan, count: probabilities.count) }
        return probabilities.map { quantile(Double($0 * Float(count))) }
    }

    private func quantile(_ rank: Double) -> Float {
        var index = 0
        var sum: Int64 = 0
        for bin in bins.indices {
            let count = binCount(bin)
            if Double(sum &+ count) > rank {
                index = bin
                break
            }
            sum &+= count
        }
        if index == 0 { return minimum }
        let rest = -2 * (rank - Double(sum))
        let slope = Double(binCount(index) &- binCount(index - 1))
        let width = 2 * Double(binCount(index - 1))
        let share =
            slope == 0
            ? -rest / width : (-width + (width * width - 4 * slope * rest).squareRoot()) / (2 * slope)
        let left = positions[index - 1]
        let value = Float(Double(left) + Double(positions[index] - left) * share)
        return value < maximum ? value : maximum
    }

    /// Values between given breaks.
    package func shape(breaks: [Float]) -> HistogramShape {
        guard let first = breaks.first else { return HistogramShape(breaks: [], counts: []) }
        var counts: [Double] = []
        var previous = sum(upTo: first)
        for limit in breaks.dropFirst() {
            let sum = sum(upTo: limit)
            counts.append(Double(Float(sum - previous)))
            previous = sum
        }
        return HistogramShape(breaks: breaks, counts: counts)
    }

    /// `buckets` equal parts of the range, the first of them below the least value.
    package func shape(buckets: Int) throws(LaminaError) -> HistogramShape {
        guard buckets > 1, buckets <= Self.maxSize else {
            throw .invalidInput("The number of buckets of a histogram must be 2 to \(Self.maxSize), not \(buckets)")
        }
        let width = (maximum - minimum) / Float(buckets - 1)
        var breaks = [minimum - width]
        for _ in 1..<buckets { breaks.append(breaks[breaks.count - 1] + width) }
        return shape(breaks: breaks + [maximum])
    }

    /// Buckets of one width, one of them beginning at `offset`; empty ones are left out.
    package func shape(bucketSize: Float, offset: Float) throws(LaminaError) -> HistogramShape {
        guard count > 0 else { return HistogramShape(breaks: [], counts: []) }
        func aligned(_ limit: Float, _ rule: FloatingPointRoundingRule) -> Float {
            ((limit - offset) / bucketSize).rounded(rule) * bucketSize + offset
        }
        let floor = aligned(minimum, .down)
        let first = max(floor, aligned(lowerLimit, .down))
        let ceiling = aligned(maximum, .up)
        let last = min(ceiling, aligned(upperLimit, .up))
        guard (last - first) / bucketSize <= 100_000, first + bucketSize > first, last + bucketSize > last else {
            throw .resourceLimit("buckets: a bucketSize of \(javaText(bucketSize)) gives more than 100,000 buckets")
        }
        let least = 0.1
        var breaks: [Float] = []
        let bottom = floor - bucketSize
        if bottom != first, sum(upTo: first) - sum(upTo: bottom) > least { breaks.append(bottom) }
        var left = first
        var isOpen = false
        while left + bucketSize <= last + bucketSize / 10 {
            let right = left + bucketSize
            let isFilled = sum(upTo: right) - sum(upTo: left) > least
            if isFilled {
                if !isOpen { breaks.append(left) }
                breaks.append(right)
            }
            isOpen = isFilled
            left = right
        }
        if let end = breaks.last, end != ceiling, sum(upTo: ceiling) - sum(upTo: end) > least { breaks.append(ceiling) }
        return shape(breaks: breaks)
    }
}
