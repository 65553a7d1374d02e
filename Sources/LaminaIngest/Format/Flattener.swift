import LaminaBase

/// Takes the fields out of whole JSON documents, as a `flattenSpec` says. Used by one thread.
final class Flattener {
    private enum Extractor {
        case root(String)
        case path(FlattenPath)
        case jq(JQRunner)
        case tree([String])
    }

    private let fields: [(name: String, extractor: Extractor)]
    private let names: Set<String>

    init(_ format: JSONFormat) {
        fields = format.flattened.map { field in
            switch field.extractor {
            case .root(let key): (field.name, .root(key))
            case .path(let path): (field.name, .path(path))
            case .jq(let program): (field.name, .jq(JQRunner(program)))
            case .tree(let nodes): (field.name, .tree(nodes))
            }
        }
        names = Set(format.flattened.map(\.name))
    }

    /// Adds a document as row `rowCount`; false when it cannot be a row (a jq program fails on it).
    func add(_ document: JSON, to builder: BatchBuilder) -> Bool {
        let row = builder.rowCount
        var values: [(FieldColumn, JSON)] = []
        for (name, extractor) in fields {
            guard let column = builder.column(name) else { continue }
            switch extractor {
            case .root(let key): values.append((column, document[key] ?? .null))
            case .path(let path): values.append((column, path.find(in: document) ?? .null))
            case .tree(let nodes):
                var value: JSON? = document
                for node in nodes { value = value?[node] }
                values.append((column, value ?? .null))
            case .jq(let runner):
                guard let value = runner.first(of: document) else { return false }
                values.append((column, value))
            }
        }
        for (column, value) in values { builder.set(column, row: row, value) }
        for (key, value) in document.objectValue?.entries ?? [] where !names.contains(key) {
            if let column = builder.column(key) { builder.set(column, row: row, value) }
        }
        return true
    }
}
