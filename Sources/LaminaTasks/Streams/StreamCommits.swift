package import LaminaBase
package import LaminaIngest
import LaminaMetadata

/// What a supervisor reads, as its committed metadata names it.
package enum StreamKind: Sendable, Hashable {
    /// A topic, or a pattern of topics, whose partitions then carry their topic's name.
    case kafka(topic: String, isPattern: Bool)
    /// The push journal of a datasource.
    case push(dataSource: String)

    var type: String {
        switch self {
        case .kafka: "kafka"
        case .push: "push"
        }
    }

    var stream: String {
        switch self {
        case .kafka(let topic, _): topic
        case .push(let dataSource): dataSource
        }
    }

    var isPattern: Bool {
        switch self {
        case .kafka(_, let isPattern): isPattern
        case .push: false
        }
    }
}

/// The committed position of a supervisor's stream: a row of `druid_dataSource` in Druid's JSON.
///
/// The row is keyed by the name of the datasource, which has one supervisor at a time. Several task groups share it: each moves the partitions that
/// it reads.
///
/// - Source: Druid's `KafkaDataSourceMetadata`, `SeekableStreamEndSequenceNumbers`, `KafkaTopicPartition`;
///   `IndexerSQLMetadataStorageCoordinator.updateDataSourceMetadataWithHandle`; druid-surface 11.2.
package struct StreamCommits: Sendable {
    let key: String
    let kind: StreamKind
    private let segments: SegmentService

    package init(supervisor key: String, kind: StreamKind, segments: SegmentService) {
        self.key = key
        self.kind = kind
        self.segments = segments
    }

    /// What is committed of this stream; nil when nothing ever was, or of another stream.
    package func committed() throws(LaminaError) -> StreamPosition? { try stored().position }

    /// Forgets the committed position (`reset`).
    package func reset() throws(LaminaError) {
        try segments.exclusively { () throws(LaminaError) in
            _ = try segments.store.deleteCommitMetadata(dataSource: key)
        }
    }

    /// Sets the position of the named partitions and keeps that of the others (`resetOffsets`).
    package func reset(to position: StreamPosition) throws(LaminaError) {
        try segments.exclusively { () throws(LaminaError) in
            let stored = try stored()
            let merged = (stored.position ?? [:]).merging(position) { $1 }
            var change = SegmentChange()
            change.commit = commit(merged, over: stored.sha1)
            try segments.store.apply(change, at: instantText(segments.clock()))
        }
    }

    /// The commit that moves the position on. Asked for under the lock of the publish.
    ///
    /// - Errors: `conflict` when what is committed of a partition is not where the rows start.
    func move(from start: StreamPosition, to end: StreamPosition) throws(LaminaError) -> DataSourceCommit {
        let stored = try stored()
        let known = stored.position ?? [:]
        for partition in start.keys.sorted() {
            guard let committed = known[partition], committed != start[partition] else { continue }
            throw LaminaError(
                .conflict,
                code: "commitConflict",
                "The committed position of \(partition.topic)-\(partition.number) is \(committed), not "
                    + "\(start[partition] ?? 0), where the rows to publish begin: they were published already, or the supervisor was reset"
            )
        }
        return commit(known.merging(end) { $1 }, over: stored.sha1)
    }

    private func commit(_ position: StreamPosition, over sha1: String?) -> DataSourceCommit {
        let payload = Array(metadata(position).text.utf8)
        return DataSourceCommit(dataSource: key, expectedSHA1: sha1, payload: payload, sha1: sha1Text(payload))
    }

    private func stored() throws(LaminaError) -> (position: StreamPosition?, sha1: String?) {
        guard let row = try segments.store.commitMetadata(dataSource: key) else { return (nil, nil) }
        return (try position(of: try JSONParser.parse(row.payload)), row.sha1)
    }

    // MARK: JSON

    /// Druid's `DataSourceMetadata` of a position.
    package func metadata(_ position: StreamPosition) -> JSON {
        let offsets = json(position)
        return [
            "type": .string(kind.type),
            "partitions": [
                "type": "end", "stream": .string(kind.stream), "topic": .string(kind.stream),
                "partitionSequenceNumberMap": offsets, "partitionOffsetMap": offsets,
            ],
        ]
    }

    /// Offsets by partition, as Druid's answers name partitions.
    func json(_ position: StreamPosition) -> JSON {
        .object(JSONObject(position.sorted { $0.key < $1.key }.map { (name(of: $0.key), .int($0.value)) }))
    }

    /// As partitions are named in metadata and status: the number, behind its topic where there are several.
    package func name(of partition: StreamPartition) -> String {
        kind.isPattern ? "\(partition.topic):\(partition.number)" : "\(partition.number)"
    }

    /// The position that metadata names, as stored or as a request gives it; nil when it is of another stream.
    ///
    /// - Errors: `invalidInput` when it is malformed.
    package func position(of metadata: JSON) throws(LaminaError) -> StreamPosition? {
        let partitions = metadata["partitions"]
        guard metadata["type"]?.stringValue == kind.type,
            let stream = (partitions?["stream"] ?? partitions?["topic"])?.stringValue
        else { return nil }
        let offsets = partitions?["partitionOffsetMap"] ?? partitions?["partitionSequenceNumberMap"]
        guard let entries = offsets?.objectValue?.entries else {
            throw .invalidInput("Stream metadata without a 'partitionOffsetMap': \(metadata.text)")
        }
        var position: StreamPosition = [:]
        for (name, value) in entries {
            // A topic may hold colons, the number does not.
            let colon = name.lastIndex(of: ":")
            let topic = colon.map { String(name[..<$0]) } ?? stream
            let number = Int32(colon.map { String(name[name.index(after: $0)...]) } ?? name)
            guard let number, number >= 0, let offset = value.intValue ?? value.stringValue.flatMap({ Int64($0) }),
                offset >= 0
            else { throw .invalidInput("No offset of a partition: \(name): \(value.text)") }
            if kind.isPattern || topic == kind.stream {
                position[StreamPartition(topic: topic, number: number)] = offset
            }
        }
        return !kind.isPattern && position.isEmpty && stream != kind.stream ? nil : position
    }
}
