import LaminaBase
import LaminaQuery
import LaminaSketches

/// DataSketches' HLL of a column's values, or the union of stored ones.
///
/// - Source: `HllSketchBuildAggregatorFactory`, `HllSketchMergeAggregatorFactory`, `HllSketchBuildUtil`.
struct HLLAggregation: ValueAggregation, HashedAggregation {
    let field: String
    let options: SketchAggregator.HLL
    let showsFinished: Bool

    init(_ aggregator: SketchAggregator, _ options: SketchAggregator.HLL) {
        field = aggregator.field
        self.options = options
        showsFinished = aggregator.shouldFinalize
    }

    var inputs: [String] { [field] }
    private var empty: HLLSketch { HLLSketch(lgK: options.lgK, registerBits: options.registerBits) }

    func fold(_ values: [Value], into state: inout AggregateState?) throws(LaminaError) {
        if values[0].isNull { return }
        if options.isMerge {
            guard let bytes = try sketchBytes(values[0], "HLLSketch") else { return }
            try merge(.sketch(try HLLSketch(bytes: bytes)), into: &state)
            return
        }
        var sketch = take(&state)
        defer { state = .sketch(sketch) }
        switch values[0] {
        case .array(let elements):
            for element in elements {
                if let text = element.asText, let word = word(text) { sketch.update(coupon: UInt32(word)) }
            }
        case .complex(let type, _):
            throw .invalidInput("HLLSketchBuild is not supported for complex columns with type \(type)")
        case let value: if let word = word(of: value) { sketch.update(coupon: UInt32(word)) }
        }
    }

    private func take(_ state: inout AggregateState?) -> HLLSketch {
        guard case .sketch(let known) = state, let sketch = known as? HLLSketch else { return empty }
        state = nil
        return sketch
    }

    func merge(_ other: AggregateState, into state: inout AggregateState?) throws(LaminaError) {
        guard case .sketch(let sketch) = other, let source = sketch as? HLLSketch else { return }
        guard state != nil else {
            state = .sketch(source.asUnion(lgMaxK: options.lgK).with(registerBits: options.registerBits))
            return
        }
        var mine = take(&state)
        mine.union(with: source, lgMaxK: options.lgK)
        state = .sketch(mine)
    }

    func finished(_ state: AggregateState?) throws(LaminaError) -> Value {
        guard case .sketch(let sketch) = state, let sketch = sketch as? HLLSketch else {
            return options.round ? .long(0) : .double(0)
        }
        return estimateValue(sketch.estimate, round: options.round)
    }

    func stored(_ state: AggregateState?) -> Value {
        guard case .sketch(let sketch) = state else { return .complex(type: "HLLSketch", bytes: empty.bytes) }
        return .complex(type: "HLLSketch", bytes: sketch.bytes)
    }

    /// Results went through a union and were read again on their way in Druid, which decides the order of a set's coupons.
    func shown(_ state: AggregateState?) -> Value {
        guard case .sketch(let sketch) = state, let sketch = sketch as? HLLSketch else { return stored(state) }
        let union = sketch.isUnion ? sketch : sketch.asUnion(lgMaxK: options.lgK, entersAgain: true)
        guard let read = try? HLLSketch(bytes: union.bytes) else { return stored(state) }
        return .complex(type: "HLLSketch", bytes: read.bytes)
    }

    func state(fromStored value: Value) throws(LaminaError) -> AggregateState? {
        guard let bytes = try sketchBytes(value, "HLLSketch") else { return nil }
        return .sketch(try HLLSketch(bytes: bytes))
    }

    func sketch(_ state: AggregateState?) -> (any Sketch)? {
        guard case .sketch(let sketch) = state else { return empty }
        return sketch
    }

    var storedType: ColumnType? { .complex("HLLSketch") }
    var expectedBytes: Int { 512 }

    // MARK: Words

    func word(_ text: String) -> UInt64? { HLLSketch.coupon(text, utf8: options.hashesUTF8).map(UInt64.init) }
    func word(_ number: Int64) -> UInt64 { UInt64(HLLSketch.coupon(number)) }
    func word(_ number: Double) -> UInt64 { UInt64(HLLSketch.coupon(number)) }
}

/// An estimate as a number, a whole one when rounded as Java does.
func estimateValue(_ estimate: Double, round: Bool) -> Value {
    round ? .long(saturatingLong((estimate + 0.5).rounded(.down))) : .double(estimate)
}

/// HLL sketches by group, fed with coupons.
final class HLLAccumulator: HashAccumulator {
    private var sketches: [HLLSketch] = []
    private let empty: HLLSketch

    init(_ rule: HLLAggregation, _ words: HashWords) {
        empty = HLLSketch(lgK: rule.options.lgK, registerBits: rule.options.registerBits)
        super.init(rule, words)
    }

    override func grow(to count: Int) {
        if count > sketches.count {
            sketches += Array(repeating: empty, count: max(count - sketches.count, sketches.count))
        }
    }

    override func apply(_ words: [UInt64], _ groups: [UInt32]) {
        for index in words.indices { sketches[Int(groups[index])].update(coupon: UInt32(words[index])) }
    }

    override func state(_ group: Int) -> AggregateState? {
        sketches[group].isEmpty ? nil : .sketch(sketches[group])
    }
}
