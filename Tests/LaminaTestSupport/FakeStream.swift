package import LaminaBase
package import LaminaIngest

/// A stream in memory: topics with partitions that tests append to, cut off, take away and break.
package final class FakeStream: StreamConnector {
    struct Log: Sendable {
        var first: Int64 = 0
        var records: [(time: Int64, value: [UInt8]?, isHole: Bool)] = []
        var next: Int64 { first + Int64(records.count) }
    }

    struct State: Sendable {
        var logs: [StreamPartition: Log] = [:]
        /// Every call fails with it.
        var failure: String?
        var refusal: LaminaError?
        /// The next polls end with these.
        var failures: [StreamError] = []
        var opened = 0
        var assignments = 0
    }

    let state = Monitor(State())
    /// A poll reads no more records.
    let most: Int

    package init(recordsPerPoll most: Int = 1 << 30) { self.most = most }

    /// Adds empty partitions to a topic.
    package func addPartitions(_ topic: String, _ numbers: Range<Int32>) {
        state.update { state in
            for number in numbers { state.logs[StreamPartition(topic: topic, number: number)] = Log() }
        }
    }

    package func append(_ topic: String, _ number: Int32, _ values: [String?], time: Int64 = 0) {
        let partition = StreamPartition(topic: topic, number: number)
        state.update { state in
            for value in values {
                state.logs[partition, default: Log()].records.append((time, value.map { Array($0.utf8) }, false))
            }
        }
    }

    /// Offsets that no record has: markers of transactions, or what compaction took.
    package func appendHoles(_ topic: String, _ number: Int32, _ count: Int) {
        let partition = StreamPartition(topic: topic, number: number)
        state.update { state in
            for _ in 0..<count { state.logs[partition, default: Log()].records.append((0, nil, true)) }
        }
    }

    /// Retention: what is before `offset` is gone.
    package func removeRecords(_ topic: String, _ number: Int32, before offset: Int64) {
        let partition = StreamPartition(topic: topic, number: number)
        state.update { state in
            guard var log = state.logs[partition] else { return }
            let count = min(log.records.count, max(0, Int(offset - log.first)))
            log.records.removeFirst(count)
            log.first += Int64(count)
            state.logs[partition] = log
        }
    }

    /// The topic is deleted and made anew, empty.
    package func recreate(_ topic: String) {
        state.update { state in
            for partition in state.logs.keys where partition.topic == topic { state.logs[partition] = Log() }
        }
    }

    /// While it is set, nothing can be reached.
    package func setFailure(_ text: String?) { state.update { $0.failure = text } }
    /// While it is set, nobody is let in.
    package func setRefusal(_ error: LaminaError?) { state.update { $0.refusal = error } }

    package func latest(_ topic: String, _ number: Int32) -> Int64 {
        state.read { $0.logs[StreamPartition(topic: topic, number: number)]?.next ?? 0 }
    }

    /// The next polls end with these, one each.
    package func failPolls(_ errors: [StreamError]) { state.update { $0.failures += errors } }

    /// How many positions were assigned.
    package var assignmentCount: Int { state.read { $0.assignments } }

    /// How many sources were opened.
    package var openedCount: Int { state.read { $0.opened } }

    package func open(
        topic: String,
        isPattern: Bool,
        properties: JSONObject,
        keepsKeys: Bool
    ) throws(LaminaError) -> any StreamSource {
        try state.update { state throws(LaminaError) in
            if let refusal = state.refusal { throw refusal }
            state.opened += 1
        }
        // Patterns of tests are prefixes with `.*`.
        let prefix = isPattern ? String(topic.prefix { $0 != "." }) : nil
        return FakeSource(stream: self, topic: topic, prefix: prefix)
    }
}

private final class FakeSource: StreamSource {
    let stream: FakeStream
    let topic: String
    let prefix: String?
    let own = Monitor((position: StreamPosition(), isWoken: false))

    init(stream: FakeStream, topic: String, prefix: String?) {
        self.stream = stream
        self.topic = topic
        self.prefix = prefix
    }

