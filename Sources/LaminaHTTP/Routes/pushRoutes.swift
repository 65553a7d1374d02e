import LaminaBase
import LaminaIngest

extension Services {
    /// Rows by push. Lamina's own, but for `/v1/post`, which is Tranquility Server's.
    func pushRoutes() -> [Route] {
        let pushes = pushes
        let push: Answer = { request, parameters throws(LaminaError) in
            answer { () throws(LaminaError) in try pushed(request, to: try find(parameters[0], pushes)) }
        }
        let post: Answer = { request, parameters throws(LaminaError) in
            answer { () throws(LaminaError) in try posted(request, to: try find(parameters[0], pushes)) }
        }
        let look: Answer = { _, parameters throws(LaminaError) in
            answer { () throws(LaminaError) in health(try find(parameters[0], pushes)) }
        }
        return [
            Route("POST", "/v1/push/{dataSource}", push), Route("PUT", "/v1/push/{dataSource}", push),
            Route("GET", "/v1/push/{dataSource}", look),
            Route("POST", "/v1/post/{dataSource}", post), Route("PUT", "/v1/post/{dataSource}", post),
            Route("GET", "/v1/post/{dataSource}", look),
        ] + deadLetterRoutes()
    }

    private typealias Answer = @Sendable (HTTPRequest, [String]) throws(LaminaError) -> HTTPResponse

    private func deadLetterRoutes() -> [Route] {
        let pushes = pushes
        let path = "/v1/push/{dataSource}/deadletters"
        return [
            Route("GET", path) { request, parameters throws(LaminaError) in
                answer { () throws(LaminaError) in try listed(request, try findLetters(parameters[0], pushes)) }
            },
            Route("GET", "\(path)/counts") { _, parameters throws(LaminaError) in
                answer { () throws(LaminaError) in .json(counts(try findLetters(parameters[0], pushes))) }
            },
            Route("POST", "\(path)/replay") { request, parameters throws(LaminaError) in
                answer { () throws(LaminaError) in
                    let stream = try find(parameters[0], pushes)
                    let limit = try number(request, "limit", default: 100_000, max: 1_000_000)
                    return .json(try stream.replayDeadLetters(kind: request.query("kind"), limit: limit).json)
                }
            },
            Route("DELETE", path) { request, parameters throws(LaminaError) in
                answer { () throws(LaminaError) in
                    let count = try findLetters(parameters[0], pushes).removeAll(kind: request.query("kind"))
                    return .json(["deleted": .int(Int64(count))])
                }
            },
            Route("DELETE", "\(path)/{id}") { _, parameters throws(LaminaError) in
                answer { () throws(LaminaError) in
                    guard let id = Int64(parameters[1]), try findLetters(parameters[0], pushes).remove([id]) > 0 else {
                        throw .notFound("There is no dead letter '\(parameters[1])'")
                    }
                    return .json(["deleted": 1])
                }
            },
        ]
    }
}

/// Errors with their statuses and, for those that pass, when to try again.
private func answer(_ body: () throws(LaminaError) -> HTTPResponse) -> HTTPResponse {
    do throws(LaminaError) {
        return try body()
    } catch {
        let status: Int? =
            switch error.code {
            case "unsupportedMediaType": 415
            case "tooManyRows": 413
            default: nil
            }
        var response = plainErrorResponse(error, status: status)
        if let seconds = error.context["retryAfter"] { response.headers.append(("Retry-After", seconds)) }
        return response
    }
}

private func find(_ dataSource: String, _ pushes: (any PushDirectory)?) throws(LaminaError) -> PushStream {
    guard let stream = try pushes?.pushStream(dataSource) else { throw unknown(dataSource) }
    return stream
}

private func findLetters(_ dataSource: String, _ pushes: (any PushDirectory)?) throws(LaminaError) -> DeadLetters {
    guard let letters = pushes?.deadLetters(dataSource) else { throw unknown(dataSource) }
    return letters
}

