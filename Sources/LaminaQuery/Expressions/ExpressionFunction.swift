package import LaminaBase

/// A function of the expression language: its name, its arity, how its type follows from its arguments, and what it
/// computes.
package struct ExpressionFunction: Sendable {
    package typealias StrictBody = @Sendable ([Value]) throws(LaminaError) -> Value
    typealias LazyBody = @Sendable ([ExpressionNode], inout Evaluation) throws(LaminaError) -> Value
    typealias Preparation = @Sendable (PreparedArguments) throws(LaminaError) -> StrictBody
    typealias TypeRule = @Sendable ([ColumnType?], [ExpressionNode]) -> ColumnType?

    enum Body: Sendable {
        /// All arguments are evaluated first.
        case strict(StrictBody)
        /// Evaluates what it needs itself.
        case lazy(LazyBody)
        /// Looks at constant arguments once, when the expression is parsed.
        case prepared(Preparation)
    }

    /// Which arguments take whole arrays. A multi-value column anywhere else is mapped over its values.
    package enum ArrayInputs: Sendable, Hashable {
        case none
        case all
        case at(Set<Int>)

        package func contains(_ index: Int) -> Bool {
            switch self {
            case .none: false
            case .all: true
            case .at(let indices): indices.contains(index)
            }
        }
    }

    /// Lower-case name.
    package let name: String
    let arity: ClosedRange<Int>
    package let arrayInputs: ArrayInputs
    package let hasArrayOutput: Bool
    let type: TypeRule
    let body: Body
    /// Whether calls over constants may be computed once.
    let isFoldable: Bool

    init(
        _ name: String,
        _ arity: ClosedRange<Int>,
        arrays: ArrayInputs = .none,
        arrayOutput: Bool = false,
        foldable: Bool = true,
        type: @escaping TypeRule,
        _ body: Body
    ) {
        self.name = name
        self.arity = arity
        self.arrayInputs = arrays
        self.hasArrayOutput = arrayOutput
        self.type = type
        self.body = body
        self.isFoldable = foldable
    }
}

/// What a function may look at while it is prepared: constant arguments and the look-ups of the server.
struct PreparedArguments: Sendable {
    let function: String
    let nodes: [ExpressionNode]
    let lookups: LookupResolver?

    var count: Int { nodes.count }

    /// A constant argument; nil when the argument is absent or not constant.
    func literal(_ index: Int) -> Value? { index < nodes.count ? nodes[index].literalValue : nil }

    /// An argument that must be a constant text; nil when it is absent or null.
    func text(_ index: Int, _ meaning: String) throws(LaminaError) -> String? {
        guard index < nodes.count else { return nil }
        guard let value = nodes[index].literalValue else {
            throw .invalidInput("Function[\(function)] \(meaning) argument must be a literal")
        }
        return value.asText
    }

    /// As `text`, but null or absent is an error.
    func requiredText(_ index: Int, _ meaning: String) throws(LaminaError) -> String {
        guard let text = try text(index, meaning) else {
            throw .invalidInput("Function[\(function)] \(meaning) argument must be a literal text, not null")
        }
        return text
    }
}
