package import LaminaBase
import LaminaSketches

extension QueryDecoder {
    /// Decodes a filter (druid-surface 3).
    package func filter(_ json: JSON, at path: String = "filter") throws(LaminaError) -> Filter {
        let fields = try Fields(json, at: path)
        let type = try fields.requiredString("type")
        switch type {
        case "and", "or":
            let parts = try filters(fields)
            guard !parts.isEmpty else { throw fields.fail("'\(type)' needs at least one field") }
            return type == "and" ? .and(parts) : .or(parts)
        case "not": return .not(try inner(fields))
        case "istrue", "isTrue": return .isTrue(try inner(fields))
        case "isfalse", "isFalse": return .isFalse(try inner(fields))
        case "true": return .true
        case "false": return .false
        case "selector", "extraction":
            return .selector(
                dimension: try fields.requiredString("dimension"),
                value: try fields.string("value"),
                extraction: try extraction(fields)
            )
        case "null": return .null(column: try fields.requiredString("column"))
        case "equals": return try equals(fields)
        case "range": return try range(fields)
        case "bound": return try bound(fields)
        case "in":
            let dimension = try fields.requiredString("dimension")
            _ = try fields.required("values")
            return .in(
                dimension: dimension,
                values: try fields.strings("values") ?? [],
                extraction: try extraction(fields)
            )
        case "inType": return try inType(fields)
        case "expression":
            return .expression(
                try expression(try fields.requiredString("expression"), at: fields.place("expression")),
                virtualColumns: try virtualColumns(fields)
            )
        case "arrayContainsElement":
            let elementType = try fields.requiredType("elementMatchValueType")
            let value = try fields["elementMatchValue"].map { (json) throws(LaminaError) in
                try matchValue(json, elementType, fields, "elementMatchValue")
            }
            return .arrayContainsElement(
                column: try fields.requiredString("column"),
                type: elementType,
                value: value ?? .null
            )
        case "javascript": throw javaScriptRefused("Filter")
        case "spatial": return try spatial(fields)
        case "segment": throw .unsupported("Filter '\(type)'")
        default: return try textFilter(type, fields)
        }
    }

    /// Filters on the text of one dimension, and the rest.
    private func textFilter(_ type: String, _ fields: Fields) throws(LaminaError) -> Filter {
        switch type {
        case "like":
            let escape = try fields.string("escape")
            guard escape.map({ $0.unicodeScalars.count == 1 }) ?? true else {
                throw fields.fail("escape must be one character")
            }
            return .like(
                dimension: try fields.requiredString("dimension"),
                pattern: LikePattern(try fields.requiredString("pattern"), escape: escape?.first),
                extraction: try extraction(fields)
            )
        case "regex":
            return .regex(
                dimension: try fields.requiredString("dimension"),
                pattern: try regex(try fields.requiredString("pattern"), at: fields.place("pattern")),
                extraction: try extraction(fields)
            )
        case "search":
            return .search(
                dimension: try fields.requiredString("dimension"),
                query: try searchSpec(try fields.required("query"), at: fields.place("query")),
                extraction: try extraction(fields)
            )
        case "bloom":
            let text = try fields.requiredString("bloomKFilter")
            guard let bytes = base64Decoded(text) else { throw fields.fail("bloomKFilter must be in base64") }
            return .bloom(
                dimension: try fields.requiredString("dimension"),
                filter: try BloomKFilter(bytes: bytes),
                extraction: try extraction(fields)
            )
        case "columnComparison":
            var dimensions: [DimensionSpec] = []
            for (index, json) in (try fields.array("dimensions") ?? []).enumerated() {
                dimensions.append(try dimension(json, at: "\(fields.place("dimensions"))[\(index)]"))
            }
            guard dimensions.count >= 2 else { throw fields.fail("'columnComparison' needs at least two dimensions") }
            return .columnComparison(dimensions)
        case "interval":
            _ = try fields.required("intervals")
            return .interval(
                dimension: try fields.requiredString("dimension"),
                intervals: try intervals(try fields.required("intervals"), at: fields.place("intervals")),
                extraction: try extraction(fields)
            )
        default: throw fields.fail("unknown filter type '\(type)'")
        }
    }

