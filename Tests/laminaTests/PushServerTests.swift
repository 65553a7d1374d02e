import Foundation
import LaminaBase
import LaminaHTTPClient
import Testing

/// Rows by push through a server process, as shippers and `lamina push` send them.
@Suite(.serialized, .timeLimit(.minutes(5))) struct PushServerTests {
    private static let day = "2024-06-05"

    private func spec(_ dataSource: String, io: String = #""inputFormat":{"type":"json"}"#) -> String {
        """
        {"type":"push","spec":{"dataSchema":{"dataSource":"\(dataSource)",
        "timestampSpec":{"column":"time","format":"auto"},
        "dimensionsSpec":{"dimensions":["id","k"]},"metricsSpec":[{"type":"longSum","name":"n","fieldName":"n"}],
        "granularitySpec":{"segmentGranularity":"DAY","queryGranularity":"NONE","rollup":false}},
        "ioConfig":{"type":"push",\(io)}}}
        """
    }

    private func row(_ id: String) -> String { #"{"time":"\#(Self.day)T10:00:00Z","id":"\#(id)","k":"a","n":1}"# }

    private struct Answer {
        var status: Int
        var json: JSON
        var headers: HTTPResponse
    }

    private func send(
        _ server: RunningServer,
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: [UInt8]?,
        type: String? = "application/json",
        _ headers: [(String, String)] = []
    ) throws -> Answer {
        var request = HTTPRequest(method, server.url + path, body: body)
        // libcurl sends a form's type unless the header is taken out.
        request.headers.append(("Content-Type", type ?? ""))
        request.headers += headers.map { (name: $0.0, value: $0.1) }
        let answer = try HTTPClient().send(request)
        return Answer(status: answer.status, json: (try? JSONParser.parse(answer.body)) ?? .null, headers: answer)
    }

    private func push(
        _ server: RunningServer,
        _ text: String,
        type: String? = "application/json",
        _ headers: [(String, String)] = [],
        path: String = "/v1/push/p"
    ) throws -> Answer {
        try send(server, .post, path, Array(text.utf8), type: type, headers)
    }

    private func counts(_ answer: Answer) -> [Int64?] {
        ["received", "accepted", "rejected", "duplicate"].map { answer.json[$0]?.intValue }
    }

    @Test func everyShippersBodyIsTakenAndAnswered() throws {
        let folder = try TestFolder()
        let server = try RunningServer(data: folder.file("data"))
        let face = ServerFace(server.url)
        let unknown = try push(server, row("x"))
        #expect(unknown.status == 404)
        #expect(unknown.json["errorMessage"]?.stringValue?.contains("/druid/indexer/v1/supervisor") == true)
        #expect(try push(server, spec("p"), path: "/druid/indexer/v1/supervisor").status == 200)
        #expect(try send(server, .get, "/v1/push/p", nil).status == 200)
        #expect(try send(server, .head, "/v1/push/p", nil).status == 200)

        let (a, b) = (row("array"), row("array2"))
        #expect(try counts(push(server, "[\(a),\(b)]")) == [2, 2, 0, 0])
        #expect(try counts(push(server, "\(row("l1"))\n\(row("l2"))\n", type: "application/x-ndjson")) == [2, 2, 0, 0])
        #expect(try counts(push(server, row("s1") + row("s2"), type: "text/plain")) == [2, 2, 0, 0])
        #expect(try counts(push(server, row("one"), type: "application/octet-stream")) == [1, 1, 0, 0])
        // [EventTime, {"id": "fluent"}] of Fluent Bit, whose time is 2024-06-05T10:00:00Z.
        let event: [UInt8] =
            [0x92, 0xD7, 0x00, 0x66, 0x60, 0x36, 0xA0, 0, 0, 0, 0, 0x81, 0xA2, 0x69, 0x64, 0xA6] + Array("fluent".utf8)
        #expect(try counts(send(server, .put, "/v1/push/p", event, type: "application/msgpack")) == [1, 1, 0, 0])
        let tranquil = try push(server, "\(row("t1"))\n{}\n\(row("t2"))", type: "text/plain", path: "/v1/post/p")
        #expect(tranquil.status == 200 && tranquil.json == ["result": ["received": 3, "sent": 2]])
        #expect(
            try face.ids(of: "p")
                == ["array", "array2", "l1", "l2", "s1", "s2", "one", "fluent", "t1", "t2"]
        )

        #expect(try push(server, "[\(a)").status == 400)
        #expect(try push(server, "<x/>", type: "application/xml").status == 415)
        #expect(try push(server, a, [("Content-Encoding", "br")]).status == 415)
        #expect(try push(server, a, [("Idempotency-Key", "a"), ("X-Lamina-Producer", "b")]).status == 400)
        #expect(try push(server, a, type: "text/plain", [("Origin", "http://elsewhere")]).status == 415)
        let atomic = try push(server, "[\(row("no")),{}]", path: "/v1/push/p?atomic=true")
        #expect(atomic.status == 400 && counts(atomic) == [2, 0, 1, 0])
        #expect(atomic.json["errors"]?.arrayValue?.first?["row"] == 1)
        #expect(try !face.ids(of: "p").contains("no"))

        let letters = try send(server, .get, "/v1/push/p/deadletters?limit=5", nil)
        #expect(letters.json["counts"] == ["unparseable": 1])
        #expect(letters.json["deadLetters"]?.arrayValue?.first?["row"] == "{}")
        let again = try push(server, "", path: "/v1/push/p/deadletters/replay")
        #expect(again.json == ["replayed": 1, "accepted": 0, "rejected": 1, "cut": 0])
        #expect(try send(server, .delete, "/v1/push/p/deadletters", nil).json == ["deleted": 1])
        #expect(try send(server, .get, "/v1/push/p/deadletters/counts", nil).json["count"] == 0)
    }

    @Test func bombsAreRefused() throws {
        let folder = try TestFolder()
        let server = try RunningServer(data: folder.file("data"))
        #expect(try push(server, spec("p"), path: "/druid/indexer/v1/supervisor").status == 200)
        let zeros = folder.file("zeros")
        for (tool, coding) in [("gzip -9", "gzip"), ("zstd -19", "zstd")] {
            let made = Process()
            made.executableURL = URL(fileURLWithPath: "/bin/sh")
            made.arguments = ["-c", "command -v \(coding) && head -c 200000000 /dev/zero | \(tool) -c > \(zeros)"]
            made.standardOutput = FileHandle.nullDevice
            try made.run()
            made.waitUntilExit()
            guard made.terminationStatus == 0, let bomb = FileManager.default.contents(atPath: zeros) else { continue }
            #expect(bomb.count < 1_000_000)
            let answer = try send(server, .post, "/v1/push/p", Array(bomb), [("Content-Encoding", coding)])
            #expect(answer.status == 413, "\(coding)")
            let cut = try send(server, .post, "/v1/push/p", Array(bomb.dropLast(9)), [("Content-Encoding", coding)])
            #expect(cut.status == 413 || cut.status == 400)
        }
        let deep = String(repeating: "{\"a\":", count: 100_000) + "1" + String(repeating: "}", count: 100_000)
        #expect(try counts(push(server, deep)) == [1, 0, 1, 0])
        let number = "{\"time\":\"\(Self.day)\",\"id\":\"x\",\"n\":1\(String(repeating: "0", count: 5_000_000))}"
        #expect(try push(server, number).status == 200)
        #expect(try counts(push(server, row("alive"))) == [1, 1, 0, 0])
    }

    @Test func keysAndRowsSurviveARestartAndSuspendedStreamsSaySo() throws {
        let folder = try TestFolder()
        var server = try RunningServer(data: folder.file("data"))
        #expect(try push(server, spec("p"), path: "/druid/indexer/v1/supervisor").status == 200)
        #expect(try counts(push(server, row("1"), [("Idempotency-Key", "k")])) == [1, 1, 0, 0])
        let producer = [("X-Lamina-Producer", "p"), ("X-Lamina-Sequence", "7")]
        #expect(try counts(push(server, row("2"), producer)) == [1, 1, 0, 0])
        server.killAtOnce()
        server = try RunningServer(data: folder.file("data"))
        let face = ServerFace(server.url)
        #expect(try face.ids(of: "p") == ["1", "2"])
        #expect(try counts(push(server, row("1"), [("Idempotency-Key", "k")])) == [1, 0, 0, 1])
        #expect(try counts(push(server, row("2"), producer)) == [1, 0, 0, 1])
        #expect(try face.ids(of: "p") == ["1", "2"])
        #expect(try push(server, "", path: "/druid/indexer/v1/supervisor/p/suspend").status == 200)
        let suspended = try push(server, row("3"))
        #expect(suspended.status == 503 && suspended.headers.header("Retry-After") != nil)
        #expect(try push(server, "", path: "/druid/indexer/v1/supervisor/p/resume").status == 200)
        var answer = try push(server, row("3"))
        for _ in 0..<1200 where answer.status == 503 {
            usleep(100_000)
            answer = try push(server, row("3"))
        }
        #expect(counts(answer) == [1, 1, 0, 0])
        #expect(try face.ids(of: "p") == ["1", "2", "3"])
    }

    @Test func theCommandPushesFilesAndSaysExactCounts() throws {
        let folder = try TestFolder()
        let server = try RunningServer(data: folder.file("data"))
        let face = ServerFace(server.url)
        #expect(try push(server, spec("p"), path: "/druid/indexer/v1/supervisor").status == 200)
        let lines = (0..<250).map { $0 == 137 ? "nonsense" : row("\($0)") }
        let file = try folder.write("rows.json", lines.joined(separator: "\n"))
        func run(_ words: String...) throws -> Finished {
            try Program.run(["push", "--server", server.url] + words)
        }
        let first = try run("p", file, "--batch", "100", "--producer", "loader")
        #expect(first.status == 1)
        #expect(first.output == "250 rows received, 249 accepted, 1 rejected, 0 duplicate\n")
        #expect(first.errors.contains("row 137: "))
        let second = try run("p", file, "--batch", "100", "--producer", "loader")
        #expect(second.output == "250 rows received, 0 accepted, 0 rejected, 250 duplicate\n")
        #expect(second.status == 0)
        let array = try folder.write("array.json", "[\n\(row("x")),\n\(row("y"))\n]")
        #expect(try run("p", array).output == "2 rows received, 2 accepted, 0 rejected, 0 duplicate\n")
        let piped = try Program.run(
            ["push", "--server", server.url, "p", "-"],
            input: row("z") + row("zz")
        )
        #expect(piped.output == "2 rows received, 2 accepted, 0 rejected, 0 duplicate\n")
        let one = try Program.run(["push", "--server", server.url, "p", "-"], input: row("single"))
        #expect(one.output == "1 row received, 1 accepted, 0 rejected, 0 duplicate\n")
        #expect(one.errors.contains("  1 row "))
        #expect(try face.ids(of: "p").count == 249 + 5)
        #expect(try run("nowhere", file).errors.contains("There is no push stream"))

        let csv = #""inputFormat":{"type":"csv","findColumnsFromHeader":true}"#
        #expect(try push(server, spec("c", io: csv), path: "/druid/indexer/v1/supervisor").status == 200)
        let table = try folder.write(
            "rows.csv",
            "time,id,k,n\n" + (0..<30).map { "\(Self.day),\($0),a,1" }.joined(separator: "\n")
        )
        let third = try run("c", table, "--header", "--content-type", "text/csv", "--batch", "7")
        #expect(third.output == "30 rows received, 30 accepted, 0 rejected, 0 duplicate\n")
        #expect(try face.ids(of: "c").count == 30)
    }
}
