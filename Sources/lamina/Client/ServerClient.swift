import LaminaBase
import LaminaHTTPClient

/// Asks a running server.
struct ServerClient: Sendable {
    static let defaultURL = "http://127.0.0.1:8888"

    /// Without a slash at the end.
    let url: String

    init(url: String) {
        var url = url.contains("://") ? url : "http://\(url)"
        while url.hasSuffix("/") { url.removeLast() }
        self.url = url
    }

    /// The server that `--server` names, or the usual one.
    init(_ arguments: Arguments) { self.init(url: arguments.string("server") ?? Self.defaultURL) }

    /// The body of a successful answer.
    /// - Errors: the message of the server's own error, or that no server answers.
    func send(_ method: HTTPRequest.Method, _ path: String, body: [UInt8]? = nil) throws(LaminaError) -> [UInt8] {
        let answer = try exchange(method, path, body: body)
        guard (200..<300).contains(answer.status) else { throw Self.failure(answer, path) }
        return answer.body
    }

    func json(_ method: HTTPRequest.Method, _ path: String, body: [UInt8]? = nil) throws(LaminaError) -> JSON {
        try JSONParser.parse(try send(method, path, body: body))
    }

    /// An answer of any status.
    func exchange(_ method: HTTPRequest.Method, _ path: String, body: [UInt8]? = nil) throws(LaminaError)
        -> HTTPResponse
    {
        var request = HTTPRequest(method, url + path, body: body)
        request.connectTimeout = 5
        if body != nil { request.headers.append(("Content-Type", "application/json")) }
        do throws(LaminaError) {
            return try HTTPClient().send(request)
        } catch {
            throw LaminaError(
                error.category,
                code: error.code,
                "\(error.message). Is a server running there? Start one with 'lamina server', name another with --server URL, "
                    + "or work on a data directory with --data DIR.",
                context: error.context
            )
        }
    }

    private static func failure(_ answer: HTTPResponse, _ path: String) -> LaminaError {
        let text = String(decoding: answer.body.prefix(2000), as: UTF8.self)
        let json = try? JSONParser.parse(answer.body)
        let message = json?["errorMessage"]?.stringValue ?? json?["error"]?.stringValue ?? (text.isEmpty ? path : text)
        return LaminaError(.runtimeFailure, code: "server", "\(message) (status \(answer.status))")
    }
}
