import LaminaBase
import LaminaQuery

/// The aggregation behind a sketch aggregator.
///
/// - Errors: `invalidInput` and `resourceLimit` for parameters that the sketch refuses.
func makeSketchAggregation(_ aggregator: SketchAggregator) throws(LaminaError) -> any ValueAggregation {
    switch aggregator.kind {
    case .hll(let options): HLLAggregation(aggregator, options)
    case .theta(let options): ThetaAggregation(aggregator, options)
    case .tuple(let options): TupleAggregation(aggregator, options)
    case .numbers(let numbers): try makeNumberSketchAggregation(aggregator, numbers)
    case .bloom(let options): try BloomAggregation(options)
    }
}

/// The accumulator of a sketch aggregation that has one faster than reading value by value; nil when it has none for its column.
func makeSketchAccumulator(_ rule: any ValueAggregation, in scan: SegmentScan) throws(LaminaError) -> Accumulator? {
    switch rule {
    case let hll as HLLAggregation:
        if hll.options.isMerge { return nil }
        guard let words = try HashWords(try scan.column(hll.field), hll, in: scan) else { return nil }
        return HLLAccumulator(hll, words)
    case let theta as ThetaAggregation:
        if theta.options.isInputSketch { return nil }
        guard let words = try HashWords(try scan.column(theta.field), theta, in: scan) else { return nil }
        return ThetaAccumulator(theta, words)
    case let numbers as any ScanningAggregation: return try numbers.accumulator(in: scan)
    default: return nil
    }
}

/// The bytes of a stored sketch, or of one in base64, as ingestion and constants have it; nil for other values.
func sketchBytes(_ value: Value, _ typeName: String) throws(LaminaError) -> [UInt8]? {
    switch value {
    case .complex(let type, let bytes):
        guard type == typeName || type.isEmpty else {
            throw .invalidInput("A sketch of type \(typeName) is wanted, not \(type)")
        }
        return bytes
    case .string(let text):
        if text.isEmpty { return nil }
        guard let bytes = base64Decoded(text) else {
            throw .invalidInput("A \(typeName) in base64 is wanted, not '\(text.prefix(40))'")
        }
        return bytes
    default: return nil
    }
}
