import LaminaBase
import LaminaSketches
import Testing

/// The examples of Ben-Haim and Tom-Tov's paper and the figures that Druid's own tests give for them.
@Suite struct ApproximateHistogramTests {
    private let paper: [Float] = [23, 19, 10, 16, 36, 2, 9, 32, 30, 45]
    private let ten: [Float] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

    private func built(_ size: Int, _ values: some Sequence<Float>) throws -> ApproximateHistogram {
        var histogram = try ApproximateHistogram(size: size)
        for value in values { histogram.update(value: value) }
        return histogram
    }

    private func isNear(_ found: [Float], _ wanted: [Float], _ distance: Float = 0.1) -> Bool {
        found.count == wanted.count && zip(found, wanted).allSatisfy { abs($0 - $1) <= distance }
    }

    @Test func `Ten values in five bins`() throws {
        let histogram = try built(5, paper)
        #expect(isNear(histogram.positions, [2, 9.5, 19.33, 32.67, 45], 0.01))
        #expect(histogram.counts == [1, 2, 3, 3, 1])
        #expect(histogram.minimum == 2 && histogram.maximum == 45 && histogram.count == 10)
        for (limit, sum) in [(0, 0.0), (2, 1), (5, 1.16), (15, 3.275), (45, 10), (46, 10)] as [(Float, Double)] {
            #expect(abs(histogram.sum(upTo: limit) - sum) < 0.01)
        }
    }

    @Test func `Merging by the fast rule`() throws {
        var merged = try ApproximateHistogram(size: 0)
        merged.merge(same: try built(5, paper.prefix(5)))
        merged.merge(same: try built(10, paper.dropFirst(5)))
        #expect(isNear(merged.positions, [11.2, 30.25, 45]))
        #expect(merged.counts == [5, 4, 1] && merged.count == 10 && merged.minimum == 2 && merged.maximum == 45)
        var few = try built(10, [1, 2, 3, 4, 5, 6])
        few.merge(same: try built(5, [3, 4, 5, 6]))
        #expect(few.positions == [1, 2, 3, 4, 5, 6] && few.counts == [1, 1, 2, 2, 2, 2])
        few.merge(same: try ApproximateHistogram(size: 5))
        #expect(few.count == 10)
    }

    @Test func `Values outside the limits share bins`() throws {
        var histogram = try ApproximateHistogram(size: 6, lowerLimit: 0, upperLimit: 10)
        for value in [-5, -4, 2, 4, 6, 20] as [Float] { histogram.update(value: value) }
        histogram.merge(same: try built(6, [-3, 8, 9, 30, 31, 32]))
        #expect(histogram.counts.reduce(0, +) == 12)
        #expect(histogram.positions.first.map { $0 < 0 } ?? false)
        #expect(histogram.positions.count { $0 < 0 } == 1 && histogram.positions.count { $0 > 10 } == 1)
        #expect(abs((histogram.positions.first ?? 0) + 4) < 0.01, "the mean of -5, -4 and -3")
    }

    @Test func `Quantiles as Druid gives them`() throws {
        let deciles: [Float] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
        #expect(isNear(try built(20, ten).quantiles(deciles), [1, 2, 3, 4, 5, 6, 7, 8, 9]))
        #expect(isNear(try built(5, ten).quantiles(deciles), [1, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5]))
        let tail: [Float] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 12, 12, 15, 20, 25, 25, 25]
        let found = try built(20, tail).quantiles(deciles + [0.05, 0.95])
        #expect(isNear(found, [1.8, 3.6, 5.4, 7.2, 9, 11.05, 12.37, 17, 23.5, 1, 25]))
        let thousand = try built(100, (1...1000).map(Float.init)).quantiles([0.25, 0.5, 0.75])
        #expect(isNear(thousand, [244.5, 493.5, 746]))
        #expect(try built(5, []).quantiles([0.5])[0].isNaN)
        #expect(throws: LaminaError.self) { try built(5, ten).quantiles([1]) }
    }

    @Test func `Shapes of exact bins count their values`() throws {
        let histogram = try built(50, ten)
        let equal = try histogram.shape(buckets: 4)
        #expect(equal.breaks == [-2, 1, 4, 7, 10] && equal.counts == [1, 3, 3, 3])
        #expect(histogram.shape(breaks: [0, 5, 20]).counts == [5, 5])
        // Six is a break and belongs to the bucket before it, as the least value belongs to one of its own.
        let buckets = try histogram.shape(bucketSize: 5, offset: 1)
        #expect(buckets.breaks == [-4, 1, 6, 11] && buckets.counts == [1, 5, 4])
        let gap = try built(50, [1.5, 2.5, 40.5]).shape(bucketSize: 10, offset: 0)
        #expect(gap.breaks == [0, 10, 40, 50] && gap.counts == [2, 0, 1])
        #expect(throws: LaminaError.self) { try built(50, [0, 1e30]).shape(bucketSize: 1, offset: 0) }
    }

    @Test func `Bytes of all forms`() throws {
        let exact = try built(5, [1, 2, 2])
        #expect(exact.bytes == [0xFF, 0xFB, 3, 0x3F, 0x80, 0, 0, 0x40, 0, 0, 0, 0x40, 0, 0, 0])
        // size 2, three values joined in one bin of place 2 and one exact one: compact with least and greatest.
        let many = try built(50, (1...1000).map(Float.init))
        for histogram in [exact, try built(5, paper), many, try ApproximateHistogram(size: 50)] {
            let again = try ApproximateHistogram(bytes: histogram.bytes)
            #expect(again.positions == histogram.positions && again.counts == histogram.counts)
            #expect(again.minimum == histogram.minimum && again.maximum == histogram.maximum)
            #expect(again.count == histogram.count && again.bytes == histogram.bytes)
        }
        var dense: [UInt8] = [0, 0, 0, 2, 0, 0, 0, 1, 0x3F, 0x80, 0, 0, 0, 0, 0, 0]
        dense += [0, 0, 0, 0, 0, 0, 0, 7] + [UInt8](repeating: 0, count: 8) + [0x3F, 0x80, 0, 0, 0x3F, 0x80, 0, 0]
        let read = try ApproximateHistogram(bytes: dense)
        #expect(read.positions == [1] && read.counts == [7] && read.count == 7)
    }
}
