import LaminaBase
import LaminaQuery
import LaminaSketches

/// A sketch of a column's numbers, or of stored sketches of them.
///
/// - Source: `DoublesSketchAggregatorFactory`, `KllSketchAggregatorFactory`, `ApproximateHistogramAggregatorFactory`,
///   `FixedBucketsHistogramAggregatorFactory`, `VarianceAggregatorFactory` and the extractors of their serdes.
struct NumberSketchAggregation<Kind: NumberSketch>: ValueAggregation {
    let field: String
    let numbers: SketchAggregator.Numbers
    /// The sketch of nothing that states begin with.
    var empty: Kind
    let showsFinished: Bool
    let finish: @Sendable (Kind) throws(LaminaError) -> Value

    var inputs: [String] { [field] }
    var storedType: ColumnType? { .complex(empty.typeName) }
    var expectedBytes: Int { 512 }

    /// A state's sketch, taken out so that it is changed in place.
    private func take(_ state: inout AggregateState?) -> Kind {
        guard case .sketch(let known) = state, let sketch = known as? Kind else { return empty }
        state = nil
        return sketch
    }

    func fold(_ values: [Value], into state: inout AggregateState?) throws(LaminaError) {
        var sketch = take(&state)
        try fold(values[0], into: &sketch)
        state = .sketch(sketch)
    }

    private func fold(_ value: Value, into sketch: inout Kind) throws(LaminaError) {
        switch value {
        case .null: sketch.updateMissing()
        case .array(let elements): for element in elements where !element.isNull { try fold(element, into: &sketch) }
        case .complex(_, let bytes): if !bytes.isEmpty { try sketch.merge(same: try Kind(bytes: bytes)) }
        case .string(""), .json(.string("")): return
        default:
            if let number = value.asDouble {
                sketch.update(number)
            } else if let text = value.asText, let bytes = base64Decoded(text), !bytes.isEmpty {
                try sketch.merge(same: try Kind(bytes: bytes))
            } else {
                throw .invalidInput("'\(value.asText ?? "")' is neither a number nor a \(empty.typeName) in base64")
            }
        }
    }

    func merge(_ other: AggregateState, into state: inout AggregateState?) throws(LaminaError) {
        try mergeSketch(other, into: &state)
    }

    func finished(_ state: AggregateState?) throws(LaminaError) -> Value {
        guard case .sketch(let sketch) = state, let sketch = sketch as? Kind else { return try finish(empty) }
        return try finish(sketch)
    }

    func stored(_ state: AggregateState?) -> Value {
        guard case .sketch(let sketch) = state else { return .complex(type: empty.typeName, bytes: empty.bytes) }
        return .complex(type: sketch.typeName, bytes: sketch.bytes)
    }

    func state(fromStored value: Value) throws(LaminaError) -> AggregateState? {
        guard case .complex(_, let bytes) = value, !bytes.isEmpty else { return nil }
        return .sketch(try Kind(bytes: bytes))
    }

    func sketch(_ state: AggregateState?) -> (any Sketch)? {
        guard case .sketch(let sketch) = state else { return empty }
        return sketch
    }
}

extension NumberSketchAggregation: ScanningAggregation {
    /// Numbers go in by the vector; stored sketches and texts row by row.
    func accumulator(in scan: SegmentScan) throws(LaminaError) -> Accumulator {
        var rule = self
        // Druid's query buffers begin with sketches of the default k, whatever k the aggregator names.
        if case .kll = numbers {
            if let standard = try KLLSketch<Double>() as? Kind { rule.empty = standard }
            if let standard = try KLLSketch<Float>() as? Kind { rule.empty = standard }
        }
        func numbersOnly(_ input: NumericInput<Double>) -> Accumulator { NumberSketchAccumulator(rule, input) }
        switch (try scan.announcedType(field), numbers) {
        case (.complex(let name), _) where name == empty.typeName: return try ValueAccumulator(rule, in: scan)
        case (nil, _): return numbersOnly(NullInput())
        case (.long, .variance(let type, _)), (.float, .variance(let type, _)), (.double, .variance(let type, _)):
            return numbersOnly(try input(type, in: scan))
        case (.long, _), (.float, _), (.double, _): return numbersOnly(try scan.doubleInput(field))
        case (_, .quantiles), (_, .kll): return numbersOnly(NullInput())
        case (.string, .approximateHistogram), (.string, .fixedBuckets): return try ValueAccumulator(rule, in: scan)
        case (let type?, _):
            throw .invalidInput("Incompatible type for metric[\(field)] of a \(empty.typeName): \(type)")
        }
    }

    /// The column read as the type the aggregator names.
    private func input(
        _ type: Aggregator.NumberType?,
        in scan: SegmentScan
    ) throws(LaminaError) -> NumericInput<Double> {
        switch type {
        case nil, .double: try scan.doubleInput(field)
        case .long: converted(try scan.longInput(field))
        case .float: converted(try scan.floatInput(field))
        }
    }
}

/// An aggregation that chooses by the column how rows of a segment are read.
protocol ScanningAggregation: ValueAggregation {
    func accumulator(in scan: SegmentScan) throws(LaminaError) -> Accumulator
}

/// Sketches of numbers, fed by the vector.
final class NumberSketchAccumulator<Kind: NumberSketch>: Accumulator {
    private let rule: NumberSketchAggregation<Kind>
    private let input: NumericInput<Double>
    private var sketches: [Kind] = []

    init(_ rule: NumberSketchAggregation<Kind>, _ input: NumericInput<Double>) {
        self.rule = rule
        self.input = input
    }

    override func grow(to count: Int) {
        guard count > sketches.count else { return }
        sketches += Array(repeating: rule.empty, count: max(count - sketches.count, sketches.count))
    }

    override func fold(_ batch: Batch, _ rows: SlotSet, group: Int) throws(LaminaError) {
        if rows.count == 0 { return }
        let vector = try input.vector(batch)
        sketches.withUnsafeMutableBufferPointer { sketches in
            for index in 0..<rows.count {
                let slot = rows.slots.map { Int($0[index]) } ?? index
                if vector.isNull(slot) {
                    sketches[group].updateMissing()
                } else {
                    sketches[group].update(vector.values[slot])
                }
            }
        }
    }

    override func fold(_ batch: Batch, _ rows: SlotSet, groups: UnsafePointer<UInt32>) throws(LaminaError) {
        if rows.count == 0 { return }
        let vector = try input.vector(batch)
        sketches.withUnsafeMutableBufferPointer { sketches in
            for index in 0..<rows.count {
                let slot = rows.slots.map { Int($0[index]) } ?? index
                let group = Int(groups[index])
                if vector.isNull(slot) {
                    sketches[group].updateMissing()
                } else {
                    sketches[group].update(vector.values[slot])
                }
            }
        }
    }

    override func emit(_ groups: [UInt32]) -> AggregateColumn {
        let states = groups.map { AggregateState?.some(.sketch(sketches[Int($0)])) }
        return AggregateColumn(numbers: .states(states, rule), seen: [], fold: .sum)
    }
}
