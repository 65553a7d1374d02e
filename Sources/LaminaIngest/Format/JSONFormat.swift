import LaminaBase

/// The `json` format: one object a line; with `useJsonNodeReader` also objects over several lines or several on one.
///
/// Druid's batch tasks always read line by line, whatever `assumeNewlineDelimited` says; a text that follows the first value of a
/// line is ignored. `useJsonNodeReader` has no effect on them in Druid; Lamina takes it as the wish to read concatenated objects.
///
/// Source: `JsonInputFormat`, `JsonLineReader`, `JSONFlattenerMaker`, `ObjectFlatteners`.
struct JSONFormat: Sendable {
    /// One field of a `flattenSpec`.
    struct Flattened: Sendable {
        enum Extractor: Sendable {
            case root(String)
            case path(FlattenPath)
            case jq(JQProgram)
            case tree([String])
        }

        var name: String
        var extractor: Extractor
    }

    let flattened: [Flattened]
    let useFieldDiscovery: Bool
    let keepNullColumns: Bool
    let isConcatenated: Bool
    /// `assumeNewlineDelimited`, which only streams heed: their records are read by lines as well.
    let isLines: Bool
    let features: LenientJSON.Features

    init(_ fields: SpecFields) throws(LaminaError) {
        var flattened: [Flattened] = []
        var discovery = true
        let hasFlattenSpec = fields["flattenSpec"].map { !$0.isNull } ?? false
        if hasFlattenSpec, let json = fields["flattenSpec"] {
            let spec = try SpecFields(json, path: "\(fields.path).flattenSpec")
            discovery = try spec.bool("useFieldDiscovery") ?? true
            flattened = try Self.fields(of: spec)
        }
        self.flattened = flattened
        useFieldDiscovery = discovery
        keepNullColumns = try fields.bool("keepNullColumns") ?? (hasFlattenSpec && discovery)
        isLines = try fields.bool("assumeNewlineDelimited") ?? false
        isConcatenated = try fields.bool("useJsonNodeReader") ?? false
        if isLines, isConcatenated {
            throw fields.error("", "cannot have both useJsonNodeReader and assumeNewlineDelimited")
        }
        features = try LenientJSON.Features(fields)
    }

    /// Whether lines can be read by the fast parser alone.
    var isPlain: Bool { readsPlainObjects && !isConcatenated }

    /// Whether objects can be read by the fast parser, however they are laid out.
    var readsPlainObjects: Bool { flattened.isEmpty && features.isStrict }

    private static func fields(of spec: SpecFields) throws(LaminaError) -> [Flattened] {
        guard let given = spec["fields"], !given.isNull else { return [] }
        guard let items = given.arrayValue else { throw spec.error("fields", "must be a list") }
        var flattened: [Flattened] = []
        for (index, item) in items.enumerated() {
            let field = try Self.field(item, path: "\(spec.path).fields[\(index)]")
            guard !flattened.contains(where: { $0.name == field.name }) else {
                throw spec.error("fields", "defines the field '\(field.name)' twice")
            }
            flattened.append(field)
        }
        return flattened
    }

    private static func field(_ json: JSON, path: String) throws(LaminaError) -> Flattened {
        if let name = json.stringValue { return Flattened(name: name, extractor: .root(name)) }
        let fields = try SpecFields(json, path: path)
        guard let name = try fields.string("name") else { throw fields.missing("name") }
        let expression = try fields.string("expr")
        switch try fields.string("type")?.lowercased() ?? "root" {
        case "root": return Flattened(name: name, extractor: .root(expression ?? name))
        case "path":
            guard let expression else { throw fields.missing("expr") }
            return Flattened(name: name, extractor: .path(try FlattenPath(expression, place: "\(path).expr")))
        case "jq":
            guard let expression else { throw fields.missing("expr") }
            return Flattened(name: name, extractor: .jq(try JQProgram(expression, place: "\(path).expr")))
        case "tree":
            let nodes = try fields.strings("nodes")
            guard !nodes.isEmpty else { throw fields.missing("nodes") }
            return Flattened(name: name, extractor: .tree(nodes))
        case let other: throw fields.error("type", "'\(other)' is none of root, path, jq, tree")
        }
    }
}
