import LaminaBase
import LaminaQuery
import LaminaSketches

/// The aggregation behind a sketch of numbers. Errors: parameters no sketch can have.
func makeNumberSketchAggregation(
    _ aggregator: SketchAggregator,
    _ numbers: SketchAggregator.Numbers
) throws(LaminaError) -> any ValueAggregation {
    func make<Kind: NumberSketch>(
        _ empty: Kind,
        _ finish: @escaping @Sendable (Kind) throws(LaminaError) -> Value
    ) -> any ValueAggregation {
        NumberSketchAggregation(
            field: aggregator.field,
            numbers: numbers,
            empty: empty,
            showsFinished: aggregator.shouldFinalize,
            finish: finish
        )
    }
    switch numbers {
    case .quantiles(let k, _): return make(try QuantilesSketch(k: k)) { .long(Int64($0.count)) }
    case .kll(isFloat: true, let k, _): return make(try KLLSketch<Float>(k: k)) { .long(Int64($0.count)) }
    case .kll(isFloat: false, let k, _): return make(try KLLSketch<Double>(k: k)) { .long(Int64($0.count)) }
    case .approximateHistogram(let resolution, let buckets, let lower, let upper):
        let empty = try ApproximateHistogram(size: resolution, lowerLimit: lower, upperLimit: upper)
        return make(empty) { (histogram) throws(LaminaError) in
            shapeValue(try histogram.limited(lower, upper).shape(buckets: buckets))
        }
    case .fixedBuckets(let options):
        let empty = try FixedBucketsHistogram(
            lowerLimit: options.lowerLimit,
            upperLimit: options.upperLimit,
            buckets: options.buckets,
            mode: FixedBucketsHistogram.OutlierMode(rawValue: options.outlierMode) ?? .ignore
        )
        return make(empty) { .string($0.text) }
    case .variance(_, let estimator):
        let population = SketchAggregator.isPopulation(estimator)
        return make(VarianceState()) { $0.variance(population: population).map(Value.double) ?? .null }
    }
}

/// A histogram's breaks and counts as results show them.
func shapeValue(_ shape: HistogramShape) -> Value {
    .json([
        "breaks": .array(shape.breaks.map { .double(Double($0)) }),
        "counts": .array(shape.counts.map { .double($0) }),
    ])
}
