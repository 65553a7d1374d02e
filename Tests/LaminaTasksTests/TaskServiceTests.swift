import Glibc
import LaminaBase
import LaminaMetadata
import LaminaQuery
import LaminaTasks
import Synchronization
import Testing

/// A data directory of its own, with services that can be stopped and opened again as a restart would.
private final class Home {
    let root: String
    let clock = ManualClock()
    let changes = Mutex<[String: SegmentTimeline]>([:])

    init() throws {
        var template = Array("/tmp/lamina-tasks-XXXXXX".utf8CString)
        let isMade = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } != nil }
        try #require(isMade)
        root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? removeTree(root) }

    struct Services {
        var directory: DataDirectory
        var store: MetadataStore
        var segments: SegmentService
        var tasks: TaskService
    }

    func open(capacity: Int = 2) throws -> Services {
        let directory = try DataDirectory(root)
        let store = try MetadataStore(path: directory.metadata)
        let clock = clock
        let changed = Changes(home: self)
        let segments = try SegmentService(store: store, clock: { clock.now() }) { changed.set($0, $1) }
        var options = TaskService.Options()
        options.capacity = capacity
        options.lookups = { name in name == "names" ? LookupTable(map: ["x": "ex"]) : nil }
        let tasks = try TaskService(
            directory: directory,
            store: store,
            segments: segments,
            options: options,
            clock: { clock.now() }
        )
        return Services(directory: directory, store: store, segments: segments, tasks: tasks)
    }

    /// All files below a folder of the data directory, relative to it.
    func files(below folder: String) throws -> [String] {
        var found: [String] = []
        for name in try folderEntries("\(root)/\(folder)") {
            let path = "\(folder)/\(name)"
            let inner = try? folderEntries("\(root)/\(path)")
            if let inner, !inner.isEmpty {
                found += try files(below: path)
            } else {
                found.append(path)
            }
        }
        return found
    }
}

private struct Changes: @unchecked Sendable {
    weak var home: Home?
    func set(_ dataSource: String, _ timeline: SegmentTimeline) { home?.changes.withLock { $0[dataSource] = timeline } }
}

/// Time that moves a millisecond whenever somebody looks.
private final class ManualClock: Sendable {
    private let time = Atomic<Int64>(1_700_000_000_000)
    func now() -> Int64 { time.wrappingAdd(1, ordering: .relaxed).newValue }
}

private func spec(
    _ dataSource: String = "a",
    id: String? = nil,
    data: String = #"{"t":"2024-01-01T05:00:00Z","k":"x","n":1}"#,
    interval: String? = "2024-01-01/2024-01-02",
    appending: Bool = false,
    transform: JSON = [:]
) -> JSON {
    var granularity: JSONObject = ["segmentGranularity": "DAY", "queryGranularity": "NONE", "rollup": false]
    if let interval { granularity["intervals"] = [.string(interval)] }
    var task: JSONObject = [
        "type": "index_parallel",
        "spec": [
            "dataSchema": [
                "dataSource": .string(dataSource), "timestampSpec": ["column": "t", "format": "iso"],
                "dimensionsSpec": ["dimensions": ["k"]], "granularitySpec": .object(granularity),
                "metricsSpec": [["type": "longSum", "name": "n", "fieldName": "n"]], "transformSpec": transform,
            ],
            "ioConfig": [
                "type": "index_parallel", "inputSource": ["type": "inline", "data": .string(data)],
                "inputFormat": ["type": "json"],
                "appendToExisting": .bool(appending),
            ],
            "tuningConfig": ["type": "index_parallel", "maxParseExceptions": 0],
        ],
    ]
    if let id { task["id"] = .string(id) }
    return .object(task)
}

@Suite struct TaskServiceTests {
    @Test func aTaskPublishesAndIsRemembered() throws {
        let home = try Home()
        let services = try home.open()
        let id = try services.tasks.submit(spec())
        #expect(id.hasPrefix("index_parallel_a_"))
        let status = try #require(try services.tasks.wait(id, milliseconds: 60_000))
        #expect(status.state == .success, "\(status.errorMessage ?? "")")
        #expect(status.json["runnerStatusCode"] == "NONE")
        #expect(status.json["location"]?["host"] == "localhost")
        let segment = try #require(services.segments.visibleSegments(dataSource: "a", in: .eternity).first)
        let folder = try #require(services.directory.path(of: segment))
        #expect(fileExists("\(folder)/version.bin"))
        #expect(segment.size > 0)
        #expect(folder == "\(services.directory.root)/segments/\(segment.storagePath)/index")
        let report = try #require(try services.tasks.report(id))
        let payload = report["ingestionStatsAndErrors"]?["payload"]
        #expect(payload?["segmentsPublished"] == 1)
        #expect(payload?["ingestionState"] == "COMPLETED")
        #expect(try services.tasks.payload(id)?["groupId"] == .string(id))
        #expect(try services.tasks.log(id)?.isEmpty == false)
        #expect(home.changes.withLock { $0["a"]?.entries.count } == 1)
        #expect(try home.files(below: "work").isEmpty)
        let again = try home.open()
        #expect(try again.tasks.status(id)?.state == .success)
        #expect(again.segments.dataSources == ["a"])
        #expect(try again.tasks.completeStatuses().map(\.id) == [id])
        #expect(again.tasks.activeStatuses.isEmpty)
    }

