import LaminaBase
import LaminaBroker
import LaminaEngine
import LaminaQuery

extension Services {
    /// Native queries and their cancelling (druid-surface 13.2).
    func queryRoutes() -> [Route] {
        let broker = broker
        let lookups = lookups
        let sql: @Sendable (HTTPRequest, [String]) throws(LaminaError) -> HTTPResponse = { _, _ throws(LaminaError) in
            throw .unsupported("Druid SQL")
        }
        return [
            Route("POST", "/druid/v2") { request, _ throws(LaminaError) in
                if let refusal = refusedMediaType(request) { return refusal }
                return answer(request, broker, lookups)
            },
            Route("DELETE", "/druid/v2/{id}") { _, parameters throws(LaminaError) in
                broker.cancel(queryID: parameters[0])
                return .empty(202, type: "application/json")
            },
            Route("POST", "/druid/v2/sql", sql),
            Route("POST", "/druid/v2/sql/task", sql),
        ]
    }
}

/// Only JSON is spoken: 400 for a body without a type, 415 for one of another, 406 when the client takes no JSON.
private func refusedMediaType(_ request: HTTPRequest) -> HTTPResponse? {
    guard request.mediaType != nil else {
        return errorResponse(.invalidInput("The request has no Content-Type; application/json is expected"))
    }
    if let refusal = refusedBodyType(request) { return refusal }
    guard let accept = request.headers["accept"] else { return nil }
    let taken = accept.lowercased().split(separator: ",").map { $0.prefix { $0 != ";" }.filter { $0 != " " } }
    let json =
        taken.isEmpty || taken.contains { ["*/*", "application/*", "application/json", "text/json"].contains($0) }
    return json ? nil : errorResponse(.invalidInput("Answers are application/json, not \(accept)"), status: 406)
}

/// A body of another type than JSON is refused everywhere: a page of another origin can send forms and plain text, JSON it cannot.
func refusedBodyType(_ request: HTTPRequest) -> HTTPResponse? {
    let type = request.mediaType
    if type == "application/json" || type == "text/json" { return nil }
    return errorResponse(.invalidInput("The body must be application/json, not \(type ?? "untyped")"), status: 415)
}

private func answer(_ request: HTTPRequest, _ broker: Broker, _ lookups: LookupStore) -> HTTPResponse {
    var headers = [(name: "Content-Type", value: "application/json")]
    do throws(LaminaError) {
        var json = try parsedBody(request)
        var context = json["context"]?.objectValue ?? JSONObject()
        let id = context["queryId"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 } ?? randomUUID()
        context["queryId"] = .string(id)
        if var object = json.objectValue {
            object["context"] = .object(context)
            json = .object(object)
        }
        headers.append(("X-Druid-Query-Id", headerText(id)))
        let query = try Query(json: json, lookups: lookups.resolver)
        let answer = try broker.answer(query, knownTag: request.headers["if-none-match"]) { run in
            request.hangUp.whenGone { run.cancel() }
        }
        if let tag = answer.entityTag { headers.append(("ETag", tag)) }
        guard let result = answer.result else { return HTTPResponse(status: 304, headers: Array(headers.dropFirst())) }
        headers.append(("X-Druid-Response-Context", "{}"))
        return try response(result, headers: headers, pretty: request.has("pretty"))
    } catch {
        var response = errorResponse(error)
        response.headers += headers.dropFirst()
        return response
    }
}

/// How much of an answer is made before its status goes out: what fails within it still gets its own status.
private let headBytes = 256 << 10

/// How much is written at a time.
private let pieceBytes = 64 << 10

private func response(
    _ result: QueryResult,
    headers: [(name: String, value: String)],
    pretty: Bool
) throws(LaminaError) -> HTTPResponse {
    let elements = ElementStream(result, pretty: pretty)
    let head = try elements.next(atLeast: headBytes)
    if elements.isDone { return HTTPResponse(headers: headers, body: .bytes(head)) }
    return HTTPResponse(
        headers: headers,
        body: .stream { writer throws(LaminaError) in
            try writer.write(head)
            while !elements.isDone { try writer.write(try elements.next(atLeast: pieceBytes)) }
        }
    )
}

/// The text of an answer in pieces.
///
/// `@unchecked Sendable`: made by the thread that handles the request and read on by the same one when it streams.
private final class ElementStream: @unchecked Sendable {
    private let elements: any ResultElements
    private var writer = JSONWriter()
    private var printer: PrettyPrinter?
    private(set) var isDone = false

    init(_ result: QueryResult, pretty: Bool) {
        elements = result.elements()
        if pretty { printer = PrettyPrinter() }
        writer.beginArray()
    }

    func next(atLeast count: Int) throws(LaminaError) -> [UInt8] {
        while writer.bytes.count < count {
            if try elements.writeNext(into: &writer) { continue }
            writer.endArray()
            isDone = true
            break
        }
        let piece = writer.drain()
        return printer?.indented(piece) ?? piece
    }
}

/// The body as JSON; what is none is told in the words clients of Druid know.
private func parsedBody(_ request: HTTPRequest) throws(LaminaError) -> JSON {
    do throws(LaminaError) {
        return try request.json()
    } catch {
        var error = error
        error.context["legacyErrorCode"] = "Json parse failed"
        error.context["errorClass"] = "com.fasterxml.jackson.core.JsonParseException"
        throw error
    }
}

/// Text that may stand in a header: control characters would end it.
private func headerText(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
}

/// A random (version 4) UUID.
func randomUUID() -> String {
    var bytes = (0..<16).map { _ in UInt8.random(in: 0...255) }
    bytes[6] = bytes[6] & 0x0F | 0x40
    bytes[8] = bytes[8] & 0x3F | 0x80
    let digits = Array("0123456789abcdef")
    var text = ""
    for (index, byte) in bytes.enumerated() {
        if [4, 6, 8, 10].contains(index) { text.append("-") }
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return text
}
