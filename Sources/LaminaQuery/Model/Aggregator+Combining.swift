package import LaminaBase

extension Aggregator {
    /// The aggregator that combines stored values of this one, as Druid records it in `metadata.drd`; nil for those that do not
    /// ingest. Source: `AggregatorFactory.getCombiningFactory` and each factory's JSON properties.
    package var combiningJSON: JSON? {
        func object(_ type: String, _ rest: [(String, JSON)] = [], before: [(String, JSON)] = []) -> JSON {
            var object: JSONObject = ["type": .string(type), "name": .string(name)]
            for (key, value) in before { object[key] = value }
            object["fieldName"] = .string(name)
            for (key, value) in rest { object[key] = value }
            return .object(object)
        }
        switch self {
        case .count: return object("longSum")
        case .number(_, let type, let fold, _): return object(type.rawValue + fold.rawValue)
        case .filtered(let name, let inner, _):
            guard case .object(var combining)? = inner.combiningJSON else { return nil }
            combining["name"] = .string(name)
            combining["fieldName"] = .string(name)
            return .object(combining)
        case .firstLast(_, let type, let last, _, let timeColumn, let maxBytes):
            let kind = "\(type)".lowercased() + (last ? "Last" : "First")
            var rest: [(String, JSON)] = [("timeColumn", .string(timeColumn))]
            if type == .string { rest.append(("maxStringBytes", .int(Int64(maxBytes)))) }
            return object(kind, rest)
        case .any(_, let type, _, let maxBytes, let joins):
            let rest: [(String, JSON)] =
                type == .string
                ? [("maxStringBytes", .int(Int64(maxBytes))), ("aggregateMultipleValues", .bool(joins))] : []
            return object("\(type)".lowercased() + "Any", rest)
        case .cardinality(_, _, _, let round), .hyperUnique(_, _, _, let round):
            return object("hyperUnique", [("isInputHyperUnique", .bool(false)), ("round", .bool(round))])
        case .sketch(let sketch):
            let parts = sketch.combiningParts
            return object(parts.type, parts.after, before: parts.before)
        case .doubleMean, .grouping, .expression: return nil
        }
    }
}
