import LaminaBase

extension QueryDecoder {
    /// Decodes the aggregators of quantiles, histograms, variance and bloom filters; nil when `type` is none of them.
    func numberSketchAggregator(
        _ type: String,
        _ name: String,
        _ fields: Fields
    ) throws(LaminaError) -> SketchAggregator? {
        var shouldFinalize = true
        let numbers: SketchAggregator.Numbers
        switch type {
        case "quantilesDoublesSketch", "quantilesDoublesSketchMerge":
            numbers = .quantiles(
                k: try powerOfTwo(fields, "k", default: 128, within: 2...32768),
                maxStreamLength: try maxStreamLength(fields)
            )
            shouldFinalize = try fields.bool("shouldFinalize", default: true)
        case "KllDoublesSketch", "KllDoublesSketchMerge", "KllFloatsSketch", "KllFloatsSketchMerge":
            let k = try fields.int("k", default: 200)
            guard (8...65535).contains(k) else { throw fields.fail("K must be >= 8 and <= 65535: \(k)") }
            let length = try maxStreamLength(fields)
            numbers = .kll(isFloat: type.hasPrefix("KllFloats"), k: Int(k), maxStreamLength: length)
        case "approxHistogram", "approxHistogramFold":
            numbers = try approximateHistogram(fields)
            shouldFinalize = !(try fields.bool("finalizeAsBase64Binary", default: false))
        case "fixedBucketsHistogram":
            numbers = .fixedBuckets(try fixedBuckets(fields))
            shouldFinalize = !(try fields.bool("finalizeAsBase64Binary", default: false))
        case "variance", "varianceFold": numbers = try variance(fields)
        case "bloom": return try bloom(fields, name)
        default: return nil
        }
        // The merging forms of Druid read the column that has their own name when none is given.
        let isOwnField = type.hasSuffix("Merge") && fields["fieldName"] == nil
        return SketchAggregator(
            name: name,
            field: isOwnField ? name : try fields.requiredString("fieldName"),
            kind: .numbers(numbers),
            shouldFinalize: shouldFinalize
        )
    }

    private func maxStreamLength(_ fields: Fields) throws(LaminaError) -> Int64 {
        try fields.int("maxStreamLength", default: 1_000_000_000)
    }

    private func approximateHistogram(_ fields: Fields) throws(LaminaError) -> SketchAggregator.Numbers {
        let resolution = try positive(fields, "resolution", default: 50)
        let buckets = try positive(fields, "numBuckets", default: 7)
        let lower = try float(fields, "lowerLimit") ?? -.infinity
        let upper = try float(fields, "upperLimit") ?? .infinity
        guard upper > lower else { throw fields.fail("upperLimit must be greater than lowerLimit") }
        return .approximateHistogram(resolution: resolution, buckets: buckets, lowerLimit: lower, upperLimit: upper)
    }

    /// Druid writes infinite limits as text.
    private func float(_ fields: Fields, _ key: String) throws(LaminaError) -> Float? {
        if case .string(let text)? = fields[key] {
            if text == "Infinity" { return .infinity }
            if text == "-Infinity" { return -.infinity }
        }
        return try fields.double(key).map { Float($0) }
    }

    private func positive(_ fields: Fields, _ key: String, default standard: Int64, atMost limit: Int64 = 1 << 20)
        throws(LaminaError) -> Int
    {
        let value = try fields.int(key, default: standard)
        guard value > 0, value <= limit else { throw fields.fail("\(key) must be 1 to \(limit), not \(value)") }
        return Int(value)
    }

    private func fixedBuckets(_ fields: Fields) throws(LaminaError) -> SketchAggregator.FixedBuckets {
        let lower = try fields.double("lowerLimit") ?? 0
        let upper = try fields.double("upperLimit") ?? 0
        guard upper > lower, (upper - lower).isFinite else {
            throw fields.fail(
                "Upper limit [\(javaText(upper))] must be greater than lower limit [\(javaText(lower))]."
            )
        }
        let mode = try fields.requiredString("outlierHandlingMode").lowercased()
        guard ["ignore", "overflow", "clip"].contains(mode) else {
            throw fields.fail("outlierHandlingMode must be ignore, overflow or clip, not '\(mode)'")
        }
        return SketchAggregator.FixedBuckets(
            lowerLimit: lower,
            upperLimit: upper,
            buckets: try positive(fields, "numBuckets", default: 10, atMost: 1 << 17),
            outlierMode: mode
        )
    }

    private func variance(_ fields: Fields) throws(LaminaError) -> SketchAggregator.Numbers {
        let estimator = try fields.string("estimator")
        guard let text = try fields.string("inputType")?.lowercased(), text != "variance", text != "complex" else {
            return .variance(inputType: nil, estimator: estimator)
        }
        guard let type = Aggregator.NumberType(rawValue: text) else {
            throw fields.fail("inputType must be float, double, long or variance, not '\(text)'")
        }
        return .variance(inputType: type, estimator: estimator)
    }

