import LaminaBase
import LaminaIngest
import Synchronization

/// A log in memory: offsets may hold no record, and its beginning may be gone.
final class LogStream: StreamSource, StreamConnector {
    struct Log: Sendable {
        /// Offset, time and value.
        var records: [(offset: Int64, time: Int64, value: String)] = []
        var earliest: Int64 = 0
        var latest: Int64 = 0
    }

    private struct State {
        var logs: [StreamPartition: Log] = [:]
        var position: StreamPosition = [:]
        var polls = 0
        var failures: [StreamError] = []
        var assignments = 0
    }

    private let state = Mutex(State())

    init(_ logs: [Int32: Log]) {
        state.withLock { state in
            for (number, log) in logs { state.logs[StreamPartition(topic: "t", number: number)] = log }
        }
    }

    /// Records at every offset from 0 on, at these times.
    static func log(_ values: [String], from first: Int64 = 0, times: [Int64]? = nil, latest: Int64? = nil) -> Log {
        var log = Log(earliest: first, latest: latest ?? first + Int64(values.count))
        for (index, value) in values.enumerated() {
            log.records.append((first + Int64(index), times?[index] ?? 0, value))
        }
        return log
    }

    var assignments: Int { state.withLock { $0.assignments } }
    func fail(_ errors: [StreamError]) { state.withLock { $0.failures += errors } }
    func grow(_ number: Int32, _ value: String) {
        state.withLock { state in
            let partition = StreamPartition(topic: "t", number: number)
            guard var log = state.logs[partition] else { return }
            log.records.append((log.latest, 0, value))
            log.latest += 1
            state.logs[partition] = log
        }
    }

    func open(
        topic: String,
        isPattern: Bool,
        properties: JSONObject,
        keepsKeys: Bool
    ) throws(LaminaError) -> any StreamSource { self }

    func partitions() -> [StreamPartition] { state.withLock { $0.logs.keys.sorted() } }
    func assign(_ position: StreamPosition) {
        state.withLock { state in
            state.position = position
            state.assignments += 1
        }
    }

    func poll(maxRecords: Int, maxBytes: Int, milliseconds: Int) throws(StreamError) -> RecordBatch? {
        try state.withLock { (state) throws(StreamError) in
            if !state.failures.isEmpty {
                // What was read ahead is lost, unless it is assigned anew.
                for (partition, offset) in state.position {
                    state.position[partition] = min(offset + 2, state.logs[partition]?.latest ?? offset)
                }
                throw state.failures.removeFirst()
            }
            var batch = RecordBatch()
            // One partition at a time, two records at a time.
            for partition in state.position.keys.sorted() {
                guard let log = state.logs[partition], let from = state.position[partition], from < log.latest else {
                    continue
                }
                batch.partitions = [partition]
                for (offset, time, value) in log.records.filter({ $0.offset >= from }).prefix(2) {
                    let start = batch.bytes.count
                    batch.bytes += Array(value.utf8)
                    batch.records.append(
                        .init(partition: 0, offset: offset, timestamp: time, value: start..<batch.bytes.count)
                    )
                }
                // At the end also over what holds no record.
                let next = batch.records.last.map { $0.offset + 1 } ?? log.latest
                state.position[partition] = next
                batch.next = state.position
                return batch
            }
            return nil
        }
    }

    func earliest(_ partitions: [StreamPartition]) -> StreamPosition { find(partitions) { $0.earliest } }
    func latest(_ partitions: [StreamPartition]) -> StreamPosition { find(partitions) { $0.latest } }
    func offsets(at time: Int64, _ partitions: [StreamPartition]) -> StreamPosition {
        find(partitions) { log in log.records.first { $0.time >= time }?.offset ?? log.latest }
    }

    private func find(_ partitions: [StreamPartition], _ body: (Log) -> Int64) -> StreamPosition {
        state.withLock { state in
            var found: StreamPosition = [:]
            for partition in partitions { if let log = state.logs[partition] { found[partition] = body(log) } }
            return found
        }
    }

    func wake() {}
    func close() {}
}
