import Glibc
import LaminaBase
import LaminaMetadata
import LaminaTestSupport
import Testing

/// A database file in a fresh folder, removed with it.
private func withStore(_ body: (MetadataStore, String) throws -> Void) throws {
    var template = Array("/tmp/lamina-metadata-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } != nil }
    try #require(made)
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
        for name in ["metadata.db", "metadata.db-wal", "metadata.db-shm"] { unlink("\(folder)/\(name)") }; rmdir(folder)
    }
    let path = "\(folder)/metadata.db"
    try body(try MetadataStore(path: path), path)
}

private func record(_ id: String, dataSource: String = "a", used: Bool = true) -> SegmentRecord {
    SegmentRecord(
        id: id,
        dataSource: dataSource,
        start: "2024-01-01T00:00:00.000Z",
        end: "2024-01-02T00:00:00.000Z",
        partitioned: true,
        version: "v1",
        used: used,
        createdDate: "2024-01-03T00:00:00.000Z",
        usedStatusLastUpdated: "2024-01-03T00:00:00.000Z",
        payload: Array("{\"n\":\"\(id)\"}".utf8)
    )
}

@Suite struct MetadataStoreTests {
    @Test func publishedSegmentsSurviveReopening() throws {
        try withStore { store, path in
            try store.publish([record("a1"), record("a2"), record("b1", dataSource: "b")], at: "now")
            let again = try MetadataStore(path: path)
            #expect(try again.segments().map(\.id) == ["a1", "a2", "b1"])
            #expect(try again.segments(dataSource: "b") == [record("b1", dataSource: "b")])
            #expect(try again.segment(id: "a2") == record("a2"))
            #expect(try again.segment(id: "zz") == nil)
        }
    }

    @Test func markingCountsOnlyWhatChanges() throws {
        try withStore { store, _ in
            try store.publish([record("a1"), record("a2")], at: "now")
            #expect(try store.mark(ids: ["a1", "missing"], used: false, at: "later") == 1)
            #expect(try store.mark(ids: ["a1"], used: false, at: "later") == 0)
            #expect(try store.segments().map(\.id) == ["a2"])
            #expect(try store.segments(used: false).first?.usedStatusLastUpdated == "later")
            #expect(try store.deleteUnusedSegments(ids: ["a1", "a2", "missing"]) == ["a1"])
            #expect(try store.segments(used: nil).map(\.id) == ["a2"])
        }
    }

