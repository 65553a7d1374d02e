package import LaminaBase

/// An aggregation that gathers a sketch of a column's values, or joins stored sketches.
package struct SketchAggregator: Sendable {
    package var name: String
    package var field: String
    package var kind: Kind
    /// False: results show the sketch itself, not the number it stands for.
    package var shouldFinalize: Bool

    package init(name: String, field: String, kind: Kind, shouldFinalize: Bool = true) {
        self.name = name
        self.field = field
        self.kind = kind
        self.shouldFinalize = shouldFinalize
    }

    package enum Kind: Sendable {
        case hll(HLL)
        case theta(Theta)
        case tuple(Tuple)
        case numbers(Numbers)
        case bloom(Bloom)
    }

    /// `HLLSketchBuild`, `HLLSketchMerge`. Source: `HllSketchAggregatorFactory`.
    package struct HLL: Sendable {
        package var isMerge: Bool
        /// 4 to 21.
        package var lgK: Int
        /// Bits a register: 4, 6 or 8.
        package var registerBits: Int
        /// Strings are hashed as UTF-8, else as UTF-16.
        package var hashesUTF8: Bool
        package var round: Bool
    }

    /// `thetaSketch`. Source: `SketchMergeAggregatorFactory`.
    package struct Theta: Sendable {
        /// Nominal entries: a power of two.
        package var size: Int
        package var isInputSketch: Bool
        /// With it the finished value is an object with bounds.
        package var errorBoundsStdDev: Int?
    }

    /// `arrayOfDoublesSketch`. Source: `ArrayOfDoublesSketchAggregatorFactory`.
    package struct Tuple: Sendable {
        package var nominalEntries: Int
        package var numberOfValues: Int
        /// The columns of the values; nil: the input is sketches.
        package var metricColumns: [String]?
    }

    /// The columns it reads, in the order its values come in.
    package var columns: [String] {
        switch kind {
        case .tuple(let tuple): [field] + (tuple.metricColumns ?? [])
        case .hll, .theta, .numbers, .bloom: [field]
        }
    }

    /// The name of the complex type in segments.
    package var typeName: String {
        switch kind {
        case .hll: "HLLSketch"
        case .theta: "thetaSketch"
        case .tuple: "arrayOfDoublesSketch"
        case .numbers(let numbers): numbers.typeName
        case .bloom: "bloom"
        }
    }

    /// The type of the finished value.
    package var outputType: ColumnType {
        if !shouldFinalize { return .complex(typeName) }
        switch kind {
        case .hll(let options): return options.round ? .long : .double
        case .theta(let options):
            return options.errorBoundsStdDev == nil ? .double : .complex("estimateWithErrorBounds")
        case .tuple: return .double
        case .numbers(let numbers): return numbers.outputType
        case .bloom: return .complex(typeName)
        }
    }

    /// Type and parameters of the aggregator that combines its stored sketches, as Druid writes them into `metadata.drd`;
    /// `name` and `fieldName` are added by `Aggregator.combiningJSON`.
    var combiningParts: (type: String, before: [(String, JSON)], after: [(String, JSON)]) {
        switch kind {
        case .hll(let options):
            var after: [(String, JSON)] = [
                ("lgK", .int(Int64(options.lgK))), ("tgtHllType", .string("HLL_\(options.registerBits)")),
            ]
            if options.hashesUTF8 { after.append(("stringEncoding", .string("utf8"))) }
            if !shouldFinalize { after.append(("shouldFinalize", .bool(false))) }
            if options.round { after.append(("round", .bool(true))) }
            return ("HLLSketchMerge", [], after)
        case .theta(let options):
            var after: [(String, JSON)] = [("size", .int(Int64(options.size)))]
            if !shouldFinalize { after.append(("shouldFinalize", .bool(false))) }
            if let deviations = options.errorBoundsStdDev {
                after.append(("errorBoundsStdDev", .int(Int64(deviations))))
            }
            return ("thetaSketch", [], after)
        case .tuple(let options):
            let after: [(String, JSON)] = [
                ("nominalEntries", .int(Int64(options.nominalEntries))),
                ("numberOfValues", .int(Int64(options.numberOfValues))),
            ]
            return ("arrayOfDoublesSketch", [], after)
        case .numbers(let numbers): return numbers.combiningParts(shouldFinalize: shouldFinalize)
        case .bloom(let options): return ("bloom", [], [("maxNumEntries", .int(Int64(options.maxEntries)))])
        }
    }
}

/// A post-aggregation that reads or joins sketches.
package struct SketchPostAggregator: Sendable {
    package var name: String
    package var operation: Operation
    /// What it works on: field accesses, constants and other sketch operations.
    package var fields: [PostAggregator]

    package init(name: String, operation: Operation, fields: [PostAggregator]) {
        self.name = name
        self.operation = operation
        self.fields = fields
    }

    package enum SetFunction: String, Sendable {
        case union = "UNION"
        case intersect = "INTERSECT"
        case not = "NOT"
    }

    package enum Operation: Sendable {
        case hllEstimate(round: Bool)
        case hllEstimateWithBounds(numStdDev: Int)
        case hllUnion(lgK: Int, registerBits: Int)
        case hllToString
        case thetaEstimate(errorBoundsStdDev: Int?)
        case thetaSetOperation(SetFunction, size: Int)
        case thetaConstant([UInt8])
        case thetaToString
        case tupleEstimate
        case tupleEstimateAndBounds(numStdDevs: Int)
        case tupleEntryCount
        case tupleMeans
        case tupleVariances
        case tupleMetricsSumEstimate
        case tupleSetOperation(SetFunction, nominalEntries: Int, numberOfValues: Int)
        case tupleTTest
        case tupleToString
        case tupleToBase64
        case tupleConstant([UInt8])
        /// Values of a column (from 1 on) as a quantiles sketch.
        case tupleToQuantiles(column: Int, k: Int)
        case numbers(NumberOperation)
    }
}
