import Glibc
package import LaminaBase
package import LaminaSegment
import Synchronization

/// One segment of a stream: rows in memory and sorted V9 pieces on disk, to which rows are added until it is merged and published.
///
/// One thread appends, one at a time persists or merges, any number reads; none waits for another longer than a few thousand rows
/// take to be appended.
///
/// `@unchecked Sendable`: everything that changes is used under `lock`.
///
/// Source: Druid's `Sink`, `FireHydrant`, `StreamAppenderator`.
package final class RealtimeSegment: RealtimeRows, @unchecked Sendable {
    /// Rows that take no others any more and wait to be a piece.
    private struct Frozen {
        let index: MemoryIndex
        let view: any SegmentView
    }

    /// The identity it was opened with.
    package let segment: DataSegment
    /// Holds the folders of its pieces.
    package let folder: String
    private let schema: SegmentSchema
    private let lock = Mutex(())
    /// Readers that wait for the lock: the writer lets them in between its steps.
    private let readersWaiting = Atomic(0)
    /// Held by whoever persists or merges.
    private let writing = Mutex(())
    private var stored: [(name: String, view: Segment)] = []
    private var frozen: [Frozen] = []
    private var memory: MemoryIndex
    private var memoryTimes = TimeTracker()
    private var memoryOrder = TimeOrder()
    /// The rows in memory as they are now; nil once others came.
    private var memoryView: (any SegmentView)?
    private var rowsOfPlace = [0]
    private var rowsInAll = 0
    private var nextPiece = 1

    private static let rowsPerStep = 4096

    /// - Parameters:
    ///   - folder: its own; made when the first piece is written.
    ///   - pieces: names of those persisted before, oldest first, which are opened again.
    /// - Errors: a piece that cannot be read.
    init(
        schema: SegmentSchema,
        segment: DataSegment,
        folder: String,
        pieces: [String] = []
    ) throws(LaminaError) {
        self.schema = schema
        self.segment = segment
        self.folder = folder
        var discovered: [DimensionSchema] = []
        for name in pieces {
            let view = try Segment.open(path: "\(folder)/\(name)")
            stored.append((name, view))
            // Each piece lists all that were known by then.
            discovered = try Self.discovered(view) ?? discovered
            if let number = Int(name.split(separator: "-").last ?? "") { nextPiece = max(nextPiece, number + 1) }
        }
        memory = schema.makeIndex(discovered)
    }

    // MARK: rows

    /// Takes in rows of a batch, all of this segment's interval; queries see them when it returns. For one thread.
    ///
    /// - Parameters:
    ///   - rows: nil takes all.
    ///   - most: stored rows at which it takes no more.
    /// - Returns: the first row that was not taken, or where `rows` ends.
    /// - Errors: those of aggregations; the segment is of no use then.
    @discardableResult
    func append(_ batch: PreparedBatch, rows: Range<Int>? = nil, upTo most: Int = .max) throws(LaminaError) -> Int {
        let rows = rows ?? 0..<batch.count
        let places = [UInt32](repeating: 0, count: batch.places.count)
        var first = rows.lowerBound
        var isFull = false
        while first < rows.upperBound, !isFull {
            first = try lock.withLock { _ throws(LaminaError) in
                let room = most - storedRows
                isFull = room <= 0
                if isFull { return first }
                // Else it would share what is about to change.
                memoryView = nil
                let end = try memory.append(
                    batch,
                    from: first,
                    upTo: min(rows.upperBound, first + Self.rowsPerStep),
                    places: places,
                    rowsOfPlace: &rowsOfPlace,
                    total: &rowsInAll,
                    limits: MemoryIndex.Limits(rowsInAll: room < Int.max - rowsInAll ? rowsInAll + room : .max)
                )
                memoryTimes.add(memory)
                return end
            }
            if first < rows.upperBound, readersWaiting.load(ordering: .relaxed) > 0 { sched_yield() }
        }
        return first
    }

    /// One without rows when there are none.
    package func views() -> [any SegmentView] {
        readersWaiting.wrappingAdd(1, ordering: .relaxed)
        defer { readersWaiting.wrappingSubtract(1, ordering: .relaxed) }
        return lock.withLock { _ in
            var views: [any SegmentView] = stored.map(\.view)
            for part in frozen { views.append(part.view) }
            if memory.rowCount > 0 || views.isEmpty { views.append(currentView()) }
            return views
        }
    }

    /// Under the lock.
    private func currentView() -> any SegmentView {
        if let memoryView { return memoryView }
        let rows = RealtimeView(
            memory.snapshot(),
            times: memoryTimes,
            interval: segment.interval,
            metadata: schema.metadata
        )
        let view: any SegmentView = memoryTimes.isAscending ? rows : TimeOrderedView(rows, memoryOrder)
        memoryView = view
        return view
    }

    package var rowCount: Int { lock.withLock { _ in storedRows } }

    /// Under the lock.
    private var storedRows: Int {
        stored.reduce(0) { $0 + $1.view.rowCount } + frozen.reduce(memory.rowCount) { $0 + $1.index.rowCount }
    }

    /// Rows that are in no piece yet.
    package var memoryRows: Int {
        lock.withLock { _ in frozen.reduce(memory.rowCount) { $0 + $1.index.rowCount } }
    }

    /// Bytes of the rows that are in no piece yet.
    package var memoryBytes: Int { lock.withLock { _ in frozen.reduce(memory.bytes) { $0 + $1.index.bytes } } }

    /// Rows and their bytes that are neither in a piece nor frozen. What an index takes that has no rows is not counted: persisting
    /// frees none of it.
    var growing: (rows: Int, bytes: Int) {
        lock.withLock { _ in (memory.rowCount, memory.rowCount > 0 ? memory.bytes : 0) }
    }

    /// Names of its pieces in the folder, oldest first: what a restart needs.
    package var pieces: [String] { lock.withLock { _ in stored.map(\.name) } }

    // MARK: pieces

    /// Writes the rows in memory as a piece, synced to disk, and swaps it for them in one step. Rows may come meanwhile; they stay in
    /// memory. What failed before is tried again.
    ///
    /// - Returns: the name of the newest piece; nil when there was nothing to write.
    package func persist() throws(LaminaError) -> String? {
        try writing.withLock { _ throws(LaminaError) in
            freeze()
            return try writePieces()
        }
    }

    /// Writes pieces of what was frozen before, and of nothing that came since. Where nothing was, it does not wait for a merge.
    func persistFrozen() throws(LaminaError) {
        if lock.withLock({ _ in frozen.isEmpty }) { return }
        try writing.withLock { _ throws(LaminaError) in _ = try writePieces() }
    }

    /// Rows that come from now on go to a fresh index.
    func freeze() {
        lock.withLock { _ in
            guard memory.rowCount > 0 else { return }
            frozen.append(Frozen(index: memory, view: currentView()))
            memory = schema.makeIndex(schema.discovered(by: memory))
            memoryTimes = TimeTracker()
            memoryOrder = TimeOrder()
            memoryView = nil
            rowsOfPlace = [0]
            rowsInAll = 0
        }
    }

    private func writePieces() throws(LaminaError) -> String? {
        var last: String?
        while let part = lock.withLock({ _ in frozen.first }) {
            let (name, path) = lock.withLock { _ in ("piece-\(nextPiece)", "\(folder)/piece-\(nextPiece)") }
            try makeFolders(folder)
            // Left behind by a try that failed.
            removeFolder(path)
            let sorted = try SortedIndex(part.index, placeCount: 1, ordering: schema.ordering, threads: 1)
            let dimensions = part.index.dimensions.map(\.schema)
            var options = schema.writeOptions(dimensions)
            options.interval = segment.interval
            options.storesEmptyColumns = true
            options.metadata = pieceMetadata(dimensions)
            let view = sorted.view(of: 0, interval: segment.interval, arrivalOrder: false, isForMerging: false)
            _ = try SegmentWriter.write(view, to: path, options: options)
            try syncFolder(folder)
            let piece = try Segment.open(path: path)
            lock.withLock { _ in
                stored.append((name, piece))
                frozen.removeFirst()
                nextPiece += 1
            }
            last = name
        }
        return last
    }

    /// Writes all rows as one V9 segment ready to be published. No rows may come any more; those that are there stay visible.
    ///
    /// - Returns: nil when there are no rows.
    package func merge(into folder: String) throws(LaminaError) -> WrittenSegment? {
        try writing.withLock { _ throws(LaminaError) in
            try makeFolders(folder)
            freeze()
            let (pieceCount, parts) = lock.withLock { _ in (stored.count, frozen) }
            if pieceCount == 0, parts.count < 2 {
                guard let only = parts.first else { return nil }
                let sorted = try SortedIndex(only.index, placeCount: 1, ordering: schema.ordering, threads: 1)
                return try schema.write(sorted, place: 0, pieces: [], segment.interval, to: folder)
            }
            _ = try writePieces()
            let (views, none) = lock.withLock { _ in (stored.map(\.view), memory) }
            let sorted = try SortedIndex(none, placeCount: 1, ordering: schema.ordering, threads: 1)
            return try schema.write(sorted, place: 0, pieces: views, segment.interval, to: folder)
        }
    }
}

