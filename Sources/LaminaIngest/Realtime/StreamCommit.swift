package import LaminaBase

/// What a stream has on disk: the content of `commit.json`. A start reopens exactly this; what came later is read again.
package struct StreamCommit: Sendable {
    /// One segment of a sequence.
    struct Sink: Sendable {
        var segment: DataSegment
        /// In the stream's folder.
        var folder: String
        /// Names of the pieces in `folder`, oldest first.
        var pieces: [String]
        /// Whether it takes no more rows.
        var isClosed: Bool
    }

    /// Rows that are published together.
    struct Sequence: Sendable {
        var number: Int
        var start: StreamPosition
        /// nil while it takes rows.
        var end: StreamPosition?
        var created: Int64
        var counts: StreamCounts
        var sinks: [Sink]
    }

    /// Sequences that are not published; the last one takes rows. Empty after everything was discarded.
    var sequences: [Sequence] = []
    /// Where to read on behind them.
    var position: StreamPosition = [:]
    /// Of the sequences that were published.
    var published = StreamCounts()
    var taskStarted: Int64 = 0
    var nextSequence = 0
    var nextFolder = 0

    init() {}

    static let version: Int64 = 1

    package var bytes: [UInt8] {
        let json: JSON = [
            "version": .int(Self.version), "position": Self.json(position), "published": published.stored,
            "taskStarted": .int(taskStarted), "nextSequence": .int(Int64(nextSequence)),
            "nextFolder": .int(Int64(nextFolder)), "sequences": .array(sequences.map(Self.json)),
        ]
        return Array(json.text.utf8)
    }

    private static func json(_ sequence: Sequence) -> JSON {
        [
            "number": .int(Int64(sequence.number)), "start": json(sequence.start),
            "end": sequence.end.map(json) ?? .null, "created": .int(sequence.created),
            "counts": sequence.counts.stored,
            "segments": .array(
                sequence.sinks.map {
                    [
                        "segment": $0.segment.json, "folder": .string($0.folder), "closed": .bool($0.isClosed),
                        "pieces": .array($0.pieces.map { .string($0) }),
                    ]
                }
            ),
        ]
    }

    private static func json(_ position: StreamPosition) -> JSON {
        .array(
            position.sorted { $0.key < $1.key }.map { entry in
                [
                    "topic": .string(entry.key.topic), "partition": .int(Int64(entry.key.number)),
                    "offset": .int(entry.value),
                ]
            }
        )
    }

    // MARK: reading

    /// - Errors: a file that is none of these: it was never half written, so somebody else changed it.
    package init(reading bytes: [UInt8], path: String) throws(LaminaError) {
        let json: JSON
        do throws(LaminaError) {
            json = try JSONParser.parse(bytes)
        } catch {
            throw .corrupt(error.message, at: path)
        }
        let root = SpecNode(json, path: path)
        guard try root.required("version").int() == Self.version else {
            throw root.error("was written by another version of Lamina")
        }
        position = try Self.position(root.required("position"))
        published = StreamCounts(stored: json["published"])
        taskStarted = try root.required("taskStarted").int()
        nextSequence = try Self.count(root.required("nextSequence"))
        nextFolder = try Self.count(root.required("nextFolder"))
        for node in try root.required("sequences").list() { sequences.append(try Self.sequence(node)) }
    }

    private static func sequence(_ node: SpecNode) throws(LaminaError) -> Sequence {
        var sinks: [Sink] = []
        for entry in try node.required("segments").list() {
            let folder = try entry.required("folder").string()
            let pieces = try entry.strings("pieces")
            // They become paths.
            guard !([folder] + pieces).contains(where: { $0.isEmpty || $0.contains("/") || $0.hasPrefix(".") }) else {
                throw entry.error("names a folder that is none of the stream's")
            }
            sinks.append(
                Sink(
                    segment: try segment(entry.required("segment")),
                    folder: folder,
                    pieces: pieces,
                    isClosed: try entry.bool("closed", default: false)
                )
            )
        }
        return Sequence(
            number: try count(node.required("number")),
            start: try position(node.required("start")),
            end: try node.child("end").map { end throws(LaminaError) in try position(end) },
            created: try node.required("created").int(),
            counts: StreamCounts(stored: node.json["counts"]),
            sinks: sinks
        )
    }

    /// A number that others are counted from.
    private static func count(_ node: SpecNode) throws(LaminaError) -> Int {
        guard let count = Int32(exactly: try node.int()), count >= 0 else {
            throw node.error("is no number of a stream's")
        }
        return Int(count)
    }

    private static func segment(_ node: SpecNode) throws(LaminaError) -> DataSegment {
        do throws(LaminaError) {
            return try DataSegment(json: node.json)
        } catch {
            throw .corrupt(error.message, at: node.path)
        }
    }

    private static func position(_ node: SpecNode) throws(LaminaError) -> StreamPosition {
        var position: StreamPosition = [:]
        for entry in try node.list() {
            guard let number = Int32(exactly: try entry.required("partition").int()) else {
                throw entry.error("has a partition number that is none")
            }
            let partition = StreamPartition(topic: try entry.required("topic").string(), number: number)
            position[partition] = try entry.required("offset").int()
        }
        return position
    }

    // MARK: what was published

    /// How a sequence stands to what is committed.
    enum Standing {
        /// It comes next.
        case next
        /// It was published, and a crash came before that was noted.
        case published
        /// The committed position is elsewhere: somebody reset it.
        case apart
    }

    static func standing(_ sequence: Sequence, committed: StreamPosition?) -> Standing {
        guard let committed else { return .next }
        func isAt(_ position: StreamPosition) -> Bool {
            position.allSatisfy { entry in committed[entry.key].map { $0 == entry.value } ?? false }
        }
        if let end = sequence.end, end != sequence.start, isAt(end) { return .published }
        let known = sequence.start.filter { committed[$0.key] != nil }
        return isAt(known) ? .next : .apart
    }
}
