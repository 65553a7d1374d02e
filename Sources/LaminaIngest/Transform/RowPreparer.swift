import LaminaBase
import LaminaQuery

/// Turns parsed batches into prepared ones; immutable, used by all threads. Order of the steps as in Druid: time, transforms, filter,
/// interval, dimensions and metrics.
final class RowPreparer: Sendable {
    struct ComputedField: Sendable {
        var name: String
        var expression: Expression
    }

    let timestamp: TimestampSpec
    let parser: TimestampParser
    let granularity: Granularity
    let computed: [ComputedField]
    let filter: RowFilter?
    let dimensions: [DimensionSchema]
    let spatial: [SpatialDimension]
    let metrics: [MetricSpec]
    let metricFilters: [RowFilter?]
    let discovery: Discovery?
    let chunkRule: ChunkFinder.Rule
    let partitioner: RowPartitioner
    /// Set for a first pass, which only collects.
    let observes: Observation.Kind?
    let dedup: DedupSpec?
    /// Rows that have to go.
    let duplicates: DuplicateMarks?
    let errorsKept: Int
    /// Whether errors tell in which record of which file they are.
    let namesPlaces: Bool

    /// Which unlisted fields become dimensions.
    struct Discovery: Sendable {
        /// `useSchemaDiscovery`: typed, nulls and nested values too.
        var typed: Bool
        /// Whether fields without any value count too: the columns of stored segments.
        var listsNulls = false
        /// Time, exclusions, inputs and names of metrics, listed dimensions.
        var excluded: Set<String>
    }

    init(
        _ spec: IndexTaskSpec,
        dimensions schema: DimensionsSpec,
        chunks: ChunkFinder.Rule,
        partitioner: RowPartitioner,
        lookups: LookupResolver? = nil,
        observes: Observation.Kind? = nil,
        duplicates: DuplicateMarks? = nil,
        namesPlaces: Bool = true
    ) throws(LaminaError) {
        self.observes = observes
        self.duplicates = duplicates
        dedup = spec.tuning.dedup
        self.namesPlaces = namesPlaces
        timestamp = spec.timestamp
        parser = try TimestampParser(format: spec.timestamp.format)
        granularity = spec.granularity.queryGranularity
        dimensions = schema.dimensions
        spatial = schema.spatial
        metrics = spec.metrics.sorted { javaCompare($0.name, $1.name) < 0 }
        var filters: [RowFilter?] = []
        for metric in metrics {
            filters.append(try metric.filter.map { filter throws(LaminaError) in try RowFilter(filter) })
        }
        metricFilters = filters
        filter = try spec.transform.filter.map { filter throws(LaminaError) in try RowFilter(filter) }
        var excluded = schema.exclusions.union([spec.timestamp.column, "__time"])
        for dimension in schema.dimensions { excluded.insert(dimension.name) }
        for dimension in schema.spatial { excluded.formUnion(dimension.fields) }
        for metric in spec.metrics {
            excluded.insert(metric.name)
            excluded.formUnion(metric.fields)
        }
        discovery =
            schema.discovers
            ? Discovery(
                typed: schema.discoversSchema,
                listsNulls: !spec.inputSource.needsFormat,
                excluded: excluded
            ) : nil
        computed = try Self.compile(
            spec,
            partitioner: partitioner,
            lookups: lookups,
            discovers: schema.discovers,
            metrics: metrics
        )
        chunkRule = chunks
        self.partitioner = partitioner
        errorsKept = spec.tuning.logsParseExceptions ? Int.max : spec.tuning.maxSavedParseExceptions
    }

    /// Parses the transforms. Druid's parser mends what it cannot read; a transform that nothing reads may therefore be malformed, but
    /// every function must exist.
    private static func compile(
        _ spec: IndexTaskSpec,
        partitioner: RowPartitioner,
        lookups: LookupResolver?,
        discovers: Bool,
        metrics: [MetricSpec]
    ) throws(LaminaError) -> [ComputedField] {
        var used = Set(spec.transform.filterFields).union(partitioner.fields)
        used.formUnion(spec.dimensions?.dimensions.map(\.name) ?? [])
        used.formUnion(spec.dimensions?.spatial.flatMap(\.fields) ?? [])
        used.insert("__time")
        used.formUnion(spec.tuning.dedup?.fields ?? [])
        for metric in metrics {
            used.formUnion(metric.fields)
            if let filter = metric.filter { used.formUnion(try rowFilterFields(filter)) }
        }
        var out: [ComputedField] = []
        for transform in spec.transform.transforms {
            do throws(LaminaError) {
                let expression = try Expression(parsing: transform.text, lookups: lookups)
                if used.contains(transform.name) || discovers {
                    out.append(ComputedField(name: transform.name, expression: expression))
                }
            } catch {
                if used.contains(transform.name) || error.message.contains("is not defined") {
                    throw LaminaError(
                        error.category,
                        code: error.code,
                        "\(transform.path).expression: \(error.message)",
                        context: error.context
                    )
                }
            }
        }
        return out
    }

    /// Every field that is read, or nil when all are (discovery).
    var wantedFields: Set<String>? {
        var wanted: Set<String> = [timestamp.column]
        wanted.formUnion(dedup?.fields ?? [])
        for field in computed { wanted.formUnion(field.expression.requiredColumns) }
        if let filter { wanted.formUnion(filter.fields) }
        if case .keys = observes { return wanted }
        if discovery != nil { return nil }
        wanted.formUnion(dimensions.map(\.name))
        wanted.formUnion(spatial.flatMap(\.fields))
        wanted.formUnion(partitioner.fields)
        for filter in metricFilters { if let filter { wanted.formUnion(filter.fields) } }
        for metric in metrics { wanted.formUnion(metric.fields) }
        return wanted
    }

    /// Whether rows must be numbered over the whole input.
    var numbersRows: Bool {
        if case .keys = observes { return true }
        return duplicates != nil
    }

    /// - Parameters:
    ///   - firstRow: the number of the batch's first row over the whole input, where `numbersRows`.
    ///   - stream: set for rows of a stream.
    func prepare(_ batch: RowBatch, firstRow: Int64 = 0, stream: StreamPreparation? = nil) -> PreparedBatch {
        let out = PreparedBatch(sequence: batch.sequence, inputBytes: batch.inputBytes)
        var work = BatchPreparation(self, batch, out, firstRow: firstRow, stream: stream)
        work.run()
        return out
    }
}
