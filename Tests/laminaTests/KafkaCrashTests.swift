import Foundation
import LaminaBase
import LaminaKafkaTestSupport
import Testing

/// `kill -9` at random moments of a server that reads a topic, spills and publishes all the time: no record is ever there twice, and
/// all are there when the server has caught up.
@Suite(.serialized) struct KafkaCrashTests {
    private static let kills = ProcessInfo.processInfo.environment["LAMINA_LONG"] == nil ? 20 : 300

    @Test func recordsAreThereOnceAfterEveryKill() throws {
        let folder = try TestFolder()
        let data = folder.file("data")
        let cluster = try MockCluster()
        try cluster.create("crash", partitions: 3)
        var server = try RunningServer(data: data)
        let face = ServerFace(server.url)
        _ = try face.ask(
            "/druid/indexer/v1/supervisor",
            """
            {"type":"kafka","spec":{"dataSchema":{"dataSource":"read","timestampSpec":{"column":"t","format":"iso"},
            "dimensionsSpec":{"dimensions":["id"]},
            "granularitySpec":{"segmentGranularity":"DAY","queryGranularity":"NONE","rollup":false}},
            "ioConfig":{"type":"kafka","topic":"crash","inputFormat":{"type":"json"},"useEarliestOffset":true,"taskCount":2,
            "consumerProperties":{"bootstrap.servers":"\(cluster.servers)"},"taskDuration":"PT1S","period":"PT1S",
            "startDelay":"PT0S"},
            "tuningConfig":{"type":"kafka","maxRowsInMemory":60,"maxRowsPerSegment":400,
            "intermediatePersistPeriod":"PT0.3S"}}}
            """
        )
        var sent: Set<String> = []
        func produce(_ count: Int) throws {
            for partition in 0..<3 {
                let ids = (0..<count).map { "k\(partition)-\(sent.count)-\($0)" }
                sent.formUnion(ids)
                let rows = ids.map { id in
                    #"{"t":"2024-06-0\#(Int.random(in: 1...2))T\#(Int.random(in: 10...23)):00:00Z","id":"\#(id)"}"#
                }
                try cluster.producer.produce("crash", rows, partition: Int32(partition))
            }
        }
        for number in 0..<Self.kills {
            let end = ContinuousClock.now + .milliseconds(Int.random(in: 0...1200))
            repeat {
                try produce(Int.random(in: 1...20))
                #expect(try face.ids(of: "read").isSubset(of: sent))
            } while ContinuousClock.now < end
            server.killAtOnce()
            try produce(Int.random(in: 0...20))
            server = try RunningServer(data: data)
            face.use(server.url)
            #expect(try face.ids(of: "read").isSubset(of: sent), "after kill \(number)")
            if number % 5 == 4 { try catchUp(face, sent, "after kill \(number)") }
        }
        try catchUp(face, sent, "at the end")
        let status = try face.ask("/druid/indexer/v1/supervisor/read/status")["payload"]
        #expect(status?["suspended"] == false, "\(status?.text ?? "")")
        #expect(server.stop() == 0)
        face.use(
            try {
                server = try RunningServer(data: data); return server.url
            }()
        )
        try catchUp(face, sent, "after an orderly stop")
        #expect(server.stop() == 0)
    }

    /// Waits until every record is there; once.
    private func catchUp(_ face: ServerFace, _ sent: Set<String>, _ moment: String) throws {
        var missing = sent
        for _ in 0..<2400 {
            missing = sent.subtracting(try face.ids(of: "read"))
            if missing.isEmpty { return }
            usleep(50_000)
        }
        let status = try face.ask("/druid/indexer/v1/supervisor/read/status")
        Issue.record(
            "\(moment): \(missing.count) of \(sent.count) are missing: \(missing.sorted().prefix(5)) \(status.text)"
        )
    }
}