private func unknown(_ dataSource: String) -> LaminaError {
    .notFound(
        "There is no push stream for datasource '\(dataSource)'. Make one by posting a supervisor spec to "
            + "/druid/indexer/v1/supervisor: {\"type\":\"push\",\"spec\":{\"dataSchema\":{\"dataSource\":…},"
            + "\"ioConfig\":{\"type\":\"push\",\"inputFormat\":{\"type\":\"json\"}}}}"
    )
}

private func taken(_ request: HTTPRequest, by stream: PushStream) throws(LaminaError) -> PushOutcome {
    try refuseForms(request)
    return try stream.accept(
        PushRequest(
            body: request.body,
            mediaType: request.mediaType,
            identity: try PushIdentity(
                key: request.headers["idempotency-key"],
                producer: request.headers["x-lamina-producer"],
                sequence: request.headers["x-lamina-sequence"]
            ),
            isAtomic: request.flag("atomic")
        )
    )
}

/// Browsers send forms and plain text to any server without asking it first, and name the page's origin; shippers have none.
private func refuseForms(_ request: HTTPRequest) throws(LaminaError) {
    let simple = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
    guard request.headers["origin"] != nil, request.mediaType.map({ simple.contains($0) }) ?? true else { return }
    throw LaminaError(
        .invalidInput,
        code: "unsupportedMediaType",
        "From a web page, rows must have a content type of their own, such as application/json"
    )
}

private func pushed(_ request: HTTPRequest, to stream: PushStream) throws(LaminaError) -> HTTPResponse {
    switch try taken(request, by: stream) {
    case .done(let reply): return .json(reply.json)
    case .refused(let reply): return refused(reply)
    }
}

private func refused(_ reply: PushReply) -> HTTPResponse {
    let message = "\(reply.rejected) of \(reply.received) rows are bad, so nothing was stored"
    var object = reply.json.objectValue ?? JSONObject()
    object["error"] = .string(message)
    object["errorMessage"] = .string(message)
    return .json(.object(object), status: 400)
}

/// Tranquility Server's answer: how many rows came, and how many of them are in.
private func posted(_ request: HTTPRequest, to stream: PushStream) throws(LaminaError) -> HTTPResponse {
    switch try taken(request, by: stream) {
    case .refused(let reply): return refused(reply)
    case .done(let reply):
        return .json([
            "result": ["received": .int(Int64(reply.received)), "sent": .int(Int64(reply.accepted + reply.duplicate))]
        ])
    }
}

/// Whether pushes are taken now: what shippers ask when they start.
private func health(_ stream: PushStream) -> HTTPResponse {
    guard case .running = stream.phase else {
        let error = stream.refusalNow
        var response = plainErrorResponse(error)
        if let seconds = error.context["retryAfter"] { response.headers.append(("Retry-After", seconds)) }
        return response
    }
    return .json(["dataSource": .string(stream.dataSource), "status": "RUNNING"])
}

private func counts(_ letters: DeadLetters) -> JSON {
    let counts = letters.counts.sorted { $0.key < $1.key }
    return [
        "count": .int(Int64(letters.count)), "dropped": .int(letters.dropped),
        "counts": .object(JSONObject(counts.map { ($0.key, .int(Int64($0.value))) })),
    ]
}

private func listed(_ request: HTTPRequest, _ letters: DeadLetters) throws(LaminaError) -> HTTPResponse {
    let limit = try number(request, "limit", default: 100, max: 10_000)
    let from = try number(request, "from", default: 0, max: .max)
    let list = try letters.list(kind: request.query("kind"), limit: limit, from: Int64(from), bytesMax: 32 << 20)
    var object = counts(letters).objectValue ?? JSONObject()
    object["deadLetters"] = .array(list.map(\.json))
    return .json(.object(object))
}

private func number(_ request: HTTPRequest, _ key: String, default fallback: Int, max: Int) throws(LaminaError) -> Int {
    guard let text = request.query(key) else { return fallback }
    guard let number = Int(text), number >= 0, number <= max else {
        throw .invalidInput("\(key) must be a whole number from 0\(max == .max ? "" : " to \(max)"), not '\(text)'")
    }
    return number
}
