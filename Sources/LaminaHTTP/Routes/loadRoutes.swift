import LaminaBase
import LaminaTasks

extension Services {
    /// What is loaded: a used segment can be queried the moment it is published, so always everything (druid-surface 13.3).
    func loadRoutes() -> [Route] {
        let segments = segments
        let address = address
        let clock = clock
        let prefix = "/druid/coordinator/v1"
        return [
            Route("GET", "\(prefix)/loadstatus") { request, _ throws(LaminaError) in
                .json(loadStatus(of: segments.dataSources, request))
            },
            Route("GET", "\(prefix)/datasources/{ds}/loadstatus") { request, parameters throws(LaminaError) in
                guard request.has("forceMetadataRefresh") else {
                    return .text(
                        "Invalid request. forceMetadataRefresh must be specified",
                        status: 400,
                        type: "application/json"
                    )
                }
                // Without an interval the last two weeks count, as in Druid.
                let now = clock()
                var interval = Interval(start: now - 14 * 86_400_000, end: now)
                if let text = request.query("interval") { interval = try pathInterval(text) }
                let used = (segments.timeline(parameters[0])?.segments ?? []).contains {
                    $0.interval.overlaps(interval)
                }
                if !used {
                    return .text(
                        "No used segment found for the given datasource and interval",
                        type: "application/json"
                    )
                }
                return .json(loadStatus(of: [parameters[0]], request))
            },
            Route("GET", "\(prefix)/loadqueue") { request, _ throws(LaminaError) in
                let queue: JSON =
                    request.has("simple")
                    ? ["segmentsToLoad": 0, "segmentsToLoadSize": 0, "segmentsToDrop": 0, "segmentsToDropSize": 0]
                    : ["segmentsToLoad": [], "segmentsToDrop": []]
                return .json(.object(JSONObject([(address, queue)])))
            },
        ]
    }

    /// One server, one tier (druid-surface 13.3).
    func clusterRoutes() -> [Route] {
        let segments = segments
        let address = address
        let prefix = "/druid/coordinator/v1"
        let server: @Sendable () -> JSON = {
            let size = segments.timelines.values.reduce(0) { $0 + $1.segments.reduce(0) { $0 + $1.size } }
            return [
                "host": .string(address), "tier": "_default_tier", "type": "historical", "priority": 0,
                "currSize": .int(size),
                "maxSize": .int(.max),
            ]
        }
        return [
            Route("GET", "\(prefix)/leader") { _, _ throws(LaminaError) in
                .text("http://\(address)", type: "application/json")
            },
            Route("GET", "\(prefix)/isLeader") { _, _ throws(LaminaError) in .json(["leader": true]) },
            Route("GET", "\(prefix)/tiers") { request, _ throws(LaminaError) in
                guard request.has("simple") else { return .json(["_default_tier"]) }
                return .json(["_default_tier": ["currSize": server()["currSize"] ?? 0, "maxSize": .int(.max)]])
            },
            Route("GET", "\(prefix)/servers") { request, _ throws(LaminaError) in
                .json(request.has("simple") || request.has("full") ? [server()] : [.string(address)])
            },
            Route("GET", "\(prefix)/servers/{name}") { _, parameters throws(LaminaError) in
                parameters[0] == address ? .json(server()) : .empty(404)
            },
            Route("GET", "\(prefix)/servers/{name}/segments") { request, parameters throws(LaminaError) in
                guard parameters[0] == address else { return .empty(404) }
                return .json(
                    segmentList(sorted(segments.timelines.values.flatMap(\.segments)), full: request.has("full"))
                )
            },
            Route("GET", "\(prefix)/cluster") { _, _ throws(LaminaError) in .json([:]) },
            Route("GET", "\(prefix)/cluster/{role}") { _, _ throws(LaminaError) in .json([]) },
        ]
    }
}

private func loadStatus(of names: [String], _ request: HTTPRequest) -> JSON {
    if request.has("simple") { return .object(JSONObject(names.map { ($0, 0) })) }
    if request.has("full") { return ["_default_tier": .object(JSONObject(names.map { ($0, 0) }))] }
    return .object(JSONObject(names.map { ($0, 100.0) }))
}
