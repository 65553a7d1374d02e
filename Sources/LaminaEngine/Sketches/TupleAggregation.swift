import LaminaBase
import LaminaQuery
import LaminaSketches

/// DataSketches' array of doubles for each distinct key, or the union of stored sketches.
///
/// - Source: `ArrayOfDoublesSketchBuildAggregator`, `ArrayOfDoublesSketchMergeAggregator`.
struct TupleAggregation: ValueAggregation {
    let options: SketchAggregator.Tuple
    let inputs: [String]

    init(_ aggregator: SketchAggregator, _ options: SketchAggregator.Tuple) {
        inputs = aggregator.columns
        self.options = options
    }

    private var empty: TupleSketch {
        TupleSketch(nominalEntries: options.nominalEntries, numberOfValues: options.numberOfValues)
    }

    func fold(_ values: [Value], into state: inout AggregateState?) throws(LaminaError) {
        guard options.metricColumns != nil else {
            guard let bytes = try sketchBytes(values[0], "arrayOfDoublesSketch") else { return }
            let sketch = try TupleSketch(bytes: bytes, nominalEntries: options.nominalEntries)
            try merge(.sketch(sketch), into: &state)
            return
        }
        if values[0].isNull { return }
        var numbers: [Double] = []
        for value in values.dropFirst() {
            // A row without one of its numbers is left out.
            guard let number = value.asDouble else { return }
            numbers.append(number)
        }
        var sketch = take(&state)
        defer { state = .sketch(sketch) }
        var keys = [values[0]]
        if case .array(let several) = values[0] { keys = several }
        for case let key? in keys.map(\.asText) {
            if let hash = ThetaSketch.hash(key) { sketch.update(hash: hash, numbers) }
        }
    }

    private func take(_ state: inout AggregateState?) -> TupleSketch {
        guard case .sketch(let known) = state, let sketch = known as? TupleSketch else { return empty }
        state = nil
        return sketch
    }

    func merge(_ other: AggregateState, into state: inout AggregateState?) throws(LaminaError) {
        guard case .sketch(let sketch) = other else { return }
        var mine = take(&state)
        try mine.merge(sketch)
        state = .sketch(mine)
    }

    func finished(_ state: AggregateState?) throws(LaminaError) -> Value {
        guard case .sketch(let sketch) = state, let sketch = sketch as? TupleSketch else { return .double(0) }
        return .double(sketch.estimate)
    }

    func stored(_ state: AggregateState?) -> Value {
        guard case .sketch(let sketch) = state else {
            return .complex(type: "arrayOfDoublesSketch", bytes: empty.bytes)
        }
        return .complex(type: "arrayOfDoublesSketch", bytes: sketch.bytes)
    }

    func state(fromStored value: Value) throws(LaminaError) -> AggregateState? {
        guard let bytes = try sketchBytes(value, "arrayOfDoublesSketch") else { return nil }
        return .sketch(try TupleSketch(bytes: bytes, nominalEntries: options.nominalEntries))
    }

    func sketch(_ state: AggregateState?) -> (any Sketch)? {
        guard case .sketch(let sketch) = state else { return empty }
        return sketch
    }

    var storedType: ColumnType? { .complex("arrayOfDoublesSketch") }
    var expectedBytes: Int { 512 }
}
