import LaminaBase

extension QueryDecoder {
    /// Decodes the DataSketches aggregators; nil when `type` is none of them.
    ///
    /// Source: the constructors of `HllSketchAggregatorFactory`, `SketchMergeAggregatorFactory`,
    /// `ArrayOfDoublesSketchAggregatorFactory`.
    func sketchAggregator(_ type: String, _ name: String, _ fields: Fields) throws(LaminaError) -> SketchAggregator? {
        let kind: SketchAggregator.Kind
        var shouldFinalize = true
        switch type {
        case "HLLSketchBuild", "HLLSketchMerge", "HLLSketch":
            // The name of the stored type serves as the merging aggregator, as in Druid.
            kind = .hll(try hllOptions(fields, isMerge: type != "HLLSketchBuild"))
            shouldFinalize = try fields.bool("shouldFinalize", default: true)
        case "thetaSketch", "thetaSketchBuild", "thetaSketchMerge":
            kind = .theta(
                SketchAggregator.Theta(
                    size: try powerOfTwo(fields, "size", default: 16384, within: 16...(1 << 26)),
                    isInputSketch: try fields.bool("isInputThetaSketch", default: false),
                    errorBoundsStdDev: try standardDeviations(fields, "errorBoundsStdDev")
                )
            )
            shouldFinalize = try fields.bool("shouldFinalize", default: true)
        case "arrayOfDoublesSketch", "arrayOfDoublesSketchBuild", "arrayOfDoublesSketchMerge":
            kind = .tuple(try tupleOptions(fields))
        default: return try numberSketchAggregator(type, name, fields)
        }
        return SketchAggregator(
            name: name,
            field: try fields.requiredString("fieldName"),
            kind: kind,
            shouldFinalize: shouldFinalize
        )
    }

    private func hllOptions(_ fields: Fields, isMerge: Bool) throws(LaminaError) -> SketchAggregator.HLL {
        let encoding = try fields.string("stringEncoding") ?? "utf16le"
        guard ["utf8", "utf16le"].contains(encoding.lowercased()) else {
            throw fields.fail("stringEncoding must be utf16le or utf8, not '\(encoding)'")
        }
        return SketchAggregator.HLL(
            isMerge: isMerge,
            lgK: try lgK(fields),
            registerBits: try registerBits(fields),
            hashesUTF8: encoding.lowercased() == "utf8",
            round: try fields.bool("round", default: false)
        )
    }

    private func lgK(_ fields: Fields) throws(LaminaError) -> Int {
        let lgK = try fields.int("lgK", default: 12)
        guard (4...21).contains(lgK) else { throw fields.fail("lgK must be between 4 and 21, inclusive, not \(lgK)") }
        return Int(lgK)
    }

    private func registerBits(_ fields: Fields) throws(LaminaError) -> Int {
        let type = try fields.string("tgtHllType") ?? "HLL_4"
        switch type {
        case "HLL_4": return 4
        case "HLL_6": return 6
        case "HLL_8": return 8
        default: throw fields.fail("tgtHllType must be HLL_4, HLL_6 or HLL_8, not '\(type)'")
        }
    }

    private func tupleOptions(_ fields: Fields) throws(LaminaError) -> SketchAggregator.Tuple {
        let metrics = try fields.names("metricColumns")
        let count = try fields.int("numberOfValues") ?? Int64(metrics?.count ?? 1)
        guard (1...255).contains(count) else {
            throw fields.fail("numberOfValues must be between 1 and 255, not \(count)")
        }
        if let metrics, Int64(metrics.count) != count {
            throw fields.fail("Number of metricColumns [\(metrics.count)] must agree with numValues [\(count)]")
        }
        return SketchAggregator.Tuple(
            nominalEntries: try nominalEntries(fields),
            numberOfValues: Int(count),
            metricColumns: metrics
        )
    }

    private func nominalEntries(_ fields: Fields) throws(LaminaError) -> Int {
        try powerOfTwo(fields, "nominalEntries", default: 4096, within: 16...(1 << 26))
    }

    /// A power of two within limits.
    func powerOfTwo(
        _ fields: Fields,
        _ key: String,
        default standard: Int64,
        within range: ClosedRange<Int64>
    ) throws(LaminaError) -> Int {
        let value = try fields.int(key, default: standard)
        guard range.contains(value), value & (value - 1) == 0 else {
            throw fields.fail(
                "\(key) must be a power of 2 between \(range.lowerBound) and \(range.upperBound), not \(value)"
            )
        }
        return Int(value)
    }

    private func standardDeviations(_ fields: Fields, _ key: String) throws(LaminaError) -> Int? {
        guard let value = try fields.int(key) else { return nil }
        guard (1...3).contains(value) else { throw fields.fail("\(key) must be 1, 2 or 3, not \(value)") }
        return Int(value)
    }

