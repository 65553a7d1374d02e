import LaminaBase
import LaminaTasks

extension Services {
    /// The overlord's task API (druid-surface 10.6).
    func taskRoutes() -> [Route] {
        let tasks = tasks
        let prefix = "/druid/indexer/v1"
        return [
            Route("POST", "\(prefix)/task") { request, _ throws(LaminaError) in submit(request, to: tasks) },
            Route("GET", "\(prefix)/tasks") { request, _ throws(LaminaError) in try list(request, state: nil, of: tasks)
            },
            Route("GET", "\(prefix)/completeTasks") { request, _ throws(LaminaError) in
                try list(request, state: "complete", of: tasks)
            },
            Route("GET", "\(prefix)/runningTasks") { request, _ throws(LaminaError) in
                try list(request, state: "running", of: tasks)
            },
            Route("GET", "\(prefix)/waitingTasks") { request, _ throws(LaminaError) in
                try list(request, state: "waiting", of: tasks)
            },
            Route("GET", "\(prefix)/pendingTasks") { request, _ throws(LaminaError) in
                try list(request, state: "pending", of: tasks)
            },
            Route("GET", "\(prefix)/task/{id}") { _, parameters throws(LaminaError) in
                guard let payload = try tasks.payload(parameters[0]) else { return unknownTask(parameters[0]) }
                return .json(["task": .string(parameters[0]), "payload": payload])
            },
            Route("GET", "\(prefix)/task/{id}/status") { _, parameters throws(LaminaError) in
                guard let status = try tasks.status(parameters[0]) else { return unknownTask(parameters[0]) }
                return .json(["task": .string(parameters[0]), "status": status.json])
            },
            Route("GET", "\(prefix)/task/{id}/reports") { _, parameters throws(LaminaError) in
                guard let report = try tasks.report(parameters[0]) else { return unknownTask(parameters[0]) }
                return .json(report)
            },
            Route("GET", "\(prefix)/task/{id}/log") { request, parameters throws(LaminaError) in
                guard let log = try tasks.log(parameters[0]) else {
                    return .text(
                        "No log was found for this task. The task may not exist, or it may not have begun running yet.",
                        status: 404
                    )
                }
                return HTTPResponse(
                    headers: [("Content-Type", "text/plain")],
                    body: .bytes(part(of: log, offset: request.query("offset").flatMap(Int.init) ?? 0))
                )
            },
            Route("POST", "\(prefix)/task/{id}/shutdown") { _, parameters throws(LaminaError) in
                if tasks.shutdown(parameters[0]) { return .json(["task": .string(parameters[0])]) }
                guard try tasks.status(parameters[0]) != nil else { return unknownTask(parameters[0]) }
                return .json(["task": .string(parameters[0])])
            },
            Route("POST", "\(prefix)/datasources/{ds}/shutdownAllTasks") { _, parameters throws(LaminaError) in
                for status in tasks.activeStatuses where status.dataSource == parameters[0] {
                    _ = tasks.shutdown(status.id)
                }
                return .json(["dataSource": .string(parameters[0])])
            },
            Route("POST", "\(prefix)/taskStatus") { request, _ throws(LaminaError) in try statuses(request, of: tasks)
            },
            Route("POST", "\(prefix)/sampler") { request, _ throws(LaminaError) in
                .json(try tasks.sample(try request.json()))
            },
        ]
    }

