package import LaminaBase
package import LaminaSketches

/// What one group of an aggregation that is no plain number has seen. A group that has seen nothing has no state.
package enum AggregateState: Sendable {
    /// The first or last value and its time.
    case timed(Int64, Value)
    case value(Value)
    case mean(sum: Double, count: Int64)
    case sketch(any Sketch)
}
