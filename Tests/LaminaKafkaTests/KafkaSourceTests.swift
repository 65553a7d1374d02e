import CRDKafka
import Glibc
import LaminaBase
import LaminaIngest
import LaminaKafka
import LaminaKafkaTestSupport
import Testing

@Suite struct KafkaSourceTests {
    private func source(
        _ cluster: MockCluster,
        _ topic: String,
        isPattern: Bool = false,
        keepsKeys: Bool = false
    ) throws -> any StreamSource {
        try KafkaConnector().open(
            topic: topic,
            isPattern: isPattern,
            properties: ["bootstrap.servers": .string(cluster.servers)],
            keepsKeys: keepsKeys
        )
    }

    private func t(_ number: Int32) -> StreamPartition { StreamPartition(topic: "t", number: number) }

    @Test func readsPartitionsFromTheirOffsets() throws {
        let cluster = try MockCluster()
        try cluster.create("t", partitions: 3)
        try cluster.producer.produce("t", ["a", "b", "c"], partition: 0)
        try cluster.producer.produce("t", ["d", nil, ""], partition: 2)
        let source = try source(cluster, "t")
        #expect(try source.partitions() == [t(0), t(1), t(2)])
        #expect(try source.earliest([t(0), t(2)]) == [t(0): 0, t(2): 0])
        #expect(try source.latest([t(0), t(1), t(2)]) == [t(0): 3, t(1): 0, t(2): 3])
        try source.assign([t(0): 1, t(2): 0])
        let first = try readRecords(source, 5)
        #expect(first.records.sorted() == ["0@1=b", "0@2=c", "2@0=d", "2@1=-", "2@2="])
        #expect(first.next == [t(0): 3, t(2): 3])
        // Later records come of themselves, and only of what is assigned.
        try cluster.producer.produce("t", ["x"], partition: 1)
        try cluster.producer.produce("t", ["e"], partition: 0)
        #expect(try readRecords(source, 1).records == ["0@3=e"])
        // Back again, and another partition besides.
        try source.assign([t(0): 2, t(1): 0])
        #expect(try readRecords(source, 3).records.sorted() == ["0@2=c", "0@3=e", "1@0=x"])
        source.close()
    }

    @Test(arguments: ["gzip", "snappy", "lz4", "zstd"])
    func compressedBatches(codec: String) throws {
        let cluster = try MockCluster(compression: codec)
        try cluster.create("t")
        let values = (0..<500).map { "{\"n\":\($0),\"text\":\"the same text again and again\"}" }
        try cluster.producer.produce("t", values)
        let source = try source(cluster, "t")
        try source.assign([t(0): 7])
        let found = try readRecords(source, 493)
        #expect(found.records == values.enumerated().dropFirst(7).map { "0@\($0.offset)=\($0.element)" })
        #expect(found.next == [t(0): 500])
        source.close()
    }

    @Test func batchesAreBounded() throws {
        let cluster = try MockCluster()
        try cluster.create("t")
        try cluster.producer.produce("t", (0..<100).map { _ in String(repeating: "x", count: 1000) })
        let source = try source(cluster, "t")
        try source.assign([t(0): 0])
        #expect(try readRecords(source, 100, maxRecords: 7).records.count == 100)
        try source.assign([t(0): 0])
        var sizes: [Int] = []
        while sizes.reduce(0, +) < 100_000 {
            if let batch = try source.poll(maxRecords: 1000, maxBytes: 10_000, milliseconds: 500) {
                sizes.append(batch.bytes.count)
            }
        }
        #expect(sizes.allSatisfy { $0 <= 12_000 })
        source.close()
    }

