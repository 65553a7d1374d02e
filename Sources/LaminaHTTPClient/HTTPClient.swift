package import LaminaBase

/// A blocking HTTP client over libcurl.
package struct HTTPClient: Sendable {
    package init() {}

    /// Sends a request and answers with the whole body, whatever the status. Bodies beyond `bodyMax` bytes are refused; transfers
    /// that fail are errors that name the address (category timeout where it was one).
    package func send(_ request: HTTPRequest, bodyMax: Int = 1 << 31) throws(LaminaError) -> HTTPResponse {
        let transfer = try HTTPTransfer(request)
        var body: [UInt8] = []
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { piece.deallocate() }
        while true {
            try transfer.wait()
            let count = transfer.take(into: piece)
            if count == 0 { break }
            guard body.count + count <= bodyMax else {
                throw .resourceLimit("The answer of \(request.url) is larger than \(bodyMax) bytes")
            }
            body.append(contentsOf: piece[..<count])
        }
        return HTTPResponse(status: transfer.status, headers: transfer.headers, body: body)
    }

    /// Starts a request whose body is read piece by piece. A status outside of 200..<300 is an error with the beginning of the body.
    package func open(_ request: HTTPRequest) throws(LaminaError) -> HTTPDownload {
        let transfer = try HTTPTransfer(request)
        try transfer.wait()
        let status = transfer.status
        guard (200..<300).contains(status) else {
            var start = [UInt8](repeating: 0, count: 500)
            let count = start.withUnsafeMutableBytes { transfer.take(into: $0) }
            let text = String(decoding: start[..<count], as: UTF8.self)
            throw LaminaError(
                status == 404 ? .notFound : .runtimeFailure,
                code: "http",
                "\(request.method.rawValue) \(request.url) answered \(status): \(text)",
                context: ["url": request.url, "status": "\(status)"]
            )
        }
        return HTTPDownload(transfer)
    }
}

/// A body that is being received. Reading slowly holds the sender back; nothing runs between reads. Used by one thread at a time.
package final class HTTPDownload {
    private let transfer: HTTPTransfer

    init(_ transfer: HTTPTransfer) { self.transfer = transfer }

    package var status: Int { transfer.status }
    package var headers: [(name: String, value: String)] { transfer.headers }

    /// Fills some of the buffer (not empty) and answers how many bytes; 0 is the end.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(LaminaError) -> Int {
        try transfer.wait()
        return transfer.take(into: buffer)
    }
}
