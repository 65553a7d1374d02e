package import LaminaBase
package import LaminaQuery

/// Computed fields and a row filter, applied before dimensions and metrics are read.
///
/// Source: Druid's `TransformSpec`, `ExpressionTransform`.
package struct TransformSpec: Sendable {
    package struct Transform: Sendable {
        package var name: String
        package var text: String
        package var path: String
    }

    package var transforms: [Transform]
    package var filter: Filter?
    /// The filter as written.
    package var filterJSON: JSON?
    /// The fields the filter reads.
    package var filterFields: [String]

    package init(_ node: SpecNode?) throws(LaminaError) {
        transforms = []
        filter = nil
        filterJSON = nil
        filterFields = []
        guard let node else { return }
        _ = try node.object()
        var seen: Set<String> = []
        for entry in try node.child("transforms")?.list() ?? [] {
            let type = try entry.required("type").string()
            guard type == "expression" else { throw .unsupported("\(entry.path): a transform of type \"\(type)\"") }
            let name = try entry.required("name").string()
            guard seen.insert(name).inserted else {
                throw entry.error("uses the name '\(name)' a second time: a transform name cannot be used twice")
            }
            transforms.append(
                Transform(name: name, text: try entry.required("expression").string(), path: entry.path)
            )
        }
        if let child = node.child("filter") {
            let filter = try QueryDecoder().filter(child.json, at: child.path)
            filterFields = try rowFilterFields(filter)
            self.filter = filter
            filterJSON = child.json
        }
    }
}