    @Test func keysHeadersAndTimes() throws {
        let cluster = try MockCluster()
        try cluster.create("t")
        try cluster.producer.produce(
            "t",
            ["v"],
            key: "k",
            headers: [("h", "one"), ("n", nil)],
            timestamp: 1_700_000_000_123
        )
        for keepsKeys in [true, false] {
            let source = try source(cluster, "t", keepsKeys: keepsKeys)
            try source.assign([t(0): 0])
            var found: RecordBatch?
            for _ in 0..<300 where found == nil {
                found = try source.poll(maxRecords: 10, maxBytes: 1000, milliseconds: 200)
            }
            let batch = try #require(found)
            let record = try #require(batch.records.first)
            func text(_ range: Range<Int>?) -> String? {
                range.map { String(decoding: batch.bytes[$0], as: UTF8.self) }
            }
            #expect(record.timestamp == 1_700_000_000_123)
            #expect(text(record.value) == "v")
            #expect(text(record.key) == (keepsKeys ? "k" : nil))
            #expect(record.headers.map(\.name) == (keepsKeys ? ["h", "n"] : []))
            if keepsKeys { #expect(text(record.headers[0].value) == "one" && record.headers[1].value == nil) }
            source.close()
        }
    }

    @Test func topicsOfAPattern() throws {
        let cluster = try MockCluster()
        for topic in ["t", "tt", "other"] { try cluster.create(topic) }
        try cluster.producer.produce("t", ["a"])
        try cluster.producer.produce("tt", ["b"])
        let source = try source(cluster, "t+", isPattern: true)
        let partitions = try source.partitions()
        #expect(partitions == [t(0), StreamPartition(topic: "tt", number: 0)])
        try source.assign(try source.earliest(partitions))
        #expect(try readRecords(source, 2).records.sorted() == ["0@0=a", "0@0=b"])
        source.close()
    }

    @Test func anOffsetThatIsGone() throws {
        let cluster = try MockCluster()
        try cluster.create("t")
        try cluster.producer.produce("t", ["a", "b"])
        let source = try source(cluster, "t")
        try source.assign([t(0): 50])
        var thrown: StreamError?
        for _ in 0..<300 where thrown == nil {
            do throws(StreamError) {
                #expect(try source.poll(maxRecords: 10, maxBytes: 1000, milliseconds: 200)?.records.isEmpty ?? true)
            } catch {
                thrown = error
            }
        }
        guard case .offsetGone(let partition, let wanted, let earliest, let latest)? = thrown else {
            Issue.record("\(String(describing: thrown))")
            return
        }
        #expect(partition == t(0) && wanted == 50 && earliest == 0 && latest == 2)
        // What can be read can be read by the same source.
        try source.assign([t(0): 1])
        #expect(try readRecords(source, 1).records == ["0@1=b"])
        source.close()
    }

    @Test func theBrokerGoesAwayAndComesBack() throws {
        let cluster = try MockCluster()
        try cluster.create("t")
        try cluster.producer.produce("t", ["a"])
        let source = try source(cluster, "t")
        try source.assign([t(0): 0])
        #expect(try readRecords(source, 1).records == ["0@0=a"])
        cluster.setDown()
        var isUnreachable = false
        for _ in 0..<300 where !isUnreachable {
            do throws(StreamError) {
                _ = try source.poll(maxRecords: 10, maxBytes: 1000, milliseconds: 200)
            } catch {
                guard case .unreachable = error else { throw error }
                isUnreachable = true
            }
        }
        #expect(isUnreachable)
        cluster.setUp()
        try cluster.producer.produce("t", ["b"])
        var found: [String] = []
        for _ in 0..<300 where found.isEmpty {
            do throws(StreamError) {
                guard let batch = try source.poll(maxRecords: 10, maxBytes: 1000, milliseconds: 200) else { continue }
                found = batch.records.map { "\($0.offset)" }
            } catch {
                guard case .unreachable = error else { throw error }
            }
        }
        // Nothing twice, nothing missing.
        #expect(found == ["1"])
        source.close()
    }

    @Test func whatDoesNotExistOrMayNotBeRead() throws {
        let cluster = try MockCluster()
        try cluster.create("t")
        rd_kafka_mock_topic_set_error(cluster.cluster, "secret", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        rd_kafka_mock_topic_set_error(cluster.cluster, "none", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        #expect {
            try source(cluster, "secret").partitions()
        } throws: { error in
            if case StreamError.refused = error { true } else { false }
        }
        #expect {
            try source(cluster, "none").partitions()
        } throws: { error in
            if case StreamError.partitionGone(let partition) = error { partition.topic == "none" } else { false }
        }
    }

    @Test func nobodyListens() throws {
        let source = try KafkaConnector().open(
            topic: "t",
            isPattern: false,
            properties: ["bootstrap.servers": "127.0.0.1:1"],
            keepsKeys: false
        )
        #expect {
            try source.partitions()
        } throws: { error in
            if case StreamError.unreachable = error { true } else { false }
        }
    }

    @Test func aWaitingPollIsWoken() throws {
        let cluster = try MockCluster()
        try cluster.create("t")
        let source = try source(cluster, "t")
        try source.assign([t(0): 0])
        while try source.poll(maxRecords: 1, maxBytes: 1, milliseconds: 300) != nil {}
        let waker = try WorkerThread(name: "waker") {
            usleep(200_000)
            source.wake()
        }
        let before = seconds()
        #expect(try source.poll(maxRecords: 1, maxBytes: 1, milliseconds: 120_000) == nil)
        #expect(seconds() - before < 60)
        waker.join()
        source.close()
    }
}
