import LaminaBase
import LaminaQuery
import LaminaSketches

/// What a sketch post-aggregation gives for its operands; null when one of them is null.
///
/// Source: the `compute` methods of `HllSketch…PostAggregator`, `Sketch…PostAggregator`, `ArrayOfDoublesSketch…PostAggregator`.
func sketchOperation(
    _ operation: SketchPostAggregator.Operation,
    _ operands: [PostOperand]
) throws(LaminaError) -> PostOperand {
    for operand in operands {
        if case .value(.null) = operand { return .value(.null) }
    }
    switch operation {
    case .hllEstimate, .hllEstimateWithBounds, .hllUnion, .hllToString:
        return try hllOperation(
            operation,
            try sketches(operands) { bytes throws(LaminaError) in try HLLSketch(bytes: bytes) }
        )
    case .thetaEstimate, .thetaSetOperation, .thetaToString:
        return try thetaOperation(
            operation,
            try sketches(operands) { bytes throws(LaminaError) in try ThetaSketch(bytes: bytes) }
        )
    case .thetaConstant(let bytes): return .sketch(try ThetaSketch(bytes: bytes))
    case .tupleConstant(let bytes): return .sketch(try TupleSketch(bytes: bytes))
    case .numbers(let operation): return .value(try numberSketchOperation(operation, operands))
    default:
        return try tupleOperation(
            operation,
            try sketches(operands) { bytes throws(LaminaError) in try TupleSketch(bytes: bytes) }
        )
    }
}

/// Operands as sketches of one kind: in memory, or the bytes that another column shows.
func sketches<Kind: Sketch>(
    _ operands: [PostOperand],
    _ read: ([UInt8]) throws(LaminaError) -> Kind
) throws(LaminaError) -> [Kind] {
    var sketches: [Kind] = []
    for operand in operands {
        switch operand {
        case .sketch(let sketch):
            guard let sketch = sketch as? Kind else {
                throw .invalidInput("A post-aggregator for other sketches cannot read a \(sketch.typeName)")
            }
            sketches.append(sketch)
        case .value(.complex(_, let bytes)): sketches.append(try read(bytes))
        case .value(let value):
            throw .invalidInput("A sketch post-aggregator needs a sketch, not \(value.asText ?? "null")")
        }
    }
    return sketches
}

private func hllOperation(
    _ operation: SketchPostAggregator.Operation,
    _ sketches: [HLLSketch]
) throws(LaminaError) -> PostOperand {
    guard let first = sketches.first else { return .value(.null) }
    switch operation {
    case .hllEstimate(let round):
        return .value(round ? .double((first.estimate + 0.5).rounded(.down)) : .double(first.estimate))
    case .hllEstimateWithBounds(let deviations):
        let bounds = [first.estimate, first.lowerBound(deviations), first.upperBound(deviations)]
        return .value(.array(bounds.map(Value.double)))
    case .hllUnion(let lgK, let registerBits):
        var union = HLLSketch(lgK: lgK, registerBits: registerBits)
        for sketch in sketches { union.union(with: sketch, lgMaxK: lgK) }
        return .sketch(union)
    default: return .value(.string(first.summary))
    }
}

private func thetaOperation(
    _ operation: SketchPostAggregator.Operation,
    _ sketches: [ThetaSketch]
) throws(LaminaError) -> PostOperand {
    guard let first = sketches.first else { return .value(.null) }
    switch operation {
    case .thetaEstimate(let deviations?): return .value(.json(estimateObject(first, deviations)))
    case .thetaEstimate(nil): return .value(.double(first.estimate))
    case .thetaSetOperation(.union, let size):
        var union = ThetaSketch(size: size)
        for sketch in sketches { union.union(with: sketch) }
        return .sketch(union)
    case .thetaSetOperation(.intersect, let size): return .sketch(ThetaSketch.intersection(sketches, size: size))
    case .thetaSetOperation(.not, _): return .sketch(first.subtracting(Array(sketches.dropFirst())))
    default: return .value(.string(first.summary))
    }
}
