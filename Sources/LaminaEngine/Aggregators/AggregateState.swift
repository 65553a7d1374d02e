import LaminaBase
import LaminaQuery

/// What one group of a less common aggregation has seen.
enum AggregateState: Sendable {
    /// The first or last value and its time.
    case timed(Int64, Value)
    case value(Value)
    case mean(sum: Double, count: Int64)
    case sketch(HyperLogLog)
}

/// How states of an aggregation merge and what they come to: everything about it but how rows are read.
enum StateRule: Sendable {
    case firstLast(last: Bool)
    case any
    case mean
    case sketch(round: Bool)
    case expression(ExpressionAggregator)

    init?(_ aggregator: Aggregator) {
        switch aggregator {
        case .firstLast(_, _, let last, _, _, _): self = .firstLast(last: last)
        case .any: self = .any
        case .doubleMean: self = .mean
        case .cardinality(_, _, _, let round), .hyperUnique(_, _, _, let round): self = .sketch(round: round)
        case .expression(let expression): self = .expression(expression)
        case .filtered(_, let inner, _): self.init(inner)
        case .count, .number, .grouping: return nil
        }
    }

    /// Two partial states as one. Source: `AggregatorFactory.combine` of each factory.
    func merged(_ left: AggregateState?, _ right: AggregateState?) throws(LaminaError) -> AggregateState? {
        guard let left else { return right }
        guard let right else { return left }
        switch (self, left, right) {
        case (.firstLast(let last), .timed(let early, _), .timed(let late, _)):
            return last ? (early > late ? left : right) : (early <= late ? left : right)
        case (.any, .value(let value), _): return value.isNull ? right : left
        case (.mean, .mean(let sum, let count), .mean(let more, let others)):
            return .mean(sum: sum + more, count: count + others)
        case (.sketch, .sketch(var sketch), .sketch(let other)):
            sketch.merge(other)
            return .sketch(sketch)
        case (.expression(let rule), .value(let mine), .value(let theirs)):
            if !rule.shouldCombineAggregateNullInputs, theirs.isNull { return left }
            let start = mine
            return .value(try rule.combined(start, theirs))
        default: preconditionFailure("states of different aggregations do not merge")
        }
    }

    /// The finished value of a state; of none what an aggregation over nothing gives.
    func value(_ state: AggregateState?) throws(LaminaError) -> Value {
        switch (self, state) {
        case (.firstLast, .timed(_, let value)): return value
        case (.any, .value(let value)): return value
        case (.mean, .mean(let sum, let count)): return count == 0 ? .null : .double(sum / Double(count))
        case (.sketch(let round), .sketch(let sketch)): return Self.count(sketch.estimate, round)
        case (.sketch(let round), nil): return Self.count(0, round)
        case (.expression(let rule), .value(let value)): return try rule.finished(value)
        case (.expression(let rule), nil):
            return try rule.finished(rule.isNullUnlessAggregated ? .null : rule.initialCombineValue.constantValue())
        default: return .null
        }
    }

    private static func count(_ estimate: Double, _ round: Bool) -> Value {
        round ? .long(saturatingLong((estimate + 0.5).rounded(.down))) : .double(estimate)
    }

    /// Bytes a state may come to hold.
    var bytesPerGroup: Int {
        switch self {
        case .sketch: 1100
        case .expression(let rule): min(rule.maxSizeBytes, 1024)
        default: 64
        }
    }
}

extension Expression {
    /// The value of an expression that reads nothing.
    func constantValue() throws(LaminaError) -> Value { try evaluate { (_) throws(LaminaError) in .null } }
}

extension ExpressionAggregator {
    func combined(_ mine: Value, _ theirs: Value) throws(LaminaError) -> Value {
        let result = try combine.evaluate { (column) throws(LaminaError) in
            column == accumulator ? mine : column == name ? theirs : .null
        }
        try checkSize(result)
        return result
    }

    func finished(_ value: Value) throws(LaminaError) -> Value {
        guard let finalize else { return value }
        return try finalize.evaluate { (column) throws(LaminaError) in column == "o" ? value : .null }
    }

    /// Refuses an accumulated value beyond `maxSizeBytes`.
    func checkSize(_ value: Value) throws(LaminaError) {
        let size = value.byteSize
        guard size <= maxSizeBytes else {
            throw .resourceLimit(
                "Expression aggregation '\(name)' holds \(size) bytes and may hold \(maxSizeBytes) (maxSizeBytes)"
            )
        }
    }
}

extension Value {
    /// Bytes the value takes where Druid keeps aggregated ones.
    fileprivate var byteSize: Int {
        switch self {
        case .null: 1
        case .long, .float, .double: 9
        case .string(let text): 5 + text.utf8.count
        case .array(let elements): elements.reduce(5) { $0 + $1.byteSize }
        case .json(let json): 5 + json.text.utf8.count
        case .complex(_, let bytes): 5 + bytes.count
        }
    }
}
