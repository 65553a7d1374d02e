import Glibc
import LaminaBase
import LaminaBroker
import LaminaEngine
import LaminaIngest
import LaminaMetadata
import LaminaQuery
import LaminaSegment
import LaminaTasks
import Synchronization
import Testing

/// Rows of a segment that still grows, kept as a list.
final class ListedRows: RealtimeRows {
    struct Row: Sendable {
        var time: Int64
        var value: Int64
    }

    private let rows = Mutex<[Row]>([])

    func append(_ new: [Row]) { rows.withLock { $0 += new } }
    var all: [Row] { rows.withLock { $0 } }
    var rowCount: Int { rows.withLock { $0.count } }

    func views() -> [any SegmentView] {
        let all = all
        // In two parts, as pieces and memory are.
        return [Array(all[..<(all.count / 2)]), Array(all[(all.count / 2)...])].map { inlineSegment($0) }
    }
}

func inlineSegment(_ rows: [ListedRows.Row], isTimeOrdered: Bool = false) -> InlineSegment {
    InlineSegment(
        times: rows.map(\.time),
        [InlineSegment.Input("v", .long, rows.map { .long($0.value) })],
        metrics: ["v"],
        isTimeOrdered: isTimeOrdered
    )
}

/// Time that moves a millisecond whenever somebody looks.
final class StreamClock: Sendable {
    private let time: Atomic<Int64>
    init(_ start: Int64 = 1_700_000_000_000) { time = Atomic(start) }
    func now() -> Int64 { time.wrappingAdd(1, ordering: .relaxed).newValue }
}

/// A data directory with everything between a stream and the broker.
final class StreamHome: Sendable {
    let directory: DataDirectory
    let store: MetadataStore
    let segments: SegmentService
    let tasks: TaskService
    let broker: Broker
    let clock: StreamClock
    private let isOwner: Bool

    /// - Parameter root: of an earlier life; nil: a fresh folder, removed at the end.
    init(_ root: String? = nil, clock: StreamClock = StreamClock()) throws {
        var path = root ?? ""
        if root == nil { path = try temporaryFolder() }
        isOwner = root == nil
        let directory = try DataDirectory(path)
        self.directory = directory
        self.clock = clock
        store = try MetadataStore(path: directory.metadata)
        let broker = try Broker { directory.path(of: $0) }
        self.broker = broker
        segments = try SegmentService(store: store, clock: { clock.now() }) {
            broker.update(dataSource: $0, timeline: $1, realtime: $2)
        }
        tasks = try TaskService(
            directory: directory,
            store: store,
            segments: segments,
            options: TaskService.Options(),
            clock: { clock.now() }
        )
    }

    deinit { if isOwner { try? removeTree(directory.root) } }

    func stream(
        _ name: String = "s/0",
        kind: StreamKind = .kafka(topic: "t", isPattern: false),
        probe: (@Sendable (PublishStep) -> Void)? = nil
    ) throws -> StreamStore {
        let stream = StreamStore(
            name: name,
            supervisor: "s",
            dataSource: "d",
            kind: kind,
            segments: segments,
            directory: directory,
            log: { _ in },
            probe: probe
        )
        try makeFolders(work)
        try stream.recover(work: work)
        return stream
    }

    var work: String { "\(directory.root)/streams/s/0/publish" }

    /// Opens a segment for rows from a time on.
    func open(
        _ stream: StreamStore,
        _ time: String,
        _ granularity: Granularity = .day
    ) throws -> (DataSegment, ListedRows) {
        let rows = ListedRows()
        let segment = try stream.open(time: try parseInstant(time), granularity: granularity, sequence: "q") { _ in rows
        }
        return (segment, rows)
    }

    /// The rows of a segment as files that are ready to be moved.
    func build(_ segment: DataSegment, _ rows: [ListedRows.Row]) throws -> BuiltStreamSegment {
        if rows.isEmpty { return BuiltStreamSegment(segment: segment, folder: nil) }
        let folder = "\(directory.root)/streams/s/0/built-\(clock.now())"
        try makeFolders("\(directory.root)/streams/s/0")
        // A copy of another life holds some.
        try removeTree(folder)
        var options = SegmentWriteOptions()
        options.interval = segment.interval
        options.synchronized = false
        let sorted = rows.sorted { $0.time < $1.time }
        _ = try SegmentWriter.write(inlineSegment(sorted, isTimeOrdered: true), to: folder, options: options)
        var built = segment
        built.metrics = ["v"]
        return BuiltStreamSegment(segment: built, folder: folder)
    }

