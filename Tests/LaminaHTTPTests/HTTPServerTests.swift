import Glibc
import LaminaBase
import LaminaCompression
import LaminaHTTP
import Synchronization
import Testing

@Suite struct HTTPServerTests {
    /// A server that answers with what it got.
    private func echoServer(_ limits: HTTPLimits = HTTPLimits()) throws -> HTTPServer {
        try HTTPServer(host: "127.0.0.1", port: 0, limits: limits) { request in
            .json([
                "method": .string(request.method),
                "path": .array(request.path.map { .string($0) }),
                "query": .object(JSONObject(request.queryItems.map { ($0.key, .string($0.value)) })),
                "type": request.mediaType.map { .string($0) } ?? .null,
                "body": .string(String(decoding: request.body, as: UTF8.self)),
            ])
        }
    }

    @Test func keepsAConnectionForSeveralRequests() throws {
        let server = try echoServer()
        let client = try #require(TestClient(port: server.port))
        for number in 0..<3 {
            let answer = try #require(
                client.request("POST", "/a/%62%2Fc//d/?pretty&x=1+2%2B&n=\(number)", body: Array("hé".utf8))
            )
            #expect(answer.status == 200)
            let json = try JSONParser.parse(answer.body)
            #expect(json["path"] == ["a", "b/c", "d"])
            #expect(json["query"] == ["pretty": "", "x": "1 2+", "n": .string("\(number)")])
            #expect(json["body"] == "hé")
        }
        #expect(server.stop())
    }

    @Test func takesChunkedAndGzippedBodies() throws {
        let server = try echoServer()
        defer { _ = server.stop() }
        let client = try #require(TestClient(port: server.port))
        client.send("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        #expect(try JSONParser.parse(#require(client.answer()).body)["body"] == "abcde")
        let gzipped = try gzipCompress(Array("squeezed".utf8))
        let answer = try #require(client.request("POST", "/x", headers: ["Content-Encoding: gzip"], body: gzipped))
        #expect(try JSONParser.parse(answer.body)["body"] == "squeezed")
        let broken = try #require(
            client.request("POST", "/x", headers: ["Content-Encoding: gzip"], body: Array(gzipped.dropLast(4)))
        )
        #expect(broken.status == 400)
        let unknown = try #require(client.request("POST", "/x", headers: ["Content-Encoding: br"], body: [1]))
        #expect(unknown.status == 415)
    }

    @Test func gzipsAnswersOnlyWhenAsked() throws {
        let long = String(repeating: "lamina ", count: 1000)
        let server = try HTTPServer(host: "127.0.0.1", port: 0) { request in
            guard request.has("stream") else { return .text(long) }
            return HTTPResponse(
                body: .stream { writer throws(LaminaError) in
                    for _ in 0..<3 { try writer.write(Array(long.utf8)) }
                }
            )
        }
        defer { _ = server.stop() }
        let client = try #require(TestClient(port: server.port))
        #expect(try #require(client.request("GET", "/")).text == long)
        #expect(try #require(client.request("GET", "/", headers: ["Accept-Encoding: gzip;q=0"])).text == long)
        let whole = try #require(client.request("GET", "/", headers: ["Accept-Encoding: deflate, gzip"]))
        #expect(whole.headers["content-encoding"] == "gzip")
        #expect(try gunzip(whole.body, limit: 1 << 20) == Array(long.utf8))
        let streamed = try #require(client.request("GET", "/?stream", headers: ["Accept-Encoding: gzip"]))
        #expect(streamed.complete)
        #expect(try gunzip(streamed.body, limit: 1 << 20) == Array((long + long + long).utf8))
    }

    @Test func refusesWhatIsTooLarge() throws {
        var limits = HTTPLimits()
        limits.bodyBytes = 1000
        limits.headerBytes = 8 << 10
        let server = try echoServer(limits)
        defer { _ = server.stop() }
        let body = [UInt8](repeating: 65, count: 1001)
        #expect(TestClient(port: server.port)?.request("POST", "/", body: body)?.status == 413)
        let chunked = try #require(TestClient(port: server.port))
        chunked.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3E9\r\n")
        chunked.send(body + Array("\r\n0\r\n\r\n".utf8))
        #expect(chunked.answer()?.status == 413)
        let bomb = try gzipCompress([UInt8](repeating: 0, count: 100_000))
        #expect(bomb.count < 1000)
        #expect(
            TestClient(port: server.port)?.request("POST", "/", headers: ["Content-Encoding: gzip"], body: bomb)?.status
                == 413
        )
        let header = "X: " + String(repeating: "x", count: 9000)
        #expect(TestClient(port: server.port)?.request("GET", "/", headers: [header])?.status == 431)
        // The server still answers.
        #expect(TestClient(port: server.port)?.request("GET", "/")?.status == 200)
    }

    @Test func bodiesOfAllConnectionsHaveABoundTogether() throws {
        var limits = HTTPLimits()
        limits.bodyBytes = 1000
        limits.bodyBytesAtOnce = 1500
        let server = try echoServer(limits)
        defer { _ = server.stop() }
        let body = [UInt8](repeating: 65, count: 900)
        func post(until status: Int) throws -> TestAnswer? {
            for _ in 0..<500 {
                let answer = try #require(TestClient(port: server.port)).request("POST", "/", body: body)
                if answer?.status == status { return answer }
                usleep(10_000)
            }
            return nil
        }
        let slow = try #require(TestClient(port: server.port))
        slow.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n")
        slow.send(body)
        let refused = try #require(try post(until: 429))
        #expect(refused.headers["retry-after"] == "1")
        #expect(TestClient(port: server.port)?.request("POST", "/", body: [65])?.status == 200)
        // Opened, it could become as large as a body may be.
        let squeezed = try gzipCompress(Array("x".utf8))
        let waiting = try #require(TestClient(port: server.port))
        waiting.send(
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: \(squeezed.count)\r\n\r\n"
        )
        waiting.send(squeezed)
        slow.send([UInt8](repeating: 65, count: 100))
        #expect(slow.answer()?.status == 200)
        #expect(waiting.answer()?.status == 200)
        // One that is never sent to its end gives back what it has.
        let gone = try #require(TestClient(port: server.port))
        gone.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n")
        gone.send(body)
        _ = try #require(try post(until: 429))
        gone.hangUp()
        _ = try #require(try post(until: 200))
    }

    @Test func streamsMoreThanItKeeps() throws {
        let server = try HTTPServer(host: "127.0.0.1", port: 0) { _ in
            HTTPResponse(
                body: .stream { writer throws(LaminaError) in
                    for number in 0..<200 { try writer.write([UInt8](repeating: UInt8(number), count: 100_000)) }
                }
            )
        }
        defer { _ = server.stop() }
        let client = try #require(TestClient(port: server.port))
        let answer = try #require(client.request("GET", "/"))
        #expect(answer.complete)
        #expect(answer.body.count == 20_000_000)
        #expect((0..<200).allSatisfy { answer.body[$0 * 100_000 + 99_999] == UInt8($0) })
    }

    @Test func breaksTheFramingWhenAStreamFails() throws {
        let server = try HTTPServer(host: "127.0.0.1", port: 0) { _ in
            HTTPResponse(
                body: .stream { writer throws(LaminaError) in
                    try writer.write(Array("[1,".utf8))
                    throw LaminaError(.runtimeFailure, code: "test", "no more")
                }
            )
        }
        defer { _ = server.stop() }
        let answer = try #require(TestClient(port: server.port)?.request("GET", "/"))
        #expect(!answer.complete)
        #expect(answer.text == "[1,")
    }

    @Test func tellsTheHandlerThatTheClientIsGone() throws {
        let events = Monitor<[String]>([])
        let server = try HTTPServer(host: "127.0.0.1", port: 0) { request in
            request.hangUp.whenGone { events.update { $0.append("gone") } }
            events.update { $0.append("begun") }
            let told = events.wait(milliseconds: 30_000) { $0.contains("gone") ? true : nil }
            events.update { $0.append(told == true ? "told" : "not told") }
            return .empty(200)
        }
        let client = try #require(TestClient(port: server.port))
        client.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(events.wait(milliseconds: 60_000) { $0.contains("begun") ? true : nil } == true)
        client.hangUp()
        #expect(events.wait(milliseconds: 60_000) { $0.contains("told") ? true : nil } == true)
        #expect(server.stop())
    }

    @Test func stopsAStreamWhoseClientIsGone() throws {
        let state = Monitor((hasBegun: false, hasEnded: false))
        let server = try HTTPServer(host: "127.0.0.1", port: 0) { _ in
            HTTPResponse(
                body: .stream { writer throws(LaminaError) in
                    state.update { $0.hasBegun = true }
                    defer { state.update { $0.hasEnded = true } }
                    while true { try writer.write([UInt8](repeating: 1, count: 100_000)) }
                }
            )
        }
        let client = try #require(TestClient(port: server.port))
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(state.wait(milliseconds: 60_000) { $0.hasBegun ? true : nil } == true)
        client.hangUp()
        #expect(state.wait(milliseconds: 60_000) { $0.hasEnded ? true : nil } == true)
        #expect(server.stop())
    }

    @Test func answersManyClientsAtOnce() async throws {
        let server = try HTTPServer(host: "127.0.0.1", port: 0) { request in
            usleep(2000)
            return .text(request.query("n") ?? "")
        }
        let port = server.port
        let wrong = Atomic<Int>(0)
        let threads = try (0..<16).map { thread in
            try WorkerThread(name: "client") {
                guard let client = TestClient(port: port) else {
                    wrong.wrappingAdd(1, ordering: .relaxed)
                    return
                }
                for request in 0..<50
                where client.request("GET", "/?n=\(thread).\(request)")?.text != "\(thread).\(request)" {
                    wrong.wrappingAdd(1, ordering: .relaxed)
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(wrong.load(ordering: .relaxed) == 0)
        #expect(server.stop())
    }

    @Test func anAddressInUseIsNamed() throws {
        let server = try echoServer()
        defer { _ = server.stop() }
        let error = #expect(throws: LaminaError.self) {
            try HTTPServer(host: "127.0.0.1", port: server.port) { _ in .empty(200) }
        }
        #expect(error?.message.contains("127.0.0.1:\(server.port)") == true)
    }
}
