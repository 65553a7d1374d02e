import Foundation
import LaminaBase
import LaminaHTTPClient
import Testing

/// `kill -9` at random moments of a task that replaces a day of data, and what the next start finds.
@Suite struct KillTests {
    /// Three moments always, twenty with LAMINA_LONG.
    private static let moments = ProcessInfo.processInfo.environment["LAMINA_LONG"] == nil ? 3 : 20

    private static let sample = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Samples").path

    /// The Wikipedia sample by the hour, whole or only what robots wrote.
    private func task(robotsOnly: Bool) -> String {
        let filter =
            robotsOnly ? #""transformSpec":{"filter":{"type":"selector","dimension":"isRobot","value":"true"}},"# : ""
        return """
            {"type":"index_parallel","spec":{"dataSchema":{"dataSource":"wiki",\(filter)
            "timestampSpec":{"column":"time","format":"iso"},
            "dimensionsSpec":{"dimensions":["channel","page","user","isRobot",{"type":"long","name":"added"}]},
            "granularitySpec":{"segmentGranularity":"HOUR","queryGranularity":"NONE","rollup":false}},
            "ioConfig":{"type":"index_parallel","dropExisting":true,"inputSource":{"type":"local","baseDir":"\(Self.sample)",
            "filter":"wikiticker-*.json.gz"},"inputFormat":{"type":"json"}},"tuningConfig":{"type":"index_parallel"}}}
            """
    }

    private func rows(_ server: RunningServer) throws -> Int64 {
        let query =
            #"{"queryType":"timeseries","dataSource":"wiki","intervals":["2015-09-12/2015-09-13"],"granularity":"all","#
            + #""aggregations":[{"type":"count","name":"rows"}]}"#
        let answer = try ask(server, .post, "/druid/v2", query)
        return try #require(answer.arrayValue?.first?["result"]?["rows"]?.intValue, "\(answer.text)")
    }

    private func ask(_ server: RunningServer, _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil)
        throws -> JSON
    {
        var request = HTTPRequest(method, server.url + path, body: body.map { Array($0.utf8) })
        if body != nil { request.headers.append(("Content-Type", "application/json")) }
        let answer = try HTTPClient().send(request)
        #expect(answer.status == 200, "\(path): \(String(decoding: answer.body, as: UTF8.self))")
        return try JSONParser.parse(answer.body)
    }

    private func submit(_ server: RunningServer, robotsOnly: Bool) throws -> String {
        let reply = try ask(server, .post, "/druid/indexer/v1/task", task(robotsOnly: robotsOnly))
        return try #require(reply["task"]?.stringValue)
    }

    private func status(_ server: RunningServer, _ id: String) throws -> JSON {
        try ask(server, .get, "/druid/indexer/v1/task/\(id)/status")["status"] ?? .null
    }

    /// Waits until the task has ended; milliseconds it took.
    private func finish(_ server: RunningServer, _ id: String) throws -> Int64 {
        for _ in 0..<3000 {
            let status = try status(server, id)
            if status["status"] != "RUNNING" {
                #expect(status["status"] == "SUCCESS", "\(status.text)")
                return status["duration"]?.intValue ?? 0
            }
            usleep(50_000)
        }
        Issue.record("the task did not end")
        return 0
    }

    /// Segment folders in deep storage, from the data directory on.
    private func folders(_ data: String) -> Set<String> {
        let files = FileManager.default.enumerator(atPath: "\(data)/segments")?.compactMap { $0 as? String } ?? []
        return Set(files.filter { $0.hasSuffix("/index") }.map { "segments/\($0)" })
    }

    /// Kills the server, starts it again and waits until the task has ended: one that the kill caught before it began is queued
    /// again. Its status.
    private func killAndRestart(_ server: inout RunningServer, data: String, task id: String) throws -> JSON {
        server.killAtOnce()
        server = try RunningServer(data: data)
        var status = try status(server, id)
        for _ in 0..<2000 where status["status"] == "RUNNING" {
            usleep(50_000)
            status = try self.status(server, id)
        }
        return status
    }

