import LaminaBase

extension QueryDecoder {
    func groupBy(_ fields: Fields) throws(LaminaError) -> GroupByQuery {
        var dimensions: [DimensionSpec] = []
        for (index, json) in (try fields.array("dimensions") ?? []).enumerated() {
            dimensions.append(try dimension(json, at: "\(fields.place("dimensions"))[\(index)]"))
        }
        var query = GroupByQuery(granularity: try granularity(fields), dimensions: dimensions)
        let names = dimensions.map(\.outputName)
        guard Set(names).count == names.count else { throw fields.fail("two dimensions have the same output name") }
        (query.aggregations, query.postAggregations) = try outputs(fields, others: names)
        let all = names + query.aggregations.map(\.name) + query.postAggregations.map(\.name)
        guard !all.contains("__time") else {
            throw fields.fail("'__time' cannot be the output name of a dimension, aggregation or post-aggregation")
        }
        if let json = fields["having"] { query.having = try having(json, at: fields.place("having")) }
        query.limitSpec = try limitSpec(fields, outputs: all)
        query.subtotals = try subtotals(fields, dimensions: names)
        return query
    }

    private func subtotals(_ fields: Fields, dimensions: [String]) throws(LaminaError) -> [[String]]? {
        guard let items = try fields.array("subtotalsSpec") else { return nil }
        var lists: [[String]] = []
        for (index, item) in items.enumerated() {
            let place = "\(fields.place("subtotalsSpec"))[\(index)]"
            guard case .array(let names) = item else { throw .invalidInput("\(place) must be a list of output names") }
            var list: [String] = []
            for name in names {
                guard let name = name.stringValue, dimensions.contains(name) else {
                    throw .invalidInput(
                        "\(place): \(Fields.shown(name)) is no dimension of the query",
                        context: ["path": place]
                    )
                }
                list.append(name)
            }
            lists.append(list)
        }
        return lists
    }

    /// A limitSpec of an unknown type, or of none, does nothing, as in Druid.
    private func limitSpec(_ fields: Fields, outputs: [String]) throws(LaminaError) -> LimitSpec? {
        guard let json = fields["limitSpec"] else { return nil }
        let spec = try Fields(json, at: fields.place("limitSpec"))
        guard try spec.string("type") == "default" else { return nil }
        let limit = try spec.int("limit")
        guard limit.map({ $0 > 0 }) ?? true else { throw spec.fail("limit must be greater than 0") }
        let offset = try spec.int("offset", default: 0)
        guard offset >= 0 else { throw spec.fail("offset must not be negative") }
        var columns: [OrderByColumn] = []
        for (index, item) in (try spec.array("columns") ?? []).enumerated() {
            let column = try orderByColumn(item, at: "\(spec.place("columns"))[\(index)]")
            guard outputs.contains(column.name) || column.name == "__time" else {
                throw spec.fail("unknown column '\(column.name)' in order clause")
            }
            columns.append(column)
        }
        return LimitSpec(limit: limit.map { Int(clamping: $0) }, offset: Int(offset), columns: columns)
    }

    private func orderByColumn(_ json: JSON, at path: String) throws(LaminaError) -> OrderByColumn {
        if case .string(let name) = json {
            return OrderByColumn(name: name, descending: false, ordering: .lexicographic)
        }
        let fields = try Fields(json, at: path)
        let direction = (try fields.string("direction") ?? "ascending").lowercased()
        // Any beginning of the words will do, as in Druid.
        guard !direction.isEmpty, "ascending".hasPrefix(direction) || "descending".hasPrefix(direction) else {
            throw fields.fail("direction must be ascending or descending, not '\(direction)'")
        }
        return OrderByColumn(
            name: try fields.requiredString("dimension"),
            descending: "descending".hasPrefix(direction),
            ordering: try ordering(fields, "dimensionOrder") ?? .lexicographic
        )
    }

    func having(_ json: JSON, at path: String) throws(LaminaError) -> Having {
        let fields = try Fields(json, at: path)
        let type = try fields.requiredString("type")
        switch type {
        case "filter": return .filter(try filter(try fields.required("filter"), at: fields.place("filter")))
        case "greaterThan", "lessThan", "equalTo":
            let aggregation = try fields.requiredString("aggregation")
            let value = try fields.number("value") ?? .null
            if type == "greaterThan" { return .greaterThan(aggregation: aggregation, value: value) }
            if type == "lessThan" { return .lessThan(aggregation: aggregation, value: value) }
            return .equalTo(aggregation: aggregation, value: value)
        case "dimSelector":
            var spec = try dimension(try fields.required("dimension"), at: fields.place("dimension"))
            if let json = fields["extractionFn"] {
                spec = .extraction(
                    dimension: spec.dimension,
                    outputName: spec.outputName,
                    outputType: .string,
                    function: try extractionFunction(json, at: fields.place("extractionFn"))
                )
            }
            return .dimSelector(dimension: spec, value: try fields.string("value"))
        case "and", "or":
            var parts: [Having] = []
            for (index, item) in (try fields.array("havingSpecs") ?? []).enumerated() {
                parts.append(try having(item, at: "\(fields.place("havingSpecs"))[\(index)]"))
            }
            return type == "and" ? .and(parts) : .or(parts)
        case "not": return .not(try having(try fields.required("havingSpec"), at: fields.place("havingSpec")))
        case "always": return .always
        case "never": return .never
        default: throw fields.fail("unknown having type '\(type)'")
        }
    }
}
