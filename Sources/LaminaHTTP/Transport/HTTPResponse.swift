package import LaminaBase

/// What goes back to the client.
package struct HTTPResponse: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: Body

    package enum Body: Sendable {
        case bytes([UInt8])
        /// Written by `produce` on the thread that handles the request, piece by piece, while the client reads.
        case stream(@Sendable (BodyWriter) throws(LaminaError) -> Void)
    }

    package init(status: Int = 200, headers: [(name: String, value: String)] = [], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package static func json(_ value: JSON, status: Int = 200) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: [("Content-Type", "application/json")],
            body: .bytes(Array(value.text.utf8))
        )
    }

    package static func text(_ text: String, status: Int = 200, type: String = "text/plain") -> HTTPResponse {
        HTTPResponse(status: status, headers: [("Content-Type", type)], body: .bytes(Array(text.utf8)))
    }

    package static func empty(_ status: Int, type: String? = nil) -> HTTPResponse {
        HTTPResponse(status: status, headers: type.map { [("Content-Type", $0)] } ?? [])
    }

    /// The body of an answer that is not streamed; for tests and for answers worked on again.
    package var bytes: [UInt8] { if case .bytes(let bytes) = body { bytes } else { [] } }
}
