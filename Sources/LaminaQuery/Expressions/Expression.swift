package import LaminaBase

/// A native expression: parsed, names resolved, constants folded (druid-surface 6.2–6.4).
///
/// `evaluate` is its meaning, one row at a time; the engine's vectorised form is tested against it.
package struct Expression: Sendable, Hashable, CustomStringConvertible {
    /// The text it was parsed from.
    package let text: String
    package let root: ExpressionNode
    /// The columns it reads, in order of first mention. `ExpressionNode.column` slots index this.
    package let requiredColumns: [String]

    /// Parses; an error names line and column of the first mistake.
    package init(parsing text: String, lookups: LookupResolver? = nil) throws(LaminaError) {
        var parser = ExpressionParser(text, lookups: lookups)
        let root = try parser.parse()
        self.init(text: text, root: root, requiredColumns: parser.columns)
    }

    init(text: String, root: ExpressionNode, requiredColumns: [String]) {
        self.text = text
        self.root = root
        self.requiredColumns = requiredColumns
    }

    package var description: String { text }

    package static func == (left: Expression, right: Expression) -> Bool { left.text == right.text }
    package func hash(into hasher: inout Hasher) { hasher.combine(text) }

    /// The value for one row; `columns[i]` is the row's value of `requiredColumns[i]`.
    package func evaluate(columns: [Value]) throws(LaminaError) -> Value {
        var evaluation = Evaluation(columns: columns)
        return try evaluation.value(of: root)
    }

    /// The value for one row, inputs asked by name. Every required column is asked once.
    package func evaluate(_ bindings: (String) throws(LaminaError) -> Value) throws(LaminaError) -> Value {
        var columns: [Value] = []
        columns.reserveCapacity(requiredColumns.count)
        for name in requiredColumns { columns.append(try bindings(name)) }
        return try evaluate(columns: columns)
    }

    /// The type of the result for inputs of the given types (nil: unknown or absent); nil when nothing can be said.
    package func outputType(_ columnType: (String) -> ColumnType?) -> ColumnType? {
        inferType(of: root, columnType)
    }

    /// The constant value, if the expression reads nothing.
    package var constant: Value? { root.literalValue }

    /// The column it merely repeats, if that is all it does.
    package var identifier: String? {
        if case .column(let name, _) = root { name } else { nil }
    }
}

extension Expression {
    /// The same expression reading another column in the place of one.
    func renaming(column old: String, to new: String) -> Expression {
        Expression(
            text: text,
            root: root.renaming(column: old, to: new),
            requiredColumns: requiredColumns.map { $0 == old ? new : $0 }
        )
    }
}

extension ExpressionNode {
    fileprivate func renaming(column old: String, to new: String) -> ExpressionNode {
        switch self {
        case .literal, .local: return self
        case .column(let name, let slot): return .column(name: name == old ? new : name, slot: slot)
        case .unary(let sign, let operand): return .unary(sign, operand.renaming(column: old, to: new))
        case .binary(let sign, let left, let right):
            return .binary(sign, left.renaming(column: old, to: new), right.renaming(column: old, to: new))
        case .call(let call):
            let arguments = call.arguments.map { $0.renaming(column: old, to: new) }
            return .call(ExpressionCall(function: call.function, arguments: arguments, strict: call.strict))
        case .apply(let application):
            return .apply(
                ExpressionApplication(
                    kind: application.kind,
                    parameters: application.parameters,
                    firstLocal: application.firstLocal,
                    body: application.body.renaming(column: old, to: new),
                    arguments: application.arguments.map { $0.renaming(column: old, to: new) }
                )
            )
        }
    }
}
