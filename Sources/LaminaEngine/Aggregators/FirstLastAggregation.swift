import LaminaBase
import LaminaQuery
import LaminaSegment

/// The value at the first or last time; null counts as a value. A stored pair brings its own time.
///
/// - Source: `NumericFirstAggregator`, `StringFirstAggregator`, `SerializablePairLongStringComplexMetricSerde` and their kin.
struct FirstLastAggregation: ValueAggregation {
    let type: ColumnType
    let isLast: Bool
    let field: String
    let timeColumn: String
    let maxBytes: Int

    var inputs: [String] { [timeColumn, field] }

    private var pairKind: SerializedPair.Kind {
        switch type {
        case .long: .long
        case .float: .float
        case .double: .double
        default: .string
        }
    }

    /// Whether a value of that time takes the place of the known one.
    func replaces(_ state: AggregateState?, at time: Int64) -> Bool {
        guard case .timed(let known, _) = state else { return true }
        return isLast ? time >= known : time < known
    }

    func fold(_ values: [Value], into state: inout AggregateState?) throws(LaminaError) {
        try fold(time: values[0], value: values[1], into: &state)
    }

    func fold(time: Value, value: Value, into state: inout AggregateState?) throws(LaminaError) {
        if case .complex(let name, let bytes) = value, let kind = SerializedPair.Kind(rawValue: name) {
            guard let pair = SerializedPair(bytes, kind: kind) else { throw Self.broken(name) }
            guard replaces(state, at: pair.time) else { return }
            state = .timed(pair.time, plainValue(pair.value, type, maxBytes))
            return
        }
        guard let time = time.asLong, replaces(state, at: time) else { return }
        state = .timed(time, plainValue(value, type, maxBytes))
    }

    func merge(_ other: AggregateState, into state: inout AggregateState?) throws(LaminaError) {
        guard case .timed(let time, _) = other else { return }
        // Of equal times the later segment's counts in neither case.
        if case .timed(let known, _) = state, isLast ? known > time : known <= time { return }
        state = other
    }

    func finished(_ state: AggregateState?) throws(LaminaError) -> Value {
        guard case .timed(_, let value) = state else { return .null }
        return value
    }

    /// Nothing seen is null at the end of time that every row beats: a null of a row's own time would count when stored pairs are
    /// aggregated again.
    func stored(_ state: AggregateState?) -> Value {
        var time = isLast ? Interval.eternity.start : Interval.eternity.end
        var value = Value.null
        if case .timed(let known, let seen) = state { (time, value) = (known, seen) }
        let pair = SerializedPair(kind: pairKind, time: time, value: value)
        return .complex(type: pairKind.rawValue, bytes: pair.bytes)
    }

    func state(fromStored value: Value) throws(LaminaError) -> AggregateState? {
        guard case .complex(let name, let bytes) = value, let kind = SerializedPair.Kind(rawValue: name) else {
            return nil
        }
        guard let pair = SerializedPair(bytes, kind: kind) else { throw Self.broken(name) }
        return .timed(pair.time, pair.value)
    }

    private static func broken(_ name: String) -> LaminaError { .corrupt("a \(name) is malformed", at: "its column") }

    var storedType: ColumnType? { .complex(pairKind.rawValue) }
    var expectedBytes: Int { 64 }
}

/// A value in a type, texts cut to a number of UTF-8 bytes at a whole character.
func plainValue(_ value: Value, _ type: ColumnType, _ maxBytes: Int) -> Value {
    var plain = value.cast(to: type)
    // Not as expressions read it: an array of one is no text, and no number.
    if case .array(let elements) = value, elements.count == 1, let text = elements[0].asText {
        plain = type == .string ? .string("[\(text)]") : .null
    }
    guard case .string(let text) = plain, text.utf8.count > maxBytes else { return plain }
    let bytes = Array(text.utf8)
    var end = maxBytes
    while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
    return .string(String(decoding: bytes[..<end], as: UTF8.self))
}
