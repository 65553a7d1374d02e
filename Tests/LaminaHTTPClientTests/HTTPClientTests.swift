import Glibc
import LaminaBase
import LaminaHTTPClient
import Testing

/// A server of one connection on a free loopback port: reads a request, sends a fixed answer, closes.
private final class OneAnswerServer: Sendable {
    let port: UInt16
    private let listener: Int32

    init(answer: [UInt8], pieces: Int = 1, onRequest: @escaping @Sendable (String) -> Void = { _ in }) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = self.listener
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(listener, raw, length) == 0 && listen(listener, 4) == 0 && getsockname(listener, raw, &length) == 0
            }
        }
        try #require(bound)
        port = UInt16(bigEndian: address.sin_port)
        let context = Unmanaged.passRetained(
            Work(listener: listener, answer: answer, pieces: pieces, onRequest: onRequest)
        )
        var thread = pthread_t()
        pthread_create(
            &thread,
            nil,
            { raw in
                guard let raw else { return nil }
                Unmanaged<Work>.fromOpaque(raw).takeRetainedValue().serve()
                return nil
            },
            context.toOpaque()
        )
        pthread_detach(thread)
    }

    private final class Work: Sendable {
        let listener: Int32
        let answer: [UInt8]
        let pieces: Int
        let onRequest: @Sendable (String) -> Void

        init(listener: Int32, answer: [UInt8], pieces: Int, onRequest: @escaping @Sendable (String) -> Void) {
            self.listener = listener
            self.answer = answer
            self.pieces = pieces
            self.onRequest = onRequest
        }

        func serve() {
            let connection = accept(listener, nil, nil)
            defer {
                close(connection)
                close(listener)
            }
            var request: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = recv(connection, &piece, piece.count, 0)
                if count <= 0 { break }
                request += piece[..<count]
                if isWhole(String(decoding: request, as: UTF8.self)) { break }
            }
            onRequest(String(decoding: request, as: UTF8.self))
            let step = max(1, (answer.count + pieces - 1) / pieces)
            for start in stride(from: 0, to: answer.count, by: step) {
                let part = Array(answer[start..<min(start + step, answer.count)])
                var sent = 0
                while sent < part.count {
                    let count = part.withUnsafeBytes { raw in
                        send(
                            connection,
                            raw.baseAddress.map { $0 + sent },
                            part.count - sent,
                            Int32(MSG_NOSIGNAL)
                        )
                    }
                    if count <= 0 { return }
                    sent += count
                }
            }
        }

        private func isWhole(_ request: String) -> Bool {
            guard let end = request.utf8.firstRange(of: "\r\n\r\n".utf8) else { return false }
            let head = request[..<end.lowerBound].lowercased()
            guard let length = head.utf8.firstRange(of: "content-length: ".utf8) else { return true }
            let digits = head[length.upperBound...].prefix { $0.isNumber }
            return request.utf8.distance(from: end.upperBound, to: request.utf8.endIndex) >= (Int(digits) ?? 0)
        }
    }
}

private func answer(_ status: String, headers: String = "", body: [UInt8]) -> [UInt8] {
    Array("HTTP/1.1 \(status)\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\(headers)\r\n".utf8) + body
}

@Suite struct HTTPClientTests {
    @Test func sendsAndReceives() throws {
        let server = try OneAnswerServer(
            answer: answer("202 Accepted", headers: "X-Task: t1\r\n", body: Array("done".utf8))
        ) {
            #expect($0.hasPrefix("POST /druid/v2 HTTP/1.1\r\n"))
            #expect($0.contains("Content-Type: application/json"))
            #expect($0.contains("Authorization: Basic dTpw"))
            #expect($0.hasSuffix("{\"a\":1}"))
        }
        var request = HTTPRequest(
            .post,
            "http://127.0.0.1:\(server.port)/druid/v2",
            headers: [("Content-Type", "application/json")],
            body: Array("{\"a\":1}".utf8)
        )
        request.user = "u"
        request.password = "p"
        let response = try HTTPClient().send(request)
        #expect(response.status == 202)
        #expect(response.header("x-task") == "t1")
        #expect(response.body == Array("done".utf8))
    }

    @Test func deletesWithoutBody() throws {
        let server = try OneAnswerServer(answer: answer("404 Not Found", body: [])) {
            #expect($0.hasPrefix("DELETE /x "))
        }
        #expect(try HTTPClient().send(HTTPRequest(.delete, "http://127.0.0.1:\(server.port)/x")).status == 404)
    }

    @Test func streamsLargeBodies() throws {
        let body = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let server = try OneAnswerServer(answer: answer("200 OK", body: body), pieces: 50)
        let download = try HTTPClient().open(HTTPRequest(.get, "http://127.0.0.1:\(server.port)/big"))
        var received: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 77_777)
        while true {
            let count = try piece.withUnsafeMutableBytes { try download.read(into: $0) }
            if count == 0 { break }
            received += piece[..<count]
        }
        #expect(received == body)
    }

    @Test func failuresNameTheAddress() throws {
        let server = try OneAnswerServer(answer: answer("500 Oops", body: Array("broken".utf8)))
        let url = "http://127.0.0.1:\(server.port)/rows"
        let refused = #expect(throws: LaminaError.self) { try HTTPClient().open(HTTPRequest(.get, url)) }
        #expect(refused?.message.contains("answered 500: broken") == true)
        let cut = try OneAnswerServer(answer: Array("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort".utf8))
        #expect(throws: LaminaError.self) { try HTTPClient().send(HTTPRequest(.get, "http://127.0.0.1:\(cut.port)/")) }
        let none = #expect(throws: LaminaError.self) {
            try HTTPClient().send(HTTPRequest(.get, "http://127.0.0.1:1/x"))
        }
        #expect(none?.message.contains("http://127.0.0.1:1/x") == true)
        #expect(throws: LaminaError.self) { try HTTPClient().send(HTTPRequest(.get, "file:///etc/passwd")) }
    }

    @Test func bodiesAreBoundedAndTimed() throws {
        let server = try OneAnswerServer(answer: answer("200 OK", body: [UInt8](repeating: 1, count: 100_000)))
        let request = HTTPRequest(.get, "http://127.0.0.1:\(server.port)/")
        #expect(throws: LaminaError.self) { try HTTPClient().send(request, bodyMax: 1000) }
        let silent = try OneAnswerServer(answer: Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".utf8)) { _ in
            sleep(3)
        }
        var slow = HTTPRequest(.get, "http://127.0.0.1:\(silent.port)/")
        slow.timeout = 1
        let error = #expect(throws: LaminaError.self) { try HTTPClient().send(slow) }
        #expect(error?.category == .timeout)
    }
}

extension Collection where Element == UInt8 {
    fileprivate func firstRange(of needle: some Collection<UInt8>) -> Range<Index>? {
        var start = startIndex
        while start != endIndex {
            var place = start
            var matched = needle.startIndex
            while place != endIndex, matched != needle.endIndex, self[place] == needle[matched] {
                place = index(after: place)
                matched = needle.index(after: matched)
            }
            if matched == needle.endIndex { return start..<place }
            start = index(after: start)
        }
        return nil
    }
}
