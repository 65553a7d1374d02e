import LaminaBase
import LaminaQuery

/// The aggregation behind a sketch aggregator; nil for kinds that are not there.
func makeSketchAggregation(_ aggregator: SketchAggregator) -> (any ValueAggregation)? {
    switch aggregator.kind {
    case .hll, .theta, .tuple: nil
    }
}
