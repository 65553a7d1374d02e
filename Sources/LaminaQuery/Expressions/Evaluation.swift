import LaminaBase

/// One run of the interpreter: input values by slot and the parameters of the lambdas entered so far.
struct Evaluation {
    let columns: [Value]
    var locals: [Value] = []

    init(columns: [Value]) { self.columns = columns }

    mutating func value(of node: ExpressionNode) throws(LaminaError) -> Value {
        switch node {
        case .literal(let value, _): return value
        case .column(_, let slot):
            // Expressions know no 32-bit numbers.
            if case .float(let number) = columns[slot] { return .double(Double(number)) }
            return columns[slot]
        case .local(_, let index): return locals[index]
        case .unary(let sign, let operand): return try applyUnary(sign, try value(of: operand))
        case .binary(.and, let left, let right): return try conjunction(left, right)
        case .binary(.or, let left, let right): return try disjunction(left, right)
        case .binary(let sign, let left, let right):
            return try applyBinary(sign, try value(of: left), try value(of: right))
        case .call(let call):
            if let strict = call.strict {
                var values: [Value] = []
                values.reserveCapacity(call.arguments.count)
                for argument in call.arguments { values.append(try value(of: argument)) }
                return try strict(values)
            }
            guard case .lazy(let body) = call.function.body else {
                preconditionFailure("a call was built without its body")
            }
            return try body(call.arguments, &self)
        case .apply(let application): return try apply(application)
        }
    }

    /// False wins over null, null over true.
    private mutating func conjunction(_ left: ExpressionNode, _ right: ExpressionNode) throws(LaminaError) -> Value {
        let first = try value(of: left)
        if !first.isNull, !first.asBool { return .long(0) }
        let second = try value(of: right)
        if !second.isNull, !second.asBool { return .long(0) }
        return first.isNull || second.isNull ? .null : .long(1)
    }

    /// True wins over null, null over false.
    private mutating func disjunction(_ left: ExpressionNode, _ right: ExpressionNode) throws(LaminaError) -> Value {
        let first = try value(of: left)
        if first.asBool { return .long(1) }
        let second = try value(of: right)
        if second.asBool { return .long(1) }
        return first.isNull || second.isNull ? .null : .long(0)
    }
}

private func applyUnary(_ sign: ExpressionNode.UnaryOperator, _ value: Value) throws(LaminaError) -> Value {
    if value.isNull { return .null }
    switch (sign, value) {
    case (.not, _): return .long(value.asBool ? 0 : 1)
    case (.minus, .long(let number)): return .long(0 &- number)
    case (.minus, .double(let number)): return .double(-number)
    default: throw .evaluation("operator '-' is not supported on a \(value.typeName)")
    }
}

/// Arithmetic and comparisons. Source: `BinaryEvalOpExprBase`, `ExpressionTypeConversion.autoDetect`.
func applyBinary(
    _ sign: ExpressionNode.BinaryOperator,
    _ left: Value,
    _ right: Value
) throws(LaminaError) -> Value {
    switch (left, right) {
    case (.null, _), (_, .null): return .null
    case (.long(let first), .long(let second)): return try applyLong(sign, first, second)
    case (.string(let first), .string(let second)): return try applyText(sign, first, second)
    case (.array(let first), .array(let second)) where sign.isComparison:
        return .long(holds(sign, compareArrays(first, second)) ? 1 : 0)
    // Elsewhere an array counts as the number it holds when it holds one alone.
    default:
        guard let first = left.asDouble, let second = right.asDouble else { return .null }
        return applyDouble(sign, first, second)
    }
}

private func holds(_ sign: ExpressionNode.BinaryOperator, _ order: Int) -> Bool {
    switch sign {
    case .less: order < 0
    case .lessOrEqual: order <= 0
    case .greater: order > 0
    case .greaterOrEqual: order >= 0
    case .equal: order == 0
    default: order != 0
    }
}

private func applyText(
    _ sign: ExpressionNode.BinaryOperator,
    _ left: String,
    _ right: String
) throws(LaminaError) -> Value {
    if sign == .add { return .string(left + right) }
    guard sign.isComparison else { throw .evaluation("operator '\(sign.rawValue)' is not supported on two texts") }
    return .long(holds(sign, javaCompare(left, right)) ? 1 : 0)
}

private func applyLong(
    _ sign: ExpressionNode.BinaryOperator,
    _ left: Int64,
    _ right: Int64
) throws(LaminaError) -> Value {
    switch sign {
    case .add: return .long(left &+ right)
    case .subtract: return .long(left &- right)
    case .multiply: return .long(left &* right)
    case .divide:
        guard right != 0 else { throw .evaluation("/ by zero") }
        return .long(left.dividedReportingOverflow(by: right).partialValue)
    case .modulo:
        guard right != 0 else { throw .evaluation("/ by zero") }
        return .long(left.remainderReportingOverflow(dividingBy: right).partialValue)
    case .power:
        guard right >= 0, right <= Int64(Int32.max) else {
            throw .evaluation("exponent (\(right)) must be >= 0 and fit 32 bits")
        }
        return .long(integerPower(left, right))
    default:
        return .long(holds(sign, left < right ? -1 : left == right ? 0 : 1) ? 1 : 0)
    }
}

/// Wraps around on overflow, like Guava's `LongMath.pow`.
private func integerPower(_ base: Int64, _ exponent: Int64) -> Int64 {
    var result: Int64 = 1
    var factor = base
    var left = exponent
    while left > 0 {
        if left & 1 == 1 { result = result &* factor }
        factor = factor &* factor
        left >>= 1
    }
    return result
}

private func applyDouble(_ sign: ExpressionNode.BinaryOperator, _ left: Double, _ right: Double) -> Value {
    switch sign {
    case .add: return .double(left + right)
    case .subtract: return .double(left - right)
    case .multiply: return .double(left * right)
    case .divide: return .double(left / right)
    case .modulo: return .double(javaRemainder(left, right))
    case .power: return .double(javaPower(left, right))
    case .equal: return .long(left == right ? 1 : 0)
    case .notEqual: return .long(left != right ? 1 : 0)
    default: return .long(holds(sign, compareJava(left, right)) ? 1 : 0)
    }
}