    /// Decodes the post-aggregators of sketches; nil when `type` is none of them.
    ///
    /// Source: `HllSketchTo…PostAggregator`, `Sketch…PostAggregator`, `ArrayOfDoublesSketch…PostAggregator`.
    func sketchPostAggregator(
        _ type: String,
        _ name: String,
        _ fields: Fields
    ) throws(LaminaError) -> SketchPostAggregator? {
        func one(_ operation: SketchPostAggregator.Operation) throws(LaminaError) -> SketchPostAggregator {
            let field = try postAggregator(try fields.required("field"), at: fields.place("field"), isNested: true)
            return SketchPostAggregator(name: name, operation: operation, fields: [field])
        }
        func several(
            _ operation: SketchPostAggregator.Operation,
            _ count: ClosedRange<Int>
        ) throws(LaminaError) -> SketchPostAggregator {
            var parts: [PostAggregator] = []
            for (index, item) in (try fields.array("fields") ?? []).enumerated() {
                parts.append(try postAggregator(item, at: "\(fields.place("fields"))[\(index)]", isNested: true))
            }
            guard count.contains(parts.count) else {
                let wanted =
                    count.lowerBound == count.upperBound ? "\(count.lowerBound)" : "at least \(count.lowerBound)"
                throw fields.fail("Illegal number of fields[\(parts.count)], must be \(wanted)")
            }
            return SketchPostAggregator(name: name, operation: operation, fields: parts)
        }
        switch type {
        case "HLLSketchEstimate": return try one(.hllEstimate(round: try fields.bool("round", default: false)))
        case "HLLSketchEstimateWithBounds":
            return try one(.hllEstimateWithBounds(numStdDev: try standardDeviations(fields, "numStdDev") ?? 1))
        case "HLLSketchUnion":
            return try several(.hllUnion(lgK: try lgK(fields), registerBits: try registerBits(fields)), 2...Int.max)
        case "HLLSketchToString": return try one(.hllToString)
        case "thetaSketchEstimate":
            return try one(
                .thetaEstimate(errorBoundsStdDev: try standardDeviations(fields, "errorBoundsStdDev"))
            )
        case "thetaSketchSetOp":
            let size = try powerOfTwo(fields, "size", default: 16384, within: 16...(1 << 26))
            return try several(.thetaSetOperation(try setFunction(fields, "func"), size: size), 2...Int.max)
        case "thetaSketchToString": return try one(.thetaToString)
        case "thetaSketchConstant":
            let operation = SketchPostAggregator.Operation.thetaConstant(try constantBytes(fields))
            return SketchPostAggregator(name: name, operation: operation, fields: [])
        case "arrayOfDoublesSketchSetOp":
            let operation = SketchPostAggregator.Operation.tupleSetOperation(
                try setFunction(fields, "operation"),
                nominalEntries: try nominalEntries(fields),
                numberOfValues: try tupleOptions(fields).numberOfValues
            )
            return try several(operation, 2...Int.max)
        case "arrayOfDoublesSketchTTest": return try several(.tupleTTest, 2...2)
        case "arrayOfDoublesSketchConstant":
            let operation = SketchPostAggregator.Operation.tupleConstant(try constantBytes(fields))
            return SketchPostAggregator(name: name, operation: operation, fields: [])
        default:
            guard let operation = try tupleReading(type, fields) else {
                return try numberSketchPostAggregator(type, name, fields)
            }
            return try one(operation)
        }
    }

    /// Post-aggregators that read one tuple sketch.
    private func tupleReading(
        _ type: String,
        _ fields: Fields
    ) throws(LaminaError) -> SketchPostAggregator.Operation? {
        switch type {
        case "arrayOfDoublesSketchToEstimate": return .tupleEstimate
        case "arrayOfDoublesSketchToEstimateAndBounds":
            return .tupleEstimateAndBounds(numStdDevs: try standardDeviations(fields, "numStdDevs") ?? 1)
        case "arrayOfDoublesSketchToNumEntries": return .tupleEntryCount
        case "arrayOfDoublesSketchToMeans": return .tupleMeans
        case "arrayOfDoublesSketchToVariances": return .tupleVariances
        case "arrayOfDoublesSketchToMetricsSumEstimate": return .tupleMetricsSumEstimate
        case "arrayOfDoublesSketchToString": return .tupleToString
        case "arrayOfDoublesSketchToBase64String": return .tupleToBase64
        case "arrayOfDoublesSketchToQuantilesSketch":
            let column = try fields.int("column", default: 1)
            guard (1...255).contains(column) else { throw fields.fail("column must be between 1 and 255") }
            return .tupleToQuantiles(
                column: Int(column),
                k: try powerOfTwo(fields, "k", default: 128, within: 2...32768)
            )
        default: return nil
        }
    }

    private func setFunction(_ fields: Fields, _ key: String) throws(LaminaError) -> SketchPostAggregator.SetFunction {
        let text = try fields.requiredString(key)
        guard let function = SketchPostAggregator.SetFunction(rawValue: text) else {
            throw fields.fail("\(key) must be UNION, INTERSECT or NOT, not '\(text)'")
        }
        return function
    }

    private func constantBytes(_ fields: Fields) throws(LaminaError) -> [UInt8] {
        let text = try fields.requiredString("value")
        guard !text.isEmpty, let bytes = base64Decoded(text) else {
            throw fields.fail("value must be a sketch in base64")
        }
        return bytes
    }
}
