import LaminaBase
import LaminaQuery
import LaminaSegment

/// A segment whose files are written; its place among its siblings is decided at the end.
struct FinishedSegment: Sendable {
    var place: RowPlace
    var folder: String
    var written: WrittenSegment
}

/// Takes prepared batches in order, keeps rows in memory up to the limits, spills sorted pieces, and merges each place's pieces into
/// segments.
final class SegmentBuilder {
    private let spec: IndexTaskSpec
    private let schemas: [DimensionSchema]
    private let metrics: [MetricSpec]
    private let directory: String
    private let threads: Int
    private let host: any IndexJobHost
    private let limits: MemoryIndex.Limits
    private var index: MemoryIndex
    private var places: [RowPlace] = []
    private var placeNumbers: [RowPlace: Int] = [:]
    private var rowsOfPlace: [Int] = []
    private var total = 0
    /// Spilled rows, oldest first; each piece holds rows of many places.
    private var pieces: [Piece] = []
    /// Dimensions that rows brought along, in order of arrival over the whole job.
    private var discovered: [DimensionSchema] = []
    private var nextFolder = 0
    private(set) var finished: [FinishedSegment] = []
    private(set) var spillCount = 0

    /// - Parameter metrics: in the order in which segments store them.
    init(
        _ spec: IndexTaskSpec,
        dimensions: [DimensionSchema],
        metrics: [MetricSpec],
        directory: String,
        threads: Int,
        host: any IndexJobHost
    ) {
        self.spec = spec
        self.host = host
        schemas = dimensions
        self.metrics = metrics
        self.directory = directory
        self.threads = threads
        var limits = MemoryIndex.Limits()
        if case .dynamic(let rows, let total) = spec.tuning.partitions {
            limits.rowsPerPlace = rows
            limits.rowsInAll = total
        }
        limits.rowsInMemory = spec.tuning.maxRowsInMemory
        self.limits = limits
        index = MemoryIndex(dimensions: dimensions, metrics: metrics, rollsUp: spec.granularity.rollup)
    }

    func add(_ batch: PreparedBatch) throws(LaminaError) {
        var numbers: [UInt32] = []
        for place in batch.places { numbers.append(UInt32(number(of: place))) }
        var first = 0
        while first < batch.count {
            // Before, not after: an input that just fits is never spilled.
            if index.rowCount >= spec.tuning.maxRowsInMemory || index.bytes >= spec.tuning.maxBytesInMemory {
                try spill()
            }
            first = try index.append(
                batch,
                from: first,
                places: numbers,
                rowsOfPlace: &rowsOfPlace,
                total: &total,
                limits: limits
            )
            if total >= limits.rowsInAll || rowsOfPlace.contains(where: { $0 >= limits.rowsPerPlace }) {
                // As Druid does: when one segment is full, all open ones are closed.
                try push()
            }
        }
    }

    private func number(of place: RowPlace) -> Int {
        if let known = placeNumbers[place] { return known }
        let number = places.count
        places.append(place)
        placeNumbers[place] = number
        rowsOfPlace.append(0)
        return number
    }

    private func freshIndex() {
        for dimension in index.dimensions.dropFirst(schemas.count + discovered.count) {
            discovered.append(dimension.schema)
        }
        index = MemoryIndex(
            dimensions: schemas,
            discovered: discovered,
            metrics: metrics,
            rollsUp: spec.granularity.rollup
        )
    }

    private func folder(_ kind: String) -> String {
        nextFolder += 1
        return "\(directory)/\(kind)-\(nextFolder)"
    }

    /// Writes the rows in memory as one sorted piece.
    private func spill() throws(LaminaError) {
        guard index.rowCount > 0 else { return }
        spillCount += 1
        let sorted = try SortedIndex(index, placeCount: places.count, ordering: spec.ordering, threads: threads)
        pieces.append(try PieceBuilder(sorted, threads: threads).write(to: folder("piece"), threads: threads))
        freshIndex()
    }

    /// Turns all rows, spilled and in memory, into segments.
    func push() throws(LaminaError) {
        let numbers = rowsOfPlace.indices.filter { rowsOfPlace[$0] > 0 }
        guard !numbers.isEmpty else { return }
        let sorted = try SortedIndex(index, placeCount: places.count, ordering: spec.ordering, threads: threads)
        let folders = numbers.map { _ in folder("segment") }
        let work = PushWork(
            sorted: sorted,
            spec: spec,
            places: numbers.map { places[$0] },
            numbers: numbers,
            pieces: pieces,
            folders: folders,
            metrics: metrics.map(\.name),
            options: segmentOptions,
            combiners: combiners,
            host: host
        )
        let written = ResultSlots<WrittenSegment>(count: numbers.count)
        try runParallel(count: numbers.count, threads: threads) { place throws(LaminaError) in
            written.set(place, try work.write(place))
        }
        for (place, number) in numbers.enumerated() {
            rowsOfPlace[number] = 0
            if let segment = written.values[place] {
                finished.append(FinishedSegment(place: places[number], folder: folders[place], written: segment))
            }
        }
        pieces = []
        total = 0
        freshIndex()
    }

    private var combiners: [String: MetricCombiner]? {
        guard spec.granularity.rollup else { return nil }
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

    private var segmentOptions: SegmentWriteOptions {
        var options = SegmentWriteOptions()
        options.indexSpec = spec.tuning.indexSpec
        options.metadata = spec.segmentMetadata
        options.storesEmptyColumns = spec.storesEmptyColumns
        options.storage = storage
        return options
    }

    private var storage: [String: ColumnStorage] {
        var out: [String: ColumnStorage] = [:]
        for dimension in index.dimensions {
            switch dimension.schema.kind {
            case .string: out[dimension.schema.name] = .plain(bitmapIndex: dimension.schema.hasBitmapIndex)
            case .auto(let cast): out[dimension.schema.name] = .auto(AutoStorage(declaredType: cast))
            default: break
            }
        }
        let own = spec.projections.storage(dimensions: index.dimensions.map(\.schema.name))
        return out.merging(own) { one, _ in one }
    }
}

/// Everything a thread needs to write one place's segment.
private struct PushWork: Sendable {
    let sorted: SortedIndex
    let spec: IndexTaskSpec
    let places: [RowPlace]
    let numbers: [Int]
    let pieces: [Piece]
    let folders: [String]
    let metrics: [String]
    let options: SegmentWriteOptions
    let combiners: [String: MetricCombiner]?
    let host: any IndexJobHost

    func write(_ place: Int) throws(LaminaError) -> WrittenSegment {
        try host.checkCancelled()
        var options = options
        let chunk = places[place].chunk
        options.interval = chunk
        let number = numbers[place]
        var views: [any SegmentView] = pieces.compactMap {
            $0.view(of: number, interval: chunk, ordering: spec.ordering)
        }
        if views.isEmpty {
            let view = sorted.view(of: number, interval: chunk, arrivalOrder: true)
            return try SegmentWriter.write(spec.projections.project(view), to: folders[place], options: options)
        }
        if sorted.rowCount(of: number) > 0 {
            views.append(sorted.view(of: number, interval: chunk, arrivalOrder: false))
        }
        let dimensions = sorted.dimensionNames(among: views)
        let merger = SegmentMerger(
            ordering: sorted.fullOrdering(dimensions),
            dimensions: dimensions,
            metrics: metrics,
            rollup: combiners
        )
        let merged = try spec.projections.project(try merger.view(of: views))
        let written = try SegmentWriter.write(merged, to: folders[place], options: options)
        for piece in pieces { piece.release(number) }
        return written
    }
}
