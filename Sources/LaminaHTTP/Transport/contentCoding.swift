import LaminaBase
import LaminaCompression

/// Whether an `Accept-Encoding` header allows gzip: named (or `*`) and not with `q=0`.
func acceptsGzip(_ header: String?) -> Bool {
    guard let header else { return false }
    var star = false
    for item in header.lowercased().split(separator: ",") {
        let parts = item.split(separator: ";").map { $0.filter { $0 != " " } }
        guard let coding = parts.first else { continue }
        let refused = parts.dropFirst().contains { $0.hasPrefix("q=") && (Double($0.dropFirst(2)) ?? 1) == 0 }
        if coding == "gzip" || coding == "x-gzip" { return !refused }
        if coding == "*" { star = !refused }
    }
    return star
}

/// Answers shorter than this go out as they are: the frame would cost what is saved.
private let gzipWorthwhile = 512

/// The answer as the client wants it: gzipped if it takes that and it pays.
func encoded(_ response: HTTPResponse, acceptEncoding: String?) -> HTTPResponse {
    guard acceptsGzip(acceptEncoding), !response.headers.contains(where: { $0.name.lowercased() == "content-encoding" })
    else {
        return response
    }
    var response = response
    switch response.body {
    case .bytes(let bytes):
        guard bytes.count >= gzipWorthwhile, let gzipped = try? gzipCompress(bytes) else { return response }
        response.body = .bytes(gzipped)
    case .stream(let produce):
        response.body = .stream { writer throws(LaminaError) in
            let gzip = try GzipBody(GzipCompressor(), to: writer)
            try produce(gzip.writer)
            try gzip.end()
        }
    }
    response.headers.append(("Content-Encoding", "gzip"))
    response.headers.append(("Vary", "Accept-Encoding"))
    return response
}

/// A body writer that compresses what passes through it.
///
/// `@unchecked Sendable`: a body has one producer, which calls from one thread.
private final class GzipBody: @unchecked Sendable {
    private let gzip: GzipCompressor
    private let target: BodyWriter

    init(_ gzip: GzipCompressor, to target: BodyWriter) {
        self.gzip = gzip
        self.target = target
    }

    var writer: BodyWriter {
        BodyWriter { [self] bytes in
            do throws(LaminaError) {
                try pass(bytes, finish: false)
                return true
            } catch {
                return false
            }
        }
    }

    func end() throws(LaminaError) { try pass([], finish: true) }

    private func pass(_ bytes: [UInt8], finish: Bool) throws(LaminaError) {
        var ready: [UInt8] = []
        let problem = bytes.withUnsafeBytes { gzip.compress($0, finish: finish, to: &ready) }
        if let problem { throw problem }
        try target.write(ready)
    }
}

/// A request's body without its `Content-Encoding`.
/// - Errors: `bodyTooLarge` when it is more than `limit` bytes opened, `contentEncoding` for another coding; damaged data.
func openedBody(_ body: [UInt8], coding: String?, limit: Int) throws(LaminaError) -> [UInt8] {
    do throws(LaminaError) {
        switch coding?.lowercased() {
        case nil, "identity": return body
        case "gzip", "x-gzip": return try gunzip(body, limit: limit)
        case "zstd": return try decompressing(MemoryByteSource(body), name: ".zst").readAll(limit: limit)
        case let other?:
            throw LaminaError(
                .invalidInput,
                code: "contentEncoding",
                "The body's Content-Encoding '\(other)' is not known; gzip, zstd and identity are"
            )
        }
    } catch {
        guard error.code == "resourceLimitExceeded" else { throw error }
        throw tooLargeBody(limit)
    }
}

func tooLargeBody(_ limit: Int) -> LaminaError {
    LaminaError(.invalidInput, code: "bodyTooLarge", "The request's body is larger than \(limit) bytes")
}

/// The status of an error about a request's body; nil for others.
func bodyStatus(of error: LaminaError) -> Int? {
    switch error.code {
    case "bodyTooLarge": 413
    case "contentEncoding": 415
    default: nil
    }
}
