import LaminaBase
import LaminaTasks

extension Services {
    /// The overlord's supervisor API (druid-surface 11.3; gold `streaming.jsonl`).
    func supervisorRoutes() -> [Route] {
        let prefix = "/druid/indexer/v1/supervisor"
        return [
            Route("GET", "/druid/indexer/v1/leader") { [address] _, _ throws(LaminaError) in
                .text("http://\(address)", type: "application/json")
            },
            Route("GET", "/druid/indexer/v1/isLeader") { _, _ throws(LaminaError) in .json(["leader": true]) },
        ] + looks(prefix) + commands(prefix)
    }

    private func looks(_ prefix: String) -> [Route] {
        let supervisors = supervisors
        let clock = clock
        func look(
            _ name: String,
            _ answer:
                @escaping @Sendable (String, SupervisorSpec, any StreamSupervisor) throws(LaminaError) ->
                HTTPResponse
        ) -> Route {
            Route("GET", "\(prefix)/{id}\(name)") { _, parameters throws(LaminaError) in
                let id = parameters[0]
                guard let spec = supervisors.spec(id), let runner = supervisors.runner(id) else { return unknown(id) }
                return try answer(id, spec, runner)
            }
        }
        return [
            Route("GET", prefix) { request, _ throws(LaminaError) in list(request, supervisors) },
            Route("GET", "\(prefix)/history") { _, _ throws(LaminaError) in
                let all = try supervisors.history().sorted { $0.key < $1.key }
                return .json(.object(JSONObject(all.map { ($0.key, .array($0.value)) })))
            },
            Route("GET", "\(prefix)/{id}/history") { request, parameters throws(LaminaError) in
                try history(request, of: parameters[0], supervisors)
            },
            look("") { _, spec, _ throws(LaminaError) in .json(spec.json) },
            look("/status") { id, _, runner throws(LaminaError) in
                .json([
                    "id": .string(id), "generationTime": .string(instantText(clock())), "payload": runner.status(),
                ])
            },
            look("/health") { _, _, runner throws(LaminaError) in
                let isHealthy = runner.state.isHealthy
                return .json(["healthy": .bool(isHealthy)], status: isHealthy ? 200 : 503)
            },
            look("/stats") { _, _, runner throws(LaminaError) in .json(runner.stats()) },
            look("/parseErrors") { _, _, runner throws(LaminaError) in .json(runner.parseErrors()) },
        ]
    }

    private func commands(_ prefix: String) -> [Route] {
        let supervisors = supervisors
        func command(
            _ path: String,
            _ body: @escaping @Sendable (HTTPRequest, [String]) throws(LaminaError) -> HTTPResponse
        ) -> Route {
            Route("POST", prefix + path) { request, parameters throws(LaminaError) in
                do throws(LaminaError) {
                    return try body(request, parameters)
                } catch {
                    return refusal(error)
                }
            }
        }
        /// One that answers with the supervisor's id.
        func action(
            _ name: String,
            _ body: @escaping @Sendable (HTTPRequest, String) throws(LaminaError) -> Void
        ) -> Route {
            command("/{id}/\(name)") { request, parameters throws(LaminaError) in
                guard supervisors.spec(parameters[0]) != nil else { return unknown(parameters[0]) }
                try body(request, parameters[0])
                return .json(["id": .string(parameters[0])])
            }
        }
        func all(_ name: String, _ body: @escaping @Sendable () throws(LaminaError) -> Void) -> Route {
            command("/\(name)") { _, _ throws(LaminaError) in
                try body()
                return .json(["status": "success"])
            }
        }
        return [
            command("") { request, _ throws(LaminaError) in
                let id = try supervisors.submit(
                    try request.json(),
                    skipsUnmodified: request.flag("skipRestartIfUnmodified")
                )
                return .json(["id": .string(id)])
            },
            command("/{id}/suspend") { _, parameters throws(LaminaError) in
                .json(try supervisors.setSuspended(parameters[0], true).json)
            },
            command("/{id}/resume") { _, parameters throws(LaminaError) in
                .json(try supervisors.setSuspended(parameters[0], false).json)
            },
            all("suspendAll") { () throws(LaminaError) in try supervisors.setAllSuspended(true) },
            all("resumeAll") { () throws(LaminaError) in try supervisors.setAllSuspended(false) },
            all("terminateAll") { () throws(LaminaError) in try supervisors.terminateAll() },
            action("terminate") { _, id throws(LaminaError) in try supervisors.terminate(id) },
            action("shutdown") { _, id throws(LaminaError) in try supervisors.terminate(id) },
            action("reset") { _, id throws(LaminaError) in try supervisors.reset(id, to: nil) },
            action("resetOffsets") { request, id throws(LaminaError) in
                try supervisors.reset(id, to: try request.json())
            },
            command("/{id}/taskGroups/handoff") { request, parameters throws(LaminaError) in
                guard let runner = supervisors.runner(parameters[0]) else { return unknown(parameters[0]) }
                try runner.handOff(groups: try taskGroups(request))
                return .empty(200, type: "application/json")
            },
            command("/{id}/replay") { request, parameters throws(LaminaError) in
                guard supervisors.spec(parameters[0]) != nil else { return unknown(parameters[0]) }
                let task = try supervisors.replay(parameters[0], try request.json())
                return .json(["id": .string(parameters[0]), "task": .string(task)])
            },
        ]
    }
}

