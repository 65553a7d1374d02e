import LaminaBase
import LaminaHTTP
import LaminaTasks
import LaminaTestSupport
import Testing

/// Supervisors of type `push`: their tasks, counters and samplers.
@Suite struct PushSupervisorTests {
    @Test func pushesGoToASupervisorOfTheirOwn() throws {
        let test = try TestServices()
        #expect(test.ask("POST", prefix, pushSpec()).json == ["id": "clicks"])
        #expect(eventually { test.status()["state"] == "RUNNING" })
        let reply = test.ask("POST", "/v1/push/clicks", "[\(row(1)),\(row(2))]")
        #expect(reply.json?["accepted"] == 2)
        #expect(test.total() == (2, 3))
        _ = test.ask("POST", "\(prefix)/clicks/suspend")
        #expect(test.ask("POST", "/v1/push/clicks", "[\(row(3))]").status == 503)
        #expect(eventually { test.services.segments.realtime("clicks").isEmpty })
        #expect(test.total() == (2, 3))
        _ = test.ask("POST", "\(prefix)/clicks/resume")
        #expect(eventually { test.ask("POST", "/v1/push/clicks", "[\(row(4))]").status == 200 })
        #expect(test.total() == (3, 7))
        _ = test.ask("POST", "\(prefix)/clicks/terminate")
        #expect(eventually { test.services.segments.realtime("clicks").isEmpty })
        #expect(test.total() == (3, 7))
        #expect(test.ask("POST", "/v1/push/clicks", "[\(row(5))]").status == 404)
    }

    private func running(_ test: TestServices) -> [String] {
        let all = test.ask("GET", "/druid/indexer/v1/runningTasks?datasource=clicks").json?.arrayValue ?? []
        return all.compactMap { $0["id"]?.stringValue }
    }

    private func push(_ test: TestServices, _ rows: Range<Int>) -> Int64? {
        let body = "[\(rows.map { row($0) }.joined(separator: ","))]"
        return test.ask("POST", "/v1/push/clicks", body).json?["accepted"]?.intValue
    }

    /// Rows that a task counts as its own.
    private func processed(_ test: TestServices, _ task: String?) -> JSON? {
        test.ask("GET", "\(prefix)/clicks/stats").json?["0"]?[task ?? ""]?["totals"]?["buildSegments"]?[
            "processed"
        ]
    }

