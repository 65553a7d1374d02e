import LaminaBase
import LaminaHTTP
import Testing

@Suite struct RouterTests {
    private let router = Router([
        Route("GET", "/a/{x}/b") { _, parameters throws(LaminaError) in .text("x=" + parameters[0]) },
        Route("GET", "/a/word/b") { _, _ throws(LaminaError) in .text("word") },
        Route("POST", "/a/word") { _, _ throws(LaminaError) in .text("posted") },
        Route("GET", "/a/{x}/{y}") { _, parameters throws(LaminaError) in .text(parameters.joined(separator: "+")) },
        Route("GET", "/fails") { _, _ throws(LaminaError) in throw .unsupported("this") },
    ])

    private func answer(_ method: String, _ target: String) -> HTTPResponse {
        router.respond(to: HTTPRequest(method: method, target: target))
    }

    @Test(arguments: [
        ("/a/word/b", "word"), ("/a/1/b/", "x=1"), ("//a//1//b", "x=1"), ("/a/word/c?q=1", "word+c"),
        ("/a/%2F/b", "x=/"),
    ]) func findsTheMostSpecificRoute(_ target: String, _ text: String) {
        #expect(String(decoding: answer("GET", target).bytes, as: UTF8.self) == text)
    }

    @Test func tellsUnknownPathsFromWrongMethods() {
        #expect(answer("GET", "/a").status == 404)
        #expect(answer("GET", "/a/b/c/d").status == 404)
        #expect(answer("GET", "/a/word").status == 405)
        #expect(answer("DELETE", "/a/1/b").headers.first { $0.name == "Allow" }?.value == "GET,HEAD")
        #expect(answer("HEAD", "/a/1/b").status == 200)
    }

    @Test func errorsCarryWhatClientsRead() throws {
        let failed = answer("GET", "/fails")
        #expect(failed.status == 501)
        let body = try JSONParser.parse(failed.bytes)
        #expect(body["error"]?.stringValue != nil)
        #expect(body["errorMessage"] == "this is not supported by Lamina")
        #expect(body["category"] == "UNSUPPORTED")
        let timeout = errorResponse(LaminaError(.timeout, code: "queryTimeout", "Query [x] timed out"))
        #expect(timeout.status == 504)
        #expect(try JSONParser.parse(timeout.bytes)["error"] == "Query timeout")
    }
}
