package import LaminaBase

/// One dimension of a spec.
package struct DimensionSchema: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case string(MultiValueHandling)
        case long
        case float
        case double
        /// Stored in the nested format: `json`, `auto` and declared array dimensions. `castToType` of `auto`.
        case auto(cast: ColumnType?)
    }

    package enum MultiValueHandling: String, Sendable, Hashable {
        case sortedArray = "SORTED_ARRAY"
        case sortedSet = "SORTED_SET"
        case array = "ARRAY"
    }

    package var name: String
    package var kind: Kind
    /// Whether row bitmaps are stored (strings).
    package var hasBitmapIndex: Bool

    package init(name: String, kind: Kind, hasBitmapIndex: Bool = true) {
        self.name = name
        self.kind = kind
        self.hasBitmapIndex = hasBitmapIndex
    }

    /// Source: `DimensionSchema` and its subclasses; a bare string is a string dimension.
    package init(_ node: SpecNode) throws(LaminaError) {
        if case .string(let text) = node.json {
            self.init(name: text, kind: .string(.sortedArray))
            return
        }
        _ = try node.object()
        let type = try node.string("type", default: "string")
        let kind: Kind
        switch type {
        case "string": kind = .string(try Self.handling(node))
        case "long": kind = .long
        case "float": kind = .float
        case "double": kind = .double
        case "json": kind = .auto(cast: nil)
        case "auto": kind = .auto(cast: try Self.cast(node))
        case "spatial": kind = .string(.array)
        case "timestamp": throw .unsupported("\(node.path): a dimension of type \"\(type)\"")
        default:
            throw node.error(
                "has the unknown type \"\(type)\"; known are string, long, float, double, json, auto"
            )
        }
        let name = try node.required("name").string()
        var index = try node.bool("createBitmapIndex", default: true)
        if case .string = kind {} else { index = true }
        self.init(name: name, kind: kind, hasBitmapIndex: index)
    }

    private static func handling(_ node: SpecNode) throws(LaminaError) -> MultiValueHandling {
        guard let field = node.child("multiValueHandling") else { return .sortedArray }
        guard let handling = MultiValueHandling(rawValue: try field.string().uppercased()) else {
            throw field.error("must be SORTED_ARRAY, SORTED_SET or ARRAY, not \(field.json.text)")
        }
        return handling
    }

    private static func cast(_ node: SpecNode) throws(LaminaError) -> ColumnType? {
        guard let field = node.child("castToType") else { return nil }
        guard let type = ColumnType(signature: try field.string()) else {
            throw field.error("is no column type: \(field.json.text)")
        }
        switch type {
        case .string, .long, .double: return type
        case .float: return .double
        case .array(.string), .array(.long), .array(.double): return type
        case .array(.float): return .array(.double)
        default: throw field.error("cannot be \(type)")
        }
    }
}

/// The dimensions of a spec and how further ones are found.
///
/// Source: Druid's `DimensionsSpec`.
package struct DimensionsSpec: Sendable {
    /// Listed dimensions in order, without `__time`.
    package var dimensions: [DimensionSchema]
    /// Of those the ones that are points put together of other fields.
    package var spatial: [SpatialDimension]
    package var exclusions: Set<String>
    package var includesAll: Bool
    package var discoversSchema: Bool
    /// Sort order of the segment: `__time` first, or where `forceSegmentSortByTime: false` puts it.
    package var ordering: [String]

    package init(_ node: SpecNode) throws(LaminaError) {
        _ = try node.object()
        spatial = []
        let forcesTime = try node.bool("forceSegmentSortByTime", default: true)
        includesAll = try node.bool("includeAllDimensions", default: false)
        discoversSchema = try node.bool("useSchemaDiscovery", default: false)
        exclusions = Set(try node.strings("dimensionExclusions"))
        dimensions = []
        ordering = []
        var seen: Set<String> = []
        let nodes = try node.child("dimensions")?.list() ?? []
        for (position, entry) in nodes.enumerated() {
            let schema = try DimensionSchema(entry)
            guard seen.insert(schema.name).inserted else {
                throw entry.error("repeats the dimension [\(schema.name)]: duplicate column entries found")
            }
            guard !schema.name.isEmpty else { throw entry.error("has an empty name") }
            ordering.append(schema.name)
            if schema.name == "__time" {
                try Self.checkTime(schema, entry, position: position, forcesTime: forcesTime)
            } else {
                dimensions.append(schema)
                if entry.json["type"]?.stringValue == "spatial" {
                    spatial.append(try SpatialDimension(entry, nameKey: "name"))
                }
            }
        }
        for entry in try node.child("spatialDimensions")?.list() ?? [] {
            let point = try SpatialDimension(entry, nameKey: "dimName")
            guard seen.insert(point.name).inserted else {
                throw entry.error("repeats the dimension [\(point.name)]: duplicate column entries found")
            }
            spatial.append(point)
            ordering.append(point.name)
            dimensions.append(DimensionSchema(name: point.name, kind: .string(.array)))
        }
        if !ordering.contains("__time") { ordering.insert("__time", at: 0) }
        for name in exclusions where seen.contains(name) {
            throw node.error("both lists and excludes the dimension [\(name)]")
        }
    }

    private static func checkTime(
        _ schema: DimensionSchema,
        _ entry: SpecNode,
        position: Int,
        forcesTime: Bool
    ) throws(LaminaError) {
        guard schema.kind == .long else {
            throw entry.error("must be of type long: it is the row's time")
        }
        if forcesTime, position != 0 {
            throw entry.error(
                "puts __time at position [\(position)], which is only possible with forceSegmentSortByTime: false"
            )
        }
    }

    /// Whether rows may bring dimensions that are not listed.
    package var discovers: Bool { includesAll || discoversSchema || dimensions.isEmpty && ordering == ["__time"] }
}
