import Glibc
import LaminaBase
import LaminaIngest
import LaminaMetadata
import LaminaSegment
import LaminaTasks
import Synchronization
import Testing

@Suite struct HandOffTests {
    @Test func rowsAreThereOnceBeforeDuringAndAfterTheHandOff() throws {
        let home = try StreamHome()
        try home.segments.publish([try home.stored("2024-01-01/2024-01-02", "2023-01-01T00:00:00.000Z", rows: 100)])
        let stream = try home.stream()
        var offset: Int64 = 0
        let (kept, keptRows) = try home.open(stream, "2024-01-03T00:00:00Z")
        keptRows.append(try rows(7, at: "2024-01-03T00:00:00Z"))
        let counts = try home.counting {
            for _ in 0..<12 {
                // Nothing changes while it moves from memory to disk, into an old chunk or a new one.
                let (segment, memory) = try home.open(stream, "2024-01-01T05:00:00Z")
                let (other, otherMemory) = try home.open(stream, "2024-01-02T05:00:00Z")
                let some = try rows(3, at: "2024-01-01T05:00:00Z")
                let more = try rows(2, at: "2024-01-02T05:00:00Z")
                memory.append(some)
                otherMemory.append(more)
                try stream.publish(
                    [home.build(segment, some), home.build(other, more)],
                    from: [partition(0): offset],
                    to: [partition(0): offset + 5],
                    work: home.work
                )
                offset += 5
            }
        }
        // 107 rows, and steps of three and two.
        var legal: Set<Int> = []
        for round in 0...12 { legal.formUnion([107 + round * 5, 110 + round * 5]) }
        #expect(Set(counts.keys).subtracting(legal).isEmpty, "\(counts)")
        #expect(try home.count() == 107 + 60)
        #expect(try stream.committed() == [partition(0): 60])
        #expect(home.segments.realtime("d").keys.map(\.text) == [kept.id.text])
        #expect(try home.store.pendingSegments().map(\.id) == [kept.id.text])
        #expect(!fileExists("\(home.work)/publish.json"))
        // A dead process's rows in memory are gone, those that were published are not.
        let again = try StreamHome(home.directory.root, clock: home.clock)
        #expect(try again.count() == 160)
    }

