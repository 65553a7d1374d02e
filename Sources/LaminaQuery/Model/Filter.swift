package import LaminaBase
package import LaminaSketches

/// A row filter in three-valued logic: a row passes when the filter is true, not when it is unknown (druid-surface 3).
package indirect enum Filter: Sendable {
    case and([Filter])
    case or([Filter])
    case not(Filter)
    case `true`
    case `false`
    /// `value` nil: is null.
    case selector(dimension: String, value: String?, extraction: ExtractionFunction?)
    case equals(column: String, type: ColumnType, value: Value)
    case null(column: String)
    /// Never matches null; compared in `type`.
    case range(column: String, type: ColumnType, lower: Value?, upper: Value?, lowerOpen: Bool, upperOpen: Bool)
    /// Without a lower bound null matches.
    case bound(
        dimension: String,
        lower: String?,
        upper: String?,
        lowerStrict: Bool,
        upperStrict: Bool,
        ordering: StringOrdering,
        extraction: ExtractionFunction?
    )
    /// A list that holds nil matches nulls.
    case `in`(dimension: String, values: [String?], extraction: ExtractionFunction?)
    case inType(column: String, type: ColumnType, values: [Value])
    case like(dimension: String, pattern: LikePattern, extraction: ExtractionFunction?)
    case regex(dimension: String, pattern: Regex, extraction: ExtractionFunction?)
    case search(dimension: String, query: SearchSpec, extraction: ExtractionFunction?)
    /// Values that a bloom filter may hold.
    case bloom(dimension: String, filter: BloomKFilter, extraction: ExtractionFunction?)
    case columnComparison([DimensionSpec])
    case interval(dimension: String, intervals: [Interval], extraction: ExtractionFunction?)
    case expression(Expression, virtualColumns: [VirtualColumn])
    case isTrue(Filter)
    case isFalse(Filter)
    /// Points as texts of numbers with commas between them.
    case spatial(dimension: String, bound: SpatialBound)
    case arrayContainsElement(column: String, type: ColumnType, value: Value)
}
