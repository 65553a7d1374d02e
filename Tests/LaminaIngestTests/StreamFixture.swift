import Glibc
import LaminaBase
import LaminaIngest
import LaminaTestSupport
import Synchronization

let streamPartitions = [StreamPartition(topic: "t", number: 0), StreamPartition(topic: "t", number: 1)]
/// 2024-01-01T00:00:00Z
let streamStart: Int64 = 1_704_067_200_000
let hourMillis: Int64 = 3_600_000

/// A supervisor spec over rows `{"ts", "id", "k"}`.
func streamSpec(
    schema: JSONObject = [:],
    io: JSONObject = [:],
    tuning: JSONObject = [:]
) throws -> StreamSpec {
    var dataSchema: JSONObject = [
        "dataSource": "t", "timestampSpec": ["column": "ts", "format": "millis"],
        "dimensionsSpec": ["dimensions": [["type": "long", "name": "id"], "k"]],
        "granularitySpec": ["segmentGranularity": "HOUR", "queryGranularity": "NONE", "rollup": false],
    ]
    for (key, value) in schema.entries { dataSchema[key] = value }
    var ioConfig: JSONObject = ["topic": "t", "inputFormat": ["type": "json"]]
    for (key, value) in io.entries { ioConfig[key] = value }
    return try StreamSpec(
        json: [
            "type": "kafka",
            "spec": [
                "dataSchema": .object(dataSchema), "ioConfig": .object(ioConfig), "tuningConfig": .object(tuning),
            ],
        ],
        type: "kafka"
    )
}

/// A clock that tests move.
final class TestClock: Sendable {
    private let time = Atomic(streamStart)
    var now: Int64 { time.load(ordering: .relaxed) }
    func advance(_ milliseconds: Int64) { time.wrappingAdd(milliseconds, ordering: .relaxed) }
}

/// An indexer in a folder of its own with its host.
final class StreamFixture {
    let spec: StreamSpec
    let folder: String
    let clock = TestClock()
    private(set) var host = FakeStreamHost()
    private(set) var indexer: StreamIndexer
    /// Ends when the object goes.
    private var isRunning = true

    init(_ spec: StreamSpec) throws {
        self.spec = spec
        folder = freshFolder()
        indexer = try Self.start(spec, folder, host, clock)
        beginAnew()
    }

    private static func start(
        _ spec: StreamSpec,
        _ folder: String,
        _ host: FakeStreamHost,
        _ clock: TestClock
    ) throws(LaminaError) -> StreamIndexer {
        try StreamIndexer(
            spec,
            name: "index_kafka_t",
            directory: folder,
            host: host,
            clock: { clock.now },
            probe: { step throws(LaminaError) in try host.probe(step) }
        )
    }

    deinit {
        host.state.update {
            $0.isPersistHeld = false
            $0.isCrashed = true
        }
        if isRunning { try? indexer.abandon() }
        removeTestFiles(folder)
    }

    func beginAnew() {
        indexer.begin(Dictionary(uniqueKeysWithValues: streamPartitions.map { ($0, 0) }))
    }

    /// Kills it where it is, and starts again on what is on disk. Whatever a start can crash in, it tries again.
    func crash(fuse: Int = .max) throws {
        host.state.update { $0.isCrashed = true }
        try? indexer.abandon()
        var fuse = fuse
        while true {
            host = host.next()
            host.state.update { $0.fuse = fuse }
            if let started = try startOnce() {
                indexer = started
                beginAnew()
                return
            }
            fuse = .max
        }
    }

    /// nil when it died on the way.
    private func startOnce() throws -> StreamIndexer? {
        do throws(LaminaError) {
            return try Self.start(spec, folder, host, clock)
        } catch {
            guard error.code == "crash" else { throw error }
            return nil
        }
    }

    /// After `stop` or `discard` of the indexer, on the same host.
    func restart() throws {
        indexer = try Self.start(spec, folder, host, clock)
        beginAnew()
    }

    func end() { isRunning = false }

    @discardableResult
    func append(_ texts: [String], partition: Int = 0, bounds: RowBounds = .all) throws -> PreparedRecords {
        let first = indexer.position[streamPartitions[partition]] ?? 0
        let batch = recordBatch(texts.map { Array($0.utf8) }, partition: partition, first: first)
        let prepared = try indexer.prepare(batch, bounds: bounds)
        try indexer.append(prepared)
        return prepared
    }
}

func recordBatch(_ values: [[UInt8]?], partition: Int = 0, first: Int64) -> RecordBatch {
    var batch = RecordBatch()
    batch.partitions = [streamPartitions[partition]]
    for (number, value) in values.enumerated() {
        let start = batch.bytes.count
        batch.bytes += value ?? []
        batch.records.append(
            RecordBatch.Record(
                partition: 0,
                offset: first + Int64(number),
                timestamp: nil,
                value: value.map { start..<start + $0.count }
            )
        )
    }
    batch.next = [streamPartitions[partition]: first + Int64(values.count)]
    return batch
}

/// A row's text; its hour counts from the start.
func streamRow(_ id: Int64, hour: Int64 = 0, k: String = "a") -> String {
    #"{"ts":\#(streamStart + hour * hourMillis + id % 1000),"id":\#(id),"k":"\#(k)"}"#
}
