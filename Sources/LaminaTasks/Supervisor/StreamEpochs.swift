import LaminaBase
import LaminaIngest
import Synchronization

/// Who writes a stream's rows, as its tasks show it.
protocol StreamTaskOwner: AnyObject, Sendable {
    var epochs: StreamEpochs { get }
    /// Of everything that was taken in, also before a restart.
    var counters: StreamCounters { get }
    /// The last bad rows.
    var savedErrors: [JSON] { get }
    /// Whether it takes no more rows.
    var isEnding: Bool { get }
    /// The `ioConfig` of a task's payload, but for what all streams have.
    var taskConfig: JSONObject { get }
    /// A task was shut down by its id.
    func shutDown(reason: String)
}

/// The tasks of the task API that a stream's writer runs as, one behind the other: the last one reads, those before publish.
///
/// The last one is kept in a file of the writer's folder, so that it goes on after a restart.
final class StreamEpochs: Sendable {
    private let spec: SupervisorSpec
    private let supervisor: String
    private let group: Int
    private let folder: String
    private let tasks: TaskService
    private let commits: StreamCommits
    private let log: StreamLog
    private let known = Mutex<[StreamEpoch]>([])
    /// Held while tasks begin and end.
    private let changing = Mutex(())

    init(
        _ spec: SupervisorSpec,
        supervisor: String,
        group: Int,
        folder: String,
        tasks: TaskService,
        commits: StreamCommits,
        log: StreamLog
    ) {
        self.spec = spec
        self.supervisor = supervisor
        self.group = group
        self.folder = folder
        self.tasks = tasks
        self.commits = commits
        self.log = log
    }

    var all: [StreamEpoch] { known.withLock { $0 } }

    /// Goes on with the task that an earlier process was in, if it was in one.
    func resume(_ owner: some StreamTaskOwner) throws(LaminaError) {
        try exclusively { () throws(LaminaError) in
            guard all.isEmpty, var epoch = try StreamEpoch(storedIn: folder) else { return }
            // What it had not made durable is counted when it is read again.
            epoch.before = epoch.before.atMost(owner.counters.totals)
            try begin(epoch, owner)
        }
    }

    /// Follows the indexer: it hands off by itself when `taskDuration` is over.
    func note(_ status: StreamStatus, _ owner: some StreamTaskOwner) throws(LaminaError) {
        try exclusively { () throws(LaminaError) in
            let last = all.last
            if last?.createdAt != status.taskStarted { try beginNext(after: last, status, owner) }
            let names = Set(status.sequences.map(\.name))
            for epoch in all where epoch.publishing?.isDisjoint(with: names) ?? false {
                try tasks.ended(epoch.id, failed: nil)
                known.withLock { $0.removeAll { $0.id == epoch.id } }
            }
        }
    }

    private func beginNext(
        after last: StreamEpoch?,
        _ status: StreamStatus,
        _ owner: some StreamTaskOwner
    ) throws(LaminaError) {
        let counters = owner.counters
        let start = status.sequences.last?.start ?? status.position
        if var last {
            last.end = start
            last.endedAt = status.taskStarted
            last.counters = last.counters(counters)
            last.publishing = Set(status.sequences.dropLast().map(\.name))
            known.withLock { [last] in $0[$0.count - 1] = last }
        }
        let base = StreamEpoch.baseName(of: spec, supervisor: supervisor, group: group, start: start)
        let epoch = StreamEpoch(
            id: StreamEpoch.makeID(base),
            createdAt: status.taskStarted,
            start: start,
            before: counters.totals
        )
        try begin(epoch, owner)
    }

    /// A task of the task API begins.
    private func begin(_ epoch: StreamEpoch, _ owner: some StreamTaskOwner) throws(LaminaError) {
        try epoch.store(in: folder)
        log.begin(task: epoch.id)
        known.withLock { $0.append(epoch) }
        try tasks.began(
            epoch.id,
            group: "index_\(spec.type)_\(supervisor)",
            type: "index_\(spec.type)",
            dataSource: spec.dataSource,
            createdAt: epoch.createdAt,
            payload: payload(epoch, owner),
            task: StreamTaskFace(owner, epoch.id)
        )
        log.write("Task \(epoch.id) reads from \(commits.json(epoch.start).text)")
    }

