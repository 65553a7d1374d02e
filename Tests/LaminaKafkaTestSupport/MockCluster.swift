package import CRDKafka
import LaminaBase

/// librdkafka's cluster in this process, on loopback, with a producer.
package final class MockCluster {
    package let producer: TestProducer
    package let cluster: OpaquePointer
    package let servers: String

    /// - Parameter compression: of the batches that are produced.
    package init(brokers: Int32 = 1, compression: String = "none") throws {
        producer = try TestProducer([
            ("test.mock.num.brokers", String(brokers)), ("compression.codec", compression), ("linger.ms", "5"),
        ])
        guard let cluster = rd_kafka_handle_mock_cluster(producer.handle) else {
            throw LaminaError(.runtimeFailure, code: "mock", "the cluster cannot be made")
        }
        self.cluster = cluster
        servers = String(cString: rd_kafka_mock_cluster_bootstraps(cluster))
    }

    package func create(_ topic: String, partitions: Int32 = 1) throws {
        try requireNone(rd_kafka_mock_topic_create(cluster, topic, partitions, 1), "the cluster refuses a topic")
    }

    package func setDown(_ broker: Int32 = 1) { rd_kafka_mock_broker_set_down(cluster, broker) }
    package func setUp(_ broker: Int32 = 1) { rd_kafka_mock_broker_set_up(cluster, broker) }
}
