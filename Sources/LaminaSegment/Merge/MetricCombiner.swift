package import LaminaBase

/// How a metric's values of equal rows become one value when pieces are merged with rollup.
///
/// Null in every row stays null; otherwise nulls are passed over. Source: the combining factories of Druid's aggregators
/// (`longSum`, `doubleMin`, …; a merged `count` is a sum).
package enum MetricCombiner: Sendable {
    /// Longs wrap around on overflow, as Java's do.
    case sum
    case min
    case max
    /// Sketches and other values whose meaning the segment room does not know.
    case objects(any ObjectCombiner)
}

/// Combines opaque values of equal rows.
package protocol ObjectCombiner: Sendable {
    /// `values` has at least two elements, in merged row order.
    func combine(_ values: [Value]) throws(LaminaError) -> Value
}
