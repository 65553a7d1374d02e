import LaminaBase
import LaminaIngest
import LaminaMetadata
import LaminaSegment
import LaminaTasks
import Synchronization
import Testing

/// A writer that closes what it has open, as an indexer does at its next batch.
private final class TestWriter: StreamWriter {
    let cuts = Mutex<[[Interval]]>([])
    private let fails: Bool
    private let onCut: @Sendable () -> StreamCut

    init(fails: Bool = false, onCut: @escaping @Sendable () -> StreamCut = { StreamCut() }) {
        self.fails = fails
        self.onCut = onCut
    }

    func cut(_ intervals: [Interval]) throws(LaminaError) -> StreamCut {
        if fails { throw .io("persist", path: "rows", errno: 28) }
        cuts.withLock { $0.append(intervals) }
        return onCut()
    }

    func handOff() {}
}

@Suite struct ReplaceTests {
    private let old = "2023-01-01T00:00:00.000Z"
    private let new = "2023-06-01T00:00:00.000Z"

    private func begin(_ home: StreamHome, _ intervals: String..., readsItself: Bool = false) throws {
        var list: [Interval] = []
        for text in intervals { list.append(try Interval(parsing: text)) }
        try home.segments.prepareReplace(task: "r", dataSource: "d", intervals: list, readsItself: readsItself)
        try home.segments.beginReplace(task: "r", dataSource: "d")
    }

    private func end(_ home: StreamHome) throws { try home.segments.endReplace(task: "r", dataSource: "d") }

    /// Writers are cut one behind the other: what the second opens while the first persists is from before its own cut.
    @Test func whatIsOpenedBetweenTheLockAndTheCutVanishesToo() throws {
        let home = try StreamHome()
        let stream = try home.stream()
        let opened = Mutex<SegmentID?>(nil)
        let writer = TestWriter { [home] in
            var cut = StreamCut()
            guard let (segment, list) = try? home.open(stream, "2024-01-01T01:00:00Z"),
                let new = try? rows(7, at: "2024-01-01T01:00:00Z")
            else { return cut }
            list.append(new)
            opened.withLock { $0 = segment.id }
            cut.segments = [segment.id]
            cut.position = [partition(0): 7]
            return cut
        }
        try home.segments.register(writer, dataSource: "d")
        defer { home.segments.unregister(writer) }
        try begin(home, "2024-01-01/2024-01-02")
        #expect(opened.withLock { $0 } != nil)
        #expect(try home.count() == 7)
        let (_, laterRows) = try home.open(stream, "2024-01-01T02:00:00Z")
        laterRows.append(try rows(3, at: "2024-01-01T02:00:00Z"))
        try home.segments.publish([try home.stored("2024-01-01/2024-01-02", new, rows: 40)], by: .task("r"))
        try end(home)
        #expect(try home.count() == 43)
    }

    /// A task that brings the rows up to the cut itself must not publish when the stream reads them again.
    @Test func aReplayDoesNotPublishWhenTheStreamWentBack() throws {
        let home = try StreamHome()
        let day = "2024-01-01/2024-01-02"
        try home.segments.publish([try home.stored(day, old, rows: 2)])
        let (stream, writer) = (try home.stream(), TestWriter())
        try home.segments.register(writer, dataSource: "d")
        defer { home.segments.unregister(writer) }
        let (segment, list) = try home.open(stream, "2024-01-01T01:00:00Z")
        list.append(try rows(5, at: "2024-01-01T01:00:00Z"))
        let made = try home.stored(day, new, rows: 5)
        // What went back before the cut reads on behind it.
        try home.segments.noteRewind(dataSource: "d")
        try begin(home, day)
        _ = try home.segments.followStreams(task: "r", dataSource: "d")
        try home.segments.noteRewind(dataSource: "d")
        #expect(throws: LaminaError.self) { try home.segments.publish([made], by: .task("r")) }
        #expect(try home.count() == 7 && home.segments.timeline("d")?.segments.map(\.version) == [old])
        try end(home)
        try begin(home, day)
        _ = try home.segments.followStreams(task: "r", dataSource: "d")
        try home.segments.publish([made], by: .task("r"))
        try end(home)
        #expect(try home.count() == 5)
        #expect(home.segments.timeline("d")?.segments.map(\.version) == [new])
        #expect(home.segments.realtime("d")[segment.id] == nil)
    }

