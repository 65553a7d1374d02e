import LaminaBase
import LaminaQuery

/// Arithmetic, comparisons and logic over numeric columns as a tree of vector inputs; nil for any other expression.
///
/// What it computes is what the interpreter computes, value by value; long division only by a constant other than 0, because
/// division by zero is an error of one row.
func compileVectors(_ expression: Expression, in scan: SegmentScan) throws(LaminaError) -> NumberVectors? {
    if case .literal = expression.root { return nil }
    return try compile(expression.root, scan)
}

private func compile(_ node: ExpressionNode, _ scan: SegmentScan) throws(LaminaError) -> NumberVectors? {
    switch node {
    case .literal(.long(let value), _): return .long(ConstantInput(value))
    case .literal(.double(let value), _): return .double(ConstantInput(value))
    case .column(let name, _):
        switch try scan.column(name) {
        case .long: return .long(try scan.longInput(name))
        case .double, .float: return .double(try scan.doubleInput(name))
        case .numbers(let vectors): return vectors
        default: return nil
        }
    case .unary(let sign, let operand):
        guard let inner = try compile(operand, scan) else { return nil }
        return unary(sign, inner)
    case .binary(let sign, let left, let right):
        guard let first = try compile(left, scan), let second = try compile(right, scan) else { return nil }
        if sign.isLogic { return .long(LogicInput(truth(first), truth(second), isAnd: sign == .and)) }
        if case .long(let one) = first, case .long(let two) = second { return longBinary(sign, one, two, right) }
        return doubleBinary(sign, asDouble(first), asDouble(second))
    default: return nil
    }
}

private func asDouble(_ vectors: NumberVectors) -> NumericInput<Double> {
    switch vectors {
    case .long(let input): converted(input)
    case .double(let input): input
    }
}

/// 1 where the value is greater than 0, else 0.
private func truth(_ vectors: NumberVectors) -> NumericInput<Int64> {
    switch vectors {
    case .long(let input):
        ConvertedInput(input) { values, result, count in
            for index in 0..<count { result[index] = values[index] > 0 ? 1 : 0 }
        }
    case .double(let input):
        ConvertedInput(input) { values, result, count in
            for index in 0..<count { result[index] = values[index] > 0 ? 1 : 0 }
        }
    }
}

private func unary(_ sign: ExpressionNode.UnaryOperator, _ operand: NumberVectors) -> NumberVectors {
    switch (sign, operand) {
    case (.not, _):
        return .long(
            UnaryInput(truth(operand)) { values, result, count in
                for index in 0..<count { result[index] = 1 &- values[index] }
            }
        )
    case (.minus, .long(let input)):
        return .long(
            UnaryInput(input) { values, result, count in
                for index in 0..<count { result[index] = 0 &- values[index] }
            }
        )
    case (.minus, .double(let input)):
        return .double(
            UnaryInput(input) { values, result, count in
                for index in 0..<count { result[index] = -values[index] }
            }
        )
    }
}

private typealias Pair<In, Out> = (UnsafePointer<In>, UnsafePointer<In>, UnsafeMutablePointer<Out>, Int) -> Void

@inline(__always)
private func pairwise<In, Out>(_ body: @escaping (In, In) -> Out) -> Pair<In, Out> {
    { left, right, result, count in
        for index in 0..<count { result[index] = body(left[index], right[index]) }
    }
}

private func longBinary(
    _ sign: ExpressionNode.BinaryOperator,
    _ left: NumericInput<Int64>,
    _ right: NumericInput<Int64>,
    _ rightNode: ExpressionNode
) -> NumberVectors? {
    let kernel: Pair<Int64, Int64>
    switch sign {
    case .add: kernel = pairwise { $0 &+ $1 }
    case .subtract: kernel = pairwise { $0 &- $1 }
    case .multiply: kernel = pairwise { $0 &* $1 }
    case .divide, .modulo:
        guard case .literal(.long(let divisor), _) = rightNode, divisor != 0 else { return nil }
        kernel =
            sign == .divide
            ? pairwise { $0.dividedReportingOverflow(by: $1).partialValue }
            : pairwise { $0.remainderReportingOverflow(dividingBy: $1).partialValue }
    case .less: kernel = pairwise { $0 < $1 ? 1 : 0 }
    case .lessOrEqual: kernel = pairwise { $0 <= $1 ? 1 : 0 }
    case .greater: kernel = pairwise { $0 > $1 ? 1 : 0 }
    case .greaterOrEqual: kernel = pairwise { $0 >= $1 ? 1 : 0 }
    case .equal: kernel = pairwise { $0 == $1 ? 1 : 0 }
    case .notEqual: kernel = pairwise { $0 != $1 ? 1 : 0 }
    case .power, .and, .or: return nil
    }
    return .long(BinaryInput(left, right, kernel))
}

private func doubleBinary(
    _ sign: ExpressionNode.BinaryOperator,
    _ left: NumericInput<Double>,
    _ right: NumericInput<Double>
) -> NumberVectors? {
    switch sign {
    case .add: return .double(BinaryInput(left, right, pairwise { $0 + $1 }))
    case .subtract: return .double(BinaryInput(left, right, pairwise { $0 - $1 }))
    case .multiply: return .double(BinaryInput(left, right, pairwise { $0 * $1 }))
    case .divide: return .double(BinaryInput(left, right, pairwise { $0 / $1 }))
    case .less: return .long(BinaryInput(left, right, pairwise { javaLess($0, $1) ? 1 : 0 }))
    case .lessOrEqual: return .long(BinaryInput(left, right, pairwise { javaLess($1, $0) ? 0 : 1 }))
    case .greater: return .long(BinaryInput(left, right, pairwise { javaLess($1, $0) ? 1 : 0 }))
    case .greaterOrEqual: return .long(BinaryInput(left, right, pairwise { javaLess($0, $1) ? 0 : 1 }))
    case .equal: return .long(BinaryInput(left, right, pairwise { $0 == $1 ? 1 : 0 }))
    case .notEqual: return .long(BinaryInput(left, right, pairwise { $0 != $1 ? 1 : 0 }))
    case .modulo, .power, .and, .or: return nil
    }
}

/// `Double.compare(left, right) < 0`: -0.0 before 0.0, NaN after everything.
@inline(__always)
func javaLess(_ left: Double, _ right: Double) -> Bool {
    if left < right { return true }
    if left > right { return false }
    if left == right { return left.sign == .minus && right.sign == .plus && left == 0 }
    return left == left
}
