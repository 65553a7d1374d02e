package import LaminaBase

extension Expression {
    /// The expression for inputs of which some are multi-value strings: where those stand for single values, the whole
    /// expression is mapped over their values, over all combinations when they are several; a row without values counts as
    /// one null. Columns used as whole arrays stay. Source: `Parser.applyUnapplied`, `ExpressionPlanner`.
    ///
    /// Throws when one column is used both ways.
    package func mapping(overMultiValue columns: Set<String>) throws(LaminaError) -> Expression {
        var scalars: [String] = []
        var arrays: Set<String> = []
        root.collectUses(asArray: false, &scalars, &arrays)
        let mapped = scalars.filter(columns.contains)
        if mapped.isEmpty { return self }
        if let both = mapped.first(where: arrays.contains) {
            throw .invalidInput(
                "Expression [\(text)] uses multi-value column '\(both)' both as array and as single value"
            )
        }
        guard let harmonize = expressionFunctions["mv_harmonize_nulls"], case .strict(let body) = harmonize.body else {
            preconditionFailure("mv_harmonize_nulls is a strict function")
        }
        let arguments = mapped.map { name in
            let slot = requiredColumns.firstIndex(of: name) ?? 0
            return ExpressionNode.call(
                ExpressionCall(function: harmonize, arguments: [.column(name: name, slot: slot)], strict: body)
            )
        }
        let application = ExpressionApplication(
            kind: mapped.count == 1 ? .map : .cartesianMap,
            parameters: mapped,
            firstLocal: 0,
            body: root.binding(mapped),
            arguments: arguments
        )
        return Expression(text: text, root: .apply(application), requiredColumns: requiredColumns)
    }

    /// Columns read as whole arrays (arguments of array functions and of lambdas).
    package var arrayColumns: Set<String> {
        var scalars: [String] = []
        var arrays: Set<String> = []
        root.collectUses(asArray: false, &scalars, &arrays)
        return arrays
    }
}

extension ExpressionNode {
    fileprivate func collectUses(asArray: Bool, _ scalars: inout [String], _ arrays: inout Set<String>) {
        switch self {
        case .literal, .local: break
        case .column(let name, _):
            if asArray {
                arrays.insert(name)
            } else if !scalars.contains(name) {
                scalars.append(name)
            }
        case .unary(_, let operand): operand.collectUses(asArray: false, &scalars, &arrays)
        case .binary(_, let left, let right):
            left.collectUses(asArray: false, &scalars, &arrays)
            right.collectUses(asArray: false, &scalars, &arrays)
        case .call(let call):
            for (index, argument) in call.arguments.enumerated() {
                argument.collectUses(asArray: call.function.arrayInputs.contains(index), &scalars, &arrays)
            }
        case .apply(let application):
            let isFold = application.kind == .fold || application.kind == .cartesianFold
            for (index, argument) in application.arguments.enumerated() {
                let isAccumulator = isFold && index == application.arguments.count - 1
                argument.collectUses(asArray: !isAccumulator, &scalars, &arrays)
            }
            application.body.collectUses(asArray: false, &scalars, &arrays)
        }
    }

    /// Columns become the first parameters of a lambda around the node; parameters inside move up.
    fileprivate func binding(_ names: [String]) -> ExpressionNode {
        switch self {
        case .literal: return self
        case .column(let name, _):
            return names.firstIndex(of: name).map { .local(name: name, index: $0) } ?? self
        case .local(let name, let index): return .local(name: name, index: index + names.count)
        case .unary(let sign, let operand): return .unary(sign, operand.binding(names))
        case .binary(let sign, let left, let right): return .binary(sign, left.binding(names), right.binding(names))
        case .call(let call):
            let arguments = call.arguments.map { $0.binding(names) }
            return .call(ExpressionCall(function: call.function, arguments: arguments, strict: call.strict))
        case .apply(let application):
            return .apply(
                ExpressionApplication(
                    kind: application.kind,
                    parameters: application.parameters,
                    firstLocal: application.firstLocal + names.count,
                    body: application.body.binding(names),
                    arguments: application.arguments.map { $0.binding(names) }
                )
            )
        }
    }
}
