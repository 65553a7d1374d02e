import Glibc
import LaminaBase
import LaminaHTTP
import Testing

@Suite struct CoordinatorRouteTests {
    private let prefix = "/druid/coordinator/v1"

    @Test func showsWhatIsPublished() throws {
        let test = try TestServices()
        try test.publish("ver_a", days: 0..<3)
        #expect(test.ask("GET", "\(prefix)/datasources").json == ["ver_a"])
        #expect(test.ask("GET", "\(prefix)/metadata/datasources").json == ["ver_a"])
        #expect(test.ask("GET", "/druid/v2/datasources/").json == ["ver_a"])
        let one = test.ask("GET", "\(prefix)/datasources/ver_a").json
        #expect(one?["segments"]?["count"] == 3)
        #expect(one?["segments"]?["size"] == 3000)
        #expect(one?["segments"]?["maxTime"] == "2024-05-04T00:00:00.000Z")
        #expect(
            test.ask("GET", "\(prefix)/datasources/ver_a/intervals").json == [
                "2024-05-03T00:00:00.000Z/2024-05-04T00:00:00.000Z",
                "2024-05-02T00:00:00.000Z/2024-05-03T00:00:00.000Z",
                "2024-05-01T00:00:00.000Z/2024-05-02T00:00:00.000Z",
            ]
        )
        let inDay = test.ask("GET", "\(prefix)/datasources/ver_a/intervals/2024-05-01_2024-05-02").json?.arrayValue
        #expect(inDay == ["ver_a_2024-05-01T00:00:00.000Z_2024-05-02T00:00:00.000Z_2024-05-02T00:00:00.000Z"])
        #expect(
            test.ask("POST", "\(prefix)/metadata/datasources/ver_a/segments", "[\"2024-05-01/P2D\"]").json?.arrayValue?
                .count == 2
        )
        #expect(
            test.ask("GET", "\(prefix)/metadata/segments?datasources=ver_a&includeOvershadowedStatus").json?.arrayValue?
                .count == 3
        )
        #expect(test.ask("GET", "\(prefix)/loadstatus").json == ["ver_a": 100.0])
        #expect(test.ask("GET", "/proxy/coordinator\(prefix)/datasources").json == ["ver_a"])
        #expect(test.ask("GET", "/proxy/overlord\(prefix)/datasources").status == 404)
    }

    @Test func unknownNamesAnswerAsDruidDoes() throws {
        let test = try TestServices()
        #expect(test.ask("GET", "\(prefix)/datasources/none").status == 204)
        #expect(test.ask("GET", "\(prefix)/metadata/datasources/none").status == 404)
        #expect(test.ask("GET", "/druid/v2/datasources/none").json == ["dimensions": [], "metrics": []])
        #expect(test.ask("GET", "\(prefix)/datasources/none/loadstatus").status == 400)
        let none = test.ask("GET", "\(prefix)/datasources/none/loadstatus?forceMetadataRefresh=true")
        #expect(none.text == "No used segment found for the given datasource and interval")
        #expect(test.ask("GET", "\(prefix)/compaction/progress?dataSource=x").json?["category"] == "NOT_FOUND")
    }

    @Test func columnsAreListedForTheIntervalAskedFor() throws {
        let test = try TestServices()
        try test.publish("ver_a", days: 0..<1)
        let asked = test.ask("GET", "/druid/v2/datasources/ver_a?interval=2024-05-01/2024-06-01")
        #expect(asked.json == ["dimensions": ["k", "tag"], "metrics": ["v", "cnt"]])
        // The clock stands at 2024-05-01T21:46:40Z: the last week ends there.
        #expect(test.ask("GET", "/druid/v2/datasources/ver_a").json?["dimensions"] == ["k", "tag"])
        try test.publish("old", days: -20..<(-19))
        #expect(test.ask("GET", "/druid/v2/datasources/old/dimensions").json == [])
    }

    @Test func marksSegmentsUnusedAndBack() throws {
        let test = try TestServices()
        try test.publish("d", days: 0..<3)
        let path = "\(prefix)/datasources/d"
        #expect(test.ask("POST", "\(path)/markUnused", "{}").status == 400)
        #expect(
            test.ask("POST", "\(path)/markUnused", "{\"interval\":\"2024-05-01/2024-05-02\",\"segmentIds\":[\"x\"]}")
                .status == 400
        )
        let changed = test.ask("POST", "\(path)/markUnused", "{\"interval\":\"2024-05-01/2024-05-02\"}")
        #expect(changed.json == ["numChangedSegments": 1])
        #expect(test.ask("GET", "\(path)/segments").json?.arrayValue?.count == 2)
        #expect(test.ask("DELETE", "\(path)/segments/nonsense").status == 400)
        let id = "d_2024-05-02T00:00:00.000Z_2024-05-03T00:00:00.000Z_2024-05-02T00:00:00.000Z"
        #expect(test.ask("DELETE", "\(path)/segments/\(id)").json == ["segmentStateChanged": true])
        #expect(test.ask("DELETE", "\(path)/segments/\(id)").json == ["segmentStateChanged": false])
        #expect(test.ask("GET", "\(prefix)/metadata/datasources/d/unusedSegments").json?.arrayValue?.count == 2)
        #expect(test.ask("POST", path).json == ["numChangedSegments": 2])
        #expect(test.ask("DELETE", path).json == ["numChangedSegments": 3])
        #expect(test.ask("GET", "\(prefix)/datasources").json == [])
        #expect(test.ask("GET", "\(prefix)/metadata/datasources?includeUnused").json == ["d"])
    }

    @Test func anIntervalIsKilledByATask() throws {
        let test = try TestServices()
        try test.publish("d", days: 0..<3)
        let path = "\(prefix)/datasources/d"
        _ = test.ask("POST", "\(path)/markUnused", "{\"interval\":\"2024-05-01/2024-05-03\"}")
        #expect(test.ask("DELETE", "\(path)/intervals/nonsense").status == 400)
        let reply = test.ask("DELETE", "\(path)/intervals/2024-05-01_2024-05-02")
        #expect(reply.status == 200 && reply.text.isEmpty)
        let unused = "\(prefix)/metadata/datasources/d/unusedSegments"
        for _ in 0..<6000 where test.ask("GET", unused).json?.arrayValue?.count == 2 { usleep(10_000) }
        #expect(test.ask("GET", unused).json?.arrayValue?.count == 1)
        // The oldest way to ask for the same.
        #expect(test.ask("DELETE", "\(path)?kill=true&interval=2024-05-02/2024-05-03").status == 200)
        for _ in 0..<6000 where test.ask("GET", unused).json?.arrayValue?.count == 1 { usleep(10_000) }
        #expect(test.ask("GET", unused).json == [])
        let tasks = test.ask("GET", "/druid/indexer/v1/tasks?type=kill").json?.arrayValue ?? []
        #expect(tasks.count == 2)
        #expect(tasks.allSatisfy { $0["id"]?.stringValue?.hasPrefix("api-issued_kill_d_") == true })
        #expect(test.ask("GET", "\(path)/segments").json?.arrayValue?.count == 1)
    }

    @Test func rulesAreCheckedFilledInAndKept() throws {
        let test = try TestServices()
        let rules = "\(prefix)/rules"
        #expect(test.ask("GET", rules).json?["_default"]?.arrayValue?.count == 1)
        #expect(test.ask("POST", "\(rules)/d", "[{\"type\":\"sometimes\"}]").status == 400)
        #expect(
            test.ask(
                "POST",
                "\(rules)/d",
                "[{\"type\":\"loadByPeriod\",\"period\":\"P1M\"},{\"type\":\"dropForever\"}]"
            ).status == 200
        )
        #expect(
            test.ask("GET", "\(rules)/d").json == [
                [
                    "period": "P1M", "includeFuture": true, "tieredReplicants": ["_default_tier": 2],
                    "useDefaultTierForNull": true, "type": "loadByPeriod",
                ],
                ["type": "dropForever"],
            ]
        )
        #expect(test.ask("GET", "\(rules)/d?full").json?.arrayValue?.count == 3)
        #expect(test.ask("GET", "\(rules)/d/history").json?.arrayValue?.count == 1)
    }

    @Test func namesComeInTheOrderOfAJavaSet() throws {
        let test = try TestServices()
        try test.publish("d", days: 0..<1)
        // "v" hashes to bucket 6 of 16, "cnt" to 8: java -e 'new HashSet<>(List.of("cnt", "v"))'.
        #expect(test.ask("GET", "/druid/v2/datasources/d/metrics?interval=2024-05-01/P1D").json == ["v", "cnt"])
    }
}