extension RealtimeSegment {
    private static let discoveredKey = "discovered"

    /// The metadata of a piece: the segment's, and the dimensions that rows brought along, as their order decides that of rows.
    private func pieceMetadata(_ dimensions: [DimensionSchema]) -> JSON {
        guard case .object(var object) = schema.metadata else { return schema.metadata }
        object[Self.discoveredKey] = .array(
            dimensions.dropFirst(schema.dimensions.count).map {
                ["name": .string($0.name), "kind": .string($0.kindText)]
            }
        )
        return .object(object)
    }

    private static func discovered(_ piece: Segment) throws(LaminaError) -> [DimensionSchema]? {
        guard let entries = piece.metadata?[discoveredKey]?.arrayValue else { return nil }
        var out: [DimensionSchema] = []
        for entry in entries {
            guard let name = entry["name"]?.stringValue, let kind = entry["kind"]?.stringValue else { continue }
            guard let schema = DimensionSchema(name: name, kindText: kind) else {
                throw .corrupt("the dimension '\(name)' has the unknown kind '\(kind)'", at: piece.place)
            }
            out.append(schema)
        }
        return out
    }
}

extension DimensionSchema {
    /// The kind of a dimension that rows brought along.
    fileprivate var kindText: String {
        switch kind {
        case .string(let handling): "string \(handling.rawValue)"
        case .long: "long"
        case .float: "float"
        case .double: "double"
        case .auto(nil): "auto"
        case .auto(let cast?): "auto \(cast)"
        }
    }

