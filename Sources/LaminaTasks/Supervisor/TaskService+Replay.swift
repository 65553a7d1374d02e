import LaminaBase
import LaminaIngest

extension TaskService {
    /// In the context of a task: the supervisor whose log it reads up to where its stream is cut.
    static let replayKey = "replayOf"

    /// A replay's spec with the end of what it reads: it takes its lock, which cuts the stream, and reads up to the cut. Other tasks' specs
    /// come back as they are.
    func replaySpec(_ spec: IndexTaskSpec, _ entry: Entry, _ host: TaskHost) throws(LaminaError) -> IndexTaskSpec {
        guard let supervisor = spec.context[Self.replayKey]?.stringValue else { return spec }
        let (id, dataSource) = (entry.status.id, spec.dataSource)
        guard var payload = try self.payload(id), let chunks = spec.granularity.chunks else {
            throw .invalidInput("A replay needs intervals")
        }
        let source = payload["spec"]?["ioConfig"]?["inputSource"]
        guard let topic = source?["topic"]?.stringValue, let starts = source?["start"]?.objectValue else {
            throw .invalidInput("A replay needs a topic and where to start")
        }
        let commits = StreamCommits(
            supervisor: dataSource,
            kind: .kafka(topic: topic, isPattern: false),
            segments: segments
        )
        let before = try commits.committed() ?? [:]
        _ = try host.lock(Interval.condensed(chunks), appending: false)
        let reached = segments.positionsAtCut(task: id, dataSource: dataSource)
        let after = try commits.committed() ?? [:]
        let first = try StreamShare.firstOffsets(in: directory.stream(supervisor))
        var ends = JSONObject()
        for (name, value) in starts.entries {
            guard let number = Int32(name), let start = value.intValue else {
                throw .invalidInput("A replay's start names no partition: \(name)")
            }
            let partition = StreamPartition(topic: topic, number: number)
            if reached[partition] == nil, before[partition] != after[partition] {
                throw LaminaError(
                    .conflict,
                    code: "streamMoved",
                    "The stream of [\(supervisor)] was published while the replay began: submit it again"
                )
            }
            // What the stream has never begun to read is not the replay's either.
            let end = reached[partition] ?? after[partition] ?? first[partition] ?? start
            ends[name] = .int(max(start, end))
        }
        host.log("Reads the log from \(JSON.object(starts).text) up to \(JSON.object(ends).text)")
        payload.set(.object(ends), at: ["spec", "ioConfig", "inputSource", "end"])
        return try IndexTaskSpec(json: payload)
    }
}

extension JSON {
    /// Sets a value inside of nested objects, which are made where they are missing.
    mutating func set(_ value: JSON, at path: some Collection<String>) {
        guard let key = path.first else {
            self = value
            return
        }
        var object = objectValue ?? JSONObject()
        var inner = object[key] ?? .null
        inner.set(value, at: Array(path.dropFirst()))
        object[key] = inner
        self = .object(object)
    }
}
