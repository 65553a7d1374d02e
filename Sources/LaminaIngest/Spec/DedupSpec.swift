package import LaminaBase

/// `tuningConfig.dedup` of a batch index task: of rows with equal keys only the one with the greatest `orderBy` stays, across the
/// whole task and before rollup. Lamina's own; Druid has nothing like it.
///
/// Names are input fields, transformed fields, or `__time`, the row's time before it is truncated.
package struct DedupSpec: Sendable, Hashable {
    package var keys: [String]
    /// Usually one; of several the first weighs most.
    package var order: [String]
    /// Where it stands in the spec, for messages.
    let path: String

    package init(_ node: SpecNode) throws(LaminaError) {
        for (key, _) in try node.object().entries where key != "keys" && key != "orderBy" {
            throw SpecNode(.null, path: "\(node.path).\(key)").error("is not known; dedup has keys and orderBy")
        }
        keys = try Self.names(node.required("keys"), atLeastOne: "key")
        let order = try node.required("orderBy")
        if case .array = order.json {
            self.order = try Self.names(order, atLeastOne: "field")
        } else {
            self.order = [try Self.name(order)]
        }
        path = node.path
    }

    var fields: Set<String> { Set(keys).union(order) }

    private static func names(_ node: SpecNode, atLeastOne what: String) throws(LaminaError) -> [String] {
        var names: [String] = []
        for element in try node.list() {
            let name = try name(element)
            if names.contains(name) { throw element.error("is named twice: \(name)") }
            names.append(name)
        }
        guard !names.isEmpty else { throw node.error("must name at least one \(what)") }
        return names
    }

    private static func name(_ node: SpecNode) throws(LaminaError) -> String {
        guard case .string(let name) = node.json else {
            throw node.error("must be a field's name, not \(node.json.text)")
        }
        guard !name.isEmpty else { throw node.error("must not be empty") }
        return name
    }
}