    @Test func aPushStreamRunsAsATask() throws {
        let test = try TestServices()
        _ = test.ask("POST", prefix, pushSpec(io: #","taskDuration":"PT1H""#))
        #expect(eventually { test.activeTask != nil })
        let task = test.activeTask ?? ""
        #expect(task.hasPrefix("index_push_clicks_"))
        #expect(running(test) == [task])
        #expect(push(test, 0..<10) == 10)
        let listed = test.ask("GET", "/druid/indexer/v1/tasks?datasource=clicks").json?.arrayValue?.first
        #expect(listed?["type"] == "index_push" && listed?["groupId"] == "index_push_clicks")
        #expect(listed?["statusCode"] == "RUNNING")
        let payload = test.ask("GET", "/druid/indexer/v1/task/\(task)").json?["payload"]
        #expect(payload?["type"] == "index_push" && payload?["dataSource"] == "clicks")
        #expect(payload?["spec"]?["ioConfig"]?["type"] == "push")
        #expect(payload?["spec"]?["ioConfig"]?["inputFormat"]?["type"] == "json")
        let active = test.status()["activeTasks"]?.arrayValue?.first
        #expect(active?["type"] == "ACTIVE" && active?["currentOffsets"] != active?["startingOffsets"])
        #expect(active?["remainingSeconds"] == 3600)
        #expect(processed(test, task) == 10)
        let report = test.ask("GET", "/druid/indexer/v1/task/\(task)/reports").json?["ingestionStatsAndErrors"]?[
            "payload"
        ]
        #expect(report?["ingestionState"] == "BUILD_SEGMENTS")
        #expect(report?["rowStats"]?["totals"]?["buildSegments"]?["processed"] == 10)
        #expect(test.ask("GET", "/druid/indexer/v1/task/\(task)/log").text.contains("Task \(task) reads"))

        // Its time is over: it publishes, and the next one takes rows.
        test.advance(3_600_000)
        #expect(eventually { test.activeTask != nil && test.activeTask != task })
        let next = test.activeTask ?? ""
        #expect(push(test, 10..<15) == 5)
        #expect(eventually { test.taskState(task) == .success })
        #expect(running(test) == [next])
        #expect(processed(test, next) == 5)
        let final = test.ask("GET", "/druid/indexer/v1/task/\(task)/reports").json?["ingestionStatsAndErrors"]?[
            "payload"
        ]
        #expect(final?["rowStats"]?["totals"]?["buildSegments"]?["processed"] == 10)
        #expect(final?["ingestionState"] == "COMPLETED")

        // One that is shut down publishes what it has; nothing of it can be read again.
        test.advance(1000)
        #expect(test.ask("POST", "/druid/indexer/v1/task/\(next)/shutdown").status == 200)
        #expect(eventually { test.taskState(next) == .success })
        #expect(eventually { test.activeTask != nil && test.activeTask != next })
        #expect(test.total() == (15, 105))

        let last = test.activeTask ?? ""
        #expect(push(test, 15..<16) == 1)
        _ = test.ask("POST", "\(prefix)/clicks/suspend")
        #expect(eventually { test.taskState(last) == .success })
        #expect(running(test) == [])
        #expect(test.ask("GET", "\(prefix)/clicks/stats").json == [:])
        test.advance(1000)
        _ = test.ask("POST", "\(prefix)/clicks/resume")
        #expect(eventually { test.activeTask != nil && test.activeTask != last })
        #expect(push(test, 16..<17) == 1)
        let end = test.activeTask ?? ""
        #expect(processed(test, end) == 1)
        _ = test.ask("POST", "\(prefix)/clicks/terminate")
        #expect(eventually { test.taskState(end) == .success })
        #expect(test.total() == (17, 136))
    }

    @Test func theTaskAndItsCountsGoOnAfterARestart() throws {
        let first = try TestServices()
        _ = first.ask("POST", prefix, pushSpec())
        #expect(eventually { first.activeTask != nil })
        let task = first.activeTask
        let keyed = HTTPRequest(
            method: "POST",
            target: "/v1/push/clicks",
            headers: ["content-type": "application/json", "idempotency-key": "k"],
            body: Array("[\(row(1)),\(row(2)),{}]".utf8)
        )
        for _ in 0..<2 { #expect(first.router.respond(to: keyed).status == 200) }
        let counted: [String: JSON] = [
            "pushes": 2, "received": 6, "accepted": 2, "duplicate": 3, "rejected": ["unparseable": 1],
        ]
        let since = first.status()["push"]?["since"]
        #expect(since?.stringValue == instantText(TestServices.now))
        func check(_ test: TestServices) {
            for (name, count) in counted { #expect(test.status()["push"]?[name] == count, "\(name)") }
            #expect(test.status()["push"]?["since"] == since)
            #expect(processed(test, task) == 2)
        }
        check(first)
        first.services.supervisors.stop()
        let second = try TestServices(after: first)
        second.advance(1000)
        #expect(try second.services.supervisors.start().isEmpty)
        #expect(second.activeTask == task)
        #expect(running(second) == [task])
        check(second)
        #expect(push(second, 3..<4) == 1)
        #expect(processed(second, task) == 3)
        // All of it begins anew.
        _ = second.ask("POST", "\(prefix)/clicks/reset")
        #expect(second.status()["push"]?["received"] == 0)
        #expect(second.status()["push"]?["since"]?.stringValue == instantText(TestServices.now + 1000))
    }

    @Test func samplesAreRowsThatTheRequestBrings() throws {
        let test = try TestServices()
        let rows = "\(row(1))\nnonsense\n\(row(2))".replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        let source = #","inputSource":{"type":"inline","data":"\#(rows)"}"#
        let reply = test.ask("POST", "/druid/indexer/v1/sampler", pushSpec(io: source)).json
        #expect(reply?["numRowsRead"] == 3 && reply?["numRowsIndexed"] == 2)
        let data = reply?["data"]?.arrayValue ?? []
        #expect(data.first?["parsed"]?["k"] == "k1" && data.first?["parsed"]?["n"] == 1)
        #expect(data.dropFirst().first?["unparseable"] == true)
        // Nothing was made of it.
        #expect(test.ask("GET", prefix).json == [])
        let refused = test.ask("POST", "/druid/indexer/v1/sampler", pushSpec())
        #expect(refused.status == 400 && refused.text.contains("inputSource"), "\(refused.text)")
    }
}
