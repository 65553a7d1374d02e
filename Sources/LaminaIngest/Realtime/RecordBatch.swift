/// One partition of a stream: of a Kafka topic; of a push journal, topic the datasource and number 0.
package struct StreamPartition: Sendable, Hashable, Comparable {
    package var topic: String
    package var number: Int32

    package init(topic: String, number: Int32) {
        self.topic = topic
        self.number = number
    }

    package static func < (left: StreamPartition, right: StreamPartition) -> Bool {
        (left.topic, left.number) < (right.topic, right.number)
    }
}

/// The next offset to read, by partition: everything before it was taken in.
package typealias StreamPosition = [StreamPartition: Int64]

/// Records of a stream in the order of their offsets, their bytes behind each other.
package struct RecordBatch: Sendable {
    /// One message of the stream.
    package struct Record: Sendable {
        /// Its place in `partitions`.
        package var partition: Int32
        package var offset: Int64
        /// Wall clock of the producer or the broker, ms; nil when the stream has none.
        package var timestamp: Int64?
        /// In `bytes`; nil for a record without value (a tombstone).
        package var value: Range<Int>?
        package var key: Range<Int>?
        /// Names and values in order; values in `bytes`.
        package var headers: [(name: String, value: Range<Int>?)]

        package init(
            partition: Int32,
            offset: Int64,
            timestamp: Int64?,
            value: Range<Int>?,
            key: Range<Int>? = nil,
            headers: [(name: String, value: Range<Int>?)] = []
        ) {
            self.partition = partition
            self.offset = offset
            self.timestamp = timestamp
            self.value = value
            self.key = key
            self.headers = headers
        }
    }

    package var partitions: [StreamPartition] = []
    package var records: [Record] = []
    package var bytes: [UInt8] = []
    /// Where to read on: also beyond offsets that hold no record (transaction markers, compacted ones).
    package var next: StreamPosition = [:]

    package init() {}
}