    /// A stored segment as a batch task would publish it.
    func stored(
        _ interval: String,
        _ version: String,
        rows: Int,
        shard: ShardSpec = .numbered(partition: 0, core: 1)
    ) throws -> DataSegment {
        let interval = try Interval(parsing: interval)
        var segment = DataSegment(
            dataSource: "d",
            interval: interval,
            version: version,
            loadSpec: .null,
            dimensions: [],
            metrics: ["v"],
            shardSpec: shard,
            size: 1
        )
        if rows == 0 { return .tombstone(dataSource: "d", interval: interval, version: version) }
        segment.loadSpec = ["type": "local", "path": .string(directory.relativePath(of: segment))]
        let path = try #require(directory.path(of: segment))
        try makeFolders(String(path.dropLast("/index".count)))
        var options = SegmentWriteOptions()
        options.interval = interval
        options.synchronized = false
        let list = (0..<rows).map { ListedRows.Row(time: interval.start + Int64($0), value: 1) }
        _ = try SegmentWriter.write(inlineSegment(list, isTimeOrdered: true), to: path, options: options)
        return segment
    }

    func query(_ text: String) throws -> JSON {
        try JSONParser.parse(try broker.run(try Query(json: try JSONParser.parse(text))).jsonText())
    }

    /// Rows that queries see.
    func count(_ interval: String = "2024-01-01/2025-01-01") throws -> Int {
        let answer = try query(
            #"{"queryType":"timeseries","dataSource":"d","intervals":["\#(interval)"],"granularity":"all","#
                + #""aggregations":[{"type":"count","name":"rows"}]}"#
        )
        return Int(answer.arrayValue?.first?["result"]?["rows"]?.intValue ?? 0)
    }

    /// Runs queries on threads while `body` works, at least so many, and gives every count they saw.
    func counting(threads: Int = 2, atLeast: Int = 1500, _ body: () throws -> Void) throws -> [Int: Int] {
        let seen = SeenCounts()
        var running: [WorkerThread] = []
        for _ in 0..<threads {
            running.append(
                try WorkerThread(name: "query") { [self] in
                    while !seen.isStopped.load(ordering: .acquiring) { seen.note(try? count()) }
                }
            )
        }
        defer {
            seen.isStopped.store(true, ordering: .releasing)
            for thread in running { thread.join() }
        }
        try body()
        while seen.total < atLeast { usleep(1000) }
        return seen.counts
    }
}

/// What queries on several threads saw; -1 stands for an error.
private final class SeenCounts: Sendable {
    private let all = Mutex<[Int: Int]>([:])
    let isStopped = Atomic<Bool>(false)

    func note(_ count: Int?) { all.withLock { $0[count ?? -1, default: 0] += 1 } }
    var counts: [Int: Int] { all.withLock { $0 } }
    var total: Int { counts.values.reduce(0, +) }
}

func temporaryFolder() throws -> String {
    var template = Array("/tmp/lamina-streams-XXXXXX".utf8CString)
    let isMade = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } != nil }
    try #require(isMade)
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Copies a folder as a crash would leave it.
func copyTree(_ source: String, to target: String) throws {
    try makeFolders(target)
    for name in try folderEntries(source) {
        if isFolder("\(source)/\(name)") {
            try copyTree("\(source)/\(name)", to: "\(target)/\(name)")
        } else {
            try writeFile("\(target)/\(name)", try readFile("\(source)/\(name)") ?? [])
        }
    }
}

private func isFolder(_ path: String) -> Bool {
    var info = stat()
    return lstat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
}

/// All files below a folder.
func filesBelow(_ folder: String) throws -> [String] {
    var found: [String] = []
    for name in try folderEntries(folder) {
        let path = "\(folder)/\(name)"
        if isFolder(path) { found += try filesBelow(path) } else { found.append(path) }
    }
    return found
}

func rows(_ count: Int, at time: String, step: Int64 = 1) throws -> [ListedRows.Row] {
    let start = try parseInstant(time)
    return (0..<count).map { ListedRows.Row(time: start + Int64($0) * step, value: 1) }
}

func partition(_ number: Int32) -> StreamPartition { StreamPartition(topic: "t", number: number) }
