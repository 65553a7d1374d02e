import LaminaBase

/// The type an expression has for inputs of the given types; nil when nothing can be said (all null).
/// Source: `Expr.getOutputType`, `ExpressionTypeConversion`.
func inferType(of node: ExpressionNode, _ columnType: (String) -> ColumnType?) -> ColumnType? {
    inferType(of: node, columnType, locals: [])
}

private func inferType(
    of node: ExpressionNode,
    _ columnType: (String) -> ColumnType?,
    locals: [ColumnType?]
) -> ColumnType? {
    switch node {
    case .literal(_, let type): return type
    case .column(let name, _):
        let type = columnType(name)
        return type == .float ? .double : type
    case .local(_, let index): return index < locals.count ? locals[index] : nil
    case .unary(.not, _): return .long
    case .unary(.minus, let operand): return inferType(of: operand, columnType, locals: locals)
    case .binary(let sign, let left, let right):
        if sign.isComparison || sign.isLogic { return .long }
        return operatorType(
            inferType(of: left, columnType, locals: locals),
            inferType(of: right, columnType, locals: locals)
        )
    case .call(let call):
        let types = call.arguments.map { inferType(of: $0, columnType, locals: locals) }
        return call.function.type(types, call.arguments)
    case .apply(let application):
        return applicationType(application, columnType, locals: locals)
    }
}

private func applicationType(
    _ application: ExpressionApplication,
    _ columnType: (String) -> ColumnType?,
    locals: [ColumnType?]
) -> ColumnType? {
    let arguments = application.arguments.map { inferType(of: $0, columnType, locals: locals) }
    var inner = Array(locals.prefix(application.firstLocal))
    while inner.count < application.firstLocal { inner.append(nil) }
    switch application.kind {
    case .any, .all: return .long
    case .filter: return arguments[0].map(arrayType)
    case .map, .cartesianMap:
        inner += arguments.map { $0.map(scalarType) }
        return inferType(of: application.body, columnType, locals: inner).map(arrayType)
    case .fold, .cartesianFold:
        inner += arguments.dropLast().map { $0.map(scalarType) } + [arguments[arguments.count - 1]]
        return inferType(of: application.body, columnType, locals: inner)
    }
}

/// The type of `+ - * / % ^`: two texts stay text, two longs long, everything else becomes double; nested values and arrays are
/// as for `commonType`.
func operatorType(_ left: ColumnType?, _ right: ColumnType?) -> ColumnType? {
    guard let left else { return right }
    guard let right else { return left }
    if left.isScalar, right.isScalar, left != right { return .double }
    return commonType(left, right)
}

/// The type of a function that may return any of its arguments: nested values win over everything, arrays over scalars, text
/// over numbers.
/// Source: `ExpressionTypeConversion.leastRestrictiveType`.
func commonType(_ left: ColumnType?, _ right: ColumnType?) -> ColumnType? {
    guard let left else { return right }
    guard let right else { return left }
    if left == right { return left }
    if case .complex = left { return left }
    if case .complex = right { return right }
    if !left.isScalar || !right.isScalar {
        return commonType(scalarType(left), scalarType(right)).map(ColumnType.array)
    }
    if left == .string || right == .string { return .string }
    return left == .long && right == .long ? .long : .double
}

extension ColumnType {
    fileprivate var isScalar: Bool { isNumeric || self == .string }
}

func commonType(_ types: some Sequence<ColumnType?>) -> ColumnType? {
    types.reduce(nil) { commonType($0, $1) }
}

/// The array type of an element type; an array type stays.
func arrayType(_ type: ColumnType) -> ColumnType {
    if case .array = type { type } else { .array(type == .float ? .double : type) }
}

/// The element type of an array type; a scalar type stays.
func scalarType(_ type: ColumnType) -> ColumnType {
    if case .array(let element) = type { element } else { type }
}
