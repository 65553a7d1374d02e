import Foundation
import Testing

@Suite struct ServerProcessTests {
    /// Six rows over two days.
    private func task(_ dataSource: String, appending: Bool = false) -> String {
        let rows = (0..<6).map { row in
            #"{\"t\":\"2024-05-0\#(row / 3 + 1)T0\#(row):00:00Z\",\"k\":\"\#(row % 2 == 0 ? "a" : "b, \\\\\\\"c\\\\\\\"")\",\"v\":\#(row)}"#
        }.joined(separator: "\\n")
        return """
            {"type":"index_parallel","spec":{"dataSchema":{"dataSource":"\(dataSource)",
            "timestampSpec":{"column":"t","format":"iso"},"dimensionsSpec":{"dimensions":["k",{"type":"long","name":"v"}]},
            "granularitySpec":{"segmentGranularity":"DAY","queryGranularity":"NONE","rollup":false}},
            "ioConfig":{"type":"index_parallel","appendToExisting":\(appending),
            "inputSource":{"type":"inline","data":"\(rows)"},"inputFormat":{"type":"json"}},
            "tuningConfig":{"type":"index_parallel"}}}
            """
    }

    private func count(_ dataSource: String) -> String {
        #"{"queryType":"timeseries","dataSource":"\#(dataSource)","intervals":["2024-01-01/2025-01-01"],"granularity":"all","#
            + #""aggregations":[{"type":"count","name":"rows"},{"type":"longSum","name":"v","fieldName":"v"}]}"#
    }

    @Test func servesUntilItIsAskedToStop() throws {
        let folder = try TestFolder()
        let server = try RunningServer(data: folder.file("data"))
        #expect(try Program.run("tasks", "--server", server.url).status == 0)
        #expect(server.stop() == 0)
        let later = try Program.run("tasks", "--server", server.url)
        #expect(later.status == 1)
        #expect(later.errors.contains("lamina server"))
    }

    @Test func aHeldDirectoryIsReadButNotChanged() throws {
        let folder = try TestFolder()
        let data = folder.file("data")
        let server = try RunningServer(data: data)
        let spec = try folder.write("task.json", task("held"))
        for words in [
            ["index", spec, "--data", data], ["server", "--data", data, "--port", "0"],
            ["segment", "import", "--data", data, "/none"],
        ] {
            let refused = try Program.run(words)
            #expect(refused.status == 1)
            #expect(refused.errors.contains("\(server.pid)") || words[0] == "segment", "\(refused.errors)")
        }
        let read = try Program.run("query", "--data", data, "--format", "json", "-e", count("held"))
        #expect(read.status == 0, "\(read.errors)")
        #expect(server.stop() == 0)
    }

    /// A server that was killed holds its directory until the kernel has taken it apart: the next one waits for that.
    @Test func aHolderThatIsDyingIsWaitedFor() throws {
        let folder = try TestFolder()
        let data = folder.file("data")
        let first = try RunningServer(data: data)
        first.killAndWait()
        // Its lock outlives it here.
        let file = open("\(data)/server.pid", O_RDWR | O_CLOEXEC)
        #expect(file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0)
        let started = ContinuousClock.now
        let release = Thread {
            usleep(1_000_000)
            close(file)
        }
        release.start()
        let second = try RunningServer(data: data)
        #expect(ContinuousClock.now - started >= .seconds(1))
        #expect(second.stop() == 0)
        // And one that is only just being killed.
        let third = try RunningServer(data: data)
        third.killAtOnce()
        let last = try RunningServer(data: data)
        #expect(last.stop() == 0)
    }

    @Test func indexesAndAnswersThroughTheServer() throws {
        let folder = try TestFolder()
        let server = try RunningServer(data: folder.file("data"))
        let spec = try folder.write("task.json", task("rows"))
        let indexed = try Program.run("index", spec, "--wait", "--server", server.url)
        #expect(indexed.status == 0, "\(indexed.errors)")
        #expect(indexed.output.contains("6 rows indexed"))
        #expect(indexed.output.contains("2 segments published"))
        let table = try Program.run("query", "--server", server.url, "-e", count("rows"))
        #expect(table.output.contains("(1 row)"))
        let scan =
            #"{"queryType":"scan","dataSource":"rows","intervals":["2024-01-01/2025-01-01"],"columns":["k","v"]}"#
        let csv = try Program.run("query", "--server", server.url, "--format", "csv", "-e", scan)
        #expect(
            csv.output
                == "k,v\r\na,0\r\n\"b, \"\"c\"\"\",1\r\na,2\r\n\"b, \"\"c\"\"\",3\r\na,4\r\n\"b, \"\"c\"\"\",5\r\n",
            "\(csv.errors)"
        )
        let listed = try Program.run("tasks", "--server", server.url)
        #expect(listed.output.contains("SUCCESS"))
        #expect(server.stop() == 0)
        // All of it is still there without the server, and after another start.
        let alone = try Program.run("query", "--data", folder.file("data"), "--format", "json", "-e", count("rows"))
        #expect(alone.output.contains(#""rows":6"#), "\(alone.output) \(alone.errors)")
    }

    @Test func worksWithoutAServer() throws {
        let folder = try TestFolder()
        let data = folder.file("data")
        let indexed = try Program.run("index", "-", "--data", data, input: task("alone"))
        #expect(indexed.status == 0, "\(indexed.errors)")
        let again = try Program.run("index", "-", "--data", data, input: task("alone", appending: true))
        #expect(again.status == 0, "\(again.errors)")
        let answer = try Program.run("query", "--data", data, "--format", "json", "-e", count("alone"))
        #expect(answer.output.contains(#""rows":12,"v":30"#), "\(answer.output)")
        let tasks = try Program.run("tasks", "--data", data)
        #expect(tasks.output.contains("(2 rows)"))
        let bad = try Program.run("index", "-", "--data", data, input: #"{"type":"dance"}"#)
        #expect(bad.status == 1)
    }

    @Test func segmentsMoveOutAndIn() throws {
        let folder = try TestFolder()
        let (data, out, other) = (folder.file("data"), folder.file("out"), folder.file("other"))
        #expect(try Program.run("index", "-", "--data", data, input: task("moved")).status == 0)
        let exported = try Program.run("segment", "export", "--data", data, "moved", out)
        #expect(exported.status == 0, "\(exported.errors)")
        #expect(try Program.run("segment", "verify", "\(out)/0", "\(out)/1/index").status == 0)
        #expect(
            try Program.run("segment", "dump", "\(out)/0", "--limit", "1").output
                == #"{"__time":1714521600000,"k":"a","v":0}"# + "\n"
        )
        let imported = try Program.run("segment", "import", "--data", other, "\(out)/0", "\(out)/1")
        #expect(imported.output.contains("2 segments imported, 0 were there already"), "\(imported.errors)")
        let twice = try Program.run("segment", "import", "--data", other, "\(out)/0")
        #expect(twice.output.contains("0 segments imported, 1 were there already"), "\(twice.errors)")
        let answer = try Program.run("query", "--data", other, "--format", "json", "-e", count("moved"))
        #expect(answer.output.contains(#""rows":6,"v":15"#), "\(answer.output)")
        #expect(try Program.run("segment", "export", "--data", data, "none", folder.file("no")).status == 1)
    }
}
