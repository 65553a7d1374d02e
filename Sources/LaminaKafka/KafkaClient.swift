import CRDKafka
import LaminaBase
import LaminaIngest

/// A connection to a cluster, and what it reads: the partitions it was made for. Partitions are never changed: a new client is made
/// instead, so that nothing of an older reading can come out of its queue. Used by one thread, but for `wake`.
final class KafkaClient: @unchecked Sendable {
    let handle: OpaquePointer
    private let queue: OpaquePointer
    let complaints: KafkaComplaints
    /// Topic handles by name.
    private var topics: [String: OpaquePointer] = [:]
    private(set) var partitions: [StreamPartition] = []
    /// The next offset of each.
    private(set) var positions: [Int64] = []
    /// The place of a partition by its topic's handle and number.
    private var places: [Place: Int] = [:]
    private var lastPlace: (key: Place, place: Int)?
    private let keepsKeys: Bool
    private let messages: UnsafeMutablePointer<UnsafeMutablePointer<rd_kafka_message_t>?>
    private static let messagesMax = 1000
    /// Of the records read last, to guess how many may be taken at once.
    private var recordBytes = 64 << 10
    private var batchBytes = 0
    /// When something was read, or looked into, last.
    private var looked = ContinuousClock.now
    /// Comes out at the next poll: the records before it go first.
    private var failure: Failure?

    /// What a message that holds no record tells.
    enum Failure {
        case stream(StreamError)
        /// The offset that was to be read is gone.
        case offsetGone(Int)
    }

    private struct Place: Hashable {
        var topic: OpaquePointer
        var partition: Int32
    }

