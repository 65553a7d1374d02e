import Glibc
import LaminaBase
import LaminaHTTP
import LaminaTasks
import LaminaTestSupport
import Testing

@Suite struct SupervisorRouteTests {
    @Test(arguments: [
        (#"{"spec":{}}"#, "missing type id property 'type'"),
        (#"{"type":"kafak","spec":{}}"#, "Could not resolve type id 'kafak' as a subtype of"),
        (#"{"type":"kafka"}"#, "KafkaSupervisorSpec`, problem: dataSchema"),
        (#"{"type":"kafka","spec":{"dataSchema":{}}}"#, "KafkaSupervisorSpec`, problem: ioConfig"),
        (spec(topic: #""x":1"#), "problem: Either topic or topicPattern must be specified"),
        (spec(topic: #""topic":"a","topicPattern":"b""#), "Only one of topic or topicPattern can be specified"),
        (
            spec().replacing("\"bootstrap.servers\":\"x:1\"", with: ""),
            "problem: consumerProperties must contain entry for [bootstrap.servers]"
        ),
        (
            spec(io: #","lateMessageRejectionPeriod":"PT1H","lateMessageRejectionStartDateTime":"2024-01-01""#),
            "lateMessageRejectionStartDateTime"
        ),
        (spec(io: #","taskDuration":"P1M""#), "months"),
        (spec("a/b"), "cannot contain the '/'"),
    ]) func malformedSpecsAreRefusedInDruidsWords(_ body: String, _ message: String) throws {
        let test = try TestServices()
        let reply = test.ask("POST", prefix, body)
        #expect(reply.status == 400)
        #expect(reply.json?["error"]?.stringValue?.contains(message) ?? false, "\(reply.text)")
        #expect(reply.json?.objectValue?.count == 1)
        #expect(test.ask("GET", prefix).json == [])
        #expect(test.ask("POST", prefix, "{").status == 400)
    }

    @Test func unknownSupervisorsAreNamed() throws {
        let test = try TestServices()
        for look in ["", "/status", "/health", "/stats", "/parseErrors"] {
            let reply = test.ask("GET", "\(prefix)/nobody\(look)")
            #expect(reply.status == 404)
            #expect(reply.text == "Cannot find any supervisor with id: [nobody]")
        }
        for action in ["suspend", "resume", "reset", "terminate", "shutdown", "taskGroups/handoff", "replay"] {
            let reply = test.ask("POST", "\(prefix)/nobody/\(action)", "{}")
            #expect(reply.status == 404)
            #expect(reply.text == "Cannot find any supervisor with id: [nobody]")
        }
        let history = test.ask("GET", "\(prefix)/nobody/history")
        #expect(history.status == 404)
        #expect(history.json == ["error": "No history for [nobody]."])
    }

    @Test func aSupervisorsWholeLife() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<2)
        for number in 0..<1000 { test.stream.append("t", Int32(number % 2), [row(number)]) }
        #expect(test.ask("POST", prefix, spec()).json == ["id": "clicks"])
        #expect(test.hasRows(1000, 499_500))
        #expect(eventually { test.status()["state"] == "RUNNING" })
        // Bad records are counted and shown, the rest goes on.
        test.stream.append("t", 0, ["this is no json", nil, #"{"ts":"never"}"#])
        test.stream.append("t", 1, [row(1000)])
        #expect(test.hasRows(1001, 500_500))
        let offsets: JSON = ["0": 503, "1": 501]
        // The other partition may have been read before.
        var status = JSON.null
        #expect(
            eventually {
                status = test.status()
                return status["latestOffsets"] == offsets
                    && status["activeTasks"]?.arrayValue?.first?["currentOffsets"] == offsets
            }
        )
        #expect(status["partitions"] == 2)
        let active = status["activeTasks"]?.arrayValue?.first
        #expect(active?["type"] == "ACTIVE")
        #expect(active?["startingOffsets"] == ["0": 0, "1": 0])
        #expect(status["aggregateLag"] == 0)
        let id = active?["id"]?.stringValue ?? ""
        #expect(id.hasPrefix("index_kafka_clicks_"))
        let totals = test.ask("GET", "\(prefix)/clicks/stats").json?["0"]?[id]?["totals"]?["buildSegments"]
        #expect(totals?["processed"] == 1001)
        #expect(totals?["unparseable"] == 2)
        #expect(totals?["thrownAway"] == 1)
        #expect(test.ask("GET", "\(prefix)/clicks/parseErrors").json?.arrayValue?.count == 2)
        #expect(test.ask("GET", "\(prefix)/clicks/health").json == ["healthy": true])
        let tasks = test.ask("GET", "/druid/indexer/v1/tasks?datasource=clicks").json?.arrayValue ?? []
        #expect(tasks.count == 1 && tasks.first?["id"]?.stringValue == id)
        #expect(tasks.first?["statusCode"] == "RUNNING")
        #expect(tasks.first?["groupId"] == "index_kafka_clicks")

        // Suspending publishes; no row is missing or there twice.
        #expect(test.ask("POST", "\(prefix)/clicks/suspend").json?["suspended"] == true)
        #expect(test.ask("POST", "\(prefix)/clicks/suspend").json == ["error": "[clicks] is already suspended"])
        #expect(test.total() == (1001, 500_500))
        #expect(eventually { test.services.segments.realtime("clicks").isEmpty })
        #expect(test.total() == (1001, 500_500))
        #expect(eventually { test.taskState(id) == .success })
        test.stream.append("t", 0, [row(2000)])
        #expect(eventually { test.status()["aggregateLag"] == 1 })
        #expect(test.status()["state"] == "SUSPENDED")
        #expect(test.total() == (1001, 500_500))

        #expect(test.ask("POST", "\(prefix)/clicks/resume").json?["suspended"] == false)
        #expect(test.hasRows(1002, 502_500))
        let resumed = test.status()["activeTasks"]?.arrayValue?.first
        #expect(resumed?["startingOffsets"] == offsets)

        // Terminating publishes too, and leaves the history.
        #expect(test.ask("POST", "\(prefix)/clicks/terminate").json == ["id": "clicks"])
        #expect(test.ask("GET", prefix).json == [])
        #expect(test.ask("GET", "\(prefix)/clicks/status").status == 404)
        #expect(eventually { test.services.segments.realtime("clicks").isEmpty })
        #expect(test.total() == (1002, 502_500))
        let history = test.ask("GET", "\(prefix)/clicks/history").json?.arrayValue ?? []
        #expect(history.count == 4)
        #expect(history.first?["spec"] == SupervisorSpec.tombstone(dataSource: "clicks"))
        #expect(test.ask("GET", "\(prefix)/clicks/history?count=2").json?.arrayValue?.count == 2)
    }

    @Test func resetsReadAgain() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<1)
        test.stream.append("t", 0, (0..<100).map { row($0) })
        _ = test.ask("POST", prefix, spec())
        #expect(test.hasRows(100, 4950))
        // Nothing is published yet: all of it is read again, once.
        #expect(test.ask("POST", "\(prefix)/clicks/reset").json == ["id": "clicks"])
        #expect(test.hasRows(100, 4950))
        #expect(test.ask("POST", "\(prefix)/clicks/taskGroups/handoff", #"{"taskGroupIds":[0]}"#).status == 200)
        #expect(eventually { test.services.segments.realtime("clicks").isEmpty })
        #expect(test.total() == (100, 4950))
        // What is published stays: from 90 on there are ten rows more.
        let metadata = #"{"type":"kafka","partitions":{"type":"end","stream":"t","partitionOffsetMap":{"0":90}}}"#
        #expect(test.ask("POST", "\(prefix)/clicks/resetOffsets", metadata).json == ["id": "clicks"])
        #expect(test.hasRows(110, 5895))
        #expect(test.ask("POST", "\(prefix)/clicks/resetOffsets", #"{"type":"kafka"}"#).status == 400)
    }

    @Test func theSameSpecIsSkippedWhenAsked() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<1)
        _ = test.ask("POST", prefix, spec())
        #expect(eventually { test.activeTask != nil })
        let id = test.activeTask
        #expect(test.ask("POST", "\(prefix)?skipRestartIfUnmodified=true", spec()).json == ["id": "clicks"])
        #expect(test.activeTask == id)
        #expect(test.ask("GET", "\(prefix)/clicks/history").json?.arrayValue?.count == 1)
        _ = test.ask("POST", prefix, spec())
        #expect(eventually { test.activeTask != nil && test.activeTask != id })
        // The spec that is answered is a spec that can be submitted.
        let echo = test.ask("GET", "\(prefix)/clicks").text
        #expect(test.ask("POST", "\(prefix)?skipRestartIfUnmodified=true", echo).json == ["id": "clicks"])
        #expect(test.ask("GET", "\(prefix)/clicks/history").json?.arrayValue?.count == 2)
    }

    @Test func groupsShareTheCommittedOffsets() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<3)
        _ = test.ask("POST", prefix, spec(io: #","taskCount":2"#))
        var rows: Int64 = 0
        var sum: Int64 = 0
        for round in 0..<3 {
            for number in 0..<30 {
                let value = round * 100 + number
                test.stream.append("t", Int32(number % 3), [row(value)])
                rows += 1
                sum += Int64(value)
            }
            if round == 1 { test.stream.addPartitions("t", 3..<4) }
            if round > 0 { test.stream.append("t", 3, [row(1)]); rows += 1; sum += 1 }
            #expect(test.hasRows(rows, sum))
            #expect(test.ask("POST", "\(prefix)/clicks/taskGroups/handoff", #"{"taskGroupIds":[0,1]}"#).status == 200)
            #expect(eventually { test.services.segments.realtime("clicks").isEmpty })
            #expect(test.total() == (rows, sum))
        }
        #expect(test.status()["partitions"] == 4)
        #expect(test.status()["recentErrors"] == [])
    }

    @Test func aStreamThatIsAwayIsSeenAndComesBack() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<1)
        test.stream.setFailure("nobody answers")
        _ = test.ask("POST", prefix, spec())
        #expect(eventually { test.status()["detailedState"] == "UNABLE_TO_CONNECT_TO_STREAM" })
        #expect(test.status()["state"] == "UNHEALTHY_SUPERVISOR")
        #expect(test.ask("GET", "\(prefix)/clicks/health").status == 503)
        let error = test.status()["recentErrors"]?.arrayValue?.last
        #expect(error?["message"] == "nobody answers")
        #expect(error?["streamException"] == true)
        test.stream.setFailure(nil)
        test.stream.append("t", 0, (0..<10).map { row($0) })
        #expect(test.hasRows(10, 45))
        #expect(eventually { test.status()["state"] == "RUNNING" })
        // Rows stay visible while it is away.
        test.stream.setFailure("gone")
        #expect(eventually { test.status()["detailedState"] == "LOST_CONTACT_WITH_STREAM" })
        #expect(test.total() == (10, 45))
        test.stream.append("t", 0, [row(10)])
        test.stream.setFailure(nil)
        #expect(test.hasRows(11, 55))
    }

    @Test func offsetsThatAreGoneAreAnErrorUnlessResetAutomatically() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<1)
        test.stream.append("t", 0, (0..<10).map { row($0) })
        // A task that comes through some runs counts as well: on a slow machine it must fail sooner than that.
        _ = test.ask("POST", prefix, spec(period: "PT0.5S"))
        #expect(test.hasRows(10, 45))
        _ = test.ask("POST", "\(prefix)/clicks/suspend")
        #expect(eventually { test.services.segments.realtime("clicks").isEmpty })
        test.stream.append("t", 0, (10..<20).map { row($0) })
        test.stream.removeRecords("t", 0, before: 15)
        _ = test.ask("POST", "\(prefix)/clicks/resume")
        #expect(eventually { test.status()["state"] == "UNHEALTHY_TASKS" })
        let message = test.status()["recentErrors"]?.arrayValue?.last?["message"]?.stringValue ?? ""
        #expect(message.contains("Offset 10 of t-0"))
        #expect(test.total() == (10, 45))
        _ = test.ask("POST", prefix, spec(tuning: #","resetOffsetAutomatically":true"#))
        #expect(test.hasRows(15, 130))
    }

    @Test func tooManyBadRowsFailTheTask() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<1)
        test.stream.append("t", 0, [row(1), "x", "y", row(2)])
        _ = test.ask("POST", prefix, spec(tuning: #","maxParseExceptions":1"#, period: "PT0.5S"))
        #expect(eventually { test.status()["state"] == "UNHEALTHY_TASKS" })
        #expect(test.total() == (0, 0))
        let message = test.status()["recentErrors"]?.arrayValue?.last?["message"]?.stringValue ?? ""
        #expect(message.contains("Max parse exceptions[1] exceeded"))
        let failed = try test.services.tasks.completeStatuses().first
        #expect(failed?.state == .failed)
        #expect(failed?.errorMessage?.contains("Max parse exceptions") ?? false)
    }

    @Test func lateAndEarlyRowsAreThrownAway() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<1)
        // The task begins at 2024-05-01T21:46:40Z.
        test.stream.append(
            "t",
            0,
            [
                #""2024-05-01T20:00:00Z""#, #""2024-05-01T21:00:00Z""#, #""2024-05-01T23:00:00Z""#,
                #""2024-05-02T01:00:00Z""#,
            ].map {
                #"{"ts":\#($0),"k":"a","n":1}"#
            }
        )
        _ = test.ask(
            "POST",
            prefix,
            spec(io: #","lateMessageRejectionPeriod":"PT1H","earlyMessageRejectionPeriod":"PT1H""#)
        )
        #expect(test.hasRows(2, 2))
        let stats = test.ask("GET", "\(prefix)/clicks/stats").json?["0"]?.objectValue?.entries.first?.value
        let totals = stats?["totals"]?["buildSegments"]
        #expect(totals?["thrownAway"] == 2)
    }

    @Test func aPatternReadsAllItsTopics() throws {
        let test = try TestServices()
        test.stream.addPartitions("t1", 0..<2)
        test.stream.addPartitions("other", 0..<1)
        test.stream.append("t1", 0, [row(1)])
        test.stream.append("other", 0, [row(100)])
        _ = test.ask("POST", prefix, spec(topic: #""topicPattern":"t.*""#, io: #","taskCount":2"#))
        #expect(test.hasRows(1, 1))
        test.stream.addPartitions("t2", 0..<1)
        test.stream.append("t2", 0, [row(2)])
        #expect(test.hasRows(2, 3))
        let offsets: JSON = ["t1:0": 1, "t1:1": 0, "t2:0": 1]
        #expect(eventually { test.status()["latestOffsets"] == offsets })
    }

    @Test func aRestartShowsTheRowsAtOnceAndReadsOn() throws {
        let first = try TestServices()
        first.stream.addPartitions("t", 0..<2)
        first.stream.append("t", 0, (0..<50).map { row($0) })
        first.stream.append("t", 1, (50..<100).map { row($0) })
        _ = first.ask("POST", prefix, spec(io: #","taskCount":2"#))
        _ = first.ask("POST", prefix, spec("ended"))
        #expect(first.hasRows(100, 4950))
        #expect(eventually { first.total("ended") == (100, 4950) })
        let task = first.activeTask
        first.services.supervisors.stop()
        // The stream is away; it matters to nobody who asks for what was read before.
        first.stream.setFailure("away")
        let second = try TestServices(after: first)
        #expect(try second.services.supervisors.start().isEmpty)
        #expect(second.total() == (100, 4950))
        #expect(second.activeTask == task)
        // One that is ended before it reads again publishes what it has.
        #expect(second.ask("POST", "\(prefix)/ended/terminate").json == ["id": "ended"])
        #expect(eventually { second.services.segments.realtime("ended").isEmpty })
        #expect(second.total("ended") == (100, 4950))
        second.stream.append("t", 0, [row(100)])
        second.stream.setFailure(nil)
        #expect(second.hasRows(101, 5050))
        #expect(second.total("ended") == (100, 4950))
    }

    /// A task of a group counts what it has read itself, also when the process begins anew.
    @Test func aTaskCountsItsOwnRowsAlsoAfterARestart() throws {
        let first = try TestServices()
        first.stream.addPartitions("t", 0..<1)
        first.stream.append("t", 0, (0..<100).map { row($0) } + ["bad"])
        _ = first.ask("POST", prefix, spec())
        #expect(first.hasRows(100, 4950))
        let before = first.activeTask
        func counts(_ test: TestServices) -> JSON? {
            let stats = test.ask("GET", "\(prefix)/clicks/stats").json?["0"]
            return stats?[test.activeTask ?? ""]?["totals"]?["buildSegments"]
        }
        #expect(counts(first)?["processed"] == 100 && counts(first)?["unparseable"] == 1)
        first.advance(1000)
        #expect(first.ask("POST", "\(prefix)/clicks/taskGroups/handoff", #"{"taskGroupIds":[0]}"#).status == 200)
        #expect(eventually { first.activeTask != nil && first.activeTask != before })
        #expect(eventually { first.taskState(before ?? "") == .success })
        let task = first.activeTask
        first.stream.append("t", 0, (0..<20).map { row($0) })
        #expect(first.hasRows(120, 5140))
        #expect(counts(first)?["processed"] == 20 && counts(first)?["unparseable"] == 0)
        first.services.supervisors.stop()
        let second = try TestServices(after: first)
        #expect(try second.services.supervisors.start().isEmpty)
        #expect(second.activeTask == task)
        #expect(counts(second)?["processed"] == 20 && counts(second)?["unparseable"] == 0)
        second.stream.append("t", 0, ["bad", row(0)])
        #expect(second.hasRows(121, 5140))
        #expect(counts(second)?["processed"] == 21 && counts(second)?["unparseable"] == 1)
        let report = second.ask("GET", "/druid/indexer/v1/task/\(task ?? "")/reports").json
        let stats = report?["ingestionStatsAndErrors"]?["payload"]?["rowStats"]
        #expect(stats?["totals"]?["buildSegments"]?["processed"] == 21)
    }

    /// Segments that grow are listed when they are asked for, and only together with what is overshadowed.
    @Test func realtimeSegmentsAreListedWhenAskedFor() throws {
        let test = try TestServices()
        let path = "/druid/coordinator/v1/metadata/segments"
        func list(_ query: String) -> [JSON] { test.ask("GET", "\(path)?\(query)").json?.arrayValue ?? [] }
        test.stream.addPartitions("t", 0..<1)
        test.stream.append("t", 0, (0..<9).map { row($0) })
        _ = test.ask("POST", prefix, spec())
        #expect(test.hasRows(9, 36))
        #expect(test.ask("GET", "\(path)?includeRealtimeSegments").status == 400)
        #expect(list("") == [] && list("includeOvershadowedStatus") == [])
        let all = list("includeOvershadowedStatus&includeRealtimeSegments")
        #expect(all.count == 1)
        #expect(all.first?["realtime"] == true && all.first?["overshadowed"] == false)
        #expect(all.first?["numRows"] == 9 && all.first?["replicationFactor"] == .null)
        #expect(all.first?["dataSource"] == "clicks")
        #expect(list("includeOvershadowedStatus&includeRealtimeSegments&datasources=other") == [])
        _ = test.ask("POST", "\(prefix)/clicks/suspend")
        #expect(eventually { test.services.segments.realtime("clicks").isEmpty })
        let stored = list("includeOvershadowedStatus&includeRealtimeSegments")
        #expect(stored.count == 1 && stored == list("includeOvershadowedStatus"))
        #expect(stored.first?["realtime"] == false && stored.first?["replicationFactor"] == 1)
    }

    @Test func allAtOnce() throws {
        let test = try TestServices()
        test.stream.addPartitions("t", 0..<1)
        _ = test.ask("POST", prefix, spec("a"))
        _ = test.ask("POST", prefix, spec("b"))
        #expect(test.ask("POST", "\(prefix)/suspendAll").json == ["status": "success"])
        let states = test.ask("GET", "\(prefix)?system").json?.arrayValue ?? []
        #expect(states.allSatisfy { $0["suspended"] == true } && states.count == 2)
        #expect(test.ask("POST", "\(prefix)/resumeAll").json == ["status": "success"])
        let full = test.ask("GET", "\(prefix)?full").json?.arrayValue ?? []
        let names = full.compactMap { $0["spec"]?["spec"]?["dataSchema"]?["dataSource"]?.stringValue }
        #expect(names == ["a", "b"])
        let system = test.ask("GET", "\(prefix)?system").json?.arrayValue ?? []
        #expect(system.allSatisfy { $0["source"] == "t" } && system.count == 2)
        #expect(test.ask("POST", "\(prefix)/terminateAll").json == ["status": "success"])
        #expect(test.ask("GET", prefix).json == [])
    }
}
