import LaminaBase
import LaminaQuery
import LaminaSketches

/// A bloom filter of a dimension's values, or of stored filters.
///
/// - Source: `BloomFilterAggregatorFactory` and its aggregators by type.
struct BloomAggregation: ValueAggregation {
    let dimension: DimensionSpec
    let empty: BloomKFilter

    init(_ options: SketchAggregator.Bloom) throws(LaminaError) {
        dimension = options.dimension
        empty = try BloomKFilter(maxEntries: options.maxEntries)
    }

    var inputs: [String] { [dimension.dimension] }
    /// Druid builds bloom filters in queries only.
    var storedType: ColumnType? { nil }
    var showsFinished: Bool { true }
    var expectedBytes: Int { empty.bytesHeld }

    func fold(_ values: [Value], into state: inout AggregateState?) throws(LaminaError) {
        var filter = take(&state)
        if case .complex(_, let bytes) = values[0] {
            if !bytes.isEmpty { try filter.merge(same: try BloomKFilter(bytes: bytes)) }
        } else {
            for value in dimension.elements(values[0]) { filter.add(value) }
        }
        state = .sketch(filter)
    }

    private func take(_ state: inout AggregateState?) -> BloomKFilter {
        guard case .sketch(let known) = state, let filter = known as? BloomKFilter else { return empty }
        state = nil
        return filter
    }

    func merge(_ other: AggregateState, into state: inout AggregateState?) throws(LaminaError) {
        try mergeSketch(other, into: &state)
    }

    func finished(_ state: AggregateState?) throws(LaminaError) -> Value { stored(state) }

    func stored(_ state: AggregateState?) -> Value {
        guard case .sketch(let sketch) = state else { return .complex(type: empty.typeName, bytes: empty.bytes) }
        return .complex(type: sketch.typeName, bytes: sketch.bytes)
    }

    func state(fromStored value: Value) throws(LaminaError) -> AggregateState? {
        guard case .complex(_, let bytes) = value, !bytes.isEmpty else { return nil }
        return .sketch(try BloomKFilter(bytes: bytes))
    }

    func sketch(_ state: AggregateState?) -> (any Sketch)? {
        guard case .sketch(let sketch) = state else { return empty }
        return sketch
    }
}

extension BloomKFilter {
    /// Adds a value by its type; arrays are no values of Druid's bloom filters.
    mutating func add(_ value: Value) {
        switch value {
        case .null, .array, .complex: addNull()
        case .long(let number): add(number)
        case .float(let number): add(number)
        case .double(let number): add(number)
        case .string(let text): add(text)
        case .json(let json): if let text = Value.json(json).asText { add(text) } else { addNull() }
        }
    }
}
