package import LaminaBase

extension QueryDecoder {
    /// `aggregations` and `postAggregations` of a query; output names are unique, post-aggregations read what is known.
    /// Source: `Queries.prepareAggregations`.
    func outputs(_ fields: Fields, others: [String]) throws(LaminaError) -> ([Aggregator], [PostAggregator]) {
        var known = Set(others)
        var aggregations: [Aggregator] = []
        for (index, json) in (try fields.array("aggregations") ?? []).enumerated() {
            let aggregator = try aggregator(json, at: "\(fields.place("aggregations"))[\(index)]")
            guard known.insert(aggregator.name).inserted else {
                throw fields.fail("'\(aggregator.name)' is already defined")
            }
            aggregations.append(aggregator)
        }
        var postAggregations: [PostAggregator] = []
        for (index, json) in (try fields.array("postAggregations") ?? []).enumerated() {
            let place = "\(fields.place("postAggregations"))[\(index)]"
            let post = try postAggregator(json, at: place, isNested: false)
            let missing = post.requiredFields.subtracting(known)
            guard missing.isEmpty else {
                let names = missing.sorted().joined(separator: ", ")
                throw .invalidInput(
                    "\(place): missing fields [\(names)] for post-aggregator '\(post.name)'",
                    context: ["path": place]
                )
            }
            guard known.insert(post.name).inserted else { throw fields.fail("'\(post.name)' is already defined") }
            postAggregations.append(post)
        }
        return (aggregations, postAggregations)
    }

    /// Decodes an aggregator, or a metric of an ingestion spec (druid-surface 5).
    package func aggregator(_ json: JSON, at path: String) throws(LaminaError) -> Aggregator {
        let fields = try Fields(json, at: path)
        let type = try fields.requiredString("type")
        if type == "filtered" { return try filteredAggregator(fields) }
        if let refused = refusedAggregators.first(where: { type.hasPrefix($0) }) {
            _ = refused
            throw .unsupported("Aggregator '\(type)'")
        }
        if type == "javascript" { throw javaScriptRefused("Aggregator") }
        let name = try fields.requiredString("name")
        if let (number, fold) = numberFold(type) {
            return .number(name: name, type: number, fold: fold, input: try input(fields))
        }
        if let sketch = try sketchAggregator(type, name, fields) { return .sketch(sketch) }
        switch type {
        case "count": return .count(name: name)
        case "doubleMean": return .doubleMean(name: name, field: try fields.requiredString("fieldName"))
        case "cardinality":
            var dimensions: [DimensionSpec] = []
            let key = fields["fields"] == nil ? "fieldNames" : "fields"
            for (index, item) in (try fields.array(key) ?? []).enumerated() {
                dimensions.append(try dimension(item, at: "\(fields.place(key))[\(index)]"))
            }
            return .cardinality(
                name: name,
                fields: dimensions,
                byRow: try fields.bool("byRow", default: false),
                round: try fields.bool("round", default: false)
            )
        case "hyperUnique":
            return .hyperUnique(
                name: name,
                field: try fields.requiredString("fieldName"),
                isInputHyperUnique: try fields.bool("isInputHyperUnique", default: false),
                round: try fields.bool("round", default: false)
            )
        case "grouping": return .grouping(name: name, groupings: try fields.names("groupings") ?? [])
        case "expression": return .expression(try expressionAggregator(fields, name: name))
        default:
            if let aggregator = try singleValueAggregator(type, name, fields) { return aggregator }
            throw fields.fail("unknown aggregator type '\(type)'")
        }
    }

    private func numberFold(_ type: String) -> (Aggregator.NumberType, Aggregator.Fold)? {
        for number in [Aggregator.NumberType.long, .float, .double] {
            for fold in [Aggregator.Fold.sum, .min, .max] where type == number.rawValue + fold.rawValue {
                return (number, fold)
            }
        }
        return nil
    }

    private func input(_ fields: Fields) throws(LaminaError) -> Aggregator.Input {
        let field = try fields.string("fieldName")
        let text = try fields.string("expression")
        switch (field, text) {
        case (let field?, nil): return .field(field)
        case (nil, let text?): return .expression(try expression(text, at: fields.place("expression")))
        default: throw fields.fail("exactly one of fieldName and expression must be given")
        }
    }

