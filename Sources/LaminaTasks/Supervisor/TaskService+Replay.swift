import LaminaBase
import LaminaIngest

/// A replay whose end is known.
struct Replay: Sendable {
    /// What it reads ends there.
    var spec: IndexTaskSpec
    /// Where the stream was cut.
    var reached: StreamPosition
    /// Where its partitions were begun with.
    var first: StreamPosition
    var commits: StreamCommits
}

extension TaskService {
    /// In the context of a task: the supervisor whose log it reads up to where its stream is cut.
    static let replayKey = "replayOf"

    /// Begins a replay: it takes its lock, which cuts the stream, and is going to read up to the cut. nil for other tasks.
    ///
    /// - Errors: `conflict` when it is not known where the stream is: to be submitted again.
    func beginReplay(_ spec: IndexTaskSpec, _ entry: Entry, _ host: TaskHost) throws(LaminaError) -> Replay? {
        guard let supervisor = spec.context[Self.replayKey]?.stringValue else { return nil }
        let (id, dataSource) = (entry.status.id, spec.dataSource)
        guard var payload = try self.payload(id), let chunks = spec.granularity.chunks else {
            throw .invalidInput("A replay needs intervals")
        }
        let source = payload["spec"]?["ioConfig"]?["inputSource"]
        guard let topic = source?["topic"]?.stringValue, let given = source?["start"]?.objectValue else {
            throw .invalidInput("A replay needs a topic and where to start")
        }
        let commits = StreamCommits(
            supervisor: dataSource,
            kind: .kafka(topic: topic, isPattern: false),
            segments: segments
        )
        let before = try commits.committed() ?? [:]
        _ = try host.lock(Interval.condensed(chunks), appending: false)
        // Of tasks of an earlier spec, which read another topic, nothing is read again.
        let reached = try segments.followStreams(task: id, dataSource: dataSource).filter { $0.key.topic == topic }
        let after = try commits.committed() ?? [:]
        let folder = directory.stream(supervisor)
        let first = try StreamShare.firstOffsets(in: folder)
        let stored = try StreamShare.storedPositions(in: folder)
        var starts: StreamPosition = [:]
        for (name, value) in given.entries {
            guard let number = Int32(name), let start = value.intValue else {
                throw .invalidInput("A replay's start names no partition: \(name)")
            }
            starts[StreamPartition(topic: topic, number: number)] = start
        }
        // Partitions that were added since are the stream's from their beginning.
        for partition in Set(reached.keys).union(after.keys) where starts[partition] == nil {
            starts[partition] = first[partition] ?? 0
        }
        var (begins, ends) = (JSONObject(), JSONObject())
        for (partition, start) in starts.sorted(by: { $0.key < $1.key }) {
            let known = after[partition] ?? first[partition]
            if reached[partition] == nil, before[partition] != after[partition] || stored[partition] ?? 0 > known ?? 0 {
                throw LaminaError(
                    .conflict,
                    code: "streamMoved",
                    "A task of the stream of [\(supervisor)] began or ended while the replay began: submit it again"
                )
            }
            begins["\(partition.number)"] = .int(start)
            // What the stream has never begun to read is not the replay's either.
            ends["\(partition.number)"] = .int(max(start, reached[partition] ?? known ?? start))
        }
        host.log("Reads the log from \(JSON.object(begins).text) up to \(JSON.object(ends).text)")
        payload.set(.object(begins), at: ["spec", "ioConfig", "inputSource", "start"])
        payload.set(.object(ends), at: ["spec", "ioConfig", "inputSource", "end"])
        // A task of the stream that is dropped later on reads again from what is committed, which must not lie before the cut then.
        segments.handOffStreams(dataSource)
        return Replay(spec: try IndexTaskSpec(json: payload), reached: reached, first: first, commits: commits)
    }

    /// Waits until the stream has published what it had read at the cut.
    ///
    /// - Errors: `conflict` when it reads that again; `canceled`.
    func awaitStream(_ replay: Replay, _ entry: Entry, _ host: TaskHost) throws(LaminaError) {
        let (id, dataSource) = (entry.status.id, entry.status.dataSource)
        var hasSaid = false
        while true {
            let committed = try replay.commits.committed() ?? [:]
            let isThere = replay.reached.allSatisfy { partition, offset in
                committed[partition] ?? replay.first[partition] ?? 0 >= offset
            }
            if isThere { return }
            if segments.wasRewound(task: id, dataSource: dataSource) { throw Replacement.spoilt }
            if !hasSaid { host.log("Waits until the stream has published what it had read before the cut") }
            hasSaid = true
            let isCancelled = state.wait(milliseconds: 50) { $0.entry(id)?.cancelReason == nil ? nil : true }
            if isCancelled ?? false { throw LaminaError(.canceled, code: "canceled", "Task \(id) was cancelled") }
        }
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
