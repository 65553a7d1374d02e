import LaminaBase

extension SketchAggregator {
    /// Sketches of numbers, or of stored sketches of numbers.
    package enum Numbers: Sendable {
        /// `quantilesDoublesSketch`. Source: `DoublesSketchAggregatorFactory`.
        case quantiles(k: Int, maxStreamLength: Int64)
        /// `KllDoublesSketch`, `KllFloatsSketch`. Source: `KllSketchAggregatorFactory`.
        case kll(isFloat: Bool, k: Int, maxStreamLength: Int64)
        /// `approxHistogram`, `approxHistogramFold`. Source: `ApproximateHistogramAggregatorFactory`.
        case approximateHistogram(resolution: Int, buckets: Int, lowerLimit: Float, upperLimit: Float)
        /// `fixedBucketsHistogram`. Source: `FixedBucketsHistogramAggregatorFactory`.
        case fixedBuckets(FixedBuckets)
        /// `variance`, `varianceFold`; the input's type is the column's when none is given. Source:
        /// `VarianceAggregatorFactory`.
        case variance(inputType: Aggregator.NumberType?, estimator: String?)
    }

    package struct FixedBuckets: Sendable {
        package var lowerLimit: Double
        package var upperLimit: Double
        package var buckets: Int
        /// `ignore`, `overflow` or `clip`.
        package var outlierMode: String
    }

    /// `bloom`. Source: `BloomFilterAggregatorFactory`.
    package struct Bloom: Sendable {
        package var dimension: DimensionSpec
        package var maxEntries: Int
    }

    /// Whether an estimator's name means the whole population.
    package static func isPopulation(_ estimator: String?) -> Bool { estimator?.lowercased() == "population" }
}

extension SketchAggregator.Numbers {
    var typeName: String {
        switch self {
        case .quantiles: "quantilesDoublesSketch"
        case .kll(let isFloat, _, _): isFloat ? "KllFloatsSketch" : "KllDoublesSketch"
        case .approximateHistogram: "approximateHistogram"
        case .fixedBuckets: "fixedBucketsHistogram"
        case .variance: "variance"
        }
    }

    var outputType: ColumnType {
        switch self {
        case .quantiles, .kll: .long
        case .approximateHistogram: .complex("histogram2")
        case .fixedBuckets: .string
        case .variance: .double
        }
    }

    /// See `SketchAggregator.combiningParts`.
    func combiningParts(
        shouldFinalize: Bool
    ) -> (type: String, before: [(String, JSON)], after: [(String, JSON)]) {
        switch self {
        case .quantiles(let k, let length), .kll(_, let k, let length):
            let before: [(String, JSON)] = [("k", .int(Int64(k))), ("maxStreamLength", .int(length))]
            return ("\(typeName)Merge", before, shouldFinalize ? [] : [("shouldFinalize", false)])
        case .approximateHistogram(let resolution, let buckets, let lower, let upper):
            let after: [(String, JSON)] = [
                ("resolution", .int(Int64(resolution))), ("numBuckets", .int(Int64(buckets))),
                ("lowerLimit", .double(Double(lower))), ("upperLimit", .double(Double(upper))),
                ("finalizeAsBase64Binary", .bool(!shouldFinalize)),
            ]
            return ("approxHistogramFold", [], after)
        case .fixedBuckets(let options):
            let after: [(String, JSON)] = [
                ("numBuckets", .int(Int64(options.buckets))), ("lowerLimit", .double(options.lowerLimit)),
                ("upperLimit", .double(options.upperLimit)), ("outlierHandlingMode", .string(options.outlierMode)),
                ("finalizeAsBase64Binary", .bool(!shouldFinalize)),
            ]
            return ("fixedBucketsHistogram", [], after)
        case .variance(_, let estimator):
            let after: [(String, JSON)] = [
                ("estimator", estimator.map(JSON.string) ?? .null), ("inputType", .string("variance")),
            ]
            return ("varianceFold", [], after)
        }
    }
}

extension SketchPostAggregator {
    /// What is read from sketches of numbers, and the statistics computed with them.
    package enum NumberOperation: Sendable {
        /// `…ToQuantile` of the three quantiles sketches.
        case quantile(Double)
        case quantiles([Double])
        /// Counts between the split points, or in even parts of the range.
        case counts(splitPoints: [Double]?, bins: Int)
        case rank(Double)
        case cumulativeRanks([Double])
        case text
        /// `quantile`, `quantiles` of the two histograms.
        case histogramQuantile(Float)
        case histogramQuantiles([Float])
        case minimum
        case maximum
        case equalBuckets(Int)
        case buckets(size: Float, offset: Float)
        case customBuckets([Float])
        case standardDeviation(population: Bool)
        /// `zscore2sample`: successes and size of one sample, then of the other.
        case zScore
        /// `pvalue2tailedZtest`
        case pValue
    }
}

extension SketchPostAggregator.Operation {
    /// It computes with finished numbers, not with sketches.
    package var takesNumbers: Bool {
        switch self {
        case .numbers(.zScore), .numbers(.pValue): true
        default: false
        }
    }
}
