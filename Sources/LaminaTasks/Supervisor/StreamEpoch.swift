import LaminaBase
import LaminaIngest

/// What the task API shows as one task: a group's reading for one `taskDuration`, until its rows are published.
///
/// A group's thread goes on from one to the next; while the rows of the last are merged and published, the next one reads.
struct StreamEpoch: Sendable {
    let id: String
    let createdAt: Int64
    /// Where it began; empty until the stream could be asked.
    var start: StreamPosition
    /// What the indexer had counted when it began.
    let before: StreamCounts
    /// Where it ended; nil while it reads.
    var end: StreamPosition?
    var endedAt: Int64?
    /// Names of the sequences that are still to be published; nil while it reads.
    var publishing: Set<String>?
    /// Frozen at its end.
    var counters: StreamCounters?

    static let fileName = "task.json"

    /// `index_kafka_<supervisor>_<hash>`: the same for the same spec and start.
    ///
    /// - Source: Druid's `SeekableStreamSupervisor.generateSequenceName`.
    static func baseName(of spec: SupervisorSpec, supervisor: String, group: Int, start: StreamPosition) -> String {
        let places = start.sorted { $0.key < $1.key }.map { "\($0.key.topic)-\($0.key.number)@\($0.value)" }
        let text =
            spec.stream.schema.dataSchemaJSON.text + spec.tuning.json.text + "\(group)" + places.joined(separator: ",")
        let hash = sha1Text(Array(text.utf8)).lowercased().prefix(15)
        return "index_\(spec.type)_\(supervisor)_\(hash)"
    }

    static func makeID(_ baseName: String) -> String {
        let letters = Array("abcdefghijklmnop")
        return baseName + "_" + String((0..<8).map { _ in letters.randomElement() ?? "a" })
    }

    init(id: String, createdAt: Int64, start: StreamPosition, before: StreamCounts) {
        self.id = id
        self.createdAt = createdAt
        self.start = start
        self.before = before
    }

    /// Takes up the one that an earlier process was in.
    init?(storedIn folder: String, before: StreamCounts) throws(LaminaError) {
        guard let bytes = try readFile("\(folder)/\(Self.fileName)") else { return nil }
        let json = try JSONParser.parse(bytes)
        guard let id = json["id"]?.stringValue, let createdAt = json["createdAt"]?.intValue else { return nil }
        let start = try StreamPosition(stored: json["start"], path: folder)
        self.init(id: id, createdAt: createdAt, start: start, before: before)
    }

    func store(in folder: String) throws(LaminaError) {
        let json: JSON = ["id": .string(id), "createdAt": .int(createdAt), "start": start.storedJSON]
        try writeFile("\(folder)/\(Self.fileName)", Array(json.text.utf8))
    }

    /// What it has counted itself.
    func counters(_ all: StreamCounters) -> StreamCounters {
        if let counters { return counters }
        var own = all
        own.totals.subtract(before)
        return own
    }
}

extension StreamCounts {
    mutating func subtract(_ other: StreamCounts) {
        processed -= other.processed
        processedWithError -= other.processedWithError
        late -= other.late
        early -= other.early
        filtered -= other.filtered
        tombstones -= other.tombstones
        unparseable -= other.unparseable
        processedBytes -= other.processedBytes
    }
}

extension StreamPosition {
    /// As files of a stream keep it.
    var storedJSON: JSON {
        .array(
            sorted { $0.key < $1.key }.map { entry in
                [
                    "topic": .string(entry.key.topic), "partition": .int(Int64(entry.key.number)),
                    "offset": .int(entry.value),
                ]
            }
        )
    }

    /// - Errors: it is none.
    init(stored json: JSON?, path: String) throws(LaminaError) {
        self = [:]
        for entry in json?.arrayValue ?? [] {
            guard let topic = entry["topic"]?.stringValue, let offset = entry["offset"]?.intValue,
                let number = entry["partition"]?.intValue.flatMap({ Int32(exactly: $0) })
            else { throw .corrupt("an entry is no partition", at: path) }
            self[StreamPartition(topic: topic, number: number)] = offset
        }
    }
}
