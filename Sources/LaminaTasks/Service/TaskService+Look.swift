package import LaminaBase
package import LaminaIngest
import LaminaMetadata

extension TaskService {
    static func status(of record: TaskRecord, options: Options) -> TaskStatus {
        // What cannot be read is shown as a failure without a reason.
        let stored = (try? JSONParser.parse(record.statusPayload)) ?? .null
        return TaskStatus(
            id: record.id,
            groupID: record.groupID,
            type: record.type,
            dataSource: record.dataSource,
            createdTime: record.createdDate,
            state: TaskState(rawValue: stored["status"]?.stringValue ?? "") ?? .failed,
            runnerState: .none,
            duration: stored["duration"]?.intValue ?? -1,
            errorMessage: stored["errorMsg"]?.stringValue,
            host: stored["location"]?["host"]?.stringValue ?? options.host,
            port: stored["location"]?["port"]?.intValue.flatMap { Int(exactly: $0) } ?? options.port
        )
    }

    /// One task's status; nil when there is no task of that id.
    package func status(_ id: String) throws(LaminaError) -> TaskStatus? {
        if let entry = state.read({ $0.entry(id) }) { return shown(entry) }
        if let status = state.read({ state in state.streams.first { $0.status.id == id }?.status }) { return status }
        return try store.task(id: id).map { Self.status(of: $0, options: options) }
    }

    /// A running task that waits for locks is WAITING, as in Druid.
    private func shown(_ entry: Entry) -> TaskStatus {
        var status = entry.status
        if status.runnerState == .running, state.read({ $0.locks.isWaiting(entry.status.id) }) {
            status.runnerState = .waiting
        }
        return status
    }

    /// Tasks that have not ended, in order of submission.
    package var activeStatuses: [TaskStatus] {
        state.read { $0.active }.map(shown) + state.read { $0.streams.map(\.status) }
    }

    /// Ended tasks, newest first.
    package func completeStatuses(limit: Int? = nil) throws(LaminaError) -> [TaskStatus] {
        try store.tasks(active: false, limit: limit).map { Self.status(of: $0, options: options) }
    }

    /// The task as stored: what was submitted, with `id` and `groupId`.
    package func payload(_ id: String) throws(LaminaError) -> JSON? {
        guard let record = try store.task(id: id) else { return nil }
        return try JSONParser.parse(record.payload)
    }

    /// The final report of an ended task, or what a running one has done so far; nil without any.
    package func report(_ id: String) throws(LaminaError) -> JSON? {
        if let bytes = try readFile(directory.report(task: id)) { return try JSONParser.parse(bytes) }
        if let stream = state.read({ state in state.streams.first { $0.status.id == id } }) {
            return stream.task.report
        }
        guard let entry = state.read({ $0.entry(id) }), let progress = entry.progress else { return nil }
        let payload: JSON = [
            "ingestionState": .string(progress.phase),
            "rowStats": [
                "totals": [
                    "buildSegments": ["processed": .int(progress.rowsRead), "processedBytes": .int(progress.bytesRead)]
                ]
            ],
            "errorMsg": nil,
        ]
        return [
            "ingestionStatsAndErrors": ["type": "ingestionStatsAndErrors", "taskId": .string(id), "payload": payload]
        ]
    }

    /// How far a running task is; nil when it does not run.
    package func progress(_ id: String) -> IndexProgress? { state.read { $0.entry(id)?.progress } }

    /// The task's log; nil without one.
    package func log(_ id: String) throws(LaminaError) -> [UInt8]? { try readFile(directory.log(task: id)) }

    /// Waits until a task ended; nil when the time is over first.
    package func wait(_ id: String, milliseconds: Int64? = nil) throws(LaminaError) -> TaskStatus? {
        let ended: Bool? = state.wait(milliseconds: milliseconds) { $0.entry(id) == nil ? true : nil }
        return ended == nil ? nil : try status(id)
    }
}
