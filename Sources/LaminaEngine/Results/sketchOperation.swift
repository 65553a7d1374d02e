import LaminaBase
import LaminaQuery
import LaminaSketches

/// What a sketch post-aggregation gives for its operands.
func sketchOperation(
    _ operation: SketchPostAggregator.Operation,
    _ operands: [PostOperand]
) throws(LaminaError) -> PostOperand {
    throw .unsupported("Post-aggregator '\(operation)'")
}
