import LaminaBase

/// `greatest` and `least`: null arguments are passed over; any text makes the comparison one of texts.
/// Source: `Function.ReduceFunction`.
let reductionFunctions: [ExpressionFunction] = [
    reduction("greatest", wins: { $0 > 0 }),
    reduction("least", wins: { $0 < 0 }),
]

private func reduction(_ name: String, wins: @escaping @Sendable (Int) -> Bool) -> ExpressionFunction {
    ExpressionFunction(
        name,
        0...manyArguments,
        type: { types, _ in types.isEmpty ? nil : commonType([.long] + types) },
        .strict { values throws(LaminaError) in
            let present = values.filter { !$0.isNull }
            guard let first = present.first else { return .null }
            var type: ColumnType = .long
            for value in present {
                switch value {
                case .long: break
                case .double, .float: if type == .long { type = .double }
                case .string: type = .string
                default: throw .evaluation("Function[\(name)] does not accept \(value.typeName) types")
                }
            }
            var best = first.cast(to: type)
            for value in present.dropFirst() {
                let next = value.cast(to: type)
                if wins(compareElements(next, best)) { best = next }
            }
            return best
        }
    )
}
