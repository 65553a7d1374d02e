package import LaminaBase

extension QueryDecoder {
    /// Decodes a dimension: a column name or a dimension spec (druid-surface 4). An unknown type counts as `default`.
    package func dimension(_ json: JSON, at path: String) throws(LaminaError) -> DimensionSpec {
        if case .string(let name) = json { return .default(dimension: name, outputName: name, outputType: .string) }
        let fields = try Fields(json, at: path)
        switch try fields.string("type") ?? "default" {
        case "extraction":
            let dimension = try fields.requiredString("dimension")
            return .extraction(
                dimension: dimension,
                outputName: try fields.string("outputName") ?? dimension,
                outputType: try fields.type("outputType") ?? .string,
                function: try extractionFunction(try fields.required("extractionFn"), at: fields.place("extractionFn"))
            )
        case "listFiltered":
            let values = try fields.strings("values") ?? []
            guard !values.isEmpty else { throw fields.fail("values must hold at least one value") }
            return .filtered(
                delegate: try delegate(fields),
                values: .list(
                    Set(values.map { $0.map { ExactText($0) } }),
                    isAllowList: try fields.bool("isWhitelist", default: true)
                )
            )
        case "regexFiltered":
            let pattern = try regex(try fields.requiredString("pattern"), at: fields.place("pattern"))
            return .filtered(delegate: try delegate(fields), values: .regex(pattern))
        case "prefixFiltered":
            return .filtered(delegate: try delegate(fields), values: .prefix(try fields.requiredString("prefix")))
        case "lookup":
            let dimension = try fields.requiredString("dimension")
            return .extraction(
                dimension: dimension,
                outputName: try fields.string("outputName") ?? dimension,
                outputType: .string,
                function: try lookupFunction(fields, inline: "lookup", registered: "name")
            )
        default:
            let dimension = try fields.requiredString("dimension")
            return .default(
                dimension: dimension,
                outputName: try fields.string("outputName") ?? dimension,
                outputType: try fields.type("outputType") ?? .string
            )
        }
    }

    private func delegate(_ fields: Fields) throws(LaminaError) -> DimensionSpec {
        try dimension(try fields.required("delegate"), at: fields.place("delegate"))
    }

    /// A function over an inline map, or over a registered look-up by name.
    func lookupFunction(_ fields: Fields, inline: String, registered: String) throws(LaminaError) -> ExtractionFunction
    {
        let retains = try fields.bool("retainMissingValue", default: false)
        let replacement = try fields.string("replaceMissingValueWith")
        guard !(retains && replacement != nil) else {
            throw fields.fail("retainMissingValue and replaceMissingValueWith cannot both be given")
        }
        if let json = fields[inline], json.stringValue == nil {
            let spec = try Fields(json, at: fields.place(inline))
            let type = try spec.string("type") ?? "map"
            guard type == "map" else { throw .unsupported("Lookup type '\(type)'") }
            let map = try Fields(try spec.required("map"), at: spec.place("map"))
            var table: [String: String] = [:]
            for (key, value) in map.object.entries {
                guard let text = scalarText(value) else {
                    if value.isNull { continue }
                    throw map.fail("the value of '\(key)' must be a text")
                }
                table[key] = text
            }
            let isOneToOne = try spec.bool("isOneToOne", default: false)
            return .lookup(
                LookupTable(map: table, isOneToOne: isOneToOne),
                retainsMissing: retains,
                replacement: replacement
            )
        }
        let name = try fields.requiredString(registered)
        guard let table = lookups?(name) else { throw fields.fail("lookup '\(name)' not found") }
        return .lookup(table, retainsMissing: retains, replacement: replacement)
    }

    /// Decodes a virtual column.
    package func virtualColumn(_ json: JSON, at path: String) throws(LaminaError) -> VirtualColumn {
        let fields = try Fields(json, at: path)
        let type = try fields.requiredString("type")
        switch type {
        case "expression":
            return VirtualColumn(
                name: try fields.requiredString("name"),
                expression: try expression(try fields.requiredString("expression"), at: fields.place("expression")),
                outputType: try fields.type("outputType")
            )
        case "nested-field": return try nestedField(fields)
        case "mv-filtered": return try filteredValues(fields)
        case "mv-regex-filtered", "mv-prefix-filtered": return try patternFilteredValues(type, fields)
        default: throw fields.fail("unknown virtual column type '\(type)'")
        }
    }
}
