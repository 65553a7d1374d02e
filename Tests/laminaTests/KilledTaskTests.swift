import Foundation
import LaminaBase
import LaminaMetadata
import Testing

/// `kill -9` while a task runs, then a restart: old or new answers, never a mixture, and no file that nothing refers to.
@Suite(.serialized) struct KilledTaskTests {
    private static let days = 4
    private static let rowsPerDay = ProcessInfo.processInfo.environment["LAMINA_LONG"] == nil ? 5_000 : 50_000
    private static let rounds = ProcessInfo.processInfo.environment["LAMINA_LONG"] == nil ? 4 : 20

    /// Rows whose `v` sum to `value` times their number.
    private func task(_ folder: TestFolder, value: Int, appending: Bool = false) throws -> String {
        var text = ""
        for row in 0..<Self.days * Self.rowsPerDay {
            let second = row % Self.rowsPerDay % 86_400
            let clock = String(format: "%02d:%02d:%02d", second / 3600, second / 60 % 60, second % 60)
            text +=
                #"{"t":"2024-05-0\#(row / Self.rowsPerDay + 1)T\#(clock)Z","k":"key\#(row % 977)","v":\#(value)}"#
                + "\n"
        }
        _ = try folder.write("rows\(value).json", text)
        return try folder.write(
            "task\(value).json",
            """
            {"type":"index_parallel","spec":{"dataSchema":{"dataSource":"t",
            "timestampSpec":{"column":"t","format":"iso"},"dimensionsSpec":{"dimensions":["k",{"type":"long","name":"v"}]},
            "granularitySpec":{"segmentGranularity":"DAY","queryGranularity":"NONE","rollup":false}},
            "ioConfig":{"type":"index_parallel","appendToExisting":\(appending),
            "inputSource":{"type":"local","baseDir":"\(folder.path)","filter":"rows\(value).json"},
            "inputFormat":{"type":"json"}},
            "tuningConfig":{"type":"index_parallel","maxRowsInMemory":2000}}}
            """
        )
    }

    /// Rows and sum of `v`, from the directory itself.
    private func answer(_ data: String) throws -> (rows: Int64, sum: Int64) {
        let query =
            #"{"queryType":"timeseries","dataSource":"t","intervals":["2024-01-01/2025-01-01"],"granularity":"all","#
            + #""aggregations":[{"type":"count","name":"rows"},{"type":"longSum","name":"v","fieldName":"v"}]}"#
        let run = try Program.run("query", "--data", data, "--format", "json", "-e", query)
        let printed = try #require(try? JSONParser.parse(run.output), "\(run.output) \(run.errors)")
        let first = printed.arrayValue?.first ?? printed
        let result = first["result"] ?? first
        return (result["rows"]?.intValue ?? 0, result["v"]?.intValue ?? 0)
    }

    /// The segment folders there are, relative to the data directory, and any other files under deep storage and `work`.
    private func stored(_ data: String) throws -> (segments: Set<String>, stray: [String]) {
        var segments: Set<String> = []
        var stray: [String] = []
        for file in FileManager.default.enumerator(atPath: data) ?? .init() {
            guard let path = file as? String else { continue }
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: "\(data)/\(path)", isDirectory: &isFolder)
            if path.hasPrefix("segments/") {
                if path.hasSuffix("/index") {
                    segments.insert(path)
                } else if isFolder.boolValue {
                    let inner = try FileManager.default.contentsOfDirectory(atPath: "\(data)/\(path)")
                    if inner.isEmpty { stray.append(path) }
                } else if !path.contains("/index/") {
                    stray.append(path)
                }
            } else if path.hasPrefix("work/") || path.hasSuffix(".tmp") {
                stray.append(path)
            }
        }
        return (segments, stray)
    }

    @Test func oldAnswersStayAndNothingIsLeftBehind() throws {
        let folder = try TestFolder()
        let data = folder.file("data")
        let rows = Int64(Self.days * Self.rowsPerDay)
        let first = try task(folder, value: 1)
        let indexed = try Program.run("index", first, "--data", data, "--wait")
        #expect(indexed.status == 0, "\(indexed.errors)")
        #expect(try answer(data) == (rows, rows))
        let began = ContinuousClock.now
        let measured = try Program.run("index", first, "--data", data, "--wait")
        #expect(measured.status == 0, "\(measured.errors)")
        let whole = ContinuousClock.now - began
        var value = 1
        for round in 0..<Self.rounds {
            let spec = try task(folder, value: round + 2)
            let server = try RunningServer(data: data)
            let submitted = try Program.run("index", spec, "--server", server.url)
            #expect(submitted.status == 0, "\(submitted.errors)")
            usleep(UInt32.random(in: 0...UInt32(whole / .microseconds(1))))
            server.killAtOnce()
            let again = try RunningServer(data: data)
            // What had not begun when the process died is queued again, so it may run now.
            let listed = try #require(try lastTask(data))
            if listed.active { _ = try Program.run("tasks", "wait", listed.id, "--server", again.url) }
            #expect(again.stop() == 0)
            let ended = try #require(try lastTask(data))
            let status = try #require(try JSONParser.parse(ended.statusPayload)["status"]?.stringValue)
            #expect(["SUCCESS", "FAILED"].contains(status))
            if status == "SUCCESS" { value = round + 2 }
            #expect(try answer(data) == (rows, rows * Int64(value)), "round \(round), task \(status)")
            try checkFiles(data)
        }
        let rerun = try Program.run("index", try task(folder, value: 99), "--data", data, "--wait")
        #expect(rerun.status == 0, "\(rerun.errors)")
        #expect(try answer(data) == (rows, rows * 99))
        try checkFiles(data)
    }

    private func lastTask(_ data: String) throws -> TaskRecord? {
        try MetadataStore(path: "\(data)/metadata.db").tasks(limit: 1).first
    }

    private func checkFiles(_ data: String) throws {
        let store = try MetadataStore(path: "\(data)/metadata.db")
        var known: Set<String> = []
        for record in try store.segments(used: nil) {
            let segment = try DataSegment(json: JSONParser.parse(record.payload))
            if let path = segment.localPath { known.insert(path.hasSuffix("/") ? String(path.dropLast()) : path) }
        }
        let there = try stored(data)
        #expect(there.segments == known)
        #expect(there.stray.isEmpty, "\(there.stray)")
        #expect(try store.locks().isEmpty)
        #expect(try store.tasks(active: true).isEmpty)
    }
}