    /// How much the overlord can run (druid-surface 10.6).
    func workerRoutes() -> [Route] {
        let tasks = tasks
        let host = host
        let port = port
        let prefix = "/druid/indexer/v1"
        return [
            Route("GET", "\(prefix)/totalWorkerCapacity") { _, _ throws(LaminaError) in
                .json([
                    "currentClusterCapacity": .int(Int64(tasks.capacity)), "maximumCapacityWithAutoScale": -1,
                    "usedClusterCapacity": .int(Int64(tasks.running)),
                ])
            },
            Route("GET", "\(prefix)/workers") { _, _ throws(LaminaError) in
                let worker: JSON = [
                    "scheme": "http", "host": .string("\(host):\(port)"), "ip": .string(host),
                    "capacity": .int(Int64(tasks.capacity)), "version": "0", "category": "_default_worker_category",
                ]
                return .json([
                    [
                        "worker": worker, "currCapacityUsed": .int(Int64(tasks.running)),
                        "currParallelIndexCapacityUsed": 0,
                        "availabilityGroups": [],
                        "runningTasks": .array(
                            tasks.activeStatuses.filter { $0.runnerState == .running }.map { .string($0.id) }
                        ),
                        "lastCompletedTaskTime": "1970-01-01T00:00:00.000Z", "blacklistedUntil": nil,
                    ]
                ])
            },
            Route("GET", "\(prefix)/worker") { _, _ throws(LaminaError) in
                .json(["type": "default", "selectStrategy": nil, "autoScaler": nil])
            },
            Route("GET", "\(prefix)/worker/history") { _, _ throws(LaminaError) in .json([]) },
            Route("GET", "\(prefix)/scaling") { _, _ throws(LaminaError) in .empty(200, type: "application/json") },
        ]
    }
}

private func unknownTask(_ id: String) -> HTTPResponse { .text("Cannot find any task with id: [\(id)]", status: 404) }

private func submit(_ request: HTTPRequest, to tasks: TaskService) -> HTTPResponse {
    do throws(LaminaError) {
        return .json(["task": .string(try tasks.submit(try request.json()))])
    } catch {
        return plainErrorResponse(error)
    }
}

/// A log from an offset, or its last bytes when the offset is negative.
private func part(of log: [UInt8], offset: Int) -> [UInt8] {
    offset >= 0 ? Array(log.dropFirst(offset)) : Array(log.suffix(offset == .min ? .max : -offset))
}

private func statuses(_ request: HTTPRequest, of tasks: TaskService) throws(LaminaError) -> HTTPResponse {
    guard case .array(let ids) = try request.json() else { throw .invalidInput("A list of task ids is expected") }
    var answer = JSONObject()
    for id in ids.compactMap(\.stringValue) {
        if let status = try tasks.status(id) { answer[id] = status.storedJSON }
    }
    return .json(.object(answer))
}

private func list(_ request: HTTPRequest, state fixed: String?, of tasks: TaskService) throws(LaminaError)
    -> HTTPResponse
{
    let state = fixed ?? request.query("state")
    let states = ["pending", "waiting", "running", "complete"]
    if let state, !states.contains(state.lowercased()) {
        return .text("Invalid task state[\(state)]. Must be one of [pending, waiting, running, complete].", status: 400)
    }
    let limit = request.query("max").flatMap(Int.init)
    let created = try request.query("createdTimeInterval").map { text throws(LaminaError) in try pathInterval(text) }
    var chosen: [TaskStatus] = []
    if state?.lowercased() != "complete" {
        let order: [RunnerState] = [.running, .pending, .waiting, .none]
        for runner in order where state == nil || state?.uppercased() == runner.rawValue {
            chosen += tasks.activeStatuses.filter { $0.runnerState == runner }
        }
    }
    if state == nil || state?.lowercased() == "complete" {
        // The limit counts complete tasks, as in Druid; what filters afterwards must see them all.
        let filters = request.has("datasource") || request.has("type") || created != nil
        var complete = try tasks.completeStatuses(limit: filters ? nil : limit)
        if let created {
            complete.removeAll { !((try? parseInstant($0.createdTime)).map(created.contains) ?? true) }
        }
        complete = matching(request, complete)
        chosen = matching(request, chosen) + complete.prefix(limit ?? .max)
    } else {
        chosen = matching(request, chosen)
    }
    return .json(.array(chosen.map(\.json)))
}

private func matching(_ request: HTTPRequest, _ statuses: [TaskStatus]) -> [TaskStatus] {
    statuses.filter { status in
        (request.query("datasource").map { $0 == status.dataSource } ?? true)
            && (request.query("type").map { $0 == status.type } ?? true)
    }
}
