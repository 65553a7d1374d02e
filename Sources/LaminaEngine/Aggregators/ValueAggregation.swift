package import LaminaBase
package import LaminaQuery
package import LaminaSketches

/// An aggregation whose states are values, pairs or sketches: how rows fold into a state, how states merge, what they come to,
/// and how they are stored. The one mechanism of queries, ingestion, compaction and row stores.
///
/// Source: `AggregatorFactory` and `ComplexMetricSerde` of each aggregation.
package protocol ValueAggregation: Sendable {
    /// The columns it reads; `fold` gets their values in this order.
    var inputs: [String] { get }
    /// Folds one row. Rows of several values come as `.array`, stored sketches as `.complex`.
    func fold(_ values: [Value], into state: inout AggregateState?) throws(LaminaError)
    /// Folds another state, which saw later rows, into one.
    func merge(_ other: AggregateState, into state: inout AggregateState?) throws(LaminaError)
    /// The finished value; of no state what an aggregation over nothing gives.
    func finished(_ state: AggregateState?) throws(LaminaError) -> Value
    /// The unfinished value, for stored columns, `finalize: false` and queries over this one: sketches and pairs as
    /// `.complex` with the bytes of Druid's serde.
    func stored(_ state: AggregateState?) -> Value
    /// The unfinished value as results show it; unless told otherwise the stored one.
    func shown(_ state: AggregateState?) -> Value
    /// Reads what `stored` gave, or a segment holds; null is no state.
    func state(fromStored value: Value) throws(LaminaError) -> AggregateState?
    /// The type of the column that stores it; nil for aggregations that do not ingest.
    var storedType: ColumnType? { get }
    /// False: results show what `stored` gives, even though order and conditions go by the finished value.
    var showsFinished: Bool { get }
    /// The sketch of a state, empty when it saw nothing; nil for aggregations without sketches.
    func sketch(_ state: AggregateState?) -> (any Sketch)?
    /// Bytes a state is expected to hold, for budgets that reserve beforehand.
    var expectedBytes: Int { get }
}

extension ValueAggregation {
    package var showsFinished: Bool { true }
    package func shown(_ state: AggregateState?) -> Value { stored(state) }
    package func sketch(_ state: AggregateState?) -> (any Sketch)? { nil }

    /// Two states as one.
    package func merged(_ left: AggregateState?, _ right: AggregateState?) throws(LaminaError) -> AggregateState? {
        guard let right else { return left }
        guard left != nil else { return right }
        var state = left
        try merge(right, into: &state)
        return state
    }

    /// Roughly the bytes of memory a state holds.
    package func bytesHeld(_ state: AggregateState?) -> Int {
        switch state {
        case nil: 0
        case .timed(_, let value)?, .value(let value)?: 16 + value.byteSize
        case .mean?: 16
        case .sketch(let sketch)?: sketch.bytesHeld
        }
    }
}

/// The aggregation behind an aggregator; nil for those that are plain numbers (`count`, sums, extremes, `grouping`). A
/// filtered one gives its inner aggregation.
///
/// - Errors: what a sketch or a constant expression finds wrong with its parameters.
package func makeValueAggregation(_ aggregator: Aggregator) throws(LaminaError) -> (any ValueAggregation)? {
    switch aggregator {
    case .firstLast(_, let type, let last, let field, let timeColumn, let maxBytes):
        FirstLastAggregation(type: type, isLast: last, field: field, timeColumn: timeColumn, maxBytes: maxBytes)
    case .any(_, let type, let field, let maxBytes, let joins):
        AnyAggregation(type: type, field: field, maxBytes: maxBytes, joins: joins)
    case .doubleMean(_, let field): MeanAggregation(field: field)
    case .cardinality(_, let dimensions, let byRow, let round):
        CardinalityAggregation(dimensions: dimensions, byRow: byRow, round: round)
    case .hyperUnique(_, let field, _, let round): HyperUniqueAggregation(field: field, round: round)
    case .expression(let expression): try ExpressionAggregation(expression)
    case .sketch(let sketch): try makeSketchAggregation(sketch)
    case .filtered(_, let inner, _): try makeValueAggregation(inner)
    case .count, .number, .grouping: nil
    }
}

extension Value {
    /// Bytes the value takes where Druid keeps aggregated ones.
    var byteSize: Int {
        switch self {
        case .null: 1
        case .long, .float, .double: 9
        case .string(let text): 5 + text.utf8.count
        case .array(let elements): elements.reduce(5) { $0 + $1.byteSize }
        case .json(let json): 5 + json.text.utf8.count
        case .complex(_, let bytes): 5 + bytes.count
        }
    }
}