    /// Files are there for just the segments that are known, and nothing is left of tasks. The number of used segments.
    private func checkFiles(_ server: RunningServer, data: String, _ comment: Comment) throws -> Int {
        let known = try ask(server, .get, "/druid/coordinator/v1/metadata/segments").arrayValue ?? []
        let unused =
            try ask(server, .get, "/druid/coordinator/v1/metadata/datasources/wiki/unusedSegments").arrayValue ?? []
        let paths = (known + unused).compactMap { $0["loadSpec"]?["path"]?.stringValue }
        #expect(folders(data) == Set(paths), comment)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(data)/work").isEmpty, comment)
        return known.count
    }

    @Test func aKilledTaskLeavesTheOldOrTheNewAndNothingElse() throws {
        let folder = try TestFolder()
        let data = folder.file("data")
        var server = try RunningServer(data: data)
        let duration = try finish(server, try submit(server, robotsOnly: false))
        let all = try rows(server)
        #expect(all == 39244)
        _ = try finish(server, try submit(server, robotsOnly: true))
        let robots = try rows(server)
        #expect(robots > 0 && robots < all)

        var hasRobots = true
        var generator = SystemRandomNumberGenerator()
        for moment in 0..<Self.moments {
            let before = hasRobots ? robots : all
            let after = hasRobots ? all : robots
            let id = try submit(server, robotsOnly: !hasRobots)
            let wait = Int64.random(in: 0...(duration + duration / 4), using: &generator)
            usleep(UInt32(wait * 1000))
            let comment = Comment(rawValue: "moment \(moment), killed after \(wait) of \(duration) ms")
            let status = try killAndRestart(&server, data: data, task: id)
            let succeeded = status["status"] == "SUCCESS"
            #expect(try rows(server) == (succeeded ? after : before), comment)
            if !succeeded {
                #expect(status["status"] == "FAILED", comment)
                #expect(status["errorMsg"]?.stringValue?.isEmpty == false, comment)
            }
            _ = try checkFiles(server, data: data, comment)
            #expect(try ask(server, .get, "/druid/indexer/v1/runningTasks") == [], comment)
            // The lock is free: the task can be run again.
            _ = try finish(server, try submit(server, robotsOnly: !hasRobots))
            #expect(try rows(server) == after, comment)
            hasRobots.toggle()
        }
        #expect(server.stop() == 0)
    }

    /// Compactions and kill tasks killed at random moments: every row stays, and files are there for just what is known.
    @Test func killedCompactionsAndKillTasksLoseNothing() throws {
        let folder = try TestFolder()
        let data = folder.file("data")
        var server = try RunningServer(data: data)
        var duration = try finish(server, try submit(server, robotsOnly: false))
        let all = try rows(server)
        var isByDay = false
        for moment in 0..<Self.moments * 2 {
            let isKill = moment % 2 == 1
            let granularity = isByDay ? "HOUR" : "DAY"
            let task =
                isKill
                ? #"{"type":"kill","dataSource":"wiki","interval":"2015-01-01/2016-01-01","batchSize":5}"#
                : #"{"type":"compact","dataSource":"wiki","ioConfig":{"inputSpec":{"type":"interval","#
                    + #""interval":"2015-09-12/2015-09-13"}},"granularitySpec":{"segmentGranularity":"\#(granularity)"}}"#
            let reply = try ask(server, .post, "/druid/indexer/v1/task", task)
            let id = try #require(reply["task"]?.stringValue)
            let wait = Int64.random(in: 0...(isKill ? 40 : duration + duration / 4))
            usleep(UInt32(wait * 1000))
            let comment = Comment(rawValue: "moment \(moment), killed after \(wait) ms")
            let status = try killAndRestart(&server, data: data, task: id)
            #expect(try rows(server) == all, comment)
            let known = try checkFiles(server, data: data, comment)
            if !isKill {
                if status["status"] == "SUCCESS" { duration = max(status["duration"]?.intValue ?? 0, 1) }
                isByDay = known == 1
            }
        }
        #expect(server.stop() == 0)
    }
}