private func unknown(_ id: String) -> HTTPResponse { .text(SupervisorService.unknown(id).message, status: 404) }

/// The message alone, as Druid's resource answers.
private func refusal(_ error: LaminaError) -> HTTPResponse {
    if error.category == .notFound { return .text(error.message, status: 404) }
    return .json(["error": .string(error.message)], status: httpStatus(of: error))
}

private func list(_ request: HTTPRequest, _ supervisors: SupervisorService) -> HTTPResponse {
    let isFull = request.has("full")
    let isSystem = request.has("system")
    guard isFull || isSystem || request.flag("state") else { return .json(.array(supervisors.ids.map { .string($0) })) }
    return .json(
        .array(
            supervisors.all.map { id, spec, runner in
                let state = runner.state
                var object: JSONObject = [
                    "id": .string(id), "state": .string(state.basic.rawValue),
                    "detailedState": .string(state.rawValue), "healthy": .bool(state.isHealthy),
                ]
                if isFull { object["spec"] = spec.json }
                if isSystem {
                    object["specString"] = .string(spec.json.text)
                    object["type"] = .string(spec.type)
                    object["source"] = .string(spec.streamName)
                }
                // Druid fills it in only here (gold `suspended.list_full`, `.list_state`, `.list_system`).
                object["suspended"] = .bool(isSystem && spec.isSuspended)
                return .object(object)
            }
        )
    )
}

private func history(
    _ request: HTTPRequest,
    of id: String,
    _ supervisors: SupervisorService
) throws(LaminaError) -> HTTPResponse {
    var versions = try supervisors.history(of: id)
    guard !versions.isEmpty else { return .json(["error": .string("No history for [\(id)].")], status: 404) }
    if let text = request.query("count") {
        guard let count = Int(text), count > 0 else {
            return .json(["error": "Count must be greater than zero."], status: 400)
        }
        versions = Array(versions.prefix(count))
    }
    return .json(.array(versions))
}

private func taskGroups(_ request: HTTPRequest) throws(LaminaError) -> [Int] {
    guard let ids = try request.json()["taskGroupIds"]?.arrayValue, !ids.isEmpty else {
        throw .invalidInput("List of task groups to handoff can't be empty")
    }
    var groups: [Int] = []
    for id in ids {
        guard let number = id.intValue, let group = Int(exactly: number) else {
            throw .invalidInput("taskGroupIds must hold numbers, not \(id.text)")
        }
        groups.append(group)
    }
    return groups
}