    private func bloom(_ fields: Fields, _ name: String) throws(LaminaError) -> SketchAggregator {
        let dimension = try dimension(try fields.required("field"), at: fields.place("field"))
        let entries = try fields.int("maxNumEntries", default: 1500)
        guard entries > 0, entries <= 80_000_000 else {
            throw fields.fail("maxNumEntries must be 1 to 80000000, not \(entries)")
        }
        return SketchAggregator(
            name: name,
            field: dimension.dimension,
            kind: .bloom(SketchAggregator.Bloom(dimension: dimension, maxEntries: Int(entries)))
        )
    }

    /// Decodes the post-aggregators of quantiles, histograms and variance; nil when `type` is none of them.
    func numberSketchPostAggregator(
        _ type: String,
        _ name: String,
        _ fields: Fields
    ) throws(LaminaError) -> SketchPostAggregator? {
        func nested(_ key: String) throws(LaminaError) -> PostAggregator {
            try postAggregator(try fields.required(key), at: fields.place(key), isNested: true)
        }
        func make(
            _ operation: SketchPostAggregator.NumberOperation,
            _ parts: [PostAggregator]
        ) -> SketchPostAggregator {
            SketchPostAggregator(name: name, operation: .numbers(operation), fields: parts)
        }
        for prefix in ["quantilesDoublesSketchTo", "KllDoublesSketchTo", "KllFloatsSketchTo"]
        where type.hasPrefix(prefix) {
            guard let operation = try quantilesReading(String(type.dropFirst(prefix.count)), fields) else { return nil }
            return make(operation, [try nested("field")])
        }
        if let operation = try histogramReading(type, fields) {
            let field = try fields.requiredString("fieldName")
            return make(operation, [.fieldAccess(name: field, field: field, finalizing: false)])
        }
        switch type {
        case "zscore2sample":
            var parts: [PostAggregator] = []
            for key in ["successCount1", "sample1Size", "successCount2", "sample2Size"] {
                parts.append(try nested(key))
            }
            return make(.zScore, parts)
        case "pvalue2tailedZtest": return make(.pValue, [try nested("zScore")])
        default: return nil
        }
    }

    /// What follows `quantilesDoublesSketchTo`, `KllDoublesSketchTo` and `KllFloatsSketchTo`.
    private func quantilesReading(
        _ suffix: String,
        _ fields: Fields
    ) throws(LaminaError) -> SketchPostAggregator.NumberOperation? {
        switch suffix {
        case "Quantile": return .quantile(try fields.double("fraction") ?? 0)
        case "Quantiles": return .quantiles(try doubles(fields, "fractions") ?? [])
        case "Histogram":
            let points = try doubles(fields, "splitPoints")
            let bins = try fields.int("numBins")
            guard points == nil || bins == nil else {
                throw fields.fail("Cannot accept both 'splitPoints' and 'numBins'")
            }
            let count = bins ?? Int64((points?.count ?? 9) + 1)
            guard count >= 2, count <= 1 << 20 else { throw fields.fail("at least 2 bins expected, not \(count)") }
            return .counts(splitPoints: points, bins: Int(count))
        case "Rank": return .rank(try fields.double("value") ?? 0)
        case "CDF": return .cumulativeRanks(try doubles(fields, "splitPoints") ?? [])
        case "String": return .text
        default: return nil
        }
    }

    /// Post-aggregators of the histogram and the stats extension that name their input by `fieldName`.
    private func histogramReading(
        _ type: String,
        _ fields: Fields
    ) throws(LaminaError) -> SketchPostAggregator.NumberOperation? {
        func checked(_ probability: Float) throws(LaminaError) -> Float {
            guard probability >= 0, probability <= 1 else {
                throw fields.fail("Illegal probability[\(javaText(probability))], must be strictly between 0 and 1")
            }
            return probability
        }
        switch type {
        case "quantile": return .histogramQuantile(try checked(Float(try fields.double("probability") ?? 0)))
        case "quantiles":
            var probabilities: [Float] = []
            for value in try doubles(fields, "probabilities") ?? [] { probabilities.append(try checked(Float(value))) }
            return .histogramQuantiles(probabilities)
        case "min": return .minimum
        case "max": return .maximum
        case "equalBuckets":
            let count = try fields.int("numBuckets", default: 0)
            guard count > 1, count <= 1 << 20 else {
                throw fields.fail("Illegal number of buckets[\(count)], must be > 1")
            }
            return .equalBuckets(Int(count))
        case "buckets":
            let size = Float(try fields.double("bucketSize") ?? 0)
            guard size > 0 else { throw fields.fail("Illegal bucketSize [\(javaText(size))], must be > 0") }
            return .buckets(size: size, offset: Float(try fields.double("offset") ?? 0))
        case "customBuckets":
            return .customBuckets(try (doubles(fields, "breaks") ?? []).map { Float($0) })
        case "stddev":
            return .standardDeviation(population: SketchAggregator.isPopulation(try fields.string("estimator")))
        default: return nil
        }
    }

    private func doubles(_ fields: Fields, _ key: String) throws(LaminaError) -> [Double]? {
        guard let items = try fields.array(key) else { return nil }
        var numbers: [Double] = []
        for item in items {
            guard let number = item.doubleValue else { throw fields.fail("\(key) must hold numbers") }
            numbers.append(number)
        }
        return numbers
    }
}
