import CRDKafka
import LaminaBase
import LaminaIngest
import LaminaQuery
import Synchronization

/// One topic, or all that match a pattern. Reads by offsets alone: no consumer group, nothing is ever committed to Kafka.
final class KafkaSource: StreamSource {
    private let topic: String
    private let pattern: Regex?
    private let settings: KafkaSettings
    private let keepsKeys: Bool
    /// Made at the first question, and anew for every assignment.
    private let client = Mutex<KafkaClient?>(nil)
    private static let milliseconds: Int32 = 10_000

    init(topic: String, pattern: Regex?, settings: KafkaSettings, keepsKeys: Bool) {
        self.topic = topic
        self.pattern = pattern
        self.settings = settings
        self.keepsKeys = keepsKeys
    }

    private func opened() throws(StreamError) -> KafkaClient {
        if let open = client.withLock({ $0 }) { return open }
        let made = try KafkaClient(settings, partitionCount: 0, keepsKeys: keepsKeys)
        client.withLock { $0 = made }
        return made
    }

    /// The error of a question, in which a complaint of the client's own threads counts before a mere time-out.
    private func failure(
        _ client: KafkaClient,
        _ code: rd_kafka_resp_err_t,
        _ what: String,
        partition: StreamPartition? = nil
    ) -> StreamError {
        rd_kafka_poll(client.handle, 0)
        let error = KafkaFailure.error(code, what, partition: partition)
        guard case .unreachable = error else { return error }
        if let complaint = client.complaints.take() {
            return KafkaFailure.error(complaint.code, what, detail: complaint.text)
        }
        return KafkaFailure.error(code, what, detail: client.complaints.takeDetail())
    }

    // MARK: questions

    func partitions() throws(StreamError) -> [StreamPartition] {
        let client = try opened()
        var found: UnsafePointer<rd_kafka_metadata>?
        let only = pattern == nil ? try client.topic(topic) : nil
        let what = "Cannot ask for the partitions of \(topic)"
        let code = rd_kafka_metadata(client.handle, pattern == nil ? 0 : 1, only, &found, Self.milliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let found else { throw failure(client, code, what) }
        defer { rd_kafka_metadata_destroy(found) }
        var partitions: [StreamPartition] = []
        let topics = UnsafeBufferPointer(start: found.pointee.topics, count: Int(found.pointee.topic_cnt))
        for entry in topics {
            let name = String(cString: entry.topic)
            guard pattern.map({ $0.matchesWhole(name) && !name.hasPrefix("__") }) ?? (name == topic) else { continue }
            guard entry.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
                if pattern != nil { continue }
                throw failure(client, entry.err, what, partition: StreamPartition(topic: name, number: 0))
            }
            for partition in UnsafeBufferPointer(start: entry.partitions, count: Int(entry.partition_cnt)) {
                partitions.append(StreamPartition(topic: name, number: partition.id))
            }
        }
        if partitions.isEmpty, pattern == nil { throw .partitionGone(StreamPartition(topic: topic, number: 0)) }
        return partitions.sorted()
    }

    func earliest(_ partitions: [StreamPartition]) throws(StreamError) -> StreamPosition {
        try offsets(Int64(RD_KAFKA_OFFSET_BEGINNING), partitions)
    }

    func latest(_ partitions: [StreamPartition]) throws(StreamError) -> StreamPosition {
        try offsets(Int64(RD_KAFKA_OFFSET_END), partitions)
    }

    func offsets(at time: Int64, _ partitions: [StreamPartition]) throws(StreamError) -> StreamPosition {
        // Negative times mean something else to Kafka, which has none before 1970.
        var found = try offsets(max(0, time), partitions)
        let without = found.filter { $0.value < 0 }.map(\.key)
        if !without.isEmpty { found.merge(try latest(without)) { _, latest in latest } }
        return found
    }

