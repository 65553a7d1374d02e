package import CRDKafka
import Glibc
import LaminaBase

/// librdkafka's cluster in this process, on loopback, with a producer.
package final class MockCluster {
    private let producer: OpaquePointer
    package let cluster: OpaquePointer
    package let servers: String

    /// - Parameter compression: of the batches that are produced.
    package init(brokers: Int32 = 1, compression: String = "none") throws {
        let conf = rd_kafka_conf_new()
        for (name, value) in [
            ("test.mock.num.brokers", String(brokers)), ("compression.codec", compression), ("linger.ms", "5"),
            ("acks", "all"), ("log_level", "0"),
        ] {
            try check(rd_kafka_conf_set(conf, name, value, nil, 0) == RD_KAFKA_CONF_OK, name)
        }
        guard let producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nil, 0),
            let cluster = rd_kafka_handle_mock_cluster(producer)
        else { throw LaminaError(.runtimeFailure, code: "mock", "the cluster cannot be made") }
        self.producer = producer
        self.cluster = cluster
        servers = String(cString: rd_kafka_mock_cluster_bootstraps(cluster))
    }

    deinit { rd_kafka_destroy(producer) }

    package func create(_ topic: String, partitions: Int32 = 1) throws {
        try check(
            rd_kafka_mock_topic_create(cluster, topic, partitions, 1) == RD_KAFKA_RESP_ERR_NO_ERROR,
            "the cluster refuses"
        )
    }

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
            try check(error == nil, "the cluster refuses")
        }
        try check(rd_kafka_flush(producer, 10_000) == RD_KAFKA_RESP_ERR_NO_ERROR, "the cluster refuses")
    }

    private func send(_ parts: inout [rd_kafka_vu_t], _ key: [UInt8]?) -> OpaquePointer? {
        guard var key else { return rd_kafka_produceva(producer, &parts, parts.count) }
        return key.withUnsafeMutableBytes { bytes in
            var part = rd_kafka_vu_t()
            part.vtype = RD_KAFKA_VTYPE_KEY
            part.u.mem.ptr = bytes.baseAddress
            part.u.mem.size = bytes.count
            parts.append(part)
            return rd_kafka_produceva(producer, &parts, parts.count)
        }
    }

    package func setDown(_ broker: Int32 = 1) { rd_kafka_mock_broker_set_down(cluster, broker) }
    package func setUp(_ broker: Int32 = 1) { rd_kafka_mock_broker_set_up(cluster, broker) }

    /// Makes the next answers to one kind of request this error.
    package func fail(_ api: Int16, _ error: rd_kafka_resp_err_t, times: Int = 1) {
        let errors = [rd_kafka_resp_err_t](repeating: error, count: times)
        rd_kafka_mock_push_request_errors_array(cluster, api, times, errors)
    }
}

private func check(_ isGood: Bool, _ what: String) throws(LaminaError) {
    guard isGood else { throw LaminaError(.runtimeFailure, code: "mock", what) }
}

/// Of a clock that never goes back.
package func seconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}
