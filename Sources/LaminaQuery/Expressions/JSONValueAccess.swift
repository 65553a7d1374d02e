package import LaminaBase

/// A plain reading of one path of one column: `json_value(column, 'path', 'type')`, what `nested-field` virtual columns are.
package struct JSONValueAccess: Sendable {
    package let column: String
    package let path: JSONPath
    /// The type values are cast to; nil: they stay as they are.
    package let type: ColumnType?

    /// What becomes of the scalar, or array of scalars, found at the path.
    package func converted(_ found: Value) -> Value {
        guard let type else { return found }
        if case .array = type { return found.cast(to: type) }
        if case .array = found { return .null }
        return found.cast(to: type)
    }
}

extension Expression {
    /// The reading of a path, when the expression is nothing else.
    package var jsonValueAccess: JSONValueAccess? {
        guard case .call(let call) = root, call.name == "json_value",
            case .column(let column, _)? = call.arguments.first,
            let text = call.arguments[1].literalValue?.asText, let path = try? JSONPath(parsing: text)
        else { return nil }
        guard call.arguments.count > 2 else { return JSONValueAccess(column: column, path: path, type: nil) }
        guard let name = call.arguments[2].literalValue?.asText, let type = ColumnType(signature: name) else {
            return nil
        }
        return JSONValueAccess(column: column, path: path, type: type)
    }
}