    /// The offsets of a time; Kafka takes its own marks for beginning and end as times too.
    private func offsets(_ time: Int64, _ partitions: [StreamPartition]) throws(StreamError) -> StreamPosition {
        guard !partitions.isEmpty else { return [:] }
        let client = try opened()
        let list = rd_kafka_topic_partition_list_new(Int32(clamping: partitions.count))
        defer { rd_kafka_topic_partition_list_destroy(list) }
        for partition in partitions {
            rd_kafka_topic_partition_list_add(list, partition.topic, partition.number).pointee.offset = time
        }
        let what = "Cannot ask for offsets of \(topic)"
        let code = rd_kafka_offsets_for_times(client.handle, list, Self.milliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let list else {
            throw failure(client, code, what, partition: partitions.count == 1 ? partitions[0] : nil)
        }
        var found: StreamPosition = [:]
        for entry in UnsafeBufferPointer(start: list.pointee.elems, count: Int(list.pointee.cnt)) {
            let partition = StreamPartition(topic: String(cString: entry.topic), number: entry.partition)
            guard entry.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw failure(client, entry.err, what, partition: partition)
            }
            found[partition] = entry.offset
        }
        return found
    }

    // MARK: reading

    func assign(_ position: StreamPosition) throws(StreamError) {
        let made = try KafkaClient(settings, partitionCount: position.count, keepsKeys: keepsKeys)
        try made.start(position)
        replace(by: made)
    }

    /// The old client ends outside of the lock: it waits for its threads, while `wake` must not wait.
    private func replace(by made: KafkaClient?) {
        let old = client.withLock { client in
            defer { client = made }
            return client
        }
        withExtendedLifetime(old) {}
    }

    func poll(maxRecords: Int, maxBytes: Int, milliseconds: Int) throws(StreamError) -> RecordBatch? {
        let client = try opened()
        if let failure = client.takeFailure() { throw try error(failure, client) }
        let batch = client.read(
            maxRecords: max(1, maxRecords),
            maxBytes: max(1, maxBytes),
            milliseconds: milliseconds
        )
        rd_kafka_poll(client.handle, 0)
        if let batch {
            client.complaints.forget()
            return batch
        }
        if let failure = client.takeFailure() { throw try error(failure, client) }
        if let complaint = client.complaints.take() {
            throw KafkaFailure.error(complaint.code, "Cannot read \(topic)", detail: complaint.text)
        }
        if client.isDueForCheck { try checkTopics(client) }
        return nil
    }

    /// Whether what is read still exists: librdkafka goes on asking for partitions of a deleted topic without a word.
    private func checkTopics(_ client: KafkaClient) throws(StreamError) {
        var checked: Set<String> = []
        for partition in client.partitions where checked.insert(partition.topic).inserted {
            var found: UnsafePointer<rd_kafka_metadata>?
            let topic = try client.topic(partition.topic)
            guard rd_kafka_metadata(client.handle, 0, topic, &found, 2000) == RD_KAFKA_RESP_ERR_NO_ERROR, let found
            else {
                // That the broker is away is found out elsewhere.
                return
            }
            defer { rd_kafka_metadata_destroy(found) }
            let entries = UnsafeBufferPointer(start: found.pointee.topics, count: Int(found.pointee.topic_cnt))
            for entry in entries where entry.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART {
                throw .partitionGone(partition)
            }
        }
    }

    private func error(_ failure: KafkaClient.Failure, _ client: KafkaClient) throws(StreamError) -> StreamError {
        switch failure {
        case .stream(let error): return error
        case .offsetGone(let place):
            let partition = client.partitions[place]
            let earliest = try earliest([partition])[partition] ?? 0
            let latest = try latest([partition])[partition] ?? 0
            return .offsetGone(partition, wanted: client.positions[place], earliest: earliest, latest: latest)
        }
    }

    func wake() { client.withLock { $0 }?.wake() }

    func close() { replace(by: nil) }
}
