import LaminaBase
import LaminaSketches
import Testing

@Suite struct FixedBucketsHistogramTests {
    private func built(
        _ lower: Double,
        _ upper: Double,
        _ buckets: Int,
        _ mode: FixedBucketsHistogram.OutlierMode,
        _ values: [Double]
    ) throws -> FixedBucketsHistogram {
        var histogram = try FixedBucketsHistogram(lowerLimit: lower, upperLimit: upper, buckets: buckets, mode: mode)
        for value in values { histogram.update(value) }
        return histogram
    }

    @Test func `Outliers are ignored, counted or clipped`() throws {
        let values = [-1.0, 0, 1, 9.99, 10, 25]
        let ignoring = try built(0, 10, 2, .ignore, values)
        #expect(ignoring.buckets == [2, 1] && ignoring.count == 3)
        #expect(ignoring.lowerOutliers == 0 && ignoring.upperOutliers == 0)
        let counting = try built(0, 10, 2, .overflow, values)
        #expect(counting.buckets == [2, 1] && counting.lowerOutliers == 1 && counting.upperOutliers == 2)
        #expect(counting.minimum == 0 && counting.maximum == 9.99)
        let clipping = try built(0, 10, 2, .clip, values)
        #expect(clipping.buckets == [3, 3] && clipping.count == 6 && clipping.minimum == 0 && clipping.maximum == 10)
        #expect(throws: LaminaError.self) { try built(5, 5, 2, .clip, []) }
        #expect(throws: LaminaError.self) { try built(0, .infinity, 2, .clip, []) }
        #expect(throws: LaminaError.self) { try built(0, 1, 0, .clip, []) }
    }

    /// The example of the class's documentation: 75 % of 0, 1, 2, 4, 0 in 0 to 10 is 6 + ((5.25 - 3) / 4) · 2.
    @Test func `Percentiles by hand`() throws {
        let histogram = try built(0, 10, 5, .ignore, [2.5, 4.5, 5.5, 6.1, 6.2, 7.8, 7.9])
        #expect(histogram.percentiles([75]) == [7.125])
        #expect(histogram.percentiles([100.0 / 7, 50]) == [4, 6.25])
        #expect(try built(0, 10, 5, .ignore, []).percentiles([50]) == [0])
    }

    @Test func `Merging equal buckets adds them`() throws {
        var histogram = try built(0, 10, 2, .overflow, [1, 2, 20])
        var other = try built(0, 10, 2, .overflow, [7, -3])
        other.updateMissing()
        histogram.merge(same: other)
        #expect(histogram.buckets == [2, 1] && histogram.lowerOutliers == 1 && histogram.upperOutliers == 1)
        #expect(histogram.missing == 1 && histogram.minimum == 1 && histogram.maximum == 7)
        var clipping = try built(0, 10, 2, .clip, [1])
        clipping.merge(same: histogram)
        #expect(clipping.buckets == [4, 2] && clipping.count == 6)
    }

    /// The example of the class's documentation: 4, 4, 0, 0 in 0 to 12 gives every bucket of 0 to 6 a rounded 1.33.
    @Test func `Merging other buckets shares values out`() throws {
        var histogram = try built(0, 6, 6, .overflow, [])
        histogram.merge(same: try built(0, 12, 4, .overflow, [0, 1, 2, 2.5, 3, 4, 5, 5.5]))
        #expect(histogram.buckets == [1, 1, 1, 1, 1, 1] && histogram.count == 6 && histogram.upperOutliers == 0)
        // Half of the second bucket lies below 5, and the third one above 10.
        var inner = try built(5, 10, 1, .overflow, [])
        inner.merge(same: try built(0, 15, 3, .overflow, [1, 2, 6, 7, 12]))
        #expect(inner.buckets == [2] && inner.lowerOutliers == 2 && inner.upperOutliers == 1)
        var clipped = try built(5, 10, 1, .clip, [])
        clipped.merge(same: try built(0, 15, 3, .overflow, [1, 2, 6, 7, 12]))
        #expect(clipped.buckets == [5] && clipped.minimum == 5 && clipped.maximum == 10)
        var beside = try built(0, 1, 1, .overflow, [])
        beside.merge(same: try built(5, 6, 1, .overflow, [5.5, 5.6, 4, 7]))
        #expect(beside.upperOutliers == 3 && beside.lowerOutliers == 0 && beside.count == 0)
    }

    @Test func `Full and sparse bytes, and the text`() throws {
        let full = try built(0, 20, 2, .overflow, [1, 15, 25])
        var bytes: [UInt8] = [1, 1] + Array(repeating: 0, count: 8) + [0x40, 0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1]
        for number in [2, 0, 1, 0] as [UInt8] { bytes += [0, 0, 0, 0, 0, 0, 0, number] }
        bytes += [0x40, 0x2E, 0, 0, 0, 0, 0, 0, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0]
        bytes += [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
        #expect(full.bytes == bytes)
        let sparse = try built(0, 20, 10, .clip, [1, 1, 15])
        #expect(sparse.bytes.count == 71 + 4 + 2 * 12 && sparse.bytes[1] == 2)
        for histogram in [full, sparse, try built(-1, 1, 7, .ignore, [])] {
            #expect(try FixedBucketsHistogram(bytes: histogram.bytes) == histogram)
        }
        #expect(
            full.text == "{lowerLimit=0.0, upperLimit=20.0, numBuckets=2, upperOutlierCount=1, lowerOutlierCount=0, "
                + "missingValueCount=0, histogram=[1, 1], outlierHandlingMode=overflow, count=2, max=15.0, min=1.0}"
        )
        #expect(throws: LaminaError.self) {
            var huge = sparse.bytes
            huge.replaceSubrange(18..<22, with: [0x7F, 0xFF, 0xFF, 0xFF])
            _ = try FixedBucketsHistogram(bytes: huge)
        }
    }
}
