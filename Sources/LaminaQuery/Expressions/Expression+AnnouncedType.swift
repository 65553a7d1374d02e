package import LaminaBase

extension Expression {
    /// The type by which a virtual column over the expression is announced; `columnType` is nil for absent columns.
    ///
    /// It is the inferred type where all inputs are known. With unknown ones it is inferred only where Druid would compute the
    /// expression on vectors, and is what was declared, or FLOAT, elsewhere. A declared type chooses among numbers (FLOAT), and
    /// between an array and a text of several values; it does not make a number a text.
    ///
    /// - Source: `ExpressionPlanner.plan`, `ExpressionPlan.inferColumnCapabilities`, `ExpressionVirtualColumn.capabilities`.
    package func announcedType(declared: ColumnType?, _ columnType: (String) -> ColumnType?) -> ColumnType {
        let isKnown = requiredColumns.allSatisfy { columnType($0) != nil }
        guard isKnown || isVectorizable(root, columnType), let type = outputType(columnType) else {
            return declared ?? .float
        }
        if type.isNumeric { return declared == .float ? .float : type }
        if case .complex = type { return type }
        if let declared, declared.isNumeric { return declared }
        guard case .array(let element) = type else { return type }
        if case .complex = element { return element }
        // Without the types of the inputs only the outermost function can tell that there will be arrays.
        return declared == .string || !isKnown && !root.givesArrays ? .string : type
    }
}

extension ExpressionNode {
    /// Whether the outermost function makes arrays whatever it is given.
    fileprivate var givesArrays: Bool {
        switch self {
        case .call(let call): call.function.hasArrayOutput
        case .apply(let application): application.kind == .map || application.kind == .cartesianMap
        default: false
        }
    }
}

/// Functions of numbers that Druid computes on vectors when every argument is a number or unknown.
private let numberFunctions: Set<String> = [
    "abs", "acos", "asin", "atan", "cbrt", "ceil", "cos", "cosh", "cot", "exp", "expm1", "floor", "getexponent", "log",
    "log10", "log1p", "nextup", "rint", "signum", "sin", "sinh", "sqrt", "tan", "tanh", "todegrees", "toradians", "ulp",
    "atan2", "copysign", "div", "hypot", "max", "min", "nextafter", "pow", "remainder", "scalb", "bitwiseand",
    "bitwiseor", "bitwisexor", "bitwiseshiftleft", "bitwiseshiftright", "bitwisecomplement",
    "bitwiseconvertdoubletolongbits", "bitwiseconvertlongbitstodouble",
]

/// Whether Druid computes a node on vectors. Source: `Expr.canVectorize` and its overrides in Druid 33.
private func isVectorizable(_ node: ExpressionNode, _ columnType: (String) -> ColumnType?) -> Bool {
    let types = node.operands.map { inferType(of: $0, columnType) }
    var areNumbers: Bool { types.allSatisfy { $0?.isNumeric ?? true } }
    var areScalars: Bool { types.allSatisfy { $0.map { $0.isNumeric || $0 == .string } ?? true } }
    guard node.operands.allSatisfy({ isVectorizable($0, columnType) }) else { return false }
    switch node {
    case .literal, .column, .unary(.not, _): return true
    case .local, .apply: return false
    case .unary(.minus, _): return areNumbers
    case .binary(.and, _, _), .binary(.or, _, _): return Set(types.compactMap { $0 }).count < 2
    case .binary: return areScalars
    case .call(let call):
        if numberFunctions.contains(call.name) { return areNumbers }
        switch call.name {
        case "pi", "isnull", "notnull", "timestamp_floor", "timestamp_shift", "cast", "nvl": return true
        case "coalesce": return call.arguments.count == 2
        case "concat": return areScalars
        case "parse_long": return call.arguments.count == 1 || types[1]?.isNumeric ?? false
        default: return false
        }
    }
}

extension ExpressionNode {
    fileprivate var operands: [ExpressionNode] {
        switch self {
        case .literal, .column, .local, .apply: []
        case .unary(_, let operand): [operand]
        case .binary(_, let left, let right): [left, right]
        case .call(let call): call.arguments
        }
    }
}