    private func filteredAggregator(_ fields: Fields) throws(LaminaError) -> Aggregator {
        let inner = try aggregator(try fields.required("aggregator"), at: fields.place("aggregator"))
        let filter = try filter(try fields.required("filter"), at: fields.place("filter"))
        let name = try fields.string("name") ?? ""
        return .filtered(name: name.isEmpty ? inner.name : name, aggregator: inner, filter: filter)
    }

    /// `longFirst`, `stringLast`, `doubleAny` and their kin.
    private func singleValueAggregator(_ type: String, _ name: String, _ fields: Fields) throws(LaminaError)
        -> Aggregator?
    {
        let types: [(String, ColumnType)] = [
            ("long", .long), ("float", .float), ("double", .double), ("string", .string),
        ]
        for (prefix, valueType) in types where type.hasPrefix(prefix) {
            let kind = type.dropFirst(prefix.count)
            guard ["First", "Last", "Any"].contains(kind) else { continue }
            let bytes = try fields.int("maxStringBytes", default: 1024)
            guard bytes >= 0, bytes <= Int64(Int32.max) else {
                throw fields.fail("maxStringBytes must be greater than 0")
            }
            if kind == "Any" {
                return .any(
                    name: name,
                    type: valueType,
                    field: try fields.requiredString("fieldName"),
                    maxStringBytes: Int(bytes),
                    joinsMultipleValues: try fields.bool("aggregateMultipleValues", default: true)
                )
            }
            return .firstLast(
                name: name,
                type: valueType,
                last: kind == "Last",
                field: try fields.requiredString("fieldName"),
                timeColumn: try fields.string("timeColumn") ?? "__time",
                maxStringBytes: Int(bytes)
            )
        }
        return nil
    }

    private func expressionAggregator(_ fields: Fields, name: String) throws(LaminaError) -> ExpressionAggregator {
        func required(_ key: String) throws(LaminaError) -> Expression {
            try expression(try fields.requiredString(key), at: fields.place(key))
        }
        func optional(_ key: String) throws(LaminaError) -> Expression? {
            guard let text = try fields.string(key) else { return nil }
            return try expression(text, at: fields.place(key))
        }
        _ = try fields.required("fields")
        let names = try fields.names("fields") ?? []
        let fold = try required("fold")
        let combine: Expression
        if let given = try optional("combine") {
            combine = given
        } else {
            guard names.count == 1, let text = try fields.string("fold") else {
                throw fields.fail("combine is required")
            }
            // The fold serves both steps; what it folds in is then the other partial, known by the aggregator's name.
            combine = try expression(text, at: fields.place("fold")).renaming(column: names[0], to: name)
        }
        let initial = try required("initialValue")
        let size = try fields.int("maxSizeBytes", default: 8192)
        guard size > 0 else { throw fields.fail("maxSizeBytes must be positive") }
        let aggregatesNull = try fields.bool("shouldAggregateNullInputs", default: true)
        return ExpressionAggregator(
            name: name,
            fields: names,
            accumulator: try fields.string("accumulatorIdentifier") ?? "__acc",
            initialValue: initial,
            initialCombineValue: try optional("initialCombineValue") ?? initial,
            isNullUnlessAggregated: try fields.bool("isNullUnlessAggregated", default: true),
            shouldAggregateNullInputs: aggregatesNull,
            shouldCombineAggregateNullInputs: try fields.bool(
                "shouldCombineAggregateNullInputs",
                default: aggregatesNull
            ),
            fold: fold,
            combine: combine,
            compare: try optional("compare"),
            finalize: try optional("finalize"),
            maxSizeBytes: Int(clamping: size)
        )
    }
}

/// Beginnings of the names of Druid's aggregators that Lamina does not have yet.
private let refusedAggregators = [
    "momentSketch", "tDigestSketch", "singleValue",
    "timeMin", "timeMax", "distinctCount", "compressedBigDecimal", "sqlMode", "spectator", "histogram",
]
