import LaminaBase
import LaminaQuery
import LaminaSegment

/// What the segments of a datasource look like, and how rows in memory and sorted pieces become one: shared by batch tasks and
/// streams.
struct SegmentSchema: Sendable {
    /// Listed dimensions in order.
    let dimensions: [DimensionSchema]
    /// In the order in which segments store them.
    let metrics: [MetricSpec]
    let rollsUp: Bool
    let ordering: [OrderedColumn]
    let projections: [ProjectionSpec]
    let indexSpec: IndexSpec
    /// `metadata.drd`.
    let metadata: JSON
    let storesEmptyColumns: Bool

    init(_ spec: IndexTaskSpec, dimensions: [DimensionSchema], metrics: [MetricSpec]) {
        self.dimensions = dimensions
        self.metrics = metrics
        rollsUp = spec.granularity.rollup
        ordering = spec.ordering
        projections = spec.projections
        indexSpec = spec.tuning.indexSpec
        metadata = spec.segmentMetadata
        storesEmptyColumns = spec.storesEmptyColumns
    }

    /// An index without rows.
    ///
    /// - Parameter discovered: dimensions that rows brought along before, in their order.
    func makeIndex(_ discovered: [DimensionSchema] = []) -> MemoryIndex {
        MemoryIndex(dimensions: dimensions, discovered: discovered, metrics: metrics, rollsUp: rollsUp)
    }

    /// The dimensions that an index has beside the listed ones.
    func discovered(by index: MemoryIndex) -> [DimensionSchema] {
        index.dimensions.dropFirst(dimensions.count).map(\.schema)
    }

    /// How the metrics of equal rows become one; nil without rollup.
    var combiners: [String: MetricCombiner]? {
        guard rollsUp else { return nil }
        var out: [String: MetricCombiner] = [:]
        for metric in metrics {
            if case .states(let rule, _) = metric.operation {
                out[metric.name] = .objects(StateCombiner(rule: rule))
                continue
            }
            switch metric.fold {
            case .sum: out[metric.name] = .sum
            case .min: out[metric.name] = .min
            case .max: out[metric.name] = .max
            }
        }
        return out
    }

    func writeOptions(_ dimensions: [DimensionSchema]) -> SegmentWriteOptions {
        var options = SegmentWriteOptions()
        options.indexSpec = indexSpec
        options.metadata = metadata
        options.storesEmptyColumns = storesEmptyColumns
        var storage: [String: ColumnStorage] = [:]
        for dimension in dimensions {
            switch dimension.kind {
            case .string: storage[dimension.name] = .plain(bitmapIndex: dimension.hasBitmapIndex)
            case .auto(let cast): storage[dimension.name] = .auto(AutoStorage(declaredType: cast))
            default: break
            }
        }
        let own = projections.storage(dimensions: dimensions.map(\.name))
        options.storage = storage.merging(own) { one, _ in one }
        return options
    }

    /// Writes the rows of one place as a segment ready to be published.
    ///
    /// - Parameters:
    ///   - sorted: the place's rows in memory, and the dimensions of all rows.
    ///   - pieces: those of its rows that were spilled, oldest first, each in the order of `sorted`.
    func write(
        _ sorted: SortedIndex,
        place: Int,
        pieces: [any SegmentView],
        _ interval: Interval,
        to folder: String
    ) throws(LaminaError) -> WrittenSegment {
        var options = writeOptions(sorted.index.dimensions.map(\.schema))
        options.interval = interval
        if pieces.isEmpty {
            let view = sorted.view(of: place, interval: interval, arrivalOrder: true)
            return try SegmentWriter.write(projections.project(view), to: folder, options: options)
        }
        var views = pieces
        if sorted.rowCount(of: place) > 0 {
            views.append(sorted.view(of: place, interval: interval, arrivalOrder: false))
        }
        let dimensions = sorted.dimensionNames(among: views)
        let merger = SegmentMerger(
            ordering: sorted.fullOrdering(dimensions),
            dimensions: dimensions,
            metrics: metrics.map(\.name),
            rollup: combiners
        )
        let merged = try projections.project(try merger.view(of: views))
        return try SegmentWriter.write(merged, to: folder, options: options)
    }
}
