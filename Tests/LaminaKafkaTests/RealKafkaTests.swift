import CRDKafka
import Foundation
import Glibc
import LaminaBase
import LaminaIngest
import LaminaKafka
import LaminaKafkaTestSupport
import Testing

private let broker = ProcessInfo.processInfo.environment["LAMINA_KAFKA"]

/// Against a broker that `Tests/kafka/run.sh` started.
@Suite(.enabled(if: broker != nil), .serialized) struct RealKafkaTests {
    private let servers = broker ?? ""
    private let topic = "lamina-\(UUID().uuidString)"
    private var t0: StreamPartition { StreamPartition(topic: topic, number: 0) }

    private func producer(_ more: [(name: String, value: String)] = []) throws -> TestProducer {
        try TestProducer([("bootstrap.servers", servers), ("linger.ms", "5")] + more)
    }

    private func source(_ properties: JSONObject = [:]) throws -> any StreamSource {
        var all: JSONObject = ["bootstrap.servers": .string(servers)]
        for (name, value) in properties.entries { all[name] = value }
        return try KafkaConnector().open(topic: topic, isPattern: false, properties: all, keepsKeys: false)
    }

    /// Asks again until what was asked of the cluster has come round.
    private func eventually<Value: Equatable>(_ expected: Value, _ body: () throws -> Value) rethrows {
        for _ in 0..<100 where try body() != expected { usleep(100_000) }
        #expect(try body() == expected)
    }

    @Test func abortedRecordsAreNeverSeen() throws {
        let producer = try producer([("transactional.id", topic)])
        try producer.create(topic)
        try producer.beginTransactions()
        try producer.transaction(commits: true) { try producer.produce(topic, ["a", "b"]) }
        try producer.transaction(commits: false) { try producer.produce(topic, ["x", "y"]) }
        try producer.transaction(commits: true) { try producer.produce(topic, ["c"]) }
        // Markers take an offset each: a 0, b 1, marker 2, x 3, y 4, marker 5, c 6, marker 7.
        let source = try source()
        #expect(try source.latest([t0]) == [t0: 8])
        try source.assign([t0: 0])
        let found = try readRecords(source, 3)
        #expect(found.records == ["0@0=a", "0@1=b", "0@6=c"])
        // The position comes to lie behind the last marker by itself.
        var next = found.next
        let deadline = seconds() + 10
        while next[t0] != 8, seconds() < deadline {
            if let batch = try source.poll(maxRecords: 10, maxBytes: 1000, milliseconds: 200) {
                #expect(batch.records.isEmpty)
                next = batch.next
            }
        }
        #expect(next == [t0: 8])
        // Records of an open transaction wait for its end, and are not counted into the log's end.
        try producer.check(rd_kafka_begin_transaction(producer.handle))
        try producer.produce(topic, ["d"])
        #expect(try source.poll(maxRecords: 10, maxBytes: 1000, milliseconds: 1500) == nil)
        #expect(try source.latest([t0]) == [t0: 8])
        try producer.check(rd_kafka_commit_transaction(producer.handle, 30_000))
        #expect(try readRecords(source, 1).records == ["0@8=d"])
        source.close()
        // Who asks for it sees them all.
        let dirty = try self.source(["isolation.level": "read_uncommitted"])
        try dirty.assign([t0: 0])
        #expect(try readRecords(dirty, 6).records == ["0@0=a", "0@1=b", "0@3=x", "0@4=y", "0@6=c", "0@8=d"])
        dirty.close()
    }

    @Test func aBatchTaskReadsUpToTheLastMarker() throws {
        let producer = try producer([("transactional.id", topic)])
        try producer.create(topic)
        try producer.beginTransactions()
        try producer.transaction(commits: true) { try producer.produce(topic, ["{\"a\":1}", "{\"a\":2}"]) }
        try producer.transaction(commits: false) { try producer.produce(topic, ["{\"a\":3}"]) }
        let rows = try openRows(
            try InputSource(
                json: [
                    "type": "kafka", "topic": .string(topic),
                    "consumerProperties": ["bootstrap.servers": .string(servers)],
                ],
                path: "inputSource"
            ),
            try InputFormat(json: ["type": "json"], path: "inputFormat"),
            RowSourceOptions(connector: KafkaConnector())
        )
        var count = 0
        while let batch = try rows.nextBatch() { count += batch.rowCount }
        #expect(count == 2)
    }

    @Test(arguments: ["gzip", "snappy", "lz4", "zstd"])
    func codecs(codec: String) throws {
        let producer = try producer([("compression.codec", codec)])
        try producer.create(topic)
        let values = (0..<2000).map { "{\"n\":\($0),\"text\":\"the same text again and again\"}" }
        try producer.produce(topic, values)
        let source = try source()
        try source.assign([t0: 5])
        #expect(
            try readRecords(source, 1995).records
                == values.enumerated().dropFirst(5).map { "0@\($0.offset)=\($0.element)" }
        )
        source.close()
    }

    @Test func recordsThatRetentionTook() throws {
        let producer = try producer()
        try producer.create(topic)
        try producer.produce(topic, (0..<10).map { "\($0)" })
        try producer.removeRecords(topic, before: 6)
        let source = try source()
        #expect(try source.earliest([t0]) == [t0: 6])
        try source.assign([t0: 2])
        let thrown = try failure(of: source)
        guard case .offsetGone(let partition, let wanted, let earliest, let latest) = thrown else {
            Issue.record("\(thrown)")
            return
        }
        #expect(partition == t0 && wanted == 2 && earliest == 6 && latest == 10)
        try source.assign([t0: 6])
        #expect(try readRecords(source, 4).records == ["0@6=6", "0@7=7", "0@8=8", "0@9=9"])
        source.close()
    }

    private func failure(of source: any StreamSource) throws -> StreamError {
        let deadline = seconds() + 30
        var last = StreamError.unreachable("nothing was thrown")
        while seconds() < deadline {
            do throws(StreamError) {
                let batch = try source.poll(maxRecords: 10, maxBytes: 1000, milliseconds: 200)
                #expect(batch?.records.isEmpty ?? true)
            } catch {
                last = error
                guard case .unreachable = error else { return error }
            }
        }
        return last
    }

    @Test func aTopicThatIsDeletedAndMadeAnew() throws {
        let producer = try producer()
        try producer.create(topic)
        try producer.produce(topic, ["a", "b", "c"])
        let source = try source()
        try source.assign([t0: 0])
        #expect(try readRecords(source, 3).records.count == 3)
        try producer.delete(topic)
        let end = try failure(of: source)
        guard case .partitionGone(let partition) = end else {
            Issue.record("\(end)")
            return
        }
        #expect(partition == t0)
        try producer.create(topic)
        try eventually([t0]) { (try? source.partitions()) ?? [] }
        try producer.produce(topic, ["new"])
        try eventually([t0: 1]) { (try? source.latest([t0])) ?? [:] }
        // Where the old log was read up to is behind the end of the new one.
        try source.assign([t0: 3])
        guard case .offsetGone(_, let wanted, let earliest, let latest) = try failure(of: source) else {
            Issue.record("the new topic was taken for the old one")
            return
        }
        #expect(wanted == 3 && earliest == 0 && latest == 1)
        try source.assign([t0: 0])
        #expect(try readRecords(source, 1).records == ["0@0=new"])
        source.close()
    }

    @Test func partitionsThatAreAdded() throws {
        let producer = try producer()
        try producer.create(topic)
        let source = try source()
        try eventually([t0]) { (try? source.partitions()) ?? [] }
        try producer.addPartitions(topic, total: 3)
        try eventually(3) { try source.partitions().count }
        try producer.produce(topic, ["late"], partition: 2)
        try source.assign(try source.earliest(try source.partitions()))
        #expect(try readRecords(source, 1).records == ["2@0=late"])
        source.close()
    }

    @Test func offsetsByTime() throws {
        let producer = try producer()
        try producer.create(topic)
        for (index, time) in [1000, 2000, 3000, 4000].enumerated() {
            try producer.produce(topic, ["\(index)"], timestamp: Int64(time) + 1_700_000_000_000)
        }
        let source = try source()
        #expect(try source.offsets(at: 0, [t0]) == [t0: 0])
        #expect(try source.offsets(at: 1_700_000_002_000, [t0]) == [t0: 1])
        #expect(try source.offsets(at: 1_700_000_002_001, [t0]) == [t0: 2])
        #expect(try source.offsets(at: 1_700_000_009_000, [t0]) == [t0: 4])
        source.close()
    }

    @Test func aMissingTopicIsNotMade() throws {
        let source = try source()
        for _ in 0..<2 {
            #expect {
                try source.partitions()
            } throws: { error in
                if case StreamError.partitionGone = error { true } else { false }
            }
        }
    }

    /// Figures for the log, and that nothing is missing among very many.
    @Test func aMillionRecords() throws {
        let producer = try producer([
            ("compression.codec", "lz4"), ("queue.buffering.max.messages", "2000000"), ("batch.size", "1000000"),
        ])
        try producer.create(topic, partitions: 2)
        let value =
            "{\"ts\":\"2024-03-10T00:00:13.600Z\",\"country\":\"JP\",\"device\":\"mobile\",\"n\":1234,\"x\":0.5}"
        for partition in 0..<2 {
            try producer.produce(topic, [String?](repeating: value, count: 500_000), partition: Int32(partition))
        }
        let source = try source()
        try source.assign([t0: 0, StreamPartition(topic: topic, number: 1): 0])
        var counts = [Int64](repeating: 0, count: 2)
        var wrong = 0
        let before = (seconds(), processorSeconds())
        while counts.reduce(0, +) < 1_000_000 {
            guard let batch = try source.poll(maxRecords: 10_000, maxBytes: 1 << 20, milliseconds: 1000) else {
                continue
            }
            for record in batch.records {
                let place = Int(record.partition)
                if record.offset != counts[place] { wrong += 1 }
                counts[place] += 1
            }
        }
        #expect(wrong == 0)
        let cpu = processorSeconds() - before.1
        print("1,000,000 records: \(seconds() - before.0) s, \(cpu) s of CPU")
        source.close()
    }

    private func processorSeconds() -> Double {
        var now = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }
}