    @Test func aPositionThatMovedMeanwhilePublishesNothing() throws {
        let home = try StreamHome()
        let stream = try home.stream()
        let (segment, memory) = try home.open(stream, "2024-01-01T05:00:00Z")
        let some = try rows(4, at: "2024-01-01T05:00:00Z")
        memory.append(some)
        try stream.commits.reset(to: [partition(0): 50])
        let conflict = #expect(throws: LaminaError.self) {
            try stream.publish(
                [home.build(segment, some)],
                from: [partition(0): 0],
                to: [partition(0): 4],
                work: home.work
            )
        }
        #expect(conflict?.category == .conflict)
        #expect(home.segments.timeline("d") == nil)
        #expect(try filesBelow(home.directory.segments).isEmpty)
        #expect(try stream.committed() == [partition(0): 50])
        #expect(try home.count() == 4)
        try stream.withdraw([segment])
        #expect(try home.count() == 0)
        #expect(try home.store.pendingSegments().isEmpty)
        #expect(home.segments.visibleDataSources.isEmpty)
    }

    @Test func groupsShareOneRowOfMetadataAsDruidStoresIt() throws {
        let home = try StreamHome()
        let groups = try [home.stream("s/0"), home.stream("s/1")]
        try groups[0].publish([], from: [partition(0): 0], to: [partition(0): 10], work: home.work)
        try groups[1].publish([], from: [partition(1): 3], to: [partition(1): 20], work: home.work)
        try groups[0].publish([], from: [partition(0): 10], to: [partition(0): 11], work: home.work)
        let stored = try #require(try home.store.commitMetadata(dataSource: "s"))
        #expect(
            String(decoding: stored.payload, as: UTF8.self)
                == #"{"type":"kafka","partitions":{"type":"end","stream":"t","topic":"t","partitionSequenceNumberMap":"#
                + #"{"0":11,"1":20},"partitionOffsetMap":{"0":11,"1":20}}}"#
        )
        #expect(stored.sha1 == sha1Text(stored.payload))
        #expect(sha1Text(Array("abc".utf8)) == "A9993E364706816ABA3E25717850C26C9CD0D89D")
        #expect(
            sha1Text(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
                == "84983E441C3BD26EBAAE4AA1F95129E5E54670F1"
        )
        let topics = StreamCommits(
            supervisor: "s",
            kind: .kafka(topic: "t.*", isPattern: true),
            segments: home.segments
        )
        // Of a topic alone a pattern keeps what it knows, by topic.
        #expect(try topics.committed() == [partition(0): 11, partition(1): 20])
        let other = StreamPartition(topic: "t:x", number: 1)
        try topics.reset(to: [other: 5])
        #expect(try topics.committed() == [partition(0): 11, partition(1): 20, other: 5])
        #expect(try groups[0].committed() == [partition(0): 11, partition(1): 20])
        let unrelated = StreamCommits(
            supervisor: "s",
            kind: .kafka(topic: "u", isPattern: false),
            segments: home.segments
        )
        #expect(try unrelated.committed()?.isEmpty ?? true)
        try topics.reset()
        #expect(try groups[0].committed() == nil)
        for text in [
            #"{"type":"kafka","partitions":{"stream":"t"}}"#,
            #"{"type":"kafka","partitions":{"stream":"t","partitionOffsetMap":{"x":1}}}"#,
        ] {
            #expect(throws: LaminaError.self) { try groups[0].commits.position(of: JSONParser.parse(text)) }
        }
    }

    /// The data directory as it was after a step, opened as the next process would.
    @Test func aCrashAfterAnyStepLosesAndDoublesNothing() throws {
        let home = try StreamHome()
        let copies = Copies(home.directory.root)
        defer { copies.remove() }
        let stream = try home.stream { copies.take($0) }
        var built: [BuiltStreamSegment] = []
        var opened: [(DataSegment, [ListedRows.Row])] = []
        for day in 1...3 {
            let time = "2024-01-0\(day)T05:00:00Z"
            let (segment, memory) = try home.open(stream, time)
            let some = try rows(day, at: time)
            memory.append(some)
            built.append(try home.build(segment, some))
            opened.append((segment, some))
        }
        let end: StreamPosition = [partition(0): 6]
        try stream.publish(built, from: [partition(0): 0], to: end, work: home.work)
        #expect(copies.steps == [.sized, .listed, .moved, .moved, .moved, .stored, .cleared])
        for copy in copies.folders {
            let next = try StreamHome(copy.folder)
            let again = try next.stream()
            let wasPublished = try again.committed() == end
            #expect(wasPublished == [.stored, .cleared].contains(copy.step))
            // As the indexer does: what it knows is reopened, and published again unless it was.
            var once: [BuiltStreamSegment] = []
            for (segment, some) in opened {
                let memory = ListedRows()
                memory.append(some)
                let isOpen = try again.reopen(segment, rows: memory)
                #expect(isOpen != wasPublished)
                if isOpen { once.append(try next.build(segment, some)) }
            }
            #expect(try next.count() == 6)
            if !wasPublished {
                #expect(try filesBelow(next.directory.segments).isEmpty)
                try again.publish(once, from: [partition(0): 0], to: end, work: next.work)
            }
            #expect(try next.count() == 6)
            #expect(try next.store.pendingSegments().isEmpty)
            #expect(next.segments.timeline("d")?.segments.count == 3)
        }
    }

    @Test func whatNobodyReopensIsForgottenWithTheFirstNewSegment() throws {
        let home = try StreamHome()
        let stream = try home.stream()
        let (first, _) = try home.open(stream, "2024-01-01T05:00:00Z")
        _ = try home.open(try home.stream("s/1"), "2024-01-01T05:00:00Z")
        let again = try StreamHome(home.directory.root, clock: home.clock)
        let next = try again.stream()
        let (second, memory) = try again.open(next, "2024-01-01T05:00:00Z")
        memory.append(try rows(1, at: "2024-01-01T06:00:00Z"))
        #expect(second.id != first.id)
        #expect(try !next.reopen(first, rows: ListedRows()))
        #expect(Set(try again.store.pendingSegments().map(\.allocator)) == ["s/0", "s/1"])
        #expect(try again.store.pendingSegments().count == 2)
    }
}

/// Copies of a data directory after each step.
private final class Copies: Sendable {
    private let root: String
    private let all = Mutex<[(step: PublishStep, folder: String)]>([])

    init(_ root: String) { self.root = root }

    var steps: [PublishStep] { all.withLock { $0.map(\.step) } }
    var folders: [(step: PublishStep, folder: String)] { all.withLock { $0 } }

    func take(_ step: PublishStep) {
        let folder = "\(root)-copy-\(steps.count)"
        do { try copyTree(root, to: folder) } catch { Issue.record(error) }
        all.withLock { $0.append((step, folder)) }
    }

    func remove() { for copy in folders { try? removeTree(copy.folder) } }
}
