extension Expression {
    /// What `&&` joins at the top, each part an expression of its own.
    package var conjuncts: [Expression] {
        var parts: [ExpressionNode] = []
        var pending = [root]
        while let node = pending.popLast() {
            if case .binary(.and, let left, let right) = node { pending += [right, left] } else { parts.append(node) }
        }
        if parts.count == 1 { return [self] }
        return parts.enumerated().map { part($1, number: $0) }
    }

    /// Both sides of `==` or `notdistinctfrom`, and whether null equals null; nil when the expression is neither.
    package var equatedParts: (Expression, Expression, matchesNull: Bool)? {
        switch root {
        case .binary(.equal, let left, let right): (part(left, number: 0), part(right, number: 1), false)
        case .call(let call) where call.name == "notdistinctfrom" && call.arguments.count == 2:
            (part(call.arguments[0], number: 0), part(call.arguments[1], number: 1), true)
        default: nil
        }
    }

    /// A part of the tree that reads no more columns than it names.
    private func part(_ node: ExpressionNode, number: Int) -> Expression {
        var names: [String] = []
        let root = node.reslotted(&names)
        return Expression(text: "\(text)#\(number)", root: root, requiredColumns: names)
    }
}

extension ExpressionNode {
    /// The same tree with slots counted anew; `names` gathers the columns.
    fileprivate func reslotted(_ names: inout [String]) -> ExpressionNode {
        switch self {
        case .literal, .local: return self
        case .column(let name, _):
            if let slot = names.firstIndex(of: name) { return .column(name: name, slot: slot) }
            names.append(name)
            return .column(name: name, slot: names.count - 1)
        case .unary(let sign, let operand): return .unary(sign, operand.reslotted(&names))
        case .binary(let sign, let left, let right):
            let one = left.reslotted(&names)
            return .binary(sign, one, right.reslotted(&names))
        case .call(let call):
            var arguments: [ExpressionNode] = []
            for argument in call.arguments { arguments.append(argument.reslotted(&names)) }
            return .call(ExpressionCall(function: call.function, arguments: arguments, strict: call.strict))
        case .apply(let application):
            let body = application.body.reslotted(&names)
            var arguments: [ExpressionNode] = []
            for argument in application.arguments { arguments.append(argument.reslotted(&names)) }
            return .apply(
                ExpressionApplication(
                    kind: application.kind,
                    parameters: application.parameters,
                    firstLocal: application.firstLocal,
                    body: body,
                    arguments: arguments
                )
            )
        }
    }
}