    fileprivate init?(name: String, kindText: String) {
        let parts = kindText.split(separator: " ", maxSplits: 1).map(String.init)
        switch (parts.first, parts.dropFirst().first) {
        case ("string", let handling?):
            guard let handling = MultiValueHandling(rawValue: handling) else { return nil }
            self.init(name: name, kind: .string(handling))
        case ("long", nil): self.init(name: name, kind: .long)
        case ("float", nil): self.init(name: name, kind: .float)
        case ("double", nil): self.init(name: name, kind: .double)
        case ("auto", nil): self.init(name: name, kind: .auto(cast: nil))
        case ("auto", let cast?):
            guard let type = ColumnType(signature: cast) else { return nil }
            self.init(name: name, kind: .auto(cast: type))
        default: return nil
        }
    }
}

/// First and last time of the rows in memory and whether they ascend, kept up as rows come.
struct TimeTracker: Sendable {
    private(set) var bounds: (min: Int64, max: Int64)?
    private(set) var isAscending = true
    private var rowsSeen = 0

    /// Looks at the rows that came since.
    mutating func add(_ index: MemoryIndex) {
        guard rowsSeen < index.rowCount else { return }
        let times = index.times.pointer
        var (low, high) = bounds ?? (times[rowsSeen], times[rowsSeen])
        var last = rowsSeen > 0 ? times[rowsSeen - 1] : times[rowsSeen]
        for row in rowsSeen..<index.rowCount {
            let time = times[row]
            if time < last { isAscending = false }
            low = min(low, time)
            high = max(high, time)
            last = time
        }
        bounds = (low, high)
        rowsSeen = index.rowCount
    }
}
