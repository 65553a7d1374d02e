package import LaminaBase

extension QueryDecoder {
    /// Decodes a post-aggregator (druid-surface 5.3). Those inside others may go without a name.
    package func postAggregator(_ json: JSON, at path: String, isNested: Bool) throws(LaminaError) -> PostAggregator {
        let fields = try Fields(json, at: path)
        let type = try fields.requiredString("type")
        if type == "javascript" { throw javaScriptRefused("Post-aggregator") }
        if refusedPostAggregators.contains(where: { type.hasPrefix($0) }) {
            throw .unsupported("Post-aggregator '\(type)'")
        }
        let name: String
        if let given = try fields.string("name") {
            name = given
        } else if isNested {
            name = try fields.string("fieldName") ?? ""
        } else {
            name = try fields.requiredString("name")
        }
        if let sketch = try sketchPostAggregator(type, name, fields) { return .sketch(sketch) }
        switch type {
        case "arithmetic": return try arithmetic(fields, name: name)
        case "fieldAccess", "finalizingFieldAccess":
            let field = try fields.requiredString("fieldName")
            return .fieldAccess(name: name, field: field, finalizing: type == "finalizingFieldAccess")
        case "constant":
            _ = try fields.required("value")
            switch try fields.number("value") {
            case .int(let number): return .constant(name: name, value: .long(number))
            case .double(let number): return .constant(name: name, value: .double(number))
            default: throw fields.fail("value must be a number")
            }
        case "doubleGreatest", "doubleLeast", "longGreatest", "longLeast":
            let parts = try nested(fields)
            guard !parts.isEmpty else { throw fields.fail("fields must hold at least one post-aggregator") }
            return .extremum(
                name: name,
                type: type.hasPrefix("long") ? .long : .double,
                greatest: type.hasSuffix("Greatest"),
                fields: parts
            )
        case "expression":
            return .expression(
                name: name,
                expression: try expression(try fields.requiredString("expression"), at: fields.place("expression")),
                outputType: try fields.type("outputType"),
                numericFirst: try numericFirst(fields)
            )
        case "hyperUniqueCardinality":
            return .hyperUniqueCardinality(name: name, field: try fields.requiredString("fieldName"))
        default: throw fields.fail("unknown post-aggregator type '\(type)'")
        }
    }

    private func numericFirst(_ fields: Fields) throws(LaminaError) -> Bool {
        guard let text = try fields.string("ordering") else { return false }
        guard text == "numericFirst" else { throw fields.fail("unknown ordering '\(text)'") }
        return true
    }

    private func nested(_ fields: Fields) throws(LaminaError) -> [PostAggregator] {
        var parts: [PostAggregator] = []
        for (index, item) in (try fields.array("fields") ?? []).enumerated() {
            parts.append(try postAggregator(item, at: "\(fields.place("fields"))[\(index)]", isNested: true))
        }
        return parts
    }

    private func arithmetic(_ fields: Fields, name: String) throws(LaminaError) -> PostAggregator {
        let sign = try fields.requiredString("fn")
        guard let function = PostAggregator.Arithmetic(rawValue: sign) else {
            throw fields.fail("unknown fn '\(sign)'")
        }
        let parts = try nested(fields)
        guard parts.count > 1 else { throw fields.fail("an arithmetic post-aggregator needs at least two fields") }
        return .arithmetic(name: name, function: function, fields: parts, numericFirst: try numericFirst(fields))
    }
}

extension PostAggregator {
    /// Names of the aggregations, post-aggregations and dimensions it reads.
    package var requiredFields: Set<String> {
        switch self {
        case .fieldAccess(_, let field, _), .hyperUniqueCardinality(_, let field): return [field]
        case .constant: return []
        case .expression(_, let expression, _, _): return Set(expression.requiredColumns)
        case .sketch(let aggregator):
            return aggregator.fields.reduce(into: []) { $0.formUnion($1.requiredFields) }
        case .arithmetic(_, _, let fields, _), .extremum(_, _, _, let fields):
            return fields.reduce(into: []) { $0.formUnion($1.requiredFields) }
        }
    }
}

/// Beginnings of the names of Druid's post-aggregators that Lamina does not have yet.
private let refusedPostAggregators = ["momentSketch", "quantilesFromTDigestSketch", "quantileFromTDigestSketch"]
