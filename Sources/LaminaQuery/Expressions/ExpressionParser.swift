import LaminaBase

/// Parses expression text by precedence climbing, resolves names and folds constants.
///
/// Source: `Expr.g4`: unary, then `^` (to the right), `* / %`, `+ -`, comparisons, `&& ||` (one level, to the left).
struct ExpressionParser {
    private let lexer: ExpressionLexer
    private var tokens: [ExpressionToken] = []
    private var index = 0
    private var depth = 0
    private let lookups: LookupResolver?
    /// Parameters of the lambdas around the current place, outermost first.
    private var parameters: [String] = []
    private(set) var columns: [String] = []

    /// Nesting of parentheses, calls and signs; and length of a chain of operators, which is a deep tree too.
    private static let depthMax = 200
    private static let chainMax = 1_000

    init(_ text: String, lookups: LookupResolver?) {
        lexer = ExpressionLexer(text)
        self.lookups = lookups
    }

    mutating func parse() throws(LaminaError) -> ExpressionNode {
        var lexer = lexer
        tokens = try lexer.tokens()
        let node = try expression(minimum: 0)
        guard current.kind == .end else { throw unexpected("the end of the expression") }
        return node
    }

    private var current: ExpressionToken { tokens[index] }

    private func fail(_ what: String) -> LaminaError { lexer.error(what, at: current.start) }

    private func unexpected(_ wanted: String) -> LaminaError {
        let found =
            switch current.kind {
            case .end: "the end"
            case .symbol(let symbol): "'\(symbol)'"
            case .identifier(let name, _): "'\(name)'"
            case .text: "a text"
            case .long, .double: "a number"
            }
        return fail("expected \(wanted), found \(found)")
    }

    private mutating func advance() { if index < tokens.count - 1 { index += 1 } }

    private func isSymbol(_ symbol: String, ahead: Int = 0) -> Bool {
        index + ahead < tokens.count && tokens[index + ahead].kind == .symbol(symbol)
    }

