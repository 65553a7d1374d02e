package import CRDKafka
import Glibc
import LaminaBase

/// Writes to a cluster, and changes its topics.
package final class TestProducer {
    package let handle: OpaquePointer

    /// - Parameter settings: librdkafka's.
    package init(_ settings: [(name: String, value: String)]) throws {
        let conf = rd_kafka_conf_new()
        for (name, value) in settings + [("log_level", "0")] {
            guard rd_kafka_conf_set(conf, name, value, nil, 0) == RD_KAFKA_CONF_OK else { throw failure(name) }
        }
        guard let handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nil, 0) else { throw failure("no producer") }
        self.handle = handle
    }

    deinit { rd_kafka_destroy(handle) }

    /// Sends values and waits until they are stored.
    package func produce(
        _ topic: String,
        _ values: [String?],
        partition: Int32 = 0,
        key: String? = nil,
        headers: [(String, String?)] = [],
        timestamp: Int64? = nil
    ) throws {
        for value in values {
            var bytes = value.map { Array($0.utf8) }
            let keyBytes = key.map { Array($0.utf8) }
            let list = rd_kafka_headers_new(headers.count)
            for (name, text) in headers {
                let content = text.map { Array($0.utf8) }
                rd_kafka_header_add(list, name, -1, content, content?.count ?? 0)
            }
            let error: OpaquePointer? = topic.withCString { topic in
                var parts: [rd_kafka_vu_t] = []
                func part(_ type: rd_kafka_vtype_t, _ fill: (inout rd_kafka_vu_t) -> Void) {
                    var part = rd_kafka_vu_t()
                    part.vtype = type
                    fill(&part)
                    parts.append(part)
                }
                part(RD_KAFKA_VTYPE_TOPIC) { $0.u.cstr = topic }
                part(RD_KAFKA_VTYPE_PARTITION) { $0.u.i32 = partition }
                part(RD_KAFKA_VTYPE_MSGFLAGS) { $0.u.i = 2 }  // a copy is taken
                part(RD_KAFKA_VTYPE_HEADERS) { $0.u.headers = list }
                if let timestamp { part(RD_KAFKA_VTYPE_TIMESTAMP) { $0.u.i64 = timestamp } }
                return (bytes?.count).map { count in
                    bytes?.withUnsafeMutableBytes { value in
                        part(RD_KAFKA_VTYPE_VALUE) {
                            $0.u.mem.ptr = value.baseAddress ?? UnsafeMutableRawPointer(bitPattern: 1)
                            $0.u.mem.size = count
                        }
                        return send(&parts, keyBytes)
                    } ?? nil
                } ?? send(&parts, keyBytes)
            }
            try check(error)
        }
        try requireNone(rd_kafka_flush(handle, 60_000), "not everything is stored")
    }

    private func send(_ parts: inout [rd_kafka_vu_t], _ key: [UInt8]?) -> OpaquePointer? {
        guard var key else { return rd_kafka_produceva(handle, &parts, parts.count) }
        return key.withUnsafeMutableBytes { bytes in
            var part = rd_kafka_vu_t()
            part.vtype = RD_KAFKA_VTYPE_KEY
            part.u.mem.ptr = bytes.baseAddress
            part.u.mem.size = bytes.count
            parts.append(part)
            return rd_kafka_produceva(handle, &parts, parts.count)
        }
    }

    // MARK: transactions

    package func beginTransactions() throws { try check(rd_kafka_init_transactions(handle, 30_000)) }

    package func transaction(commits: Bool, _ body: () throws -> Void) throws {
        try check(rd_kafka_begin_transaction(handle))
        try body()
        try check(commits ? rd_kafka_commit_transaction(handle, 30_000) : rd_kafka_abort_transaction(handle, 30_000))
    }

    package func check(_ error: OpaquePointer?) throws {
        guard let error else { return }
        defer { rd_kafka_error_destroy(error) }
        throw failure(String(cString: rd_kafka_error_string(error)))
    }

    // MARK: topics

    package func create(_ topic: String, partitions: Int32 = 1) throws {
        var made = rd_kafka_NewTopic_new(topic, partitions, 1, nil, 0)
        defer { rd_kafka_NewTopic_destroy(made) }
        try ask { rd_kafka_CreateTopics(handle, &made, 1, nil, $0) }
    }

    package func delete(_ topic: String) throws {
        var gone = rd_kafka_DeleteTopic_new(topic)
        defer { rd_kafka_DeleteTopic_destroy(gone) }
        try ask { rd_kafka_DeleteTopics(handle, &gone, 1, nil, $0) }
    }

    package func addPartitions(_ topic: String, total: Int) throws {
        var more = rd_kafka_NewPartitions_new(topic, total, nil, 0)
        defer { rd_kafka_NewPartitions_destroy(more) }
        try ask { rd_kafka_CreatePartitions(handle, &more, 1, nil, $0) }
    }

    /// What retention would do: records before the offset are gone.
    package func removeRecords(_ topic: String, _ partition: Int32 = 0, before offset: Int64) throws {
        let list = rd_kafka_topic_partition_list_new(1)
        defer { rd_kafka_topic_partition_list_destroy(list) }
        rd_kafka_topic_partition_list_add(list, topic, partition).pointee.offset = offset
        var gone = rd_kafka_DeleteRecords_new(list)
        defer { rd_kafka_DeleteRecords_destroy(gone) }
        try ask { rd_kafka_DeleteRecords(handle, &gone, 1, nil, $0) }
    }

    private func ask(_ body: (OpaquePointer) -> Void) throws {
        guard let queue = rd_kafka_queue_new(handle) else { throw failure("no queue") }
        defer { rd_kafka_queue_destroy(queue) }
        body(queue)
        guard let event = rd_kafka_queue_poll(queue, 30_000) else { throw failure("no answer") }
        defer { rd_kafka_event_destroy(event) }
        try requireNone(rd_kafka_event_error(event), "the cluster refuses")
    }
}

func failure(_ what: String) -> LaminaError { LaminaError(.runtimeFailure, code: "testCluster", what) }

func requireNone(_ code: rd_kafka_resp_err_t, _ what: String) throws(LaminaError) {
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
        throw failure("\(what): \(String(cString: rd_kafka_err2str(code)))")
    }
}

/// Of a clock that never goes back.
package func seconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}
