import LaminaBase
import LaminaQuery

/// The value of the first row met.
///
/// - Source: `NumericAnyAggregator`, `StringAnyAggregator`.
struct AnyAggregation: ValueAggregation {
    let type: ColumnType
    let field: String
    let maxBytes: Int
    let joins: Bool

    var inputs: [String] { [field] }

    func fold(_ values: [Value], into state: inout AggregateState?) throws(LaminaError) {
        guard state == nil else { return }
        var value = values[0]
        if case .array(let elements) = value, !joins { value = elements.first ?? .null }
        state = .value(plainValue(value, type, maxBytes))
    }

    func merge(_ other: AggregateState, into state: inout AggregateState?) throws(LaminaError) {
        if case .value(let value) = state, !value.isNull { return }
        state = other
    }

    func finished(_ state: AggregateState?) throws(LaminaError) -> Value { stored(state) }

    func stored(_ state: AggregateState?) -> Value {
        guard case .value(let value) = state else { return .null }
        return value
    }

    func state(fromStored value: Value) throws(LaminaError) -> AggregateState? { .value(value) }

    var storedType: ColumnType? { type }
    var expectedBytes: Int { 64 }
}