    private func filters(_ fields: Fields) throws(LaminaError) -> [Filter] {
        var parts: [Filter] = []
        for (index, item) in (try fields.array("fields") ?? []).enumerated() where !item.isNull {
            parts.append(try filter(item, at: "\(fields.place("fields"))[\(index)]"))
        }
        return parts
    }

    private func inner(_ fields: Fields) throws(LaminaError) -> Filter {
        try filter(try fields.required("field"), at: fields.place("field"))
    }

    func extraction(_ fields: Fields) throws(LaminaError) -> ExtractionFunction? {
        guard let json = fields["extractionFn"] else { return nil }
        return try extractionFunction(json, at: fields.place("extractionFn"))
    }

    /// A JSON value in a type; an error when it cannot be read in it.
    private func matchValue(
        _ json: JSON,
        _ type: ColumnType,
        _ fields: Fields,
        _ key: String
    ) throws(LaminaError) -> Value {
        let raw: Value
        switch type {
        case .complex: raw = .json(json)
        default:
            if case .object = json { throw fields.fail("\(key) must be a value of type \(type)") }
            raw = scalarValue(json)
        }
        // Booleans are texts to Druid's STRING, 1 and 0 to its numbers.
        let value = type == .string ? scalarText(json).map(Value.string) ?? raw.cast(to: type) : raw.cast(to: type)
        guard !value.isNull else { throw fields.fail("\(key) \(Fields.shown(json)) is no \(type)") }
        return value
    }

    private func equals(_ fields: Fields) throws(LaminaError) -> Filter {
        let type = try fields.requiredType("matchValueType")
        return .equals(
            column: try fields.requiredString("column"),
            type: type,
            value: try matchValue(try fields.required("matchValue"), type, fields, "matchValue")
        )
    }

    private func range(_ fields: Fields) throws(LaminaError) -> Filter {
        let type = try fields.requiredType("matchValueType")
        var bounds: [Value?] = []
        for key in ["lower", "upper"] {
            if let json = fields[key] {
                bounds.append(try matchValue(json, type, fields, key))
            } else {
                bounds.append(nil)
            }
        }
        guard bounds[0] != nil || bounds[1] != nil else { throw fields.fail("'range' needs a lower or an upper bound") }
        return .range(
            column: try fields.requiredString("column"),
            type: type,
            lower: bounds[0],
            upper: bounds[1],
            lowerOpen: try fields.bool("lowerOpen", default: false),
            upperOpen: try fields.bool("upperOpen", default: false)
        )
    }

    private func bound(_ fields: Fields) throws(LaminaError) -> Filter {
        let lower = try fields.string("lower")
        let upper = try fields.string("upper")
        guard lower != nil || upper != nil else { throw fields.fail("'bound' needs a lower or an upper bound") }
        let isAlphanumeric = try fields.bool("alphaNumeric", default: false)
        return .bound(
            dimension: try fields.requiredString("dimension"),
            lower: lower,
            upper: upper,
            lowerStrict: try fields.bool("lowerStrict", default: false),
            upperStrict: try fields.bool("upperStrict", default: false),
            ordering: try ordering(fields, "ordering") ?? (isAlphanumeric ? .alphanumeric : .lexicographic),
            extraction: try extraction(fields)
        )
    }

    private func inType(_ fields: Fields) throws(LaminaError) -> Filter {
        let type = try fields.requiredType("matchValueType")
        let key = fields["values"] == nil ? "sortedValues" : "values"
        _ = try fields.required(key)
        var values: [Value] = []
        for item in try fields.array(key) ?? [] {
            values.append(item.isNull ? .null : try matchValue(item, type, fields, key))
        }
        return .inType(column: try fields.requiredString("column"), type: type, values: values)
    }
}