    private func look<Result>(_ body: (FakeStream.State) throws(StreamError) -> Result) throws(StreamError) -> Result {
        try stream.state.read { state throws(StreamError) in
            if let failure = state.failure { throw .unreachable(failure) }
            if let refusal = state.refusal { throw .refused(refusal) }
            return try body(state)
        }
    }

    func partitions() throws(StreamError) -> [StreamPartition] {
        try look { state in
            state.logs.keys.filter { prefix.map($0.topic.hasPrefix) ?? ($0.topic == topic) }.sorted()
        }
    }

    func assign(_ position: StreamPosition) throws(StreamError) {
        own.update { $0.position = position }
        stream.state.update { $0.assignments += 1 }
    }

    func poll(maxRecords: Int, maxBytes: Int, milliseconds: Int) throws(StreamError) -> RecordBatch? {
        let failure: StreamError? = stream.state.update { $0.failures.isEmpty ? nil : $0.failures.removeFirst() }
        if let failure {
            // What was read ahead is lost, unless it is assigned anew.
            let logs = stream.state.read { $0.logs }
            own.update { state in
                for (partition, offset) in state.position {
                    state.position[partition] = min(offset + Int64(stream.most), logs[partition]?.next ?? offset)
                }
            }
            throw failure
        }
        var waited = 0
        while true {
            if let batch = try read(min(maxRecords, stream.most)) { return batch }
            let woken: Bool? = own.wait(milliseconds: 2) { state in
                defer { state.isWoken = false }
                return state.isWoken ? true : nil
            }
            waited += 2
            if woken == true || waited >= milliseconds { return nil }
        }
    }

    private func read(_ most: Int) throws(StreamError) -> RecordBatch? {
        let position = own.read { $0.position }
        var batch = RecordBatch()
        for (partition, offset) in position.sorted(by: { $0.key < $1.key }) {
            let log = try look { state throws(StreamError) in
                guard let log = state.logs[partition] else { throw .partitionGone(partition) }
                return log
            }
            guard offset >= log.first, offset <= log.next else {
                throw .offsetGone(partition, wanted: offset, earliest: log.first, latest: log.next)
            }
            guard offset < log.next else { continue }
            let place = Int32(batch.partitions.count)
            batch.partitions.append(partition)
            for at in offset..<min(log.next, offset + Int64(max(1, most - batch.records.count))) {
                let record = log.records[Int(at - log.first)]
                batch.next[partition] = at + 1
                if record.isHole { continue }
                var range: Range<Int>?
                if let value = record.value {
                    range = batch.bytes.count..<batch.bytes.count + value.count
                    batch.bytes += value
                }
                batch.records.append(
                    RecordBatch.Record(partition: place, offset: at, timestamp: record.time, value: range)
                )
            }
            if batch.records.count >= most { break }
        }
        guard !batch.next.isEmpty else { return nil }
        own.update { state in state.position.merge(batch.next) { _, new in new } }
        return batch
    }

    func earliest(_ partitions: [StreamPartition]) throws(StreamError) -> StreamPosition {
        try positions(partitions) { $0.first }
    }

    func latest(_ partitions: [StreamPartition]) throws(StreamError) -> StreamPosition {
        try positions(partitions) { $0.next }
    }

    func offsets(at time: Int64, _ partitions: [StreamPartition]) throws(StreamError) -> StreamPosition {
        try positions(partitions) { log in
            log.first + Int64(log.records.firstIndex { !$0.isHole && $0.time >= time } ?? log.records.count)
        }
    }

    private func positions(
        _ partitions: [StreamPartition],
        _ offset: (FakeStream.Log) -> Int64
    ) throws(StreamError) -> StreamPosition {
        try look { state throws(StreamError) in
            var found = StreamPosition()
            for partition in partitions {
                guard let log = state.logs[partition] else { throw .partitionGone(partition) }
                found[partition] = offset(log)
            }
            return found
        }
    }

    func wake() { own.update { $0.isWoken = true } }
    func close() {}
}