    /// All end: the writer does.
    func end(failed reason: String?) throws(LaminaError) {
        try exclusively { () throws(LaminaError) in
            for epoch in all {
                do throws(LaminaError) {
                    try tasks.ended(epoch.id, failed: reason)
                } catch {
                    log.write("Cannot store that the task ended: \(error.message)")
                }
            }
            known.withLock { $0 = [] }
            try removeTree("\(folder)/\(StreamEpoch.fileName)")
        }
    }

    /// `Mutex.withLock` would demand that all that crosses it is sent; nothing here leaves the thread.
    private func exclusively(_ body: () throws(LaminaError) -> Void) throws(LaminaError) {
        changing._unsafeLock()
        defer { changing._unsafeUnlock() }
        try body()
    }

    // MARK: JSON

    /// Statistics by task, as `/stats` shows them.
    func stats(_ counters: StreamCounters) -> JSONObject {
        JSONObject(all.map { ($0.id, Self.json($0.counters(counters))) })
    }

    private static func json(_ counters: StreamCounters) -> JSON {
        [
            "movingAverages": ["buildSegments": counters.movingAverages],
            "totals": ["buildSegments": counters.totals.json],
        ]
    }

    /// What `GET …/task/{id}` shows.
    private func payload(_ epoch: StreamEpoch, _ owner: some StreamTaskOwner) -> JSON {
        func sequence(_ type: String, _ offsets: JSON) -> JSON {
            [
                "type": .string(type), "stream": .string(spec.streamName), "topic": .string(spec.streamName),
                "partitionSequenceNumberMap": offsets, "partitionOffsetMap": offsets,
            ]
        }
        let bounds = spec.stream.bounds(startedAt: epoch.createdAt)
        var io: JSONObject = [
            "type": .string(spec.type), "taskGroupId": .int(Int64(group)),
            "baseSequenceName": .string(
                StreamEpoch.baseName(of: spec, supervisor: supervisor, group: group, start: epoch.start)
            ),
            "startSequenceNumbers": sequence("start", commits.json(epoch.start)),
            "endSequenceNumbers": sequence("end", commits.json(epoch.start.mapValues { _ in Int64.max })),
            "useTransaction": true,
            "minimumMessageTime": bounds.min == .min ? .null : .string(instantText(bounds.min)),
            "maximumMessageTime": bounds.max == .max ? .null : .string(instantText(bounds.max)),
        ]
        for (key, value) in owner.taskConfig.entries { io[key] = value }
        return [
            "type": .string("index_\(spec.type)"), "id": .string(epoch.id),
            "groupId": .string("index_\(spec.type)_\(supervisor)"), "dataSource": .string(spec.dataSource),
            "spec": [
                "dataSchema": spec.json["dataSchema"] ?? .null, "tuningConfig": spec.json["tuningConfig"] ?? .null,
                "ioConfig": .object(io),
            ],
            "context": spec.context,
        ]
    }

    /// The report of a task that runs or ends just now.
    ///
    /// - Source: Druid's `IngestionStatsAndErrors`.
    func report(_ id: String, _ owner: some StreamTaskOwner) -> JSON {
        let epoch = all.first { $0.id == id }
        let counters = owner.counters
        let own = epoch?.counters(counters) ?? counters
        let payload: JSON = [
            "ingestionState": epoch?.end == nil && !owner.isEnding ? "BUILD_SEGMENTS" : "COMPLETED",
            "unparseableEvents": ["buildSegments": .array(owner.savedErrors)],
            "rowStats": Self.json(own), "errorMsg": nil, "segmentAvailabilityConfirmed": false,
            "segmentAvailabilityWaitTimeMs": 0,
            "thrownAwayByReason": own.totals.reasons,
        ]
        return [
            "ingestionStatsAndErrors": ["type": "ingestionStatsAndErrors", "taskId": .string(id), "payload": payload]
        ]
    }
}

/// One epoch of a stream's writer, for the task API.
private final class StreamTaskFace<Owner: StreamTaskOwner>: SupervisedTask {
    private let owner: Owner
    private let id: String

    init(_ owner: Owner, _ id: String) {
        self.owner = owner
        self.id = id
    }

    var report: JSON { owner.epochs.report(id, owner) }

    func shutDown(reason: String) { owner.shutDown(reason: reason) }
}
