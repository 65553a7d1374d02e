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
        let segments = try SegmentService(store: store, clock: { clock.now() }) { name, timeline, _ in
            changed.set(name, timeline)
        }
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

    // MARK: compact and kill

    private func ended(_ services: Home.Services, _ task: JSON) throws -> TaskStatus {
        let id = try services.tasks.submit(task)
        return try #require(try services.tasks.wait(id, milliseconds: 60_000))
    }

    /// Two days of one row each.
    private func twoDays(_ services: Home.Services) throws {
        for day in 1...2 {
            let data = #"{"t":"2024-01-0\#(day)T05:00:00Z","k":"x","n":\#(day)}"#
            let status = try ended(services, spec(data: data, interval: "2024-01-0\(day)/P1D"))
            #expect(status.state == .success, "\(status.errorMessage ?? "")")
        }
    }

    private let monthly: JSON = [
        "type": "compact", "dataSource": "a", "granularitySpec": ["segmentGranularity": "MONTH"],
        "ioConfig": ["type": "compact", "inputSpec": ["type": "interval", "interval": "2024-01-01/2024-02-01"]],
    ]

    @Test func compactionReplacesSegmentsInOneStep() throws {
        let home = try Home()
        let services = try home.open()
        try twoDays(services)
        let status = try ended(services, monthly)
        #expect(status.state == .success, "\(status.errorMessage ?? "")")
        #expect(status.type == "compact")
        #expect(status.id.hasPrefix("compact_a_"))
        let visible = services.segments.visibleSegments(dataSource: "a", in: .eternity)
        #expect(visible.map(\.interval.text) == ["2024-01-01T00:00:00.000Z/2024-02-01T00:00:00.000Z"])
        #expect(visible.first?.lastCompactionState?["granularitySpec"]?["segmentGranularity"] == "MONTH")
        let report = try #require(try services.tasks.report(status.id))
        #expect(report["ingestionStatsAndErrors_0"]?["payload"]?["segmentsRead"] == 2)
        #expect(report["ingestionStatsAndErrors_0"]?["payload"]?["segmentsPublished"] == 1)
        #expect(report["taskContext_0"]?["payload"]?["priority"] == 25)
        #expect(try home.files(below: "work").isEmpty)
    }

    @Test func aFailedCompactionLeavesEverything() throws {
        let home = try Home()
        let services = try home.open()
        try twoDays(services)
        let before = services.segments.visibleSegments(dataSource: "a", in: .eternity)
        let files = try home.files(below: "segments")
        var task = try #require(monthly.objectValue)
        task["ioConfig"] = ["inputSpec": ["type": "interval", "interval": "2024-01-01/2024-01-10"]]
        let status = try ended(services, .object(task))
        #expect(status.state == .failed)
        #expect(status.errorMessage?.contains("not aligned") == true)
        #expect(services.segments.visibleSegments(dataSource: "a", in: .eternity) == before)
        #expect(try home.files(below: "segments") == files)
        #expect(try services.store.locks().isEmpty)
    }

    /// What a kill -9 between moving a compaction's segments and its transaction leaves behind.
    @Test func aCompactionThatDiedIsUndone() throws {
        let home = try Home()
        do {
            let services = try home.open()
            try twoDays(services)
            services.tasks.stop()
        }
        let files = try home.files(below: "segments")
        let store = try MetadataStore(path: try DataDirectory(home.root).metadata)
        let status: JSON = ["id": "dead", "status": "RUNNING", "duration": -1]
        try store.insert(
            TaskRecord(
                id: "dead",
                createdDate: instantText(home.clock.now()),
                dataSource: "a",
                payload: Array(monthly.text.utf8),
                statusPayload: Array(status.text.utf8),
                active: true,
                type: "compact",
                groupID: "dead"
            )
        )
        let path = "segments/a/2024-01-01T00:00:00.000Z_2024-02-01T00:00:00.000Z/2030-01-01T00:00:00.000Z/0/index"
        try makeFolders("\(home.root)/\(path)")
        try writeFile("\(home.root)/\(path)/version.bin", [0, 0, 0, 9])
        try makeFolders("\(home.root)/work/dead")
        let id = "a_2024-01-01T00:00:00.000Z_2024-02-01T00:00:00.000Z_2030-01-01T00:00:00.000Z"
        let intent: JSON = [["id": .string(id), "path": .string(path)]]
        try writeFile("\(home.root)/work/dead/publish.json", Array(intent.text.utf8))
        let again = try home.open()
        #expect(try again.tasks.status("dead")?.state == .failed)
        #expect(try home.files(below: "segments") == files)
        #expect(again.segments.visibleSegments(dataSource: "a", in: .eternity).count == 2)
    }

    @Test func killForgetsUnusedSegmentsAndRemovesTheirFiles() throws {
        let home = try Home()
        let services = try home.open()
        try twoDays(services)
        _ = try ended(services, monthly)
        let month = try #require(services.segments.visibleSegments(dataSource: "a", in: .eternity).first)
        #expect(try services.segments.unusedSegments(dataSource: "a").count == 2)
        let before = try home.files(below: "segments")
        // Only what lies inside the interval.
        let first = try ended(services, ["type": "kill", "dataSource": "a", "interval": "2024-01-01/2024-01-02"])
        #expect(first.state == .success, "\(first.errorMessage ?? "")")
        #expect(first.id.hasPrefix("kill_a_"))
        #expect(try services.segments.unusedSegments(dataSource: "a").count == 1)
        let second = try ended(services, ["type": "kill", "dataSource": "a", "interval": "2024/2025"])
        let payload = try services.tasks.report(second.id)?["killUnusedSegments"]?["payload"]
        #expect(payload == ["numSegmentsKilled": 1, "numBatchesProcessed": 2])
        #expect(try services.store.segments(dataSource: "a", used: nil).map(\.id) == [month.id.text])
        let after = try home.files(below: "segments")
        #expect(!after.isEmpty && after.count * 3 == before.count, "\(after)")
        #expect(after.allSatisfy { $0.contains("2024-02-01") })
        #expect(services.segments.visibleSegments(dataSource: "a", in: .eternity) == [month])
    }

    @Test func killKeepsToItsLimits() throws {
        let home = try Home()
        let services = try home.open()
        for _ in 1...5 { _ = try ended(services, spec()) }
        let unused = try services.store.segments(dataSource: "a", used: false)
        #expect(unused.count == 4)
        func kill(_ parts: JSONObject) throws -> JSON? {
            var task: JSONObject = ["type": "kill", "dataSource": "a", "interval": "2024/2025"]
            for (key, value) in parts.entries { task[key] = value }
            let status = try ended(services, .object(task))
            #expect(status.state == .success, "\(status.errorMessage ?? "")")
            return try services.tasks.report(status.id)?["killUnusedSegments"]?["payload"]
        }
        #expect(
            try kill(["maxUsedStatusLastUpdatedTime": "2000-01-01"])
                == ["numSegmentsKilled": 0, "numBatchesProcessed": 1]
        )
        #expect(
            try kill(["limit": 2, "batchSize": 1]) == ["numSegmentsKilled": 2, "numBatchesProcessed": 2]
        )
        let version = try #require(try services.store.segments(dataSource: "a", used: false).first?.version)
        #expect(try kill(["versions": [.string(version)]])?["numSegmentsKilled"] == 1)
        #expect(try services.store.segments(dataSource: "a", used: false).count == 1)
        for wrong: JSONObject in [["batchSize": 0], ["limit": -1], ["interval": "nonsense"], ["interval": nil]] {
            var task: JSONObject = ["type": "kill", "dataSource": "a", "interval": "2024/2025"]
            for (key, value) in wrong.entries { task[key] = value }
            #expect(throws: LaminaError.self) { try services.tasks.submit(.object(task)) }
        }
    }

    /// A kill task that died after its transaction: files that nothing refers to go at the next start, all others stay.
    @Test func aKillThatDiedIsFinishedAtTheNextStart() throws {
        let home = try Home()
        var paths: [String: String] = [:]
        do {
            let services = try home.open()
            for _ in 1...3 { _ = try ended(services, spec()) }
            let unused = try services.segments.unusedSegments(dataSource: "a")
            for segment in unused { paths[segment.id.text] = segment.loadSpec["path"]?.stringValue }
            services.tasks.stop()
        }
        let ids = paths.keys.sorted()
        try #require(ids.count == 2)
        let store = try MetadataStore(path: try DataDirectory(home.root).metadata)
        #expect(try store.deleteUnusedSegments(ids: [ids[0]]) == [ids[0]])
        try makeFolders("\(home.root)/work/dead")
        let intent = JSON.array(ids.map { ["id": .string($0), "path": .string(paths[$0] ?? "")] })
        try writeFile("\(home.root)/work/dead/kill.json", Array(intent.text.utf8))
        _ = try home.open()
        #expect(!fileExists("\(home.root)/\(paths[ids[0]] ?? "")"))
        #expect(fileExists("\(home.root)/\(paths[ids[1]] ?? "")/version.bin"))
    }
}
