/// One request of the client.
package struct HTTPRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"
        case head = "HEAD"
    }

    package var method: Method
    /// Absolute, `http` or `https`.
    package var url: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]?
    /// HTTP Basic credentials.
    package var user: String?
    package var password: String?
    /// Seconds until the connection must stand.
    package var connectTimeout: Int = 30
    /// Seconds for all of it; 0 waits for ever (a stalled transfer still ends after `stallTimeout`).
    package var timeout: Int = 0
    /// Seconds without a byte after which a transfer is given up; 0 never does, for long queries.
    package var stallTimeout: Int = 0
    package var followsRedirects = true

    package init(_ method: Method, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

/// An answer with its whole body.
package struct HTTPResponse: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    /// The first header of a name, letter case ignored.
    package func header(_ name: String) -> String? {
        let lower = name.lowercased()
        return headers.first { $0.name.lowercased() == lower }?.value
    }
}
