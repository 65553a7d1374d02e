import Glibc
import LaminaBase
import LaminaHTTP
import LaminaTasks
import LaminaTestSupport
import Testing

/// Replays of a stream that goes on meanwhile.
@Suite struct ReplayRouteTests {
    @Test func aReplayReplacesJustItsIntervals() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<2)
        for number in 0..<20 { test.append(number, day: 1 + number / 10) }
        _ = test.ask("POST", prefix, spec())
        #expect(test.hasRows(20, 190))
        _ = test.ask("POST", "\(prefix)/clicks/taskGroups/handoff", #"{"taskGroupIds":[0]}"#)
        #expect(eventually { test.services.segments.realtime("clicks").isEmpty })
        // Read twice: every row is there twice.
        _ = test.ask("POST", "\(prefix)/clicks/reset")
        #expect(test.hasRows(40, 380))
        func replay(_ interval: String) -> TaskState? {
            let reply = test.ask("POST", "\(prefix)/clicks/replay", "{\"intervals\":[\"\(interval)\"]}")
            guard let task = reply.json?["task"]?.stringValue else { return nil }
            let done = eventually { test.taskState(task) != .running }
            return done ? test.taskState(task) : nil
        }
        #expect(replay("2024-05-01/P1D") == .success)
        #expect(test.total() == (30, 335))
        // What comes now stays beside the new version.
        test.append(1000, day: 1)
        #expect(test.hasRows(31, 1335))
        #expect(replay("2024-05-02/P1D") == .success)
        #expect(test.total() == (21, 1190))
        // An hour of the day alone.
        #expect(replay("2024-05-01T03:00/PT1H") == .success)
        #expect(test.total() == (21, 1190))
        test.stream.removeRecords("t", 1, before: 3)
        let gap = test.ask("POST", "\(prefix)/clicks/replay", #"{"intervals":["2024-05-01/P1D"]}"#)
        #expect(gap.status == 409)
        #expect(gap.json?["error"]?.stringValue?.contains("t-1 begins at offset 3") ?? false)
        #expect(test.ask("POST", "\(prefix)/clicks/replay", "{}").status == 400)
    }

    /// The values of `n` of all rows; one that is there twice is an issue.
    private func numbers(_ test: TestServices, _ moment: String) -> Set<Int64> {
        let query =
            #"{"queryType":"scan","dataSource":"clicks","intervals":["2000/2100"],"columns":["n"],"#
            + #""resultFormat":"compactedList"}"#
        var found: Set<Int64> = []
        for batch in test.ask("POST", "/druid/v2", query).json?.arrayValue ?? [] {
            for row in batch["events"]?.arrayValue ?? [] {
                guard let number = row.arrayValue?.first?.intValue else { continue }
                #expect(found.insert(number).inserted, "\(moment): \(number) is there twice")
            }
        }
        return found
    }

    private func submitReplay(_ test: TestServices, _ interval: String) throws -> String {
        let reply = test.ask("POST", "\(prefix)/clicks/replay", "{\"intervals\":[\"\(interval)\"]}")
        return try #require(reply.json?["task"]?.stringValue, "\(reply.text)")
    }

    /// Everything was read, and is there once.
    private func check(_ test: TestServices, _ count: Int, _ moment: String) {
        let isRead = eventually {
            let active = test.status()["activeTasks"]?.arrayValue ?? []
            let reached = active.flatMap { $0["currentOffsets"]?.objectValue?.entries ?? [] }
            return reached.reduce(0) { $0 + ($1.value.intValue ?? 0) } == Int64(count)
        }
        #expect(isRead, "\(moment): \(test.status().text)")
        #expect(numbers(test, moment) == Set((0..<count).map(Int64.init)), "\(moment)")
    }

    private static let busy = spec(
        io: #","taskCount":2"#,
        tuning: #","maxRowsInMemory":50,"maxRowsPerSegment":300"#
    )

    @Test func recordsThatComeBeforeWithinAndAfterTheIntervalAreThereOnce() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<4)
        _ = test.ask("POST", prefix, Self.busy)
        let sent = Monitor((count: 0, stops: false, hasStopped: false))
        let stream = test.stream
        try WorkerThread(name: "append") {
            var number = 0
            while !sent.read({ $0.stops }) {
                for _ in 0..<8 {
                    stream.append(
                        "t",
                        Int32(number % 4),
                        [row(number, day: 1 + number % 3)],
                        time: TestServices.now
                    )
                    number += 1
                }
                sent.update { $0.count = number }
                usleep(5000)
            }
            sent.update { $0.hasStopped = true }
        }.detach()
        func stop() {
            sent.update { $0.stops = true }
            _ = sent.wait { $0.hasStopped ? true : nil }
        }
        defer { stop() }
        #expect(eventually { test.total().rows > 100 })
        var seen: Set<Int64> = []
        for interval in [
            "2024-05-02/P1D", "2024-05-02T03:00/PT2H", "2024-05-02/P2D", "2024-05-01/P3D", "2024-05-02/P1D",
        ] {
            let task = try submitReplay(test, interval)
            repeat {
                let found = numbers(test, interval)
                let lost = seen.subtracting(found)
                #expect(lost.isEmpty, "\(interval): \(lost.count) vanished, \(lost.sorted().prefix(5))")
                seen = found
            } while test.taskState(task) == .running
            #expect(test.taskState(task) == .success, "\(interval): \(test.reason(task))")
        }
        stop()
        check(test, sent.read { $0.count }, "at the end")
    }

    /// What is read again is not in both versions: a replay that runs fails, and one that has published is not doubled.
    @Test func aTaskThatIsDroppedDoublesNothing() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<2)
        _ = test.ask("POST", prefix, Self.busy)
        var count = 0
        for round in 0..<8 {
            for _ in 0..<130 {
                test.append(count, day: 1 + count % 3)
                count += 1
            }
            if round % 4 > 1 { check(test, count, "before round \(round)") }
            let task = try submitReplay(test, "2024-05-02/P1D")
            if round % 2 == 0 { usleep(UInt32.random(in: 0...20_000)) }
            if round % 2 == 1 { #expect(eventually { test.taskState(task) != .running }) }
            for active in test.status()["activeTasks"]?.arrayValue ?? [] {
                _ = test.ask("POST", "/druid/indexer/v1/task/\(active["id"]?.stringValue ?? "")/shutdown")
            }
            #expect(eventually { test.taskState(task) != .running })
            let state = test.taskState(task)
            #expect(round % 2 == 0 || state == .success, "\(test.reason(task))")
            if state == .failed { #expect(test.reason(task).contains("submit it again"), "\(test.reason(task))") }
            check(test, count, "after round \(round)")
        }
    }

    @Test func partitionsThatWereAddedSinceAreReplayedAndAStreamThatIsAwayIsWaitedFor() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<2)
        for number in 0..<40 { test.append(number, day: 1) }
        _ = test.ask("POST", prefix, Self.busy)
        check(test, 40, "at the beginning")
        let first = try submitReplay(test, "2024-05-01/P1D")
        #expect(eventually { test.taskState(first) == .success }, "\(test.reason(first))")
        // As it was submitted, before a partition came.
        var payload = try #require(test.ask("GET", "/druid/indexer/v1/task/\(first)").json?["payload"]?.objectValue)
        for key in ["id", "groupId"] { payload[key] = nil }
        test.stream.addPartitions("t", 2..<3)
        for number in 40..<50 { test.stream.append("t", 2, [row(number)], time: TestServices.now) }
        check(test, 50, "with a partition more")
        let text = JSON.object(payload).text
        let second = try #require(test.ask("POST", "/druid/indexer/v1/task", text).json?["task"]?.stringValue)
        #expect(eventually { test.taskState(second) != .running })
        #expect(test.taskState(second) == .success, "\(test.reason(second))")
        check(test, 50, "after the replay")

        // Rows that are on disk and belong to nobody who runs: what would be replaced is not known.
        for number in 50..<60 { test.append(number, day: 1) }
        check(test, 60, "before the stop")
        test.services.supervisors.stop()
        let third = try #require(test.ask("POST", "/druid/indexer/v1/task", text).json?["task"]?.stringValue)
        #expect(eventually { test.taskState(third) != .running })
        #expect(test.taskState(third) == .failed)
        #expect(test.reason(third).contains("submit it again"), "\(test.reason(third))")
        let next = try TestServices(after: test)
        #expect(try next.services.supervisors.start().isEmpty)
        check(next, 60, "after a restart")
    }
}

extension TestServices {
    /// Why a task failed.
    fileprivate func reason(_ id: String) -> String { ((try? services.tasks.status(id)) ?? nil)?.errorMessage ?? "" }
}
