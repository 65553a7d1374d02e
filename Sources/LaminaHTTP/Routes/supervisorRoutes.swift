import LaminaBase

extension Services {
    /// Streaming has not come yet: there are no supervisors, and one that is posted is refused by name.
    func supervisorRoutes() -> [Route] {
        let prefix = "/druid/indexer/v1/supervisor"
        var routes = [
            Route("GET", prefix) { _, _ throws(LaminaError) in .json([]) },
            Route("POST", prefix) { request, _ throws(LaminaError) in refuse(request) },
            Route("GET", "\(prefix)/history") { _, _ throws(LaminaError) in .json([:]) },
            Route("GET", "/druid/indexer/v1/leader") { [address] _, _ throws(LaminaError) in
                .text("http://\(address)", type: "application/json")
            },
            Route("GET", "/druid/indexer/v1/isLeader") { _, _ throws(LaminaError) in .json(["leader": true]) },
            Route("GET", "\(prefix)/{id}") { _, parameters throws(LaminaError) in unknownSupervisor(parameters[0]) },
        ]
        for look in ["status", "stats", "health", "history"] {
            routes.append(
                Route("GET", "\(prefix)/{id}/\(look)") { _, parameters throws(LaminaError) in
                    unknownSupervisor(parameters[0])
                }
            )
        }
        for action in ["suspend", "resume", "reset", "terminate", "shutdown"] {
            routes.append(
                Route("POST", "\(prefix)/{id}/\(action)") { _, parameters throws(LaminaError) in
                    unknownSupervisor(parameters[0])
                }
            )
        }
        return routes
    }
}

private func unknownSupervisor(_ id: String) -> HTTPResponse {
    .text("Cannot find any supervisor with id: [\(id)]", status: 404)
}

private func refuse(_ request: HTTPRequest) -> HTTPResponse {
    do throws(LaminaError) {
        let spec = try request.json()
        guard let type = spec["type"]?.stringValue else {
            throw .invalidInput("The supervisor's property 'type' is missing")
        }
        if type == "kafka" {
            let source = (spec["spec"] ?? spec)["ioConfig"]
            let named = [source?["topic"], source?["topicPattern"]].contains { $0?.stringValue != nil }
            if !named {
                throw .invalidInput("The supervisor's ioConfig: either topic or topicPattern must be specified")
            }
        }
        throw .unsupported("Supervisor type '\(type)'")
    } catch {
        return plainErrorResponse(error)
    }
}