    @Test func aSecondTaskReplacesTheFirst() throws {
        let home = try Home()
        let services = try home.open()
        for value in 1...2 {
            let id = try services.tasks.submit(spec(data: #"{"t":"2024-01-01T05:00:00Z","k":"x","n":\#(value)}"#))
            let status = try #require(try services.tasks.wait(id, milliseconds: 60_000))
            #expect(status.state == .success, "\(status.errorMessage ?? "")")
        }
        #expect(services.segments.visibleSegments(dataSource: "a", in: .eternity).count == 1)
        let stored = try services.store.segments(dataSource: "a", used: nil)
        #expect(Set(stored.map(\.version)).count == 2)
        #expect(stored.count { $0.used } == 1)
        #expect(try services.store.locks().isEmpty)
    }

    @Test func tasksOnOneIntervalNeverMix() throws {
        let home = try Home()
        let services = try home.open(capacity: 4)
        var ids: [String] = []
        for _ in 0..<6 { ids.append(try services.tasks.submit(spec())) }
        for id in ids {
            let status = try #require(try services.tasks.wait(id, milliseconds: 60_000))
            #expect(status.state == .success, "\(status.errorMessage ?? "")")
        }
        let visible = services.segments.visibleSegments(dataSource: "a", in: .eternity)
        #expect(Set(visible.map(\.version)).count == 1)
        #expect(Set(try services.store.segments(dataSource: "a", used: nil).map(\.version)).count == 6)
    }

    @Test func aFailingTaskSaysWhyAndLeavesNothing() throws {
        let home = try Home()
        let services = try home.open()
        let id = try services.tasks.submit(
            spec(data: "{\"t\":\"2024-01-01T05:00:00Z\",\"k\":\"x\"}\n{\"t\":\"never\"}")
        )
        let status = try #require(try services.tasks.wait(id, milliseconds: 60_000))
        #expect(status.state == .failed)
        #expect(status.errorMessage?.isEmpty == false)
        #expect(try home.files(below: "work").isEmpty)
        #expect(try home.files(below: "segments").isEmpty)
        #expect(services.segments.dataSources.isEmpty)
        #expect(try services.store.locks().isEmpty)
    }

    @Test func transformsSeeTheLookups() throws {
        let home = try Home()
        let services = try home.open()
        let rows = ["x", "y"].map { #"{"t":"2024-01-01T05:00:00Z","k":"\#($0)","n":1}"# }.joined(separator: "\n")
        let transform: JSON = [
            "transforms": [["type": "expression", "name": "looked", "expression": "lookup(k, 'names')"]],
            "filter": ["type": "selector", "dimension": "looked", "value": "ex"],
        ]
        let id = try services.tasks.submit(spec(data: rows, transform: transform))
        let status = try #require(try services.tasks.wait(id, milliseconds: 60_000))
        #expect(status.state == .success, "\(status.errorMessage ?? "")")
        let stats = try services.tasks.report(id)?["ingestionStatsAndErrors"]?["payload"]?["rowStats"]?["buildSegments"]
        #expect(stats?["processed"] == 1)
        #expect(stats?["thrownAway"] == 1)
    }

    @Test func badSpecsAndTakenIdsAreRefused() throws {
        let home = try Home()
        let services = try home.open(capacity: 0)
        #expect(throws: LaminaError.self) { try services.tasks.submit([:]) }
        #expect(throws: LaminaError.self) { try services.tasks.submit(["type": "dance"]) }
        #expect(try services.tasks.submit(spec(id: "mine")) == "mine")
        #expect(throws: LaminaError.self) { try services.tasks.submit(spec(id: "mine")) }
        #expect(services.tasks.activeStatuses.map(\.id) == ["mine"])
        #expect(services.tasks.activeStatuses.first?.runnerState == .pending)
        #expect(services.tasks.activeStatuses.first?.json["location"]?["host"] == .null)
        #expect(try services.tasks.status("other") == nil)
    }

    @Test func aQueuedTaskCanBeShutDown() throws {
        let home = try Home()
        let services = try home.open(capacity: 0)
        let id = try services.tasks.submit(spec())
        #expect(services.tasks.shutdown(id, reason: "not wanted"))
        let status = try #require(try services.tasks.status(id))
        #expect(status.state == .failed)
        #expect(status.errorMessage == "not wanted")
        #expect(!services.tasks.shutdown(id))
    }

    @Test func marksLeaveAndReturn() throws {
        let home = try Home()
        let services = try home.open()
        let id = try services.tasks.submit(spec())
        _ = try services.tasks.wait(id, milliseconds: 60_000)
        #expect(try services.segments.markUnused(dataSource: "a") { _ in true } == 1)
        #expect(services.segments.dataSources.isEmpty)
        #expect(home.changes.withLock { $0["a"]?.isEmpty } == true)
        #expect(try services.segments.unusedSegments(dataSource: "a").count == 1)
        #expect(try services.segments.markUsed(dataSource: "a") { _ in true } == 1)
        #expect(services.segments.dataSources == ["a"])
    }
}

@Suite struct RestartTests {
    private func segment(_ directory: DataDirectory, version: String) throws -> DataSegment {
        var segment = DataSegment(
            dataSource: "a",
            interval: try Interval(parsing: "2024-01-01/2024-01-02"),
            version: version,
            loadSpec: .null,
            dimensions: [],
            metrics: [],
            shardSpec: .numbered(partition: 0, core: 1),
            size: 4
        )
        segment.loadSpec = ["type": "local", "path": .string(directory.relativePath(of: segment))]
        return segment
    }

    /// The state in which `kill -9` leaves a task that was about to publish: folder moved, intent written.
    private func interrupt(_ id: String, _ services: Home.Services) throws -> DataSegment {
        _ = try services.tasks.submit(spec(id: id))
        let segment = try segment(services.directory, version: "2024-02-01T00:00:00.000Z")
        let folder = try #require(services.directory.path(of: segment))
        try makeFolders(folder)
        try writeFile("\(folder)/version.bin", [0, 0, 0, 9])
        let work = services.directory.work(task: id)
        try makeFolders(work)
        let intent: JSON = [["id": .string(segment.id.text), "path": segment.loadSpec["path"] ?? .null]]
        try writeFile("\(work)/publish.json", Array(intent.text.utf8))
        try writeFile("\(work)/report.json", Array(#"{"kept":true}"#.utf8))
        try writeFile("\(work)/spill-0", [1, 2, 3])
        _ = try services.store.insertLock(task: id, payload: [])
        return segment
    }

    @Test func killedBeforeTheTransactionIsFailedAndGone() throws {
        let home = try Home()
        _ = try interrupt("t", try home.open(capacity: 0))
        try writeFile("\(home.root)/tasks/half.report.json", [1])
        rename("\(home.root)/tasks/half.report.json", "\(home.root)/tasks/half.report.json.tmp")
        let after = try home.open(capacity: 0)
        let status = try #require(try after.tasks.status("t"))
        #expect(status.state == .failed)
        #expect(status.errorMessage?.contains("stopped") == true)
        #expect(try after.tasks.report("t") == nil)
        #expect(try home.files(below: "segments").isEmpty)
        #expect(try home.files(below: "work").isEmpty)
        #expect(try home.files(below: "tasks").filter { $0.hasSuffix(".tmp") }.isEmpty)
        #expect(try after.store.locks().isEmpty)
        #expect(after.tasks.activeStatuses.isEmpty)
    }

    @Test func killedAfterTheTransactionIsTheSuccessThatItWas() throws {
        let home = try Home()
        let before = try home.open(capacity: 0)
        let segment = try interrupt("t", before)
        try before.segments.publish([segment])
        let after = try home.open(capacity: 0)
        #expect(try after.tasks.status("t")?.state == .success)
        #expect(try after.tasks.report("t")?["kept"] == true)
        #expect(after.segments.visibleSegments(dataSource: "a", in: .eternity).map(\.id) == [segment.id])
        #expect(fileExists(try #require(after.directory.path(of: segment)) + "/version.bin"))
        #expect(try home.files(below: "work").isEmpty)
    }

    @Test func queuedTasksRunAfterARestart() throws {
        let home = try Home()
        let id = try home.open(capacity: 0).tasks.submit(spec())
        let after = try home.open(capacity: 1)
        let status = try #require(try after.tasks.wait(id, milliseconds: 60_000))
        #expect(status.state == .success, "\(status.errorMessage ?? "")")
        #expect(after.segments.dataSources == ["a"])
    }

    @Test func restartingTwiceChangesNothing() throws {
        let home = try Home()
        let before = try home.open(capacity: 0)
        let segment = try interrupt("t", before)
        try before.segments.publish([segment])
        _ = try home.open(capacity: 0)
        let files = try home.files(below: "segments")
        let after = try home.open(capacity: 0)
        #expect(try home.files(below: "segments") == files)
        #expect(try after.tasks.status("t")?.state == .success)
    }

    @Test func namesCannotLeaveTheirFolder() throws {
        let home = try Home()
        let directory = try DataDirectory(home.root)
        for id in ["../../etc/passwd", "..", ".", "a/b", "", "%2F", "naïve"] {
            for path in [directory.log(task: id), directory.work(task: id), directory.report(task: id)] {
                let inner = path.dropFirst(directory.root.count + 1)
                #expect(inner.count { $0 == "/" } == 1)
                let name = inner.split(separator: "/").last ?? ""
                #expect(name.first != "." && inner.last != "/")
            }
        }
        #expect(directory.work(task: "a/b") != directory.work(task: "a%2Fb"))
    }
}
