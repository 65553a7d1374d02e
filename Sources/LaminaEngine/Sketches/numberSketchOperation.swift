import LaminaBase
import LaminaQuery
import LaminaSketches

/// What a post-aggregation over sketches of numbers gives; null of what is no sketch.
func numberSketchOperation(
    _ operation: SketchPostAggregator.NumberOperation,
    _ operands: [PostOperand]
) throws(LaminaError) -> Value {
    switch operation {
    case .zScore, .pValue: return try statistic(operation, operands.map(\.value.asDouble))
    default: break
    }
    guard let sketch = try operands.first?.numberSketch() else { return .null }
    switch sketch {
    case let sketch as any RankSketch: return try ranking(operation, sketch)
    case let histogram as ApproximateHistogram: return try reading(operation, histogram)
    case let histogram as FixedBucketsHistogram: return try reading(operation, histogram)
    case let state as VarianceState:
        guard case .standardDeviation(let population) = operation else { break }
        return state.variance(population: population).map { .double($0.squareRoot()) } ?? .null
    default: break
    }
    throw .invalidInput("A post-aggregation for other sketches cannot read a \(sketch.typeName)")
}

private func ranking<Kind: RankSketch>(
    _ operation: SketchPostAggregator.NumberOperation,
    _ sketch: Kind
) throws(LaminaError) -> Value {
    func item(_ number: Double) -> Value { Kind.holdsFloats ? .float(Float(number)) : .double(number) }
    func points(_ numbers: [Double]) -> [Double] { Kind.holdsFloats ? numbers.map { Double(Float($0)) } : numbers }
    let view = sketch.sortedView
    switch operation {
    case .quantile(let rank): return item(try view.quantile(rank))
    case .quantiles(let ranks):
        var items: [Value] = []
        for rank in ranks { items.append(item(try view.quantile(rank))) }
        return .array(items)
    case .counts(let splitPoints, let bins):
        if sketch.count == 0 { return .array(Array(repeating: .double(.nan), count: bins)) }
        let counts = try view.histogram(points(splitPoints ?? sketch.evenSplitPoints(bins)))
        return .array(counts.map(Value.double))
    case .rank(let value): return .double(try view.rank(points([value])[0]))
    case .cumulativeRanks(let splitPoints):
        return .array(try view.cumulativeRanks(points(splitPoints)).map(Value.double))
    case .text: return .string(sketch.summary)
    default: throw .invalidInput("A post-aggregation of histograms cannot read a \(sketch.typeName)")
    }
}

private func reading(
    _ operation: SketchPostAggregator.NumberOperation,
    _ histogram: ApproximateHistogram
) throws(LaminaError) -> Value {
    switch operation {
    case .histogramQuantile(let probability): return .float(try histogram.quantiles([probability])[0])
    case .histogramQuantiles(let probabilities):
        let quantiles = try histogram.quantiles(probabilities)
        return quantilesValue(probabilities, quantiles, histogram.minimum, histogram.maximum)
    case .minimum: return .float(histogram.minimum)
    case .maximum: return .float(histogram.maximum)
    case .equalBuckets(let buckets): return shapeValue(try histogram.shape(buckets: buckets))
    case .buckets(let size, let offset): return shapeValue(try histogram.shape(bucketSize: size, offset: offset))
    case .customBuckets(let breaks): return shapeValue(histogram.shape(breaks: breaks))
    default: throw .invalidInput("A post-aggregation of other sketches cannot read a \(histogram.typeName)")
    }
}

private func reading(
    _ operation: SketchPostAggregator.NumberOperation,
    _ histogram: FixedBucketsHistogram
) throws(LaminaError) -> Value {
    switch operation {
    case .histogramQuantile(let probability): return .float(histogram.percentiles([Double(probability) * 100])[0])
    case .histogramQuantiles(let probabilities):
        let quantiles = histogram.percentiles(probabilities.map { Double($0) * 100 })
        return quantilesValue(probabilities, quantiles, Float(histogram.minimum), Float(histogram.maximum))
    case .minimum: return .double(histogram.minimum)
    case .maximum: return .double(histogram.maximum)
    default: throw .invalidInput("A post-aggregation of other sketches cannot read a \(histogram.typeName)")
    }
}

/// - Source: `Quantiles`
private func quantilesValue(_ probabilities: [Float], _ quantiles: [Float], _ minimum: Float, _ maximum: Float) -> Value
{
    func number(_ float: Float) -> JSON { .double(Double(float.description) ?? Double(float)) }
    return .json([
        "probabilities": .array(probabilities.map(number)),
        "quantiles": .array(quantiles.map(number)),
        "min": number(minimum),
        "max": number(maximum),
    ])
}

private func statistic(
    _ operation: SketchPostAggregator.NumberOperation,
    _ numbers: [Double?]
) throws(LaminaError) -> Value {
    let known = numbers.compactMap { $0 }
    guard known.count == numbers.count, !known.isEmpty else { return .null }
    if case .pValue = operation { return .double(pValueTwoTailed(known[0])) }
    guard known.count == 4 else { return .null }
    return .double(try zScore(successes: known[0], of: known[1], and: known[2], of: known[3]))
}

extension PostOperand {
    /// The sketch, also of bytes that came as a value (from an inner query); nil of what is none.
    fileprivate func numberSketch() throws(LaminaError) -> (any Sketch)? {
        switch self {
        case .sketch(let sketch): return sketch
        case .value(.complex(let type, let bytes)):
            if bytes.isEmpty { return nil }
            switch type {
            case "quantilesDoublesSketch": return try QuantilesSketch(bytes: bytes)
            case "KllDoublesSketch": return try KLLSketch<Double>(bytes: bytes)
            case "KllFloatsSketch": return try KLLSketch<Float>(bytes: bytes)
            case "approximateHistogram": return try ApproximateHistogram(bytes: bytes)
            case "fixedBucketsHistogram": return try FixedBucketsHistogram(bytes: bytes)
            case "variance": return try VarianceState(bytes: bytes)
            default: return nil
            }
        case .value: return nil
        }
    }
}
