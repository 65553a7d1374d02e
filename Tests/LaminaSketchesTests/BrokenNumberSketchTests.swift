import LaminaBase
import LaminaSketches
import Testing

extension BrokenSketchTests {
    private func samples<Kind: NumberSketch>(_ empties: [Kind], _ counts: [Int]) -> [[UInt8]] {
        empties.flatMap { empty in
            counts.map { count in
                var sketch = empty
                for number in 0..<count { sketch.update(Double(number) * 0.75 - 10) }
                return sketch.bytes
            }
        }
    }

    private func rankings<Kind: RankSketch>(_ empties: [Kind]) {
        attack(samples([empties[0]], [0, 1, 7, 300]) + samples([empties[1]], [9]), { try Kind(bytes: $0) }) { sketch in
            _ = sketch.summary
            let view = sketch.sortedView
            _ = try? view.quantile(0.5) + view.rank(10)
            _ = try? view.histogram(sketch.evenSplitPoints(5))
        }
    }

    @Test func quantiles() throws {
        rankings([try QuantilesSketch(k: 4), try QuantilesSketch(k: 128)])
        rankings([try KLLSketch<Double>(k: 8), try KLLSketch<Double>()])
        rankings([try KLLSketch<Float>(k: 8), try KLLSketch<Float>()])
    }

    @Test func histograms() throws {
        let approximate = [try ApproximateHistogram(size: 4), try ApproximateHistogram(size: 50)]
        attack(samples(approximate, [0, 1, 7, 300]), { try ApproximateHistogram(bytes: $0) }) { histogram in
            _ = try? histogram.quantiles([0.5])
            _ = try? histogram.shape(buckets: 3)
            // Within the bound on buckets, but without the patience for a hundred thousand of them each time.
            if histogram.maximum - histogram.minimum < 10_000 { _ = try? histogram.shape(bucketSize: 10, offset: 1) }
        }
        let fixed = [try FixedBucketsHistogram(lowerLimit: 0, upperLimit: 50, buckets: 12, mode: .clip)]
        let other = fixed[0]
        attack(samples(fixed, [1, 300]), { try FixedBucketsHistogram(bytes: $0) }) { histogram in
            // Sizes up to the bound are rightful; printing each of them would only take time.
            if histogram.buckets.count < 10_000 {
                _ = histogram.text.count + histogram.percentiles([10, 50, 99]).count
            }
            var merged = other
            merged.merge(same: histogram)
            var back = histogram
            back.merge(same: other)
        }
    }

    @Test func variancesAndBloomFilters() throws {
        attack(samples([VarianceState()], [0, 1, 50]), { try VarianceState(bytes: $0) }) {
            _ = $0.variance(population: true)
        }
        var filter = try BloomKFilter(maxEntries: 10)
        filter.add("a")
        attack([filter.bytes], { try BloomKFilter(bytes: $0) }) { _ = $0.mayContain("a") || $0.mayContain(3.5) }
    }
}