    init(_ settings: KafkaSettings, partitionCount: Int, keepsKeys: Bool) throws(StreamError) {
        self.keepsKeys = keepsKeys
        complaints = KafkaComplaints()
        let conf = rd_kafka_conf_new()
        var values = settings.values
        let prefetch = max(256, (KafkaSettings.prefetchBytes >> 10) / max(1, partitionCount))
        values.append(("queued.max.messages.kbytes", String(prefetch)))
        for (name, value) in values {
            // What librdkafka says of a wrong value repeats the value.
            guard rd_kafka_conf_set(conf, name, value, nil, 0) == RD_KAFKA_CONF_OK else {
                rd_kafka_conf_destroy(conf)
                throw .refused(propertyError(name, "has a value that is not accepted"))
            }
        }
        rd_kafka_conf_set_log_cb(conf, nil)
        rd_kafka_conf_set_opaque(conf, Unmanaged.passUnretained(complaints).toOpaque())
        rd_kafka_conf_set_error_cb(conf) { _, code, reason, opaque in
            guard let opaque else { return }
            let text = reason.map { String(cString: $0) } ?? ""
            Unmanaged<KafkaComplaints>.fromOpaque(opaque).takeUnretainedValue().note(rd_kafka_resp_err_t(code), text)
        }
        var reason = [CChar](repeating: 0, count: 512)
        guard let handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, &reason, reason.count) else {
            rd_kafka_conf_destroy(conf)
            let text = String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw .refused(.invalidInput("A client of Kafka cannot be made: \(text)"))
        }
        guard let queue = rd_kafka_queue_new(handle) else {
            rd_kafka_destroy(handle)
            throw .refused(LaminaError(.runtimeFailure, code: "kafka", "A client of Kafka cannot be made"))
        }
        self.handle = handle
        self.queue = queue
        messages = .allocate(capacity: Self.messagesMax)
        messages.initialize(repeating: nil, count: Self.messagesMax)
    }

    deinit {
        for partition in partitions {
            if let topic = topics[partition.topic] { rd_kafka_consume_stop(topic, partition.number) }
        }
        rd_kafka_queue_destroy(queue)
        for topic in topics.values { rd_kafka_topic_destroy(topic) }
        rd_kafka_destroy(handle)
        messages.deallocate()
        withExtendedLifetime(complaints) {}
    }

    func topic(_ name: String) throws(StreamError) -> OpaquePointer {
        if let known = topics[name] { return known }
        guard let made = rd_kafka_topic_new(handle, name, nil) else {
            throw .refused(.invalidInput("'\(name)' is no name of a topic"))
        }
        topics[name] = made
        return made
    }

    /// Begins to read; once.
    func start(_ position: StreamPosition) throws(StreamError) {
        for partition in position.keys.sorted() {
            guard let offset = position[partition], offset >= 0 else { continue }
            let topic = try topic(partition.topic)
            guard rd_kafka_consume_start_queue(topic, partition.number, offset, queue) == 0 else {
                throw KafkaFailure.error(rd_kafka_last_error(), "Cannot read a partition", partition: partition)
            }
            places[Place(topic: topic, partition: partition.number)] = partitions.count
            partitions.append(partition)
            positions.append(offset)
        }
    }

    func wake() { rd_kafka_queue_yield(queue) }

    /// What went wrong meanwhile, once.
    func takeFailure() -> Failure? {
        defer { failure = nil }
        return failure
    }

    /// True when nothing was read for a while, once in that while.
    var isDueForCheck: Bool {
        guard !partitions.isEmpty, ContinuousClock.now - looked > .seconds(5) else { return false }
        looked = .now
        return true
    }

    var position: StreamPosition {
        StreamPosition(uniqueKeysWithValues: zip(partitions, positions))
    }

    // MARK: reading

    /// - Returns: nil when neither a record came nor a partition got on.
    func read(maxRecords: Int, maxBytes: Int, milliseconds: Int) -> RecordBatch? {
        var batch = RecordBatch()
        batch.partitions = partitions
        batch.bytes.reserveCapacity(min(batchBytes + batchBytes / 8, maxBytes))
        var hasMoved = false
        // librdkafka waits for as many as were asked for: one is waited for, the others are taken as they are there.
        var taken = take(1, milliseconds: milliseconds, &batch, &hasMoved)
        while taken > 0, failure == nil, batch.records.count < maxRecords, batch.bytes.count < maxBytes {
            let fitting = (maxBytes - batch.bytes.count) / max(1, recordBytes) + 1
            taken = take(
                min(Self.messagesMax, maxRecords - batch.records.count, fitting),
                milliseconds: 0,
                &batch,
                &hasMoved
            )
        }
        guard hasMoved else { return nil }
        looked = .now
        if !batch.records.isEmpty { recordBytes = batch.bytes.count / batch.records.count }
        batchBytes = batch.bytes.count
        batch.next = position
        return batch
    }

    /// Takes messages off the queue; returns how many.
    private func take(_ count: Int, milliseconds: Int, _ batch: inout RecordBatch, _ hasMoved: inout Bool) -> Int {
        let taken = rd_kafka_consume_batch_queue(queue, Int32(clamping: milliseconds), messages, count)
        guard taken > 0 else { return 0 }
        for index in 0..<taken {
            guard let message = messages[index] else { continue }
            if let place = place(of: message.pointee) {
                if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
                    if add(message, place, &batch) { hasMoved = true }
                } else if note(message, place) {
                    hasMoved = true
                }
            } else if failure == nil, message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR {
                failure = .stream(KafkaFailure.error(message.pointee.err, "Cannot read", detail: detail(message)))
            }
            rd_kafka_message_destroy(message)
        }
        return taken
    }

    private func place(of message: rd_kafka_message_t) -> Int? {
        guard let topic = message.rkt else { return nil }
        let key = Place(topic: topic, partition: message.partition)
        if let lastPlace, lastPlace.key == key { return lastPlace.place }
        guard let place = places[key] else { return nil }
        lastPlace = (key, place)
        return place
    }

    private func detail(_ message: UnsafeMutablePointer<rd_kafka_message_t>) -> String? {
        rd_kafka_message_errstr(message).map { String(cString: $0) }
    }

    /// Adds a record; false for one before the position (librdkafka gives out whole batches at times), or behind an error, which
    /// will be read again.
    private func add(
        _ message: UnsafeMutablePointer<rd_kafka_message_t>,
        _ place: Int,
        _ batch: inout RecordBatch
    ) -> Bool {
        let offset = message.pointee.offset
        guard offset >= positions[place], failure == nil else { return false }
        positions[place] = offset + 1
        var value: Range<Int>?
        if let payload = message.pointee.payload {
            value = append(UnsafeRawBufferPointer(start: payload, count: message.pointee.len), &batch)
        }
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let time = rd_kafka_message_timestamp(message, &kind)
        var record = RecordBatch.Record(
            partition: Int32(place),
            offset: offset,
            timestamp: kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? nil : time,
            value: value
        )
        if keepsKeys { addKey(message, &record, &batch) }
        batch.records.append(record)
        return true
    }

    private func append(_ bytes: UnsafeRawBufferPointer, _ batch: inout RecordBatch) -> Range<Int> {
        let start = batch.bytes.count
        batch.bytes.append(contentsOf: bytes)
        return start..<batch.bytes.count
    }

    private func addKey(
        _ message: UnsafeMutablePointer<rd_kafka_message_t>,
        _ record: inout RecordBatch.Record,
        _ batch: inout RecordBatch
    ) {
        if let key = message.pointee.key {
            record.key = append(UnsafeRawBufferPointer(start: key, count: message.pointee.key_len), &batch)
        }
        var headers: OpaquePointer?
        guard rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR, let headers else { return }
        var index = 0
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while rd_kafka_header_get_all(headers, index, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR {
            let range = value.map { append(UnsafeRawBufferPointer(start: $0, count: size), &batch) }
            record.headers.append((name.map { String(cString: $0) } ?? "", range))
            index += 1
        }
    }

    /// Looks at a message that is no record; true when the partition has got on.
    private func note(_ message: UnsafeMutablePointer<rd_kafka_message_t>, _ place: Int) -> Bool {
        let code = message.pointee.err
        switch code {
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            // The end also lies behind what holds no record: markers of transactions, aborted and compacted records.
            guard failure == nil, message.pointee.offset > positions[place] else { return false }
            positions[place] = message.pointee.offset
            return true
        case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
            if failure == nil { failure = .offsetGone(place) }
        default:
            if failure == nil {
                let partition = partitions[place]
                failure = .stream(
                    KafkaFailure.error(
                        code,
                        "Cannot read \(partition.topic)-\(partition.number) at offset \(positions[place])",
                        partition: partition,
                        detail: detail(message)
                    )
                )
            }
        }
        return false
    }
}