    @Test func rowsFromBeforeTheCutVanishTogetherAndLaterOnesStay() throws {
        let home = try StreamHome()
        try home.segments.publish([try home.stored("2024-01-01/2024-01-02", old, rows: 100)])
        let (stream, writer) = (try home.stream(), TestWriter())
        try home.segments.register(writer, dataSource: "d")
        defer { home.segments.unregister(writer) }
        let (before, beforeRows) = try home.open(stream, "2024-01-01T01:00:00Z")
        beforeRows.append(try rows(10, at: "2024-01-01T01:00:00Z"))
        let counts = try home.counting {
            try begin(home, "2024-01-01/2024-01-02")
            #expect(
                writer.cuts.withLock { $0 }.map { $0.map(\.text) } == [
                    ["2024-01-01T00:00:00.000Z/2024-01-02T00:00:00.000Z"]
                ]
            )
            // One lives on in memory, one is handed off while the task runs.
            let (later, laterRows) = try home.open(stream, "2024-01-01T02:00:00Z")
            laterRows.append(try rows(3, at: "2024-01-01T02:00:00Z"))
            let (quick, quickRows) = try home.open(stream, "2024-01-01T03:00:00Z")
            let some = try rows(2, at: "2024-01-01T03:00:00Z")
            quickRows.append(some)
            let position: StreamPosition = [partition(0): 2]
            try stream.publish([home.build(quick, some)], from: [partition(0): 0], to: position, work: home.work)
            #expect(try home.count() == 115)
            try home.segments.publish([try home.stored("2024-01-01/2024-01-02", new, rows: 40)], by: .task("r"))
            try end(home)
            #expect(try home.count() == 45)
            // The rows of before may come out as late as they like.
            try stream.publish(
                [home.build(before, beforeRows.all), home.build(later, laterRows.all)],
                from: position,
                to: [partition(0): 15],
                work: home.work
            )
        }
        #expect(Set(counts.keys).isSubset(of: [110, 113, 115, 45]), "\(counts)")
        #expect(try home.count() == 45)
        let timeline = try #require(home.segments.timeline("d"))
        #expect(Set(timeline.segments.map(\.version)) == [new])
        #expect(timeline.segments.map(\.shardSpec.partition).sorted() == [0, 1, 2])
        #expect(try home.store.pendingSegments().isEmpty)
        let again = try StreamHome(home.directory.root, clock: home.clock)
        #expect(try again.count() == 45)
        // The next rows join the new version.
        let (next, _) = try again.open(try again.stream(), "2024-01-01T04:00:00Z")
        #expect(next.version == new && next.shardSpec == .numbered(partition: 3, core: 1))
    }

    @Test func aTaskThatFailsChangesNothing() throws {
        let home = try StreamHome()
        try home.segments.publish([try home.stored("2024-01-01/2024-01-02", old, rows: 100)])
        let stream = try home.stream()
        let (before, beforeRows) = try home.open(stream, "2024-01-01T01:00:00Z")
        beforeRows.append(try rows(10, at: "2024-01-01T01:00:00Z"))
        try begin(home, "2024-01-01/2024-01-02")
        let (later, laterRows) = try home.open(stream, "2024-01-01T02:00:00Z")
        laterRows.append(try rows(3, at: "2024-01-01T02:00:00Z"))
        try end(home)
        #expect(try home.count() == 113)
        try stream.publish(
            [home.build(before, beforeRows.all), home.build(later, laterRows.all)],
            from: [partition(0): 0],
            to: [partition(0): 13],
            work: home.work
        )
        #expect(try home.count() == 113)
        #expect(Set(try #require(home.segments.timeline("d")).segments.map(\.version)) == [old])
    }

    @Test func anHourReplacedWithinADay() throws {
        let home = try StreamHome()
        let stream = try home.stream()
        let (before, beforeRows) = try home.open(stream, "2024-01-01T01:00:00Z")
        beforeRows.append(try rows(24, at: "2024-01-01T00:30:00Z", step: 3_600_000))
        try begin(home, "2024-01-01T05:00/2024-01-01T06:00")
        let (later, laterRows) = try home.open(stream, "2024-01-01T01:00:00Z")
        #expect(later.interval == before.interval && later.version == before.version)
        laterRows.append(try rows(24, at: "2024-01-01T00:40:00Z", step: 3_600_000))
        let replaced = try home.stored("2024-01-01T05:00/2024-01-01T06:00", "2027-01-01T00:00:00.000Z", rows: 7)
        let counts = try home.counting(atLeast: 300) {
            try home.segments.publish([replaced], by: .task("r"))
        }
        #expect(Set(counts.keys).isSubset(of: [48, 23 + 24 + 7]), "\(counts)")
        try end(home)
        #expect(try home.count() == 54)
        #expect(try home.count("2024-01-01T05:00/2024-01-01T06:00") == 8)
        // Rows of any hour that come to a segment opened now are seen, in the hour as well.
        let (next, nextRows) = try home.open(stream, "2024-01-01T09:00:00Z")
        #expect(next.interval == before.interval)
        nextRows.append(try rows(24, at: "2024-01-01T00:50:00Z", step: 3_600_000))
        #expect(try home.count() == 78)
        // A restart finds the upgrades again.
        let again = try StreamHome(home.directory.root, clock: home.clock)
        let stream2 = try again.stream()
        for (segment, memory) in [(before, beforeRows), (later, laterRows), (next, nextRows)] {
            #expect(try stream2.reopen(segment, rows: memory))
        }
        #expect(try again.count() == 78)
        try stream2.publish(
            [again.build(before, beforeRows.all), again.build(later, laterRows.all), again.build(next, nextRows.all)],
            from: [partition(0): 0],
            to: [partition(0): 72],
            work: again.work
        )
        #expect(try again.count() == 78)
        #expect(try again.count("2024-01-01T05:00/2024-01-01T06:00") == 9)
        // Five ids, three folders and the hour's own.
        #expect(again.segments.timeline("d")?.segments.count == 6)
        #expect(Set(again.segments.timeline("d")?.segments.compactMap(\.localPath) ?? []).count == 4)
        let upgraded = try again.store.segments(dataSource: "d").filter { $0.upgradedFrom != nil }
        #expect(upgraded.count == 2)
    }

    @Test func aDayReplacedOverHours() throws {
        let home = try StreamHome()
        let stream = try home.stream()
        var opened: [(DataSegment, ListedRows)] = []
        for hour in 1...3 {
            let one = try home.open(stream, "2024-01-01T0\(hour):00:00Z", .hour)
            one.1.append(try rows(10, at: "2024-01-01T0\(hour):00:00Z"))
            opened.append(one)
        }
        try begin(home, "2024-01-01/2024-01-02")
        for hour in 3...4 {
            let one = try home.open(stream, "2024-01-01T0\(hour):00:00Z", .hour)
            one.1.append(try rows(4, at: "2024-01-01T0\(hour):30:00Z"))
            opened.append(one)
        }
        #expect(opened[4].0.version == "1970-01-01T00:00:00.000Z")
        #expect(opened[3].0.interval == opened[2].0.interval)
        try home.segments.publish(
            [try home.stored("2024-01-01/2024-01-02", "2027-01-01T00:00:00.000Z", rows: 5)],
            by: .task("r")
        )
        try end(home)
        #expect(try home.count() == 13)
        #expect(try home.count("2024-01-01T03:00/2024-01-01T04:00") == 4)
        try stream.publish(
            opened.map { try home.build($0.0, $0.1.all) },
            from: [partition(0): 0],
            to: [partition(0): 38],
            work: home.work
        )
        #expect(try home.count() == 13)
        #expect(home.segments.timeline("d")?.entries.count == 1)
        #expect(try filesBelow(home.directory.segments).filter { $0.hasSuffix("version.bin") }.count == 3)
    }

    @Test func aReplacedDayWithoutRowsHidesWhatCameBefore() throws {
        let home = try StreamHome()
        let stream = try home.stream()
        let (_, beforeRows) = try home.open(stream, "2024-01-01T01:00:00Z")
        beforeRows.append(try rows(10, at: "2024-01-01T01:00:00Z"))
        try begin(home, "2024-01-01/2024-01-02")
        let (_, laterRows) = try home.open(stream, "2024-01-01T02:00:00Z")
        laterRows.append(try rows(3, at: "2024-01-01T02:00:00Z"))
        let tombstone = try home.stored("2024-01-01/2024-01-02", "2027-01-01T00:00:00.000Z", rows: 0)
        try home.segments.publish([tombstone], by: .task("r"))
        #expect(try home.count() == 3)
    }

    @Test func aTaskThatReadsWhatItReplacesKeepsWhatItCouldNotRead() throws {
        let home = try StreamHome()
        try home.segments.publish([try home.stored("2024-01-01/2024-01-02", old, rows: 100)])
        let (stream, writer) = (try home.stream(), TestWriter())
        try home.segments.register(writer, dataSource: "d")
        defer { home.segments.unregister(writer) }
        let (before, beforeRows) = try home.open(stream, "2024-01-01T01:00:00Z")
        beforeRows.append(try rows(10, at: "2024-01-01T01:00:00Z"))
        try begin(home, "2024-01-01/2024-01-02", readsItself: true)
        #expect(writer.cuts.withLock { $0.isEmpty })
        try stream.publish(
            [home.build(before, beforeRows.all)],
            from: [partition(0): 0],
            to: [partition(0): 10],
            work: home.work
        )
        try home.segments.publish([try home.stored("2024-01-01/2024-01-02", new, rows: 50)], by: .task("r"))
        #expect(try home.count() == 60)
    }

    /// Of a segment that shows in two chunks, another task takes away one.
    @Test func whatWasPublishedIsUpgradedWhicheverOfItsIdsIsLeft() throws {
        let home = try StreamHome()
        let stream = try home.stream()
        try home.segments.publish([try home.stored("2024-01-01/2024-01-02", old, rows: 1)])
        try home.segments.publish([try home.stored("2024-01-01T05:00/2024-01-01T06:00", new, rows: 1)])
        try begin(home, "2024-01-01T03:00/2024-01-01T04:00")
        let hour = try Interval(parsing: "2024-01-01T05:00/2024-01-01T06:00")
        try home.segments.prepareReplace(task: "q", dataSource: "d", intervals: [hour], readsItself: false)
        try home.segments.beginReplace(task: "q", dataSource: "d")
        let (later, laterRows) = try home.open(stream, "2024-01-01T01:00:00Z")
        laterRows.append(try rows(24, at: "2024-01-01T00:40:00Z", step: 3_600_000))
        #expect(try home.count() == 26)
        try stream.publish(
            [home.build(later, laterRows.all)],
            from: [partition(0): 0],
            to: [partition(0): 24],
            work: home.work
        )
        #expect(try home.count() == 26)
        let newest = "2027-01-01T00:00:00.000Z"
        try home.segments.publish([try home.stored(hour.text, newest, rows: 1)], by: .task("q"))
        try home.segments.endReplace(task: "q", dataSource: "d")
        #expect(try home.count() == 26)
        try home.segments.publish(
            [try home.stored("2024-01-01T03:00/2024-01-01T04:00", newest, rows: 1)],
            by: .task("r")
        )
        try end(home)
        #expect(try home.count() == 27)
    }

    @Test func aWriterThatCannotCutStopsTheTask() throws {
        let home = try StreamHome()
        let writer = TestWriter(fails: true)
        try home.segments.register(writer, dataSource: "d")
        #expect(throws: LaminaError.self) { try begin(home, "2024-01-01/2024-01-02") }
        try home.segments.register(TestWriter(), dataSource: "e")
        home.segments.unregister(writer)
        // One that comes while a replacement runs is cut at once.
        let late = TestWriter()
        try home.segments.register(late, dataSource: "d")
        #expect(late.cuts.withLock { $0.count } == 1)
    }

    @Test func filesThatSeveralIdsShareGoWithTheLast() throws {
        let home = try StreamHome()
        let stream = try home.stream()
        try begin(home, "2024-01-01T05:00/2024-01-01T06:00")
        let (later, laterRows) = try home.open(stream, "2024-01-01T01:00:00Z")
        laterRows.append(try rows(24, at: "2024-01-01T00:40:00Z", step: 3_600_000))
        try home.segments.publish(
            [try home.stored("2024-01-01T05:00/2024-01-01T06:00", "2027-01-01T00:00:00.000Z", rows: 7)],
            by: .task("r")
        )
        try end(home)
        try stream.publish(
            [home.build(later, laterRows.all)],
            from: [partition(0): 0],
            to: [partition(0): 24],
            work: home.work
        )
        #expect(try home.count() == 31)
        #expect(try home.segments.markUnused(dataSource: "d") { $0.interval == later.interval } == 1)
        #expect(try home.count() == 8)
        func kill() throws {
            let id = try home.tasks.submit(["type": "kill", "dataSource": "d", "interval": "2024-01-01/2024-01-02"])
            let status = try #require(try home.tasks.wait(id, milliseconds: 60_000))
            #expect(status.state == .success, "\(status.errorMessage ?? "")")
        }
        try kill()
        #expect(try home.store.segment(id: later.id.text) == nil)
        #expect(try home.count() == 8)
        #expect(try StreamHome(home.directory.root, clock: home.clock).count() == 8)
        #expect(try home.segments.markUnused(dataSource: "d") { _ in true } == 2)
        try kill()
        #expect(try filesBelow(home.directory.segments).isEmpty)
        #expect(try home.store.segments(dataSource: "d", used: nil).isEmpty)
    }

    @Test func realTasksReplaceAndAppendBesideAStream() throws {
        let home = try StreamHome()
        let (stream, writer) = (try home.stream(), TestWriter())
        try home.segments.register(writer, dataSource: "d")
        defer { home.segments.unregister(writer) }
        let (_, beforeRows) = try home.open(stream, "2024-01-01T01:00:00Z")
        beforeRows.append(try rows(10, at: "2024-01-01T01:00:00Z"))
        func run(_ count: Int, appending: Bool, source: JSON? = nil) throws {
            let lines = (0..<count).map { #"{"t":"2024-01-01T0\#($0 % 10):00:00Z","k":"x"}"# }.joined(separator: "\n")
            var io: JSONObject = [
                "type": "index_parallel", "inputSource": source ?? ["type": "inline", "data": .string(lines)],
                "appendToExisting": .bool(appending),
            ]
            if source == nil { io["inputFormat"] = ["type": "json"] }
            let id = try home.tasks.submit([
                "type": "index_parallel",
                "spec": [
                    "dataSchema": [
                        "dataSource": "d",
                        "timestampSpec": ["column": source == nil ? "t" : "__time", "format": "auto"],
                        "dimensionsSpec": ["dimensions": ["k"]],
                        "granularitySpec": [
                            "segmentGranularity": "DAY", "queryGranularity": "NONE", "rollup": false,
                            "intervals": ["2024-01-01/2024-01-02"],
                        ],
                    ], "ioConfig": .object(io), "tuningConfig": ["type": "index_parallel"],
                ],
            ])
            let status = try #require(try home.tasks.wait(id, milliseconds: 60_000))
            #expect(status.state == .success, "\(status.errorMessage ?? "")")
        }
        // It joins the stream's chunk, which is not published yet.
        try run(5, appending: true)
        #expect(try home.count() == 15)
        #expect(home.segments.visibleTimeline("d").entries.count == 1)
        try run(20, appending: false)
        #expect(try home.count() == 20)
        #expect(writer.cuts.withLock { $0.count } == 1)
        let (_, laterRows) = try home.open(stream, "2024-01-01T01:00:00Z")
        laterRows.append(try rows(3, at: "2024-01-01T01:00:00Z"))
        // Re-indexing what is stored takes nothing away that it could not read, and cuts nobody.
        try run(0, appending: false, source: ["type": "druid", "dataSource": "d", "interval": "2024-01-01/2024-01-02"])
        #expect(try home.count() == 23)
        #expect(writer.cuts.withLock { $0.count } == 1)
        #expect(try home.segments.markUnused(dataSource: "d") { _ in true } == 1)
        #expect(try home.store.locks().isEmpty)
    }

    @Test func segmentsThatComeBackLeaveStreamsBeside() throws {
        let home = try StreamHome()
        try home.segments.publish([try home.stored("2024-01-01/2024-01-02", "2027-01-01T00:00:00.000Z", rows: 6)])
        #expect(try home.segments.markUnused(dataSource: "d") { _ in true } == 1)
        let stream = try home.stream()
        let (segment, memory) = try home.open(stream, "2024-01-01T01:00:00Z")
        memory.append(try rows(10, at: "2024-01-01T01:00:00Z"))
        #expect(segment.version < "2027")
        #expect(try home.segments.markUsed(dataSource: "d") { _ in true } == 1)
        #expect(try home.count() == 16)
        memory.append(try rows(1, at: "2024-01-01T01:00:00Z"))
        #expect(try home.count() == 17)
    }
}