    @Test func aFailedCommitOrCheckPublishesNothing() throws {
        try withStore { store, _ in
            let first = DataSourceCommit(dataSource: "a", expectedSHA1: nil, payload: Array("{}".utf8), sha1: "one")
            try store.publish([record("a1")], commit: first, at: "now")
            #expect(throws: LaminaError.self) { try store.publish([record("a2")], commit: first, at: "now") }
            let stale = DataSourceCommit(dataSource: "a", expectedSHA1: "zero", payload: [], sha1: "two")
            #expect(throws: LaminaError.self) { try store.publish([record("a3")], commit: stale, at: "now") }
            #expect(throws: LaminaError.self) {
                try store.publish([record("a4")], at: "now") { () throws(LaminaError) in throw .invalidInput("revoked")
                }
            }
            #expect(try store.segments().map(\.id) == ["a1"])
            let next = DataSourceCommit(dataSource: "a", expectedSHA1: "one", payload: Array("[1]".utf8), sha1: "two")
            try store.publish([record("a5")], commit: next, at: "now")
            #expect(try store.commitMetadata(dataSource: "a")?.sha1 == "two")
        }
    }

    private func pending(_ id: String, upgradedFrom: String? = nil) -> PendingSegmentRecord {
        PendingSegmentRecord(
            id: id,
            dataSource: "a",
            start: "2024-01-01T00:00:00.000Z",
            end: "2024-01-02T00:00:00.000Z",
            createdDate: "now",
            sequenceName: "s",
            sequencePrevID: "",
            sequenceSHA1: "sha of \(id)",
            payload: Array("{}".utf8),
            upgradedFrom: upgradedFrom,
            allocator: "stream"
        )
    }

    @Test func aChangeIsDoneWholeOrNotAtAll() throws {
        try withStore { store, path in
            let chunk = "a_2024-01-01T00:00:00.000Z_2024-01-02T00:00:00.000Z_v1"
            var first = SegmentChange()
            first.allocated = [pending(chunk), pending("\(chunk)_1"), pending("\(chunk)_2", upgradedFrom: chunk)]
            first.published = [record("\(chunk)_7", used: false), record("\(chunk)0_9")]
            try store.apply(first, at: "now")
            let again = try MetadataStore(path: path)
            #expect(try again.pendingSegments() == first.allocated)
            #expect(try again.pendingSegments(dataSource: "b").isEmpty)
            let ids = try store.knownIDs(
                dataSource: "a",
                start: "2024-01-01T00:00:00.000Z",
                end: "2024-01-02T00:00:00.000Z",
                version: "v1"
            )
            #expect(Set(ids) == [chunk, "\(chunk)_1", "\(chunk)_2", "\(chunk)_7"])
            var second = SegmentChange()
            second.commit = DataSourceCommit(dataSource: "a", expectedSHA1: nil, payload: Array("{}".utf8), sha1: "one")
            var upgraded = record("\(chunk)_2")
            upgraded.upgradedFrom = chunk
            second.published = [record(chunk), upgraded]
            second.settled = [chunk, "\(chunk)_2"]
            second.unused = ["\(chunk)0_9"]
            second.used = ["\(chunk)_7"]
            try store.apply(second, at: "later")
            #expect(try store.pendingSegments().map(\.id) == ["\(chunk)_1"])
            #expect(Set(try store.segments().map(\.id)) == [chunk, "\(chunk)_2", "\(chunk)_7"])
            #expect(try store.segment(id: "\(chunk)_2")?.upgradedFrom == chunk)
            // Neither a commit that comes late nor an id that is taken leaves anything behind.
            var late = second
            late.published = [record("other")]
            late.settled = ["\(chunk)_1"]
            #expect(throws: LaminaError.self) { try store.apply(late, at: "later") }
            late.commit = nil
            late.allocated = [pending("fresh"), pending("\(chunk)_1")]
            #expect(throws: LaminaError.self) { try store.apply(late, at: "later") }
            #expect(try store.pendingSegments().map(\.id) == ["\(chunk)_1"])
            #expect(try store.segment(id: "other") == nil)
            #expect(try store.deleteCommitMetadata(dataSource: "a"))
            #expect(try !store.deleteCommitMetadata(dataSource: "a"))
        }
    }

    @Test func pathsBelongToWhateverIdHasThem() throws {
        try withStore { store, _ in
            func record(_ id: String, _ path: String, used: Bool) -> SegmentRecord {
                var row = LaminaMetadataTests.record(id, used: used)
                row.payload = Array(#"{"loadSpec":{"type":"local","path":"\#(path)"}}"#.utf8)
                return row
            }
            var broken = LaminaMetadataTests.record("broken")
            broken.payload = Array("{".utf8)
            try store.publish([record("x", "one", used: false), record("y", "two", used: true), broken], at: "now")
            #expect(try store.storedPaths(["one", "two", "three"], dataSource: "a") == ["one", "two"])
            #expect(try store.storedPaths(["one"], dataSource: "b").isEmpty)
        }
    }

    @Test func endedTasksLoseTheirLocks() throws {
        try withStore { store, _ in
            let task = TaskRecord(
                id: "t",
                createdDate: "2024-01-01T00:00:00.000Z",
                dataSource: "a",
                payload: Array("{}".utf8),
                statusPayload: Array("{\"status\":\"RUNNING\"}".utf8),
                active: true,
                type: "index",
                groupID: "t"
            )
            try store.insert(task)
            #expect(throws: LaminaError.self) { try store.insert(task) }
            let row = try store.insertLock(task: "t", payload: Array("{\"l\":1}".utf8))
            _ = try store.insertLock(task: "t", payload: Array("{\"l\":2}".utf8))
            try store.deleteLock(rowID: row)
            #expect(try store.locks().map { String(decoding: $0.payload, as: UTF8.self) } == ["{\"l\":2}"])
            try store.setStatus(task: "t", statusPayload: Array("{\"status\":\"FAILED\"}".utf8), active: false)
            #expect(try store.locks().isEmpty)
            #expect(try store.tasks(active: true).isEmpty)
            #expect(try store.task(id: "t")?.active == false)
        }
    }

    @Test func rulesAndConfigKeepTheNewest() throws {
        try withStore { store, _ in
            for day in 1...2 {
                let audit = AuditRecord(
                    key: "a",
                    type: "rules",
                    author: "me",
                    comment: "",
                    createdDate: "2024-01-0\(day)T00:00:00.000Z",
                    payload: Array("[\(day)]".utf8)
                )
                try store.setRules(dataSource: "a", payload: Array("[\(day)]".utf8), audit: audit)
            }
            #expect(try store.rules()["a"].map { String(decoding: $0, as: UTF8.self) } == "[2]")
            #expect(try store.audit(type: "rules").map(\.createdDate.count) == [24, 24])
            #expect(try store.config("lookups") == nil)
            try store.setConfig("lookups", Array("{}".utf8))
            try store.setConfig("lookups", Array("{\"x\":1}".utf8))
            #expect(try store.config("lookups") == Array("{\"x\":1}".utf8))
        }
    }

    @Test func supervisorsKeepTheirHistory() throws {
        try withStore { store, _ in
            for (id, text) in [("s", "1"), ("r", "2"), ("s", "3")] {
                try store.insert(SupervisorRecord(specID: id, createdDate: "d\(text)", payload: Array(text.utf8)))
            }
            #expect(try store.supervisors().map(\.createdDate) == ["d2", "d3"])
            #expect(try store.supervisorHistory("s").map(\.createdDate) == ["d3", "d1"])
            #expect(try store.supervisorHistory().count == 3)
        }
    }

    @Test func tenThousandSegmentsReadFast() throws {
        try withStore { store, path in
            try store.publish((0..<10_000).map { record("segment-\($0)") }, at: "now")
            let again = try MetadataStore(path: path)
            var count = 0
            let spent = try threadSeconds { count = try again.segments().count }
            #expect(count == 10_000)
            #expect(spent < 2)
        }
    }

    @Test func everyWriteIsSynced() throws {
        try withStore { store, _ in
            let journaling = try store.journaling()
            #expect(journaling.mode == "wal")
            #expect(journaling.synchronous == 2)
        }
    }
}
