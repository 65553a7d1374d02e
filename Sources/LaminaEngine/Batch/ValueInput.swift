import LaminaBase
import LaminaQuery
import LaminaSegment

/// Gives a column's values one by one: for interpreters, results and rare types. Not for hot loops.
class ValueInput {
    /// Must be called once per batch before `value`.
    func load(_ batch: Batch) throws(LaminaError) {}

    func value(_ slot: Int) throws(LaminaError) -> Value {
        preconditionFailure("a value input without a body")
    }
}

private final class NullValueInput: ValueInput {
    override func value(_ slot: Int) throws(LaminaError) -> Value { .null }
}

private final class NumberValueInput<Number: VectorNumber>: ValueInput {
    private let input: NumericInput<Number>
    private let wrap: (Number) -> Value
    private var vector: Vector<Number>?

    init(_ input: NumericInput<Number>, wrap: @escaping (Number) -> Value) {
        self.input = input
        self.wrap = wrap
    }

    override func load(_ batch: Batch) throws(LaminaError) { vector = try input.vector(batch) }

    override func value(_ slot: Int) throws(LaminaError) -> Value {
        guard let vector, !vector.isNull(slot) else { return .null }
        return wrap(vector.values[slot])
    }
}

/// Dictionaries up to this size keep the strings they gave out.
private let cachedValuesMax = 1 << 16

private final class StringValueInput: ValueInput {
    private let input: IDInput
    private var ids: UnsafePointer<UInt32>?
    private var cache: [Value?]

    init(_ input: IDInput) {
        self.input = input
        cache = Array(repeating: nil, count: min(input.column.cardinality, cachedValuesMax))
    }

    override func load(_ batch: Batch) throws(LaminaError) { ids = try input.ids(batch) }

    override func value(_ slot: Int) throws(LaminaError) -> Value {
        guard let ids else { return .null }
        let id = Int(ids[slot])
        if id < cache.count, let known = cache[id] { return known }
        let value = input.column.value(ids[slot]).map(Value.string) ?? .null
        if id < cache.count { cache[id] = value }
        return value
    }
}

/// Rows of several values as arrays; one value as itself, none as null.
private final class MultiValueInput: ValueInput {
    private let input: IDInput
    private var ids: MultiIDs?
    private unowned let batch: Batch
    private let keepsLists: Bool

    init(_ input: IDInput, _ batch: Batch) {
        self.input = input
        self.batch = batch
        keepsLists = input.column.isRowBased
    }

    override func load(_ batch: Batch) throws(LaminaError) { ids = try input.multiIDs(batch) }

    override func value(_ slot: Int) throws(LaminaError) -> Value {
        guard let ids else { return .null }
        let range = Int(ids.offsets[slot])..<Int(ids.offsets[slot + 1])
        let isList = keepsLists && input.column.isList(batch.row(slot))
        if range.isEmpty { return isList ? .array([]) : .null }
        if range.count == 1, !isList { return input.column.value(ids.ids[range.lowerBound]).map(Value.string) ?? .null }
        var values: [Value] = []
        for index in range { values.append(input.column.value(ids.ids[index]).map(Value.string) ?? .null) }
        return .array(values)
    }
}

private final class ObjectValueInput: ValueInput {
    private let column: any ObjectColumn
    private unowned let batch: Batch

    init(_ column: any ObjectColumn, _ batch: Batch) {
        self.column = column
        self.batch = batch
    }

    override func value(_ slot: Int) throws(LaminaError) -> Value { try column.value(row: batch.row(slot)) }
}

private final class MappedValueInput: ValueInput {
    private let input: IDInput
    private let values: MappedValues
    private var ids: UnsafePointer<UInt32>?

    init(_ input: IDInput, _ values: MappedValues) {
        self.input = input
        self.values = values
    }

    override func load(_ batch: Batch) throws(LaminaError) { ids = try input.ids(batch) }

    override func value(_ slot: Int) throws(LaminaError) -> Value {
        guard let ids else { return .null }
        return try values.value(ids[slot])
    }
}

private final class BoundValueInput: ValueInput {
    private let bound: BoundExpression

    init(_ bound: BoundExpression) { self.bound = bound }

    override func load(_ batch: Batch) throws(LaminaError) { try bound.load(batch) }

    override func value(_ slot: Int) throws(LaminaError) -> Value { try bound.value(slot) }
}

/// Shows an expression that goes value by value through a column of several as Druid shows it: always a list, of texts when its
/// type is text.
final class MappedExpressionInput: ValueInput {
    private let bound: BoundExpression
    private let isText: Bool

    init(_ bound: BoundExpression, isText: Bool) {
        self.bound = bound
        self.isText = isText
    }

    override func load(_ batch: Batch) throws(LaminaError) { try bound.load(batch) }

    override func value(_ slot: Int) throws(LaminaError) -> Value {
        let values = try bound.eachValue(slot)
        return .array(isText ? values.map { $0.cast(to: .string) } : values)
    }
}

/// The input that reads a column's values one by one.
func makeValueInput(_ column: ScanColumn, in scan: SegmentScan) throws(LaminaError) -> ValueInput {
    switch column {
    case .missing: return NullValueInput()
    case .long: return NumberValueInput(try makeNumericInput(column, in: scan) as NumericInput<Int64>) { .long($0) }
    case .float: return NumberValueInput(try makeNumericInput(column, in: scan) as NumericInput<Float>) { .float($0) }
    case .double:
        return NumberValueInput(try makeNumericInput(column, in: scan) as NumericInput<Double>) { .double($0) }
    case .string(let stored):
        let input = scan.idInput(stored)
        return stored.hasMultipleValues ? MultiValueInput(input, scan.batch) : StringValueInput(input)
    case .object(let stored): return ObjectValueInput(stored, scan.batch)
    case .mapped(let stored, let values): return MappedValueInput(scan.idInput(stored), values)
    case .numbers(.long(let input)): return NumberValueInput(input) { .long($0) }
    case .numbers(.double(let input)): return NumberValueInput(input) { .double($0) }
    case .rows(let bound): return BoundValueInput(bound)
    }
}
