package import LaminaBase

/// The syntax tree of an expression, names resolved: what the interpreter walks and the engine's vector compiler reads.
package indirect enum ExpressionNode: Sendable {
    /// A constant; the type is nil for null, else that of the value (of arrays also when they are empty).
    case literal(Value, ColumnType?)
    /// An input; `slot` counts through `Expression.requiredColumns`.
    case column(name: String, slot: Int)
    /// A parameter of a lambda around this node; `index` counts parameters from the outermost lambda inwards.
    case local(name: String, index: Int)
    case unary(UnaryOperator, ExpressionNode)
    case binary(BinaryOperator, ExpressionNode, ExpressionNode)
    case call(ExpressionCall)
    case apply(ExpressionApplication)

    package enum UnaryOperator: String, Sendable {
        case minus = "-"
        case not = "!"
    }

    package enum BinaryOperator: String, Sendable {
        case power = "^"
        case multiply = "*"
        case divide = "/"
        case modulo = "%"
        case add = "+"
        case subtract = "-"
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case equal = "=="
        case notEqual = "!="
        case and = "&&"
        case or = "||"

        package var isComparison: Bool {
            switch self {
            case .less, .lessOrEqual, .greater, .greaterOrEqual, .equal, .notEqual: true
            default: false
            }
        }

        package var isLogic: Bool { self == .and || self == .or }
    }

    /// The constant value, if this is one.
    package var literalValue: Value? {
        if case .literal(let value, _) = self { value } else { nil }
    }
}

/// A function call with its arguments checked and constant ones (patterns, periods, zones) made ready.
package final class ExpressionCall: Sendable {
    package let function: ExpressionFunction
    package let arguments: [ExpressionNode]
    let strict: ExpressionFunction.StrictBody?

    init(function: ExpressionFunction, arguments: [ExpressionNode], strict: ExpressionFunction.StrictBody?) {
        self.function = function
        self.arguments = arguments
        self.strict = strict
    }

    /// Lower-case name.
    package var name: String { function.name }
}

/// A lambda applied to arrays: `map`, `filter`, `fold`, `any`, `all` and the cartesian forms.
package final class ExpressionApplication: Sendable {
    package enum Kind: String, Sendable {
        case map
        case filter
        case fold
        case any
        case all
        case cartesianMap = "cartesian_map"
        case cartesianFold = "cartesian_fold"
    }

    package let kind: Kind
    package let parameters: [String]
    /// `ExpressionNode.local` index of the first parameter.
    package let firstLocal: Int
    package let body: ExpressionNode
    package let arguments: [ExpressionNode]

    init(kind: Kind, parameters: [String], firstLocal: Int, body: ExpressionNode, arguments: [ExpressionNode]) {
        self.kind = kind
        self.parameters = parameters
        self.firstLocal = firstLocal
        self.body = body
        self.arguments = arguments
    }
}
