import LaminaBase

/// Casts, null handling, conditions.
///
/// Source: `Function.CastFunc`, `ConditionFunc`, `CaseSearchedFunc`, `CaseSimpleFunc`.
let conditionFunctions: [ExpressionFunction] = [
    ExpressionFunction("cast", 2...2, type: { _, nodes in castType(nodes[1]) }, .prepared(prepareCast)),
    ExpressionFunction("coalesce", 1...manyArguments, type: typeOfAll, .lazy(firstNonNull)),
    ExpressionFunction("nvl", 2...2, type: typeOfAll, .lazy(firstNonNull)),
    ExpressionFunction("if", 3...3, type: { types, _ in commonType(types.dropFirst()) }, .lazy(choose)),
    ExpressionFunction("case_searched", 2...manyArguments, type: searchedType, .lazy(caseSearched)),
    ExpressionFunction("case_simple", 3...manyArguments, type: simpleType, .lazy(caseSimple)),
    test("isnull") { $0.isNull },
    test("notnull") { !$0.isNull },
    test("istrue") { !$0.isNull && $0.asBool },
    test("isfalse") { !$0.isNull && !$0.asBool },
    test("nottrue") { $0.isNull || !$0.asBool },
    test("notfalse") { $0.isNull || $0.asBool },
    ExpressionFunction("isdistinctfrom", 2...2, type: always(.long), .strict(isDistinct)),
    ExpressionFunction("notdistinctfrom", 2...2, type: always(.long), .strict(isNotDistinct)),
]

private func test(_ name: String, _ body: @escaping @Sendable (Value) -> Bool) -> ExpressionFunction {
    ExpressionFunction(name, 1...1, type: always(.long), .strict { .long(body($0[0]) ? 1 : 0) })
}

private func isDistinct(_ values: [Value]) throws(LaminaError) -> Value {
    if values[0].isNull || values[1].isNull { return .long(values[0].isNull == values[1].isNull ? 0 : 1) }
    return .long(try applyBinary(.equal, values[0], values[1]).asBool ? 0 : 1)
}

private func isNotDistinct(_ values: [Value]) throws(LaminaError) -> Value {
    .long(try isDistinct(values).asBool ? 0 : 1)
}

private func castType(_ node: ExpressionNode) -> ColumnType? {
    guard let type = node.literalValue?.asText.flatMap(ColumnType.init(signature:)) else { return nil }
    return type == .float ? .double : type
}

private func prepareCast(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    let name = try arguments.requiredText(1, "second (type)")
    guard let type = castType(arguments.nodes[1]) else { throw .invalidInput("'\(name)' is no type") }
    return { $0[0].cast(to: type) }
}

private func firstNonNull(_ nodes: [ExpressionNode], _ evaluation: inout Evaluation) throws(LaminaError) -> Value {
    for node in nodes {
        let value = try evaluation.value(of: node)
        if !value.isNull { return value }
    }
    return .null
}

private func choose(_ nodes: [ExpressionNode], _ evaluation: inout Evaluation) throws(LaminaError) -> Value {
    let condition = try evaluation.value(of: nodes[0])
    return try evaluation.value(of: condition.asBool ? nodes[1] : nodes[2])
}

private func caseSearched(_ nodes: [ExpressionNode], _ evaluation: inout Evaluation) throws(LaminaError) -> Value {
    var index = 0
    while index + 1 < nodes.count {
        if try evaluation.value(of: nodes[index]).asBool { return try evaluation.value(of: nodes[index + 1]) }
        index += 2
    }
    return index < nodes.count ? try evaluation.value(of: nodes[index]) : .null
}

private func caseSimple(_ nodes: [ExpressionNode], _ evaluation: inout Evaluation) throws(LaminaError) -> Value {
    let subject = try evaluation.value(of: nodes[0])
    var index = 1
    while index + 1 < nodes.count {
        let candidate = try evaluation.value(of: nodes[index])
        if try applyBinary(.equal, subject, candidate).asBool { return try evaluation.value(of: nodes[index + 1]) }
        index += 2
    }
    return index < nodes.count ? try evaluation.value(of: nodes[index]) : .null
}

/// Results are every second argument, and a last odd one.
private func searchedType(_ types: [ColumnType?], _ nodes: [ExpressionNode]) -> ColumnType? {
    commonType(types.indices.filter { $0 % 2 == 1 || $0 == types.count - 1 }.map { types[$0] })
}

private func simpleType(_ types: [ColumnType?], _ nodes: [ExpressionNode]) -> ColumnType? {
    commonType(types.indices.filter { $0 > 0 && ($0 % 2 == 0 || $0 == types.count - 1) }.map { types[$0] })
}
