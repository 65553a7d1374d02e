package import LaminaBase

/// Where a task stands (Druid's `TaskState`).
package enum TaskState: String, Sendable, Hashable {
    case running = "RUNNING"
    case success = "SUCCESS"
    case failed = "FAILED"
}

/// What a task waits for while it is `running` (Druid's `RunnerTaskState`).
package enum RunnerState: String, Sendable, Hashable {
    case waiting = "WAITING"
    case pending = "PENDING"
    case running = "RUNNING"
    case none = "NONE"
}

/// All that is known of one task without its payload.
package struct TaskStatus: Sendable, Hashable {
    package var id: String
    package var groupID: String
    package var type: String
    package var dataSource: String
    package var createdTime: String
    package var state: TaskState
    package var runnerState: RunnerState
    /// Milliseconds; -1 while it runs.
    package var duration: Int64
    package var errorMessage: String?
    package var host: String
    package var port: Int

    /// The task object of lists and of `/status` (`TaskStatusPlus`).
    package var json: JSON {
        [
            "id": .string(id),
            "groupId": .string(groupID),
            "type": .string(type),
            "createdTime": .string(createdTime),
            "queueInsertionTime": "1970-01-01T00:00:00.000Z",
            "statusCode": .string(state.rawValue),
            "status": .string(state.rawValue),
            "runnerStatusCode": .string(runnerState.rawValue),
            "duration": .int(duration),
            "location": location,
            "dataSource": .string(dataSource),
            "errorMsg": errorMessage.map { .string($0) } ?? .null,
        ]
    }

    /// What `druid_tasks.status_payload` holds (`TaskStatus`).
    package var storedJSON: JSON {
        [
            "id": .string(id),
            "status": .string(state.rawValue),
            "duration": .int(duration),
            "errorMsg": errorMessage.map { .string($0) } ?? .null,
            "location": location,
        ]
    }

    private var location: JSON {
        let known = state != .running || runnerState == .running
        return [
            "host": known ? .string(host) : .null,
            "port": .int(known ? Int64(port) : -1),
            "tlsPort": -1,
        ]
    }
}
