import LaminaBase
import LaminaQuery

/// A post-aggregation with its names resolved to columns of the rows it is computed on.
///
/// - Source: `ArithmeticPostAggregator`, `FieldAccessPostAggregator`, `DoubleGreatestPostAggregator` and relatives,
///   `ExpressionPostAggregator`.
indirect enum PostProgram {
    case column(Int?)
    case constant(Value)
    case arithmetic(PostAggregator.Arithmetic, [PostProgram])
    case extremum(Aggregator.NumberType, greatest: Bool, [PostProgram])
    case expression(Expression, [Int?])

    init(_ aggregator: PostAggregator, _ names: [String]) {
        switch aggregator {
        case .fieldAccess(_, let field, _), .hyperUniqueCardinality(_, let field):
            self = .column(names.lastIndex { sameText($0, field) })
        case .constant(_, let value): self = .constant(value)
        case .arithmetic(_, let function, let fields, _):
            self = .arithmetic(function, fields.map { PostProgram($0, names) })
        case .extremum(_, let type, let greatest, let fields):
            self = .extremum(type, greatest: greatest, fields.map { PostProgram($0, names) })
        case .expression(_, let expression, _, _):
            self = .expression(
                expression,
                expression.requiredColumns.map { name in names.lastIndex { sameText($0, name) } }
            )
        }
    }

    /// The value on one row, whose columns `field` gives.
    func value(_ field: (Int) -> Value) throws(LaminaError) -> Value {
        switch self {
        case .column(let index): return index.map(field) ?? .null
        case .constant(let value): return value
        case .arithmetic(let function, let parts):
            var total: Double?
            for (index, part) in parts.enumerated() {
                guard let number = try part.value(field).asDouble else { return .null }
                total = index == 0 ? number : Self.apply(function, total ?? 0, number)
            }
            return total.map(Value.double) ?? .null
        case .extremum(let type, let greatest, let parts):
            return try extremum(type, greatest, parts, field)
        case .expression(let expression, let slots):
            return try expression.evaluate(columns: slots.map { $0.map(field) ?? .null })
        }
    }

    private static func apply(_ function: PostAggregator.Arithmetic, _ left: Double, _ right: Double) -> Double {
        switch function {
        case .add: left + right
        case .subtract: left - right
        case .multiply: left * right
        // Druid's `/` gives 0 where a division by zero would give nothing useful; `quotient` is IEEE division.
        case .divide: right == 0 ? 0 : left / right
        case .quotient: left / right
        case .pow: javaPower(left, right)
        }
    }

    private func extremum(
        _ type: Aggregator.NumberType,
        _ greatest: Bool,
        _ parts: [PostProgram],
        _ field: (Int) -> Value
    ) throws(LaminaError) -> Value {
        var bestLong: Int64?
        var bestDouble: Double?
        for part in parts {
            let value = try part.value(field)
            if type == .long {
                guard let number = value.asLong else { continue }
                bestLong = bestLong.map { greatest ? max($0, number) : min($0, number) } ?? number
            } else {
                guard let number = value.asDouble else { continue }
                bestDouble = bestDouble.map { keepExtreme($0, number, greatest: greatest) } ?? number
            }
        }
        if type == .long { return bestLong.map(Value.long) ?? .null }
        return bestDouble.map(Value.double) ?? .null
    }
}
