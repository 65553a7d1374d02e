import Glibc
import LaminaBase
import LaminaHTTP
import LaminaMetadata
import LaminaTasks
import LaminaTestSupport
import Testing

/// What happens to a supervisor while another version of it, or the next process, takes over.
@Suite struct SupervisorChangeTests {
    private func push(_ dataSource: String = "clicks") -> String {
        spec(dataSource).replacing("\"type\":\"kafka\"", with: "\"type\":\"push\"")
    }

    @Test func rowsOfAnEarlierTopicArePublishedWithItsOwnOffsets() throws {
        let first = try TestServices()
        first.stream.addPartitions("t", 0..<1)
        first.stream.addPartitions("u", 0..<1)
        first.stream.append("t", 0, (0..<5).map { row($0) })
        first.stream.append("u", 0, (100..<110).map { row($0) })
        _ = first.ask("POST", prefix, spec())
        #expect(first.hasRows(5, 10))
        first.services.supervisors.stop()
        // The process died when the next spec was stored and the rows of the last one were not published.
        let next = try SupervisorSpec(json: JSONParser.parse(spec(topic: #""topic":"u""#)))
        try first.services.metadata.insert(
            SupervisorRecord(
                specID: "clicks",
                createdDate: instantText(TestServices.now),
                payload: Array(next.json.text.utf8)
            )
        )
        let second = try TestServices(after: first)
        #expect(try second.services.supervisors.start().isEmpty)
        #expect(second.hasRows(15, 10 + 1045))
        #expect(second.status()["stream"] == "u")
        #expect(eventually { second.status()["latestOffsets"] == ["0": 10] })
        let active = second.status()["activeTasks"]?.arrayValue?.first
        #expect(active?["startingOffsets"] == ["0": 0])
    }

    @Test func aSpecThatCannotBeStoredChangesNothing() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<1)
        test.stream.append("t", 0, (0..<5).map { row($0) })
        _ = test.ask("POST", prefix, spec())
        #expect(test.hasRows(5, 10))
        try test.refuseWrites(to: "druid_supervisors")
        #expect(test.ask("POST", prefix, spec(io: #","taskCount":2"#)).status == 500)
        #expect(test.ask("POST", "\(prefix)/clicks/suspend").status == 500)
        #expect(test.ask("POST", "\(prefix)/clicks/terminate").status == 500)
        try test.refuseWrites(to: nil)
        // It still hears of its tasks: one that is dropped is followed by another.
        let task = try #require(test.activeTask)
        #expect(test.ask("POST", "\(prefix)/clicks/reset").json == ["id": "clicks"])
        #expect(test.hasRows(5, 10))
        #expect(eventually { test.activeTask != nil && test.activeTask != task })
    }

    @Test func aResetRightAfterAResumeIsNotLostToATaskThatJustOpens() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<1)
        test.stream.append("t", 0, (0..<5).map { row($0) })
        _ = test.ask("POST", prefix, spec())
        var expected: Int64 = 5
        #expect(test.hasRows(expected, 10))
        for _ in 0..<8 {
            _ = test.ask("POST", "\(prefix)/clicks/suspend")
            // What was read is published; so the reset doubles it.
            #expect(eventually { test.services.segments.realtime("clicks").isEmpty })
            _ = test.ask("POST", "\(prefix)/clicks/resume")
            #expect(test.ask("POST", "\(prefix)/clicks/reset").json == ["id": "clicks"])
            expected += 5
            #expect(test.hasRows(expected, expected * 2))
        }
    }

    @Test func aTerminatedPushSupervisorLeavesItsFilesToTheNextOne() throws {
        let test = try TestServices()
        _ = test.ask("POST", prefix, push())
        #expect(test.ask("POST", "/v1/push/clicks", "[\(row(1)),\(row(2))]").status == 200)
        let old = try #require(test.services.supervisors.runner("clicks"))
        _ = test.ask("POST", "\(prefix)/clicks/terminate")
        #expect(old.waitUntilFinished(milliseconds: 60_000))
        #expect(old.status()["push"]?["phase"] == "STOPPED")
        _ = test.ask("POST", prefix, push())
        #expect(eventually { test.ask("POST", "/v1/push/clicks", "[\(row(3))]").status == 200 })
        // Told again, as by a submission that came while it published, it does not open them once more.
        old.finish(isLast: false)
        #expect(!eventually(seconds: 0.2) { old.status()["push"]?["phase"] != "STOPPED" })
        #expect(test.hasRows(3, 6))
        #expect(test.ask("POST", "/v1/push/clicks", "[\(row(4))]").status == 200)
        _ = test.ask("POST", "\(prefix)/clicks/suspend")
        #expect(eventually { test.services.segments.realtime("clicks").isEmpty })
        #expect(test.total() == (4, 10))
    }

    @Test func aServerStartsAndStopsThoughASuspendedPushSupervisorCannotPublish() throws {
        let first = try TestServices()
        _ = first.ask("POST", prefix, pushSpec())
        #expect(first.ask("POST", "/v1/push/clicks", "[\(row(1)),\(row(2))]").status == 200)
        try first.refuseWrites(to: "druid_segments")
        #expect(first.ask("POST", "\(prefix)/clicks/suspend").status == 200)
        first.services.supervisors.stop()
        let second = try TestServices(after: first)
        #expect(try second.services.supervisors.start().isEmpty)
        #expect(second.total() == (2, 3))
        #expect(second.ask("POST", "/v1/push/clicks", "[\(row(3))]").status == 503)
        second.services.supervisors.stop()
        try second.refuseWrites(to: nil)
        let third = try TestServices(after: second)
        #expect(try third.services.supervisors.start().isEmpty)
        #expect(eventually { third.services.segments.realtime("clicks").isEmpty })
        #expect(third.total() == (2, 3))
    }

    @Test func pushesToAStreamThatCannotBeOpenedAreToComeAgain() throws {
        let first = try TestServices()
        _ = first.ask("POST", prefix, push())
        #expect(first.ask("POST", "/v1/push/clicks", "[\(row(1)),\(row(2))]").status == 200)
        first.services.supervisors.stop()
        let keys = first.directory.stream("clicks") + "/keys"
        #expect(rename(keys, keys + ".away") == 0)
        try writeFile(keys, [])
        let second = try TestServices(after: first)
        #expect(try second.services.supervisors.start().keys.sorted() == ["clicks"])
        let refused = second.ask("POST", "/v1/push/clicks", "[\(row(3))]")
        #expect(refused.status == 503)
        #expect(refused.header("Retry-After") != nil)
        #expect(second.status()["state"] == "UNHEALTHY_SUPERVISOR")
        #expect(second.status()["recentErrors"]?.arrayValue?.isEmpty == false)
        #expect(second.ask("GET", "\(prefix)/clicks/health").status == 503)
        // It opens as soon as it can.
        try removeTree(keys)
        #expect(rename(keys + ".away", keys) == 0)
        #expect(eventually { second.ask("POST", "/v1/push/clicks", "[\(row(3))]").status == 200 })
        #expect(second.total() == (3, 6))
        #expect(second.status()["state"] == "RUNNING")
    }

    @Test func typeAndDatasourceOfARunningSupervisorStay() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<1)
        let named = spec("a").replacing(
            "{\"type\":\"kafka\",\"spec\"",
            with: "{\"type\":\"kafka\",\"id\":\"s\",\"spec\""
        )
        #expect(test.ask("POST", prefix, named).json == ["id": "s"])
        let moved = test.ask("POST", prefix, named.replacing("\"dataSource\":\"a\"", with: "\"dataSource\":\"b\""))
        #expect(moved.status == 400)
        #expect(moved.json?["error"]?.stringValue?.contains("the datasource of [s] from [a] to [b]") ?? false)
        let typed = test.ask("POST", prefix, named.replacing("\"type\":\"kafka\"", with: "\"type\":\"push\""))
        #expect(typed.status == 400)
        #expect(typed.json?["error"]?.stringValue?.contains("from type[kafka] to type[push]") ?? false)
        // Another one of its datasource, also while the rows of the terminated one are on their way.
        #expect(test.ask("POST", prefix, spec("a")).status == 501)
        test.stream.append("t", 0, (0..<5).map { row($0) })
        #expect(eventually { test.total("a") == (5, 10) })
        try test.refuseWrites(to: "druid_segments")
        _ = test.ask("POST", "\(prefix)/s/terminate")
        let busy = test.ask("POST", prefix, spec("a"))
        #expect(busy.status == 503)
        #expect(busy.json?["error"]?.stringValue?.contains("[s], which was terminated, still publishes") ?? false)
        try test.refuseWrites(to: nil)
        #expect(eventually { test.ask("POST", prefix, spec("a")).status == 200 })
        test.stream.append("t", 0, [row(5)])
        #expect(eventually { test.total("a") == (6, 15) })
    }

    @Test func aResetThatWaitsHoldsNobodyElseUp() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<1)
        test.stream.append("t", 0, (0..<5).map { row($0) })
        _ = test.ask("POST", prefix, spec())
        #expect(test.hasRows(5, 10))
        try test.refuseWrites(to: "druid_segments")
        _ = test.ask("POST", "\(prefix)/clicks/suspend")
        // It waits until what was read is published.
        let (supervisors, outcome) = (test.services.supervisors, Monitor<LaminaError??>(nil))
        let thread = try WorkerThread(name: "reset") {
            do throws(LaminaError) {
                try supervisors.reset("clicks", to: nil)
                outcome.update { $0 = .some(nil) }
            } catch {
                outcome.update { $0 = .some(error) }
            }
        }
        let early = outcome.wait(milliseconds: 300) { $0 }
        #expect(early == nil)
        #expect(test.ask("POST", prefix, spec("b")).status == 200)
        #expect(test.ask("POST", "\(prefix)/b/terminate").status == 200)
        #expect(outcome.read { $0 == nil })
        try test.refuseWrites(to: nil)
        thread.join()
        #expect(outcome.read { $0.map { $0?.message } } == .some(nil))
        _ = test.ask("POST", "\(prefix)/clicks/resume")
        // Everything is read again beside what is published, as in Druid.
        #expect(test.hasRows(10, 20))
    }

    @Test func rowsAreHandedOffInTimeWhileTheStreamIsAway() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<1)
        test.stream.append("t", 0, (0..<5).map { row($0) })
        _ = test.ask("POST", prefix, spec(io: #","taskDuration":"PT1H""#))
        #expect(test.hasRows(5, 10))
        let task = try #require(test.activeTask)
        test.stream.setFailure("away")
        test.clock.update { $0 += 3_600_000 }
        #expect(eventually { test.services.segments.realtime("clicks").isEmpty })
        #expect(test.total() == (5, 10))
        #expect(eventually { test.taskState(task) == .success })
        test.stream.setFailure(nil)
        test.stream.append("t", 0, [row(5)])
        #expect(test.hasRows(6, 15))
    }

    @Test func newestOffsetsAreAskedForBetweenTwoRuns() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<1)
        let slow = spec(tuning: #","offsetFetchPeriod":"PT5S""#).replacing("PT0.050S", with: "PT1H")
        _ = test.ask("POST", prefix, slow)
        #expect(eventually { test.status()["latestOffsets"] == ["0": 0] })
        test.stream.append("t", 0, [row(1)])
        #expect(eventually { test.status()["latestOffsets"] == ["0": 1] })
    }

    @Test func whatATerminatedSupervisorLeftGoesAtTheNextStart() throws {
        let first = try TestServices()
        first.stream.addPartitions("t", 0..<1)
        first.stream.append("t", 0, (0..<5).map { row($0) })
        _ = first.ask("POST", prefix, spec())
        #expect(first.hasRows(5, 10))
        _ = first.ask("POST", "\(prefix)/clicks/terminate")
        #expect(eventually { first.services.segments.realtime("clicks").isEmpty })
        first.services.supervisors.stop()
        let folder = first.directory.stream("clicks")
        #expect(fileExists(folder))
        let second = try TestServices(after: first)
        #expect(try second.services.supervisors.start().isEmpty)
        #expect(second.total() == (5, 10))
        second.services.supervisors.stop()
        let third = try TestServices(after: second)
        #expect(try third.services.supervisors.start().isEmpty)
        #expect(!fileExists(folder))
        #expect(third.total() == (5, 10))
    }

    @Test(arguments: [
        (#""pollTimeout":-1"#, "pollTimeout"),
        (#""pollTimeout":10,"stopTaskCount":0"#, "stopTaskCount must be greater than 0"),
    ]) func numbersOutOfRangeAreNamed(_ io: String, _ message: String) throws {
        let test = try TestServices()
        let reply = test.ask("POST", prefix, spec().replacing("\"pollTimeout\":10", with: io))
        #expect(reply.status == 400)
        #expect(reply.json?["error"]?.stringValue?.contains(message) ?? false)
    }

    @Test(arguments: ["{}", #"{"taskGroupIds":[]}"#, #"{"taskGroupIds":0}"#])
    func aHandOffNamesItsGroups(_ body: String) throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<1)
        _ = test.ask("POST", prefix, spec())
        let reply = test.ask("POST", "\(prefix)/clicks/taskGroups/handoff", body)
        #expect(reply.status == 400)
        #expect(reply.json == ["error": "List of task groups to handoff can't be empty"])
    }
}
