import LaminaBase
import LaminaQuery
import LaminaSketches

/// Distinct values of dimensions, or distinct rows of them.
///
/// - Source: `CardinalityAggregator` and its column selector strategies.
struct CardinalityAggregation: ValueAggregation {
    let dimensions: [DimensionSpec]
    let byRow: Bool
    let round: Bool

    var inputs: [String] { dimensions.map(\.dimension) }

    func fold(_ values: [Value], into state: inout AggregateState?) throws(LaminaError) {
        var sketch = takeHyperLogLog(&state)
        var bytes: [UInt8] = []
        if byRow {
            for (index, dimension) in dimensions.enumerated() {
                if index > 0 { bytes.append(0) }
                Self.appendRow(dimension.elements(values[index]), to: &bytes)
            }
            sketch.add(hash: murmur128(bytes))
        } else {
            for (index, dimension) in dimensions.enumerated() {
                for value in dimension.elements(values[index]) where !value.isNull {
                    bytes.removeAll(keepingCapacity: true)
                    Self.append(value, to: &bytes)
                    sketch.add(hash: murmur128(bytes))
                }
            }
        }
        state = .sketch(sketch)
    }

    /// The values of one dimension of a row: several ones sorted, parted by U+0001, null as U+0000.
    private static func appendRow(_ values: [Value], to bytes: inout [UInt8]) {
        if values.count == 1 {
            if !values[0].isNull { append(values[0], to: &bytes) }
            return
        }
        guard values.contains(where: { !$0.isNull }) else { return }
        let texts = values.map { $0.asText ?? "\u{0}" }.sorted { javaCompare($0, $1) < 0 }
        for (index, text) in texts.enumerated() {
            if index > 0 { bytes += [1, 0] }
            appendUTF16(text, to: &bytes)
        }
    }

    /// The bytes Druid hashes for a value: UTF-16 units of texts, little-endian numbers.
    private static func append(_ value: Value, to bytes: inout [UInt8]) {
        switch value {
        case .long(let number): withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
        case .float(let number):
            let bits = number.isNaN ? 0x7FC0_0000 : number.bitPattern
            withUnsafeBytes(of: bits.littleEndian) { bytes += $0 }
        case .double(let number):
            let bits = number.isNaN ? 0x7FF8_0000_0000_0000 : number.bitPattern
            withUnsafeBytes(of: bits.littleEndian) { bytes += $0 }
        default: appendUTF16(value.asText ?? "", to: &bytes)
        }
    }
}

/// Sketches of a hyperUnique column joined, or distinct texts at ingestion.
///
/// - Source: `HyperUniquesAggregator`, `HyperUniquesSerde`.
struct HyperUniqueAggregation: ValueAggregation {
    let field: String
    let round: Bool

    var inputs: [String] { [field] }

    func fold(_ values: [Value], into state: inout AggregateState?) throws(LaminaError) {
        switch values[0] {
        case .null: return
        case .complex(let type, let bytes):
            guard type == "hyperUnique" else { return }
            try merge(.sketch(try HyperLogLog(bytes: bytes)), into: &state)
        case .array(let elements):
            var sketch = takeHyperLogLog(&state)
            for text in elements.compactMap(\.asText) { sketch.add(text) }
            state = .sketch(sketch)
        case let value:
            guard let text = value.asText else { return }
            var sketch = takeHyperLogLog(&state)
            sketch.add(text)
            state = .sketch(sketch)
        }
    }
}

/// What the aggregations with Druid's own distinct count sketch share.
protocol HyperLogLogAggregation: ValueAggregation {
    /// Finished values are whole numbers.
    var round: Bool { get }
}

extension CardinalityAggregation: HyperLogLogAggregation {}
extension HyperUniqueAggregation: HyperLogLogAggregation {}

extension HyperLogLogAggregation {
    func merge(_ other: AggregateState, into state: inout AggregateState?) throws(LaminaError) {
        try mergeSketch(other, into: &state)
    }

    func finished(_ state: AggregateState?) throws(LaminaError) -> Value {
        var estimate = 0.0
        if case .sketch(let sketch) = state, let sketch = sketch as? HyperLogLog { estimate = sketch.estimate }
        return round ? .long(saturatingLong((estimate + 0.5).rounded(.down))) : .double(estimate)
    }

    func stored(_ state: AggregateState?) -> Value {
        guard case .sketch(let sketch) = state else { return .complex(type: "hyperUnique", bytes: HyperLogLog().bytes) }
        return .complex(type: "hyperUnique", bytes: sketch.bytes)
    }

    func state(fromStored value: Value) throws(LaminaError) -> AggregateState? {
        guard case .complex(_, let bytes) = value else { return nil }
        return .sketch(try HyperLogLog(bytes: bytes))
    }

    func sketch(_ state: AggregateState?) -> (any Sketch)? {
        guard case .sketch(let sketch) = state else { return HyperLogLog() }
        return sketch
    }

    var storedType: ColumnType? { .complex("hyperUnique") }
    var expectedBytes: Int { 1100 }
}

/// A state's sketch, taken out so that it is changed in place.
func takeHyperLogLog(_ state: inout AggregateState?) -> HyperLogLog {
    guard case .sketch(let known) = state, let sketch = known as? HyperLogLog else { return HyperLogLog() }
    state = nil
    return sketch
}

/// Merges a sketch into a state's, in place when nobody else holds it.
func mergeSketch(_ other: AggregateState, into state: inout AggregateState?) throws(LaminaError) {
    guard case .sketch(var mine) = state, case .sketch(let theirs) = other else {
        state = state ?? other
        return
    }
    state = nil
    try mine.merge(theirs)
    state = .sketch(mine)
}
