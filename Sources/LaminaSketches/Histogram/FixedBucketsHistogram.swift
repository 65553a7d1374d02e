package import LaminaBase

/// Counts of values in equal buckets between two limits.
///
/// - Source: `FixedBucketsHistogram`.
package struct FixedBucketsHistogram: Sendable, Hashable {
    package static let maxBuckets = 1 << 17

    /// What becomes of values outside the limits.
    package enum OutlierMode: String, Sendable, Hashable, CaseIterable {
        case ignore, overflow, clip
    }

    package let lowerLimit: Double
    package let upperLimit: Double
    package let mode: OutlierMode
    package internal(set) var buckets: [Int64]
    /// Values in the buckets.
    package internal(set) var count: Int64 = 0
    package internal(set) var lowerOutliers: Int64 = 0
    package internal(set) var upperOutliers: Int64 = 0
    package internal(set) var missing: Int64 = 0
    package internal(set) var minimum = Double.infinity
    package internal(set) var maximum = -Double.infinity

    package init(lowerLimit: Double, upperLimit: Double, buckets: Int, mode: OutlierMode) throws(LaminaError) {
        guard (upperLimit - lowerLimit).isFinite, upperLimit > lowerLimit else {
            throw .invalidInput(
                "Upper limit [\(javaText(upperLimit))] must be greater than lower limit [\(javaText(lowerLimit))]."
            )
        }
        guard buckets > 0, buckets <= Self.maxBuckets, (upperLimit - lowerLimit) / Double(buckets) > 0 else {
            throw .invalidInput("numBuckets must be > 0 and at most \(Self.maxBuckets), got [\(buckets)] instead.")
        }
        self.lowerLimit = lowerLimit
        self.upperLimit = upperLimit
        self.mode = mode
        self.buckets = Array(repeating: 0, count: buckets)
    }

    package var bucketSize: Double { (upperLimit - lowerLimit) / Double(buckets.count) }

    package mutating func update(_ value: Double) {
        if value < lowerLimit {
            addOutliers(1, isUpper: false)
        } else if value >= upperLimit {
            addOutliers(1, isUpper: true)
        } else {
            count &+= 1
            if value > maximum { maximum = value }
            if value < minimum { minimum = value }
            let place = (value - lowerLimit) / bucketSize
            // NaN counts in the first bucket, as Java casts it to 0.
            buckets[place.isNaN ? 0 : min(Int(min(place, Double(buckets.count))), buckets.count - 1)] &+= 1
        }
    }

    package mutating func updateMissing() { missing &+= 1 }

    private mutating func addOutliers(_ added: Int64, isUpper: Bool) {
        if added == 0 { return }
        switch (mode, isUpper) {
        case (.ignore, _): return
        case (.overflow, false): lowerOutliers &+= added
        case (.overflow, true): upperOutliers &+= added
        case (.clip, _):
            buckets[isUpper ? buckets.count - 1 : 0] &+= added
            count &+= added
            let limit = isUpper ? upperLimit : lowerLimit
            if limit > maximum { maximum = limit }
            if limit < minimum { minimum = limit }
        }
    }

    /// Takes in another histogram; one with other buckets as if its values were spread evenly in each bucket.
    package mutating func merge(same other: FixedBucketsHistogram) {
        missing &+= other.missing
        if bucketSize == other.bucketSize, lowerLimit == other.lowerLimit, upperLimit == other.upperLimit,
            buckets.count == other.buckets.count
        {
            for index in buckets.indices { buckets[index] &+= other.buckets[index] }
            count &+= other.count
            minimum = min(minimum, other.minimum)
            maximum = max(maximum, other.maximum)
            mergeOutliers(below: other.lowerOutliers, above: other.upperOutliers)
        } else if other.lowerLimit >= upperLimit {
            mergeOutliers(below: 0, above: other.count &+ other.upperOutliers)
        } else if other.upperLimit <= lowerLimit {
            mergeOutliers(below: other.count &+ other.lowerOutliers, above: 0)
        } else {
            var below = other.lowerOutliers
            var above = other.upperOutliers
            if other.lowerLimit < lowerLimit { below &+= other.count(upTo: lowerLimit) }
            if other.upperLimit > upperLimit { above &+= other.count(from: upperLimit) }
            mergeOutliers(below: below, above: above)
            if mode == .clip, other.count > 0, other.lowerLimit > lowerLimit, other.upperLimit < upperLimit {
                if below == 0 { minimum = min(minimum, other.minimum) }
                if above == 0 { maximum = max(maximum, other.maximum) }
            }
            spread(other)
        }
    }

    /// Clipped outliers reach the limit on their own side only.
    private mutating func mergeOutliers(below: Int64, above: Int64) {
        switch mode {
        case .ignore: return
        case .overflow:
            lowerOutliers &+= below
            upperOutliers &+= above
        case .clip:
            buckets[0] &+= below
            buckets[buckets.count - 1] &+= above
            count &+= below &+ above
            if below > 0 { minimum = min(minimum, lowerLimit) }
            if above > 0 { maximum = max(maximum, upperLimit) }
        }
    }

    private func bucket(_ value: Double) -> Int {
        max(0, min(Int(min(max((value - lowerLimit) / bucketSize, 0), Double(buckets.count))), buckets.count - 1))
    }

    private func start(_ bucket: Int) -> Double { Double(bucket) * bucketSize + lowerLimit }

    private func count(upTo limit: Double) -> Int64 {
        let last = bucket(limit)
        var total = 0.0
        for index in 0..<last { total += Double(buckets[index]) }
        total += (limit - start(last)) / bucketSize * Double(buckets[last])
        return javaRound(total)
    }

    private func count(from limit: Double) -> Int64 {
        let first = bucket(limit)
        var total = (start(first + 1) - limit) / bucketSize * Double(buckets[first])
        for index in (first + 1)..<max(first + 1, buckets.count) { total += Double(buckets[index]) }
        return javaRound(total)
    }

    /// Shares the values of another histogram's buckets out to the buckets they overlap.
    ///
    /// - Source: `FixedBucketsHistogram.simpleInterpolateMerge`.
    private mutating func spread(_ other: FixedBucketsHistogram) {
        let rangeEnd = min(upperLimit, other.upperLimit)
        var cursor = max(lowerLimit, other.lowerLimit)
        var mine = bucket(cursor)
        var theirs = other.bucket(cursor)
        while cursor < rangeEnd, mine < buckets.count, theirs < other.buckets.count {
            let myEnd = mine == buckets.count - 1 ? rangeEnd : min(start(mine + 1), rangeEnd)
            let theirEnd = theirs == other.buckets.count - 1 ? rangeEnd : min(other.start(theirs + 1), rangeEnd)
            let end = min(myEnd, theirEnd)
            if end > cursor {
                let added = javaRound(Double(other.buckets[theirs]) * ((end - cursor) / other.bucketSize))
                if added > 0 { widen(by: other, theirs, from: cursor, to: end) }
                buckets[mine] &+= added
                count &+= added
                cursor = end
            }
            if myEnd <= cursor { mine += 1 }
            if theirEnd <= cursor { theirs += 1 }
        }
    }

    /// Least and greatest of the values that stand between `from` and `to` when a bucket's values stand evenly.
    private mutating func widen(by other: FixedBucketsHistogram, _ bucket: Int, from: Double, to: Double) {
        let base = other.start(bucket)
        let step = other.bucketSize / Double(other.buckets[bucket])
        let first = ((from - base) / step).rounded(.up) * step + base
        if first >= from {
            minimum = min(minimum, first)
            maximum = max(maximum, first)
        }
        let last = ((to - base) / step).rounded(.down) * step + base
        if last < to {
            minimum = min(minimum, last)
            maximum = max(maximum, last)
        }
    }

    /// Values at percentages (0 to 100) that rise; 0 where nothing was counted.
    ///
    /// - Source: `FixedBucketsHistogram.percentilesFloat`.
    package func percentiles(_ percentages: [Double]) -> [Float] {
        var results = [Float](repeating: 0, count: percentages.count)
        var next = 0
        var seen: Int64 = 0
        var (share, end) = (0.0, lowerLimit)
        for (index, bucket) in buckets.enumerated() {
            seen &+= bucket
            let nextShare = 100.0 * Double(seen) / Double(count)
            let nextEnd = Double(index + 1) * bucketSize + lowerLimit
            while next < percentages.count, nextShare >= percentages[next] {
                let part = (percentages[next] - share) / (nextShare - share)
                results[next] = Float(part * (nextEnd - end) + end)
                next += 1
            }
            if next >= percentages.count { break }
            (share, end) = (nextShare, nextEnd)
        }
        return results
    }

    /// As Druid prints a finished histogram.
    package var text: String {
        "{lowerLimit=\(javaText(lowerLimit)), upperLimit=\(javaText(upperLimit)), numBuckets=\(buckets.count), "
            + "upperOutlierCount=\(upperOutliers), lowerOutlierCount=\(lowerOutliers), missingValueCount=\(missing), "
            + "histogram=[\(buckets.map { "\($0)" }.joined(separator: ", "))], outlierHandlingMode=\(mode.rawValue), "
            + "count=\(count), max=\(javaText(maximum)), min=\(javaText(minimum))}"
    }
}

/// `Math.round`: half up, saturating, 0 of NaN.
private func javaRound(_ value: Double) -> Int64 {
    if value.isNaN { return 0 }
    return Int64(exactly: min(max((value + 0.5).rounded(.down), -0x1p62), 0x1p62)) ?? 0
}
