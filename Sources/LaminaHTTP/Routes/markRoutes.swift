import LaminaBase
import LaminaTasks

private let badPayload = """
    Invalid request payload. Specify either 'interval' or 'segmentIds', but not both. Optionally, include 'versions' only when \
    'interval' is provided.
    """

extension Services {
    /// Taking segments out of use and back: the flag only, files stay (druid-surface 10.10).
    func markRoutes() -> [Route] {
        let segments = segments
        let tasks = tasks
        let clock = clock
        let prefix = "/druid/coordinator/v1/datasources/{ds}"
        return [
            Route("POST", prefix) { _, parameters throws(LaminaError) in
                changed(try segments.markUsed(dataSource: parameters[0]) { _ in true })
            },
            Route("DELETE", prefix) { request, parameters throws(LaminaError) in
                // The oldest way to ask for a kill task.
                if request.query("kill") == "true" {
                    return try kill(parameters[0], request.query("interval") ?? "", tasks, now: clock())
                }
                return changed(try segments.markUnused(dataSource: parameters[0]) { _ in true })
            },
            Route("POST", "\(prefix)/segments/{id}") { _, parameters throws(LaminaError) in
                try one(parameters) { name, id throws(LaminaError) in
                    try segments.markUsed(dataSource: name) { $0.id == id }
                }
            },
            Route("DELETE", "\(prefix)/segments/{id}") { _, parameters throws(LaminaError) in
                try one(parameters) { name, id throws(LaminaError) in
                    try segments.markUnused(dataSource: name) { $0.id == id }
                }
            },
            Route("POST", "\(prefix)/markUsed") { request, parameters throws(LaminaError) in
                guard let matches = try selection(request, dataSource: parameters[0]) else {
                    return .text(badPayload, status: 400, type: "application/json")
                }
                return changed(try segments.markUsed(dataSource: parameters[0], where: matches))
            },
            Route("POST", "\(prefix)/markUnused") { request, parameters throws(LaminaError) in
                guard let matches = try selection(request, dataSource: parameters[0]) else {
                    return .text(badPayload, status: 400, type: "application/json")
                }
                return changed(try segments.markUnused(dataSource: parameters[0], where: matches))
            },
            Route("DELETE", "\(prefix)/intervals/{interval}") { _, parameters throws(LaminaError) in
                try kill(parameters[0], parameters[1], tasks, now: clock())
            },
        ]
    }
}

/// Submits a task that forgets the unused segments of an interval.
private func kill(_ dataSource: String, _ text: String, _ tasks: TaskService, now: Int64) throws(LaminaError)
    -> HTTPResponse
{
    let interval = try pathInterval(text)
    let unnamed = TaskSpec.kill(try KillTaskSpec(json: KillTaskSpec.json(nil, dataSource, interval)))
    let id = "api-issued_\(unnamed.generatedID(now: now))"
    _ = try tasks.submit(KillTaskSpec.json(id, dataSource, interval))
    return .empty(200, type: "application/json")
}

private func changed(_ count: Int) -> HTTPResponse { .json(["numChangedSegments": .int(Int64(count))]) }

private func one(
    _ parameters: [String],
    _ mark: (String, SegmentID) throws(LaminaError) -> Int
) throws(LaminaError) -> HTTPResponse {
    guard let id = SegmentID(parsing: parameters[1]), id.dataSource == parameters[0] else {
        return .text("Could not parse Segment ID[\(parameters[1])] for DataSource[\(parameters[0])]", status: 400)
    }
    return .json(["segmentStateChanged": .bool(try mark(parameters[0], id) > 0)])
}

/// What a mark request chooses; nil when it names nothing, or both an interval and ids.
private func selection(_ request: HTTPRequest, dataSource: String) throws(LaminaError) -> ((DataSegment) -> Bool)? {
    let body = try request.json()
    let ids = body["segmentIds"]?.arrayValue
    let intervalText = body["interval"]?.stringValue
    let versions = body["versions"]?.arrayValue.map { Set($0.compactMap(\.stringValue)) }
    switch (ids, intervalText) {
    case (nil, let text?):
        let interval = try Interval(parsing: text)
        return { interval.contains($0.interval) && (versions?.contains($0.version) ?? true) }
    case (let ids?, nil) where !ids.isEmpty && versions == nil:
        var wanted: Set<SegmentID> = []
        for id in ids {
            guard let text = id.stringValue, let parsed = SegmentID(parsing: text), parsed.dataSource == dataSource
            else {
                throw .invalidInput(
                    "Could not parse Segment ID[\(id.stringValue ?? id.text)] for DataSource[\(dataSource)]"
                )
            }
            wanted.insert(parsed)
        }
        return { wanted.contains($0.id) }
    default: return nil
    }
}
