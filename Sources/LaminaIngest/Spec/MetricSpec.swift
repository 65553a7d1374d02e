package import LaminaBase
package import LaminaQuery

/// One metric of an ingestion spec.
///
/// Source: Druid's aggregator factories that can ingest.
package struct MetricSpec: Sendable {
    package enum Operation: Sendable {
        case count
        case number(Aggregator.NumberType, Aggregator.Fold)
    }

    package enum Input: Sendable {
        case none
        case field(String)
        case expression(Expression)
    }

    package var name: String
    package var operation: Operation
    package var input: Input
    /// Only rows that pass are aggregated (type `filtered`).
    package var filter: Filter?
    /// The filter as written.
    private var filterJSON: JSON?

    package init(_ node: SpecNode) throws(LaminaError) {
        _ = try node.object()
        let type = try node.required("type").string()
        if type == "filtered" {
            let inner = try MetricSpec(node.required("aggregator"))
            guard inner.filter == nil else { throw .unsupported("\(node.path): filtered inside filtered") }
            self = inner
            let condition = try node.required("filter")
            filter = try QueryDecoder().filter(condition.json, at: condition.path)
            filterJSON = condition.json
            if let name = try node.optionalString("name"), !name.isEmpty { self.name = name }
            return
        }
        guard let operation = Self.operations[type] else {
            if Self.knownElsewhere.contains(type) { throw .unsupported("\(node.path): the metric type \"\(type)\"") }
            throw node.error(
                "has the unknown type \"\(type)\"; known are \(Self.operations.keys.sorted().joined(separator: ", "))"
            )
        }
        guard let name = try node.optionalString("name") else {
            throw node.error("must have a name: a valid, non-null aggregator name")
        }
        self.name = name
        self.operation = operation
        input = try Self.input(node, operation)
    }

    private static func input(_ node: SpecNode, _ operation: Operation) throws(LaminaError) -> Input {
        if case .count = operation { return .none }
        let field = try node.optionalString("fieldName")
        if let expression = node.child("expression") {
            guard field == nil else { throw node.error("must have either fieldName or expression, not both") }
            return .expression(try Expression(parsing: expression.string()))
        }
        guard let field else { throw node.error("must have a fieldName or an expression") }
        return .field(field)
    }

    private static let operations: [String: Operation] = [
        "count": .count,
        "longSum": .number(.long, .sum), "longMin": .number(.long, .min), "longMax": .number(.long, .max),
        "doubleSum": .number(.double, .sum), "doubleMin": .number(.double, .min), "doubleMax": .number(.double, .max),
        "floatSum": .number(.float, .sum), "floatMin": .number(.float, .min), "floatMax": .number(.float, .max),
    ]

    /// Druid's other aggregators, named when refused.
    private static let knownElsewhere: Set<String> = [
        "hyperUnique", "cardinality", "HLLSketch", "HLLSketchBuild", "HLLSketchMerge", "thetaSketch",
        "quantilesDoublesSketch", "quantilesDoublesSketchMerge", "arrayOfDoublesSketch", "KllDoublesSketch",
        "KllFloatsSketch", "longFirst", "longLast", "doubleFirst", "doubleLast", "floatFirst", "floatLast",
        "stringFirst",
        "stringLast", "longAny", "doubleAny", "floatAny", "stringAny", "variance", "varianceFold", "momentSketch",
        "approxHistogram", "approxHistogramFold", "fixedBucketsHistogram", "bloom", "expression", "histogram",
        "javascript",
        "stringFirstFold", "stringLastFold", "tDigestSketch", "spectator", "singleValue", "passthrough",
    ]

    /// The stored column's type.
    package var type: Aggregator.NumberType {
        if case .number(let type, _) = operation { return type }
        return .long
    }

    /// How stored values of equal rows combine.
    package var fold: Aggregator.Fold {
        if case .number(_, let fold) = operation { return fold }
        return .sum
    }

    /// As Druid prints the aggregator itself.
    package var json: JSON {
        var object: JSONObject = ["type": "count", "name": .string(name)]
        if case .number(let type, let fold) = operation { object["type"] = .string(type.rawValue + fold.rawValue) }
        switch input {
        case .none: break
        case .field(let field): object["fieldName"] = .string(field)
        case .expression(let expression): object["expression"] = .string(expression.text)
        }
        guard let filterJSON else { return .object(object) }
        return ["type": "filtered", "aggregator": .object(object), "filter": filterJSON, "name": .string(name)]
    }

    /// The combining form, as Druid records it in `metadata.drd`: a `count` has become a `longSum` of itself.
    package var combiningJSON: JSON {
        ["type": .string(type.rawValue + fold.rawValue), "name": .string(name), "fieldName": .string(name)]
    }
}
