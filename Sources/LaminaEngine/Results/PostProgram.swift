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
    /// The type its values are cast to, when one is given.
    case expression(Expression, [Int?], ColumnType?)
    case sketch(SketchPostAggregator.Operation, [PostProgram])

    init(_ aggregator: PostAggregator, _ names: [String]) {
        switch aggregator {
        case .fieldAccess(_, let field, _), .hyperUniqueCardinality(_, let field):
            self = .column(names.lastIndex { sameText($0, field) })
        case .constant(_, let value): self = .constant(value)
        case .arithmetic(_, let function, let fields, _):
            self = .arithmetic(function, fields.map { PostProgram($0, names) })
        case .extremum(_, let type, let greatest, let fields):
            self = .extremum(type, greatest: greatest, fields.map { PostProgram($0, names) })
        case .expression(_, let expression, let type, _):
            self = .expression(
                expression,
                expression.requiredColumns.map { name in names.lastIndex { sameText($0, name) } },
                type
            )
        case .sketch(let sketch):
            self = .sketch(sketch.operation, sketch.fields.map { PostProgram($0, names) })
        }
    }

    /// The value or sketch on one row.
    func operand(_ row: PostRow) throws(LaminaError) -> PostOperand {
        switch self {
        case .column(let index): return index.map(row.operand) ?? .value(.null)
        case .sketch(let operation, let parts):
            var operands: [PostOperand] = []
            for part in parts {
                operands.append(operation.takesNumbers ? .value(try part.value(row)) : try part.operand(row))
            }
            return try sketchOperation(operation, operands)
        default: return .value(try value(row))
        }
    }

    /// The value on one row; of aggregations the finished one.
    func value(_ row: PostRow) throws(LaminaError) -> Value {
        switch self {
        case .column(let index): return index.map(row.value) ?? .null
        case .sketch: return try operand(row).value
        case .constant(let value): return value
        case .arithmetic(let function, let parts):
            var total: Double?
            for (index, part) in parts.enumerated() {
                guard let number = try part.value(row).asDouble else { return .null }
                total = index == 0 ? number : Self.apply(function, total ?? 0, number)
            }
            return total.map(Value.double) ?? .null
        case .extremum(let type, let greatest, let parts):
            return try extremum(type, greatest, parts, row)
        case .expression(let expression, let slots, let type):
            let value = try expression.evaluate(columns: slots.map { $0.map(row.value) ?? .null })
            return type.map { value.cast(to: $0) } ?? value
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
        _ row: PostRow
    ) throws(LaminaError) -> Value {
        var bestLong: Int64?
        var bestDouble: Double?
        for part in parts {
            let value = try part.value(row)
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
