package import LaminaBase
import LaminaMetadata

/// A task that a supervisor runs, as the task API sees it.
package protocol SupervisedTask: AnyObject, Sendable {
    /// What it has done so far, in the form of a task's report.
    var report: JSON { get }
    /// Ends it without publishing; its supervisor starts another one.
    func shutDown(reason: String)
}

/// Tasks of streams: their supervisors run them; here they are stored and shown like any other.
extension TaskService {
    static let streamTypes: Set<String> = ["index_kafka", "index_push"]

    /// A supervised task that runs.
    struct StreamEntry: Sendable {
        var status: TaskStatus
        var startedAt: Int64
        var task: any SupervisedTask
    }

    /// Stores that a supervised task runs from now on; one that is stored already goes on.
    func began(
        _ id: String,
        group: String,
        type: String,
        dataSource: String,
        createdAt: Int64,
        payload: JSON,
        task: any SupervisedTask
    ) throws(LaminaError) {
        let status = TaskStatus(
            id: id,
            groupID: group,
            type: type,
            dataSource: dataSource,
            createdTime: instantText(createdAt),
            state: .running,
            runnerState: .running,
            duration: -1,
            errorMessage: nil,
            host: options.host,
            port: options.port
        )
        if try store.task(id: id) == nil {
            try store.insert(
                TaskRecord(
                    id: id,
                    createdDate: status.createdTime,
                    dataSource: dataSource,
                    payload: Array(payload.text.utf8),
                    statusPayload: Array(status.storedJSON.text.utf8),
                    active: true,
                    type: type,
                    groupID: group
                )
            )
        }
        state.update { state in
            // A supervisor's next life goes on with it.
            state.streams.removeAll { $0.status.id == id }
            state.streams.append(StreamEntry(status: status, startedAt: createdAt, task: task))
        }
    }

    /// Stores how a supervised task ended.
    func ended(_ id: String, failed message: String?) throws(LaminaError) {
        guard let entry = state.read({ state in state.streams.first { $0.status.id == id } }) else { return }
        var status = entry.status
        status.state = message == nil ? .success : .failed
        status.runnerState = .none
        status.errorMessage = message
        status.duration = max(0, clock() - entry.startedAt)
        try writeFile(directory.report(task: id), Array(entry.task.report.text.utf8))
        try store.setStatus(task: id, statusPayload: Array(status.storedJSON.text.utf8), active: false)
        state.update { $0.streams.removeAll { $0.status.id == id } }
    }

    /// Ends what the last process left as running and no supervisor goes on with.
    func settleStreamTasks() throws(LaminaError) {
        let running = Set(state.read { $0.streams.map(\.status.id) })
        for record in try store.tasks(active: true)
        where Self.streamTypes.contains(record.type) && !running.contains(record.id) {
            try settle(
                record,
                because: "The server stopped while the task was running; its stream was read on by another task."
            )
        }
    }
}
