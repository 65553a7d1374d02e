package import LaminaBase

/// What one expression can say of another without computing either.
extension Expression {
    /// The granularity, when the expression floors `__time` by constants and does nothing else.
    ///
    /// - Source: `Granularities.fromVirtualColumn`.
    package var timeFloor: Granularity? {
        guard case .call(let call) = root, call.name == "timestamp_floor",
            case .column("__time", _)? = call.arguments.first
        else { return nil }
        var constants: [Value] = []
        for argument in call.arguments.dropFirst() {
            guard let value = argument.literalValue else { return nil }
            constants.append(value)
        }
        while constants.count < 3 { constants.append(.null) }
        return (try? floorGranularity(constants[0], constants[1], constants[2])) ?? nil
    }

    /// Whether both are the same syntax tree, however they were written.
    package func isEquivalent(to other: Expression) -> Bool { sameNode(root, other.root) }
}

private func sameNode(_ left: ExpressionNode, _ right: ExpressionNode) -> Bool {
    switch (left, right) {
    case (.literal(let one, let type), .literal(let other, let otherType)): return one == other && type == otherType
    case (.column(let one, _), .column(let other, _)): return one == other
    case (.local(_, let one), .local(_, let other)): return one == other
    case (.unary(let sign, let one), .unary(let otherSign, let other)):
        return sign == otherSign && sameNode(one, other)
    case (.binary(let sign, let a, let b), .binary(let otherSign, let c, let d)):
        return sign == otherSign && sameNode(a, c) && sameNode(b, d)
    case (.call(let one), .call(let other)):
        return one.name == other.name && sameNodes(one.arguments, other.arguments)
    case (.apply(let one), .apply(let other)):
        return one.kind == other.kind && one.parameters.count == other.parameters.count
            && one.firstLocal == other.firstLocal && sameNode(one.body, other.body)
            && sameNodes(one.arguments, other.arguments)
    default: return false
    }
}

private func sameNodes(_ left: [ExpressionNode], _ right: [ExpressionNode]) -> Bool {
    guard left.count == right.count else { return false }
    for (one, other) in zip(left, right) where !sameNode(one, other) { return false }
    return true
}

extension VirtualColumn {
    /// Whether both give the same values of the same type, whatever they are called.
    ///
    /// - Source: `ExpressionVirtualColumn.getEquivalanceKey`.
    package func isEquivalent(to other: VirtualColumn) -> Bool {
        outputType == other.outputType && expression.isEquivalent(to: other.expression)
    }
}
