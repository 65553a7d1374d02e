import Foundation
import LaminaBase
import LaminaKafkaTestSupport
import Synchronization
import Testing

/// `lamina stream replay` against a server process, while records keep coming before, within and after what is replayed.
@Suite(.serialized, .timeLimit(.minutes(20))) struct ReplayProcessTests {
    private static let kills = ProcessInfo.processInfo.environment["LAMINA_LONG"] == nil ? 8 : 40
    /// The mock cluster knows no offsets by time: so much that all of the log is read.
    private static let margin = "P20000D"

    private func submit(_ face: ServerFace, _ cluster: MockCluster, tuning: String = "") throws {
        _ = try face.ask(
            "/druid/indexer/v1/supervisor",
            """
            {"type":"kafka","spec":{"dataSchema":{"dataSource":"read","timestampSpec":{"column":"t","format":"iso"},
            "dimensionsSpec":{"dimensions":["id"]},
            "granularitySpec":{"segmentGranularity":"DAY","queryGranularity":"NONE","rollup":false}},
            "ioConfig":{"type":"kafka","topic":"log","inputFormat":{"type":"json"},"useEarliestOffset":true,"taskCount":2,
            "consumerProperties":{"bootstrap.servers":"\(cluster.servers)"},"taskDuration":"PT2S","period":"PT1S",
            "startDelay":"PT0S"},"tuningConfig":{"type":"kafka"\(tuning)}}}
            """
        )
    }

    private func replay(_ url: String, _ interval: String, _ more: String...) throws -> Finished {
        try Program.run(
            ["stream", "replay", "read", "--interval", interval, "--margin", Self.margin, "--server", url] + more
        )
    }

    @Test func recordsThatComeMeanwhileAreThereOnceWhateverIsKilled() throws {
        let folder = try TestFolder()
        let data = folder.file("data")
        let cluster = try MockCluster()
        try cluster.create("log", partitions: 3)
        var server = try RunningServer(data: data)
        let face = ServerFace(server.url)
        try submit(
            face,
            cluster,
            tuning: #","maxRowsInMemory":60,"maxRowsPerSegment":400,"intermediatePersistPeriod":"PT0.3S""#
        )
        let log = GrowingLog(cluster)
        try log.start()
        defer { log.stop() }
        try catchUp(face, log.stored, "at the beginning")
        var seen: Set<String> = []
        var outcomes: [String: Int] = [:]
        func look(_ moment: String) throws {
            let found = try face.ids(of: "read")
            // What was visible stays so, whatever is replaced just now.
            let lost = seen.subtracting(found)
            #expect(lost.isEmpty, "\(moment): \(lost.count) rows vanished: \(lost.sorted().prefix(5))")
            #expect(found.isSubset(of: log.sent), "\(moment)")
            seen = found
        }
        for number in 0..<Self.kills {
            let interval = number % 3 == 0 ? "2024-06-02T12:00/PT3H" : "2024-06-02/P1D"
            let begun = try replay(server.url, interval)
            #expect(begun.status == 0, "\(begun.errors)")
            let task = begun.output.trimmingCharacters(in: .whitespacesAndNewlines)
            // Every other one may come to its end.
            let end = ContinuousClock.now + .milliseconds(Int.random(in: 0...(number % 2 == 0 ? 5000 : 300)))
            var state = JSON.null
            repeat {
                try look("before kill \(number)")
                state = try face.ask("/druid/indexer/v1/task/\(task)/status")["status"]?["status"] ?? .null
            } while state == "RUNNING" && ContinuousClock.now < end
            server.killAtOnce()
            server = try RunningServer(data: data)
            face.use(server.url)
            // Rows that only its memory held are read again.
            seen = []
            try look("after kill \(number)")
            for _ in 0..<1000 {
                state = try face.ask("/druid/indexer/v1/task/\(task)/status")["status"]?["status"] ?? .null
                if state != "RUNNING" { break }
                usleep(20_000)
            }
            outcomes[state.text, default: 0] += 1
            if number % 3 == 2 { try catchUp(face, log.stored, "after kill \(number)") }
        }
        #expect(Set(outcomes.keys).isSubset(of: [#""SUCCESS""#, #""FAILED""#]), "\(outcomes)")
        // To its end, with records coming all the while.
        try catchUp(face, log.stored, "before the last replay")
        seen = []
        let isOver = Atomic<Bool>(false)
        let url = server.url
        let last = Monitor<Finished?>(nil)
        let command = try WorkerThread(name: "replay") {
            let finished = try? replay(url, "2024-06-02/P1D", "--wait")
            last.update { $0 = finished }
            isOver.store(true, ordering: .releasing)
        }
        while !isOver.load(ordering: .acquiring) { try look("during the last replay") }
        command.join()
        let finished = try #require(last.read { $0 })
        #expect(finished.status == 0, "\(finished.errors)\(finished.output)")
        let before = log.stored.count
        for _ in 0..<1000 where log.stored.count < before + 50 { usleep(10_000) }
        log.stop()
        try catchUp(face, log.stored, "at the end")
        try look("at the end")
        #expect(server.stop() == 0)
    }

    @Test func aReplayTakesBackWhatAResetHasDoubledAndRefusesGaps() throws {
        let folder = try TestFolder()
        let cluster = try MockCluster()
        try cluster.create("log", partitions: 1)
        let server = try RunningServer(data: folder.file("data"))
        let face = ServerFace(server.url)
        try submit(face, cluster)
        let rows = (0..<40).map { #"{"t":"2024-06-0\#($0 / 20 + 1)T10:00:00Z","id":"r\#($0)"}"# }
        try cluster.producer.produce("log", rows)
        try wait(face, [20, 20])
        for words in [["suspend", "read"], ["resume", "read"], ["reset", "read"]] {
            let done = try Program.run(["stream"] + words + ["--server", server.url])
            #expect(done.status == 0, "\(words): \(done.errors)")
            if words[0] == "suspend" { try waitUntilPublished(face) }
        }
        // What was published is there twice now, and so it is in the other day afterwards.
        try wait(face, [40, 40])
        let done = try replay(server.url, "2024-06-02/P1D", "--wait")
        #expect(done.status == 0, "\(done.errors)")
        #expect(done.output.contains("20 rows indexed"), "\(done.output)")
        try wait(face, [40, 20])
        #expect(try replay(server.url, "nonsense").status == 1)
        #expect(try Program.run("stream", "replay", "read", "--server", server.url).status == 2)
        let unknown = try Program.run(
            "stream",
            "replay",
            "nobody",
            "--interval",
            "2024-06-02/P1D",
            "--server",
            server.url
        )
        #expect(unknown.status == 1 && unknown.errors.contains("nobody"), "\(unknown.errors)")

        // The mock cluster keeps five megabytes of a partition: the stream must not fall behind by as much.
        let large = String(repeating: "x", count: 100_000)
        for part in 0..<7 {
            let rows = (0..<10).map { #"{"t":"2024-06-02T11:00:00Z","id":"l\#(part * 10 + $0)","x":"\#(large)"}"# }
            for row in rows { try cluster.producer.produce("log", [row]) }
            try wait(face, [40, Int64(30 + part * 10)])
        }
        let refused = try replay(server.url, "2024-06-02/P1D")
        #expect(refused.status == 1)
        #expect(refused.errors.contains("does not reach back far enough: log-0 begins at offset"), "\(refused.errors)")
        try wait(face, [40, 90])
        #expect(server.stop() == 0)
    }

    /// Waits until both days are stored: a reset reads again what is, and drops what is not.
    private func waitUntilPublished(_ face: ServerFace) throws {
        for _ in 0..<1200 {
            let stored = try face.ask("/druid/coordinator/v1/metadata/segments?datasources=read").arrayValue ?? []
            if stored.count == 2 { return }
            usleep(50_000)
        }
        Issue.record("the rows are not published")
    }

    /// Waits until so many rows are there of the first two days.
    private func wait(_ face: ServerFace, _ wanted: [Int64]) throws {
        var found: [Int64] = []
        for _ in 0..<600 {
            found = []
            for day in 1...2 {
                let answer = try face.ask(
                    "/druid/v2",
                    #"{"queryType":"timeseries","dataSource":"read","intervals":["2024-06-0\#(day)/P1D"],"granularity":"all","#
                        + #""aggregations":[{"type":"count","name":"n"}]}"#
                )
                found.append(answer.arrayValue?.first?["result"]?["n"]?.intValue ?? 0)
            }
            if found == wanted { return }
            usleep(50_000)
        }
        Issue.record("\(found) rows are there, not \(wanted)")
    }

    /// Waits until every record is there; once.
    private func catchUp(_ face: ServerFace, _ wanted: Set<String>, _ moment: String) throws {
        var missing = wanted
        for _ in 0..<600 {
            missing = wanted.subtracting(try face.ids(of: "read"))
            if missing.isEmpty { return }
            usleep(50_000)
        }
        Issue.record("\(moment): \(missing.count) of \(wanted.count) are missing: \(missing.sorted().prefix(5))")
    }
}

/// Records of three days that come into a topic all the while.
private final class GrowingLog: Sendable {
    private struct State: Sendable {
        var sent: Set<String> = []
        var stored: Set<String> = []
        var stops = false
    }

    private let state = Monitor(State())
    private let thread = Mutex<WorkerThread?>(nil)
    // Only the thread uses it.
    private nonisolated(unsafe) let cluster: MockCluster

    init(_ cluster: MockCluster) { self.cluster = cluster }

    /// What may be there, and what must be, sooner or later.
    var sent: Set<String> { state.read { $0.sent } }
    var stored: Set<String> { state.read { $0.stored } }

    func start() throws {
        let worker = try WorkerThread(name: "produce") { [self] in
            var number = 0
            while !state.read({ $0.stops }) {
                number += 1
                produce(number)
                usleep(20_000)
            }
        }
        thread.withLock { $0 = worker }
        // Something is there when it returns.
        _ = state.wait { $0.stored.count > 20 ? true : nil }
    }

    private func produce(_ number: Int) {
        for partition in Int32(0)..<3 {
            let ids = (0..<Int.random(in: 1...4)).map { "k\(partition)-\(number)-\($0)" }
            state.update { $0.sent.formUnion(ids) }
            let rows = ids.map { id in
                #"{"t":"2024-06-0\#(Int.random(in: 1...3))T\#(Int.random(in: 10...18)):00:00Z","id":"\#(id)"}"#
            }
            do {
                try cluster.producer.produce("log", rows, partition: partition)
                state.update { $0.stored.formUnion(ids) }
            } catch {
                Issue.record("the cluster takes no records: \(error)")
            }
        }
    }

    /// Returns when no more come.
    func stop() {
        state.update { $0.stops = true }
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }
}
