import LaminaBase
import LaminaIngest
import LaminaMetadata
import LaminaSegment
import LaminaTasks
import Synchronization
import Testing

/// Ids that several threads got.
private final class Got: Sendable {
    let ids = Mutex<[SegmentID]>([])
}

@Suite struct AllocationTests {
    private func allocate(
        _ home: StreamHome,
        _ request: ChunkRequest,
        _ allocator: String = "a",
        count: Int = 1
    ) throws -> [DataSegment] {
        try home.segments.allocate(
            dataSource: "d",
            request,
            count: count,
            sequence: "q",
            allocator: allocator,
            isTask: false
        )
    }

    private func at(_ time: String, _ granularity: Granularity = .day) throws -> ChunkRequest {
        .bucket(time: try parseInstant(time), granularity)
    }

    @Test func threadsNeverGetTheSameSegmentNorAfterARestart() throws {
        let home = try StreamHome()
        try home.segments.publish([try home.stored("2024-01-02/2024-01-03", "2023-01-01T00:00:00.000Z", rows: 1)])
        let got = Got()
        let threads = try (0..<4).map { thread in
            try WorkerThread(name: "allocate") {
                for turn in 0..<25 {
                    let time = 1_704_067_200_000 + Int64(turn % 3) * 86_400_000
                    let made = try? home.segments.allocate(
                        dataSource: "d",
                        turn % 5 == 0
                            ? .interval(Granularity.day.bucket(time))
                            : .bucket(time: time, turn % 2 == 0 ? .day : .hour),
                        count: 2,
                        sequence: "q\(thread)",
                        allocator: "a\(thread)",
                        isTask: turn % 5 == 0
                    )
                    got.ids.withLock { $0 += (made ?? []).map(\.id) }
                }
            }
        }
        for thread in threads { thread.join() }
        var ids = got.ids.withLock { $0 }
        #expect(ids.count == 4 * 25 * 2)
        #expect(Set(ids.map { "\($0.interval.text) \($0.version)" }).count == 3)
        let again = try StreamHome(home.directory.root, clock: home.clock)
        for _ in 0..<5 { ids += try allocate(again, at("2024-01-02T05:00:00Z")).map(\.id) }
        #expect(Set(ids).count == ids.count)
        #expect(Set(try home.store.pendingSegments().map(\.id)) == Set(ids.map(\.text)))
        // Published or unused ones keep their numbers.
        let chunk = ids.filter { $0.interval.start == 1_704_153_600_000 }
        #expect(chunk.allSatisfy { $0.version == "2023-01-01T00:00:00.000Z" && $0.partition > 0 })
    }

    @Test func chunksAreJoinedAndNewOnesNeverOverlap() throws {
        let home = try StreamHome()
        let core = try (0..<2).map {
            try home.stored(
                "2024-01-01/2024-01-02",
                "2023-01-01T00:00:00.000Z",
                rows: 1,
                shard: .numbered(partition: $0, core: 2)
            )
        }
        let hour = try home.stored("2024-02-01T05:00/2024-02-01T06:00", "2023-01-02T00:00:00.000Z", rows: 1)
        try home.segments.publish(core + [hour])
        // Whatever the granularity, the day is joined, in its version, behind its core.
        let joined = try #require(try allocate(home, at("2024-01-01T07:30:00Z", .hour)).first)
        #expect(joined.interval == core[0].interval && joined.version == core[0].version)
        #expect(joined.shardSpec == .numbered(partition: 2, core: 2))
        // A day would overlap the stored hour: the coarsest chunk that does not is taken.
        let beside = try #require(try allocate(home, at("2024-02-01T09:30:00Z")).first)
        #expect(beside.interval.text == "2024-02-01T08:00:00.000Z/2024-02-01T16:00:00.000Z")
        let near = try #require(try allocate(home, at("2024-02-01T04:30:00Z")).first)
        #expect(near.interval.text == "2024-02-01T04:00:00.000Z/2024-02-01T05:00:00.000Z")
        #expect(near.shardSpec == .numbered(partition: 0, core: 0))
        // A chunk that is only allocated is joined, too.
        let other = try #require(try allocate(home, at("2024-02-01T15:00:00Z", .hour), "b").first)
        #expect(other.interval == beside.interval && other.version == beside.version)
        #expect(other.shardSpec.partition == 1)
        #expect(throws: LaminaError.self) { try allocate(home, .interval(Interval(parsing: "2024-02-01/2024-02-02"))) }
        #expect(throws: LaminaError.self) { try allocate(home, .bucket(time: .max, .day)) }
        let year = try #require(try allocate(home, .bucket(time: 5, .all)).first)
        #expect(year.interval.text == "1970-01-01T00:00:00.000Z/1971-01-01T00:00:00.000Z")
    }

    @Test func unusedSegmentsKeepTheirNumbersAndDroppedChunksBeginAgain() throws {
        let home = try StreamHome()
        let old = "2023-01-01T00:00:00.000Z"
        let stored = try home.stored("2024-01-01/2024-01-02", old, rows: 1)
        try home.segments.publish([stored])
        let first = try #require(try allocate(home, at("2024-01-01T01:00:00Z")).first)
        try home.segments.withdraw(dataSource: "d", [first.id])
        #expect(try home.store.pendingSegments().isEmpty)
        #expect(try home.segments.markUnused(dataSource: "d") { _ in true } == 1)
        let fresh = try #require(try allocate(home, at("2024-01-01T01:00:00Z")).first)
        #expect(fresh.version > old)
        #expect(fresh.shardSpec == .numbered(partition: 0, core: 0))
    }

    @Test func newChunksStayOlderThanAReplacement() throws {
        let home = try StreamHome()
        let day = try Interval(parsing: "2024-01-01/2024-01-02")
        try home.segments.prepareReplace(task: "r", dataSource: "d", intervals: [day], readsItself: false)
        let during = try #require(try allocate(home, at("2024-01-01T01:00:00Z")).first)
        #expect(during.version == "1970-01-01T00:00:00.000Z")
        let outside = try #require(try allocate(home, at("2024-01-02T01:00:00Z")).first)
        #expect(outside.version > "2023")
        try home.segments.endReplace(task: "r", dataSource: "d")
        #expect(home.segments.newestVersion(dataSource: "d") == outside.version)
    }

    @Test func whatATaskAllocatedDiesWithIt() throws {
        let home = try StreamHome()
        try home.store.insert(
            TaskRecord(
                id: "task",
                createdDate: "2024-01-01T00:00:00.000Z",
                dataSource: "d",
                payload: [],
                statusPayload: [],
                active: false,
                type: "index",
                groupID: "task"
            )
        )
        _ = try home.segments.allocate(
            dataSource: "d",
            at("2024-01-01T00:00:00Z"),
            sequence: "task",
            allocator: "task",
            isTask: true
        )
        _ = try allocate(home, at("2024-01-01T00:00:00Z"), "stream")
        let again = try StreamHome(home.directory.root, clock: home.clock)
        #expect(try again.store.pendingSegments().map(\.allocator) == ["stream"])
    }
}
