import LaminaBase
import LaminaQuery
import LaminaSketches

/// DataSketches' theta sketch of a column's values, or the union of stored ones.
///
/// - Source: `SketchAggregator.updateUnion`, `SketchMergeAggregatorFactory`, `SketchHolder`.
struct ThetaAggregation: ValueAggregation, HashedAggregation {
    let field: String
    let options: SketchAggregator.Theta
    let showsFinished: Bool

    init(_ aggregator: SketchAggregator, _ options: SketchAggregator.Theta) {
        field = aggregator.field
        self.options = options
        showsFinished = aggregator.shouldFinalize
    }

    var inputs: [String] { [field] }

    func fold(_ values: [Value], into state: inout AggregateState?) throws(LaminaError) {
        switch values[0] {
        case .null: return
        case .complex:
            try mergeBytes(values[0], into: &state)
        case .string where options.isInputSketch:
            try mergeBytes(values[0], into: &state)
        case .array(let elements):
            var sketch = take(&state)
            for element in elements {
                if let text = element.asText, let hash = word(text) { sketch.update(hash: hash) }
            }
            state = .sketch(sketch)
        case let value:
            guard let hash = word(of: value) else { return }
            var sketch = take(&state)
            sketch.update(hash: hash)
            state = .sketch(sketch)
        }
    }

    private func mergeBytes(_ value: Value, into state: inout AggregateState?) throws(LaminaError) {
        guard let bytes = try sketchBytes(value, "thetaSketch") else { return }
        var sketch = take(&state)
        sketch.union(with: try ThetaSketch(bytes: bytes, size: options.size))
        state = .sketch(sketch)
    }

    private func take(_ state: inout AggregateState?) -> ThetaSketch {
        guard case .sketch(let known) = state, let sketch = known as? ThetaSketch else {
            return ThetaSketch(size: options.size)
        }
        state = nil
        return sketch
    }

    func merge(_ other: AggregateState, into state: inout AggregateState?) throws(LaminaError) {
        guard case .sketch(let sketch) = other, let source = sketch as? ThetaSketch else { return }
        var mine = take(&state)
        mine.union(with: source)
        state = .sketch(mine)
    }

    func finished(_ state: AggregateState?) throws(LaminaError) -> Value {
        var sketch = ThetaSketch(size: options.size)
        if case .sketch(let known) = state, let known = known as? ThetaSketch { sketch = known }
        guard let deviations = options.errorBoundsStdDev else { return .double(sketch.estimate) }
        return .json(estimateObject(sketch, deviations))
    }

    func stored(_ state: AggregateState?) -> Value {
        guard case .sketch(let sketch) = state else {
            return .complex(type: "thetaSketch", bytes: ThetaSketch(size: options.size).bytes)
        }
        return .complex(type: "thetaSketch", bytes: sketch.bytes)
    }

    func state(fromStored value: Value) throws(LaminaError) -> AggregateState? {
        guard let bytes = try sketchBytes(value, "thetaSketch") else { return nil }
        return .sketch(try ThetaSketch(bytes: bytes, size: options.size))
    }

    func sketch(_ state: AggregateState?) -> (any Sketch)? {
        guard case .sketch(let sketch) = state else { return ThetaSketch(size: options.size) }
        return sketch
    }

    var storedType: ColumnType? { .complex("thetaSketch") }
    var expectedBytes: Int { 512 }

    // MARK: Words

    func word(_ text: String) -> UInt64? { ThetaSketch.hash(text) }
    func word(_ number: Int64) -> UInt64 { ThetaSketch.hash(number) }
    func word(_ number: Double) -> UInt64 { ThetaSketch.hash(number) }
}

/// Source: the JSON properties of `SketchEstimateWithErrorBounds`.
func estimateObject(_ sketch: ThetaSketch, _ deviations: Int) -> JSON {
    let bounds = sketch.estimate(deviations: deviations)
    return [
        "estimate": .double(bounds.estimate), "highBound": .double(bounds.upper), "lowBound": .double(bounds.lower),
        "numStdDev": .int(Int64(deviations)),
    ]
}

/// Theta sketches by group, fed with hashes.
final class ThetaAccumulator: HashAccumulator {
    private var sketches: [ThetaSketch?] = []
    private let size: Int

    init(_ rule: ThetaAggregation, _ words: HashWords) {
        size = rule.options.size
        super.init(rule, words)
    }

    override func grow(to count: Int) {
        if count > sketches.count {
            sketches += Array(repeating: nil, count: max(count - sketches.count, sketches.count))
        }
    }

    override func apply(_ words: [UInt64], _ groups: [UInt32]) {
        for index in words.indices {
            let group = Int(groups[index])
            if sketches[group] == nil { sketches[group] = ThetaSketch(size: size) }
            sketches[group]?.update(hash: words[index])
        }
    }

    override func state(_ group: Int) -> AggregateState? { sketches[group].map { .sketch($0) } }
}
