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
    /// What the writer had counted when it began.
    var before: StreamCounts
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
    init?(storedIn folder: String) throws(LaminaError) {
        guard let bytes = try readFile("\(folder)/\(Self.fileName)") else { return nil }
        let json = try JSONParser.parse(bytes)
        guard let id = json["id"]?.stringValue, let createdAt = json["createdAt"]?.intValue else { return nil }
        let start = try StreamPosition(stored: json["start"], path: folder)
        self.init(id: id, createdAt: createdAt, start: start, before: StreamCounts(stored: json["before"]))
    }

    func store(in folder: String) throws(LaminaError) {
        let json: JSON = [
            "id": .string(id), "createdAt": .int(createdAt), "start": start.storedJSON, "before": before.stored,
        ]
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

extension StreamEpoch {
    /// As `/status` shows a task that reads.
    ///
    /// - Parameter lag: by partition; empty when the stream's end is not known.
    func activeJSON(
        _ position: StreamPosition,
        lag: StreamPosition,
        duration: Int64,
        at now: Int64,
        _ commits: StreamCommits
    ) -> JSON {
        [
            "id": .string(id), "startingOffsets": commits.json(start), "startTime": .string(instantText(createdAt)),
            "remainingSeconds": .int(max(0, (createdAt + duration - now) / 1000)), "type": "ACTIVE",
            "currentOffsets": commits.json(position), "lag": commits.json(lag),
        ]
    }

    /// As `/status` shows a task that publishes.
    func publishingJSON(timeout: Int64, at now: Int64, _ commits: StreamCommits) -> JSON {
        [
            "id": .string(id), "startingOffsets": commits.json(start), "startTime": nil,
            "remainingSeconds": .int(max(0, ((endedAt ?? now) + timeout - now) / 1000)), "type": "PUBLISHING",
            "currentOffsets": commits.json(end ?? [:]),
        ]
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