    private mutating func accept(_ symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    /// A closing parenthesis missing at the very end is taken as there, as Druid's parser does.
    private mutating func expect(_ symbol: String) throws(LaminaError) {
        if symbol == ")", current.kind == .end { return }
        guard accept(symbol) else { throw unexpected("'\(symbol)'") }
    }

    private func operatorHere() -> (ExpressionNode.BinaryOperator, level: Int)? {
        guard case .symbol(let symbol) = current.kind, let sign = ExpressionNode.BinaryOperator(rawValue: symbol) else {
            return nil
        }
        switch sign {
        case .and, .or: return (sign, 1)
        case .less, .lessOrEqual, .greater, .greaterOrEqual, .equal, .notEqual: return (sign, 2)
        case .add, .subtract: return (sign, 3)
        case .multiply, .divide, .modulo: return (sign, 4)
        case .power: return (sign, 5)
        }
    }

    private mutating func expression(minimum: Int) throws(LaminaError) -> ExpressionNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw fail("nesting deeper than \(Self.depthMax)") }
        var left = try operand()
        var chain = 0
        while let (sign, level) = operatorHere(), level >= minimum, level > 0 {
            chain += 1
            guard chain <= Self.chainMax else { throw fail("more than \(Self.chainMax) operators in a row") }
            advance()
            let right = try expression(minimum: sign == .power ? level : level + 1)
            left = fold(.binary(sign, left, right))
        }
        return left
    }

    private mutating func operand() throws(LaminaError) -> ExpressionNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw fail("nesting deeper than \(Self.depthMax)") }
        switch current.kind {
        case .symbol("-"):
            advance()
            return fold(.unary(.minus, try operand()))
        case .symbol("!"):
            advance()
            return fold(.unary(.not, try operand()))
        case .symbol("("):
            advance()
            let inner = try expression(minimum: 0)
            try expect(")")
            return inner
        case .symbol("["): return try arrayLiteral(element: nil)
        case .symbol("<"):
            advance()
            let element = try elementType()
            try expect(">")
            return try arrayLiteral(element: element)
        case .long(let number):
            advance()
            return .literal(.long(number), .long)
        case .double(let number):
            advance()
            return .literal(.double(number), .double)
        case .text(let text):
            advance()
            return .literal(.string(text), .string)
        case .identifier(let name, let quoted): return try named(name, quoted: quoted)
        default: throw unexpected("a value")
        }
    }

    private mutating func named(_ name: String, quoted: Bool) throws(LaminaError) -> ExpressionNode {
        let place = current.start
        advance()
        if !quoted {
            if isSymbol("(") { return try call(name, at: place) }
            switch name {
            case "null", "NULL": return .literal(.null, nil)
            case "NaN": return .literal(.double(.nan), .double)
            case "Infinity": return .literal(.double(.infinity), .double)
            default: break
            }
            if name.uppercased() == "ARRAY", isSymbol("<") {
                advance()
                let element = try elementType()
                try expect(">")
                return try arrayLiteral(element: element)
            }
        }
        if let local = parameters.lastIndex(of: name) { return .local(name: name, index: local) }
        if let slot = columns.firstIndex(of: name) { return .column(name: name, slot: slot) }
        columns.append(name)
        return .column(name: name, slot: columns.count - 1)
    }

    private mutating func elementType() throws(LaminaError) -> ColumnType {
        guard case .identifier(let name, _) = current.kind else { throw unexpected("an element type") }
        guard let type = ColumnType(signature: name) else { throw fail("'\(name)' is no element type") }
        advance()
        return type
    }

    private mutating func arrayLiteral(element: ColumnType?) throws(LaminaError) -> ExpressionNode {
        try expect("[")
        var values: [Value] = []
        if !accept("]") {
            repeat {
                let item = try expression(minimum: 0)
                guard let value = item.literalValue else { throw fail("an array literal holds only literals") }
                values.append(value)
            } while accept(",")
            try expect("]")
        }
        let type = element ?? LaminaQuery.elementType(of: values) ?? .string
        return .literal(.array(values.map { $0.cast(to: type) }), .array(type))
    }

    private mutating func call(_ written: String, at place: Int) throws(LaminaError) -> ExpressionNode {
        let name = written.lowercased()
        advance()
        if let kind = ExpressionApplication.Kind(rawValue: name) { return try application(kind, at: place) }
        guard let function = expressionFunctions[name] else {
            throw lexer.error("function '\(written)' is not defined", at: place)
        }
        let arguments = try argumentList()
        guard function.arity.contains(arguments.count) else {
            throw lexer.error(
                "function '\(written)' takes \(arityText(function.arity)), not \(arguments.count)",
                at: place
            )
        }
        do throws(LaminaError) {
            return fold(.call(try prepare(function, arguments)))
        } catch {
            if error.category == .unsupported { throw error }
            throw lexer.error("function '\(written)': \(error.message)", at: place)
        }
    }

    private func prepare(
        _ function: ExpressionFunction,
        _ arguments: [ExpressionNode]
    ) throws(LaminaError) -> ExpressionCall {
        switch function.body {
        case .strict(let body): return ExpressionCall(function: function, arguments: arguments, strict: body)
        case .lazy: return ExpressionCall(function: function, arguments: arguments, strict: nil)
        case .prepared(let preparation):
            let prepared = PreparedArguments(function: function.name, nodes: arguments, lookups: lookups)
            return ExpressionCall(function: function, arguments: arguments, strict: try preparation(prepared))
        }
    }

    private mutating func argumentList() throws(LaminaError) -> [ExpressionNode] {
        var arguments: [ExpressionNode] = []
        if accept(")") { return arguments }
        repeat { arguments.append(try expression(minimum: 0)) } while accept(",")
        try expect(")")
        return arguments
    }

    /// `map(x -> …, array)` and its kin; the opening parenthesis is read already.
    private mutating func application(
        _ kind: ExpressionApplication.Kind,
        at place: Int
    ) throws(LaminaError) -> ExpressionNode {
        var names: [String] = []
        if accept("(") {
            if !accept(")") {
                repeat { names.append(try parameterName()) } while accept(",")
                try expect(")")
            }
        } else {
            names.append(try parameterName())
        }
        try expect("->")
        let firstLocal = parameters.count
        parameters += names
        let body = try expression(minimum: 0)
        parameters.removeLast(names.count)
        var arguments: [ExpressionNode] = []
        while accept(",") { arguments.append(try expression(minimum: 0)) }
        try expect(")")
        let wanted: (parameters: Int, arguments: Int) =
            switch kind {
            case .map, .filter, .any, .all: (1, 1)
            case .fold: (2, 2)
            case .cartesianMap: (arguments.count, arguments.count)
            case .cartesianFold: (arguments.count, arguments.count)
            }
        let isCartesian = kind == .cartesianMap || kind == .cartesianFold
        guard names.count == wanted.parameters, arguments.count == wanted.arguments,
            !isCartesian || arguments.count >= (kind == .cartesianFold ? 2 : 1)
        else {
            throw lexer.error(
                "'\(kind.rawValue)' got a lambda of \(names.count) parameters and \(arguments.count) arguments",
                at: place
            )
        }
        return .apply(
            ExpressionApplication(
                kind: kind,
                parameters: names,
                firstLocal: firstLocal,
                body: body,
                arguments: arguments
            )
        )
    }

    private mutating func parameterName() throws(LaminaError) -> String {
        guard case .identifier(let name, _) = current.kind else { throw unexpected("a lambda's parameter") }
        advance()
        return name
    }

    /// Computes what has only constant inputs; what fails is left to fail on the rows.
    private func fold(_ node: ExpressionNode) -> ExpressionNode {
        let isConstant: Bool
        switch node {
        case .unary(_, let operand): isConstant = operand.literalValue != nil
        case .binary(_, let left, let right): isConstant = left.literalValue != nil && right.literalValue != nil
        case .call(let call):
            isConstant = call.function.isFoldable && call.arguments.allSatisfy { $0.literalValue != nil }
        default: isConstant = false
        }
        guard isConstant else { return node }
        var evaluation = Evaluation(columns: [])
        guard let value = try? evaluation.value(of: node) else { return node }
        return .literal(value, value.isNull ? nil : inferType(of: node) { _ in nil } ?? value.columnType)
    }
}

private func arityText(_ arity: ClosedRange<Int>) -> String {
    if arity.lowerBound == arity.upperBound { return "\(arity.lowerBound) arguments" }
    if arity.upperBound >= 1_000 { return "at least \(arity.lowerBound) arguments" }
    return "\(arity.lowerBound) to \(arity.upperBound) arguments"
}
