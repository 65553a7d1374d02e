import Glibc
import LaminaBase
import LaminaQuery
import LaminaSketches

/// What a post-aggregation of tuple sketches gives.
func tupleOperation(
    _ operation: SketchPostAggregator.Operation,
    _ sketches: [TupleSketch]
) throws(LaminaError) -> PostOperand {
    guard let first = sketches.first else { return .value(.null) }
    switch operation {
    case .tupleEstimate: return .value(.double(first.estimate))
    case .tupleEstimateAndBounds(let deviations):
        let bounds = first.estimate(deviations: deviations)
        return .value(.array([.double(bounds.estimate), .double(bounds.lower), .double(bounds.upper)]))
    case .tupleEntryCount: return .value(.long(Int64(first.entryCount)))
    case .tupleMeans: return .value(.array(moments(first).map { .double($0.mean) }))
    case .tupleVariances: return .value(.array(moments(first).map { .double($0.variance) }))
    case .tupleMetricsSumEstimate:
        var sums = [Double](repeating: 0, count: first.numberOfValues)
        for row in first.rows {
            for (column, number) in row.enumerated() { sums[column] += number }
        }
        let theta = first.theta
        return .value(.array(sums.map { .double($0 / theta) }))
    case .tupleSetOperation(let function, let entries, let values):
        return .sketch(try combined(function, sketches, entries, values))
    case .tupleTTest:
        guard sketches.count == 2, sketches[0].numberOfValues == sketches[1].numberOfValues else {
            throw .invalidInput("arrayOfDoublesSketchTTest needs two sketches with equally many values")
        }
        return .value(tTest(moments(sketches[0]), moments(sketches[1])))
    case .tupleToString: return .value(.string(first.summary))
    case .tupleToBase64: return .value(.string(base64Encoded(first.bytes)))
    case .tupleToQuantiles(let column, let k):
        guard column <= first.numberOfValues else {
            throw .invalidInput("Column \(column) is out of range: the sketch has \(first.numberOfValues) columns")
        }
        var quantiles = try QuantilesSketch(k: k)
        for row in first.rows { quantiles.update(row[column - 1]) }
        return .sketch(quantiles)
    default: throw .unsupported("A tuple sketch in post-aggregator '\(operation)'")
    }
}

private func combined(
    _ function: SketchPostAggregator.SetFunction,
    _ sketches: [TupleSketch],
    _ entries: Int,
    _ values: Int
) throws(LaminaError) -> TupleSketch {
    switch function {
    case .union:
        var union = TupleSketch(nominalEntries: entries, numberOfValues: values)
        for sketch in sketches { try union.merge(sketch) }
        return union
    case .intersect:
        return try TupleSketch.intersection(sketches, nominalEntries: entries, numberOfValues: values)
    case .not:
        var rest = sketches[0]
        for sketch in sketches.dropFirst() { rest = try rest.subtracting(sketch) }
        return rest
    }
}

/// Mean and variance of some numbers, gathered one by one.
private struct Moments {
    var count = 0.0
    var mean = Double.nan
    private var squares = 0.0

    /// Of a sample: divided by one less than the count; 0 of a single number, NaN of none.
    var variance: Double { count == 0 ? .nan : count == 1 ? 0 : squares / (count - 1) }

    mutating func add(_ number: Double) {
        count += 1
        if count == 1 { mean = 0 }
        let deviation = number - mean
        mean += deviation / count
        squares += (count - 1) * deviation * (deviation / count)
    }
}

/// By column, over the sampled values. Source: `SummaryStatistics` of commons-math, which Druid uses.
private func moments(_ sketch: TupleSketch) -> [Moments] {
    var moments = [Moments](repeating: Moments(), count: sketch.numberOfValues)
    for row in sketch.rows {
        for (column, number) in row.enumerated() { moments[column].add(number) }
    }
    return moments
}

/// Two-sided p-values of Welch's test by column; null when a sketch has fewer than two values.
private func tTest(_ one: [Moments], _ two: [Moments]) -> Value {
    var values: [Value] = []
    for (a, b) in zip(one, two) {
        guard a.count > 1, b.count > 1 else { return .null }
        let (first, second) = (a.variance / a.count, b.variance / b.count)
        let statistic = (a.mean - b.mean) / (first + second).squareRoot()
        let freedom =
            (first + second) * (first + second) / (first * first / (a.count - 1) + second * second / (b.count - 1))
        let x = freedom / (freedom + statistic * statistic)
        values.append(.double(regularizedBeta(x, freedom / 2, 0.5)))
    }
    return .array(values)
}

/// The regularized incomplete beta function, by its continued fraction (Lentz).
private func regularizedBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    if x.isNaN || a.isNaN { return .nan }
    if x <= 0 { return 0 }
    if x >= 1 { return 1 }
    if x > (a + 1) / (a + b + 2) { return 1 - regularizedBeta(1 - x, b, a) }
    let front = exp(a * log(x) + b * log(1 - x) + lgamma(a + b) - lgamma(a) - lgamma(b)) / a
    let tiny = 1e-300
    var numerator = 1.0
    var denominator = 1 - (a + b) * x / (a + 1)
    if abs(denominator) < tiny { denominator = tiny }
    denominator = 1 / denominator
    var fraction = denominator
    for step in 1...10_000 {
        let m = Double(step)
        for term in [
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ] {
            denominator = 1 + term * denominator
            if abs(denominator) < tiny { denominator = tiny }
            numerator = 1 + term / numerator
            if abs(numerator) < tiny { numerator = tiny }
            denominator = 1 / denominator
            fraction *= denominator * numerator
        }
        if abs(denominator * numerator - 1) < 1e-15 { break }
    }
    return front * fraction
}
