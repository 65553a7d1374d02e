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
    private let schema: SegmentSchema
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
        schema = SegmentSchema(spec, dimensions: dimensions, metrics: metrics)
        self.directory = directory
        self.threads = threads
        var limits = MemoryIndex.Limits()
        if case .dynamic(let rows, let total) = spec.tuning.partitions {
            limits.rowsPerPlace = rows
            limits.rowsInAll = total
        }
        limits.rowsInMemory = spec.tuning.maxRowsInMemory
        self.limits = limits
        index = schema.makeIndex()
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
        discovered = schema.discovered(by: index)
        index = schema.makeIndex(discovered)
    }

    private func folder(_ kind: String) -> String {
        nextFolder += 1
        return "\(directory)/\(kind)-\(nextFolder)"
    }

    /// Writes the rows in memory as one sorted piece.
    private func spill() throws(LaminaError) {
        guard index.rowCount > 0 else { return }
        spillCount += 1
        let sorted = try SortedIndex(index, placeCount: places.count, ordering: schema.ordering, threads: threads)
        pieces.append(try PieceBuilder(sorted, threads: threads).write(to: folder("piece"), threads: threads))
        freshIndex()
    }

    /// Turns all rows, spilled and in memory, into segments.
    func push() throws(LaminaError) {
        let numbers = rowsOfPlace.indices.filter { rowsOfPlace[$0] > 0 }
        guard !numbers.isEmpty else { return }
        let sorted = try SortedIndex(index, placeCount: places.count, ordering: schema.ordering, threads: threads)
        let folders = numbers.map { _ in folder("segment") }
        let work = PushWork(
            sorted: sorted,
            schema: schema,
            places: numbers.map { places[$0] },
            numbers: numbers,
            pieces: pieces,
            folders: folders,
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
}

/// Everything a thread needs to write one place's segment.
private struct PushWork: Sendable {
    let sorted: SortedIndex
    let schema: SegmentSchema
    let places: [RowPlace]
    let numbers: [Int]
    let pieces: [Piece]
    let folders: [String]
    let host: any IndexJobHost

    func write(_ place: Int) throws(LaminaError) -> WrittenSegment {
        try host.checkCancelled()
        let chunk = places[place].chunk
        let number = numbers[place]
        let views = pieces.compactMap { $0.view(of: number, interval: chunk, ordering: schema.ordering) }
        let written = try schema.write(sorted, place: number, pieces: views, chunk, to: folders[place])
        for piece in pieces { piece.release(number) }
        return written
    }
}
