import LaminaBase
import LaminaHTTPClient
import Synchronization
import Testing

/// Questions to a server that may be another one after it was killed.
final class ServerFace: Sendable {
    private let url: Mutex<String>

    init(_ url: String) { self.url = Mutex(url) }

    func use(_ url: String) { self.url.withLock { $0 = url } }

    /// Status and body; throws when no answer comes.
    func send(_ path: String, _ body: String?, headers: [(String, String)] = []) throws -> (Int, JSON) {
        let url = url.withLock { $0 }
        var request = HTTPRequest(body == nil ? .get : .post, url + path, body: body.map { Array($0.utf8) })
        if body != nil { request.headers.append(("Content-Type", "application/json")) }
        request.headers += headers
        let answer = try HTTPClient().send(request)
        return (Int(answer.status), (try? JSONParser.parse(answer.body)) ?? .null)
    }

    /// An answer that must be good.
    func ask(_ path: String, _ body: String? = nil) throws -> JSON {
        let (status, answer) = try send(path, body)
        try #require(status == 200, "\(path): \(status) \(answer.text)")
        return answer
    }

    /// The column `id` of all rows of June 2024, by one query; none may be there twice.
    func ids(of dataSource: String) throws -> Set<String> {
        let answer = try ask(
            "/druid/v2",
            #"{"queryType":"scan","dataSource":"\#(dataSource)","intervals":["2024-06-01/2024-07-01"],"columns":["id"],"#
                + #""resultFormat":"compactedList"}"#
        )
        var ids: Set<String> = []
        for batch in answer.arrayValue ?? [] {
            for row in batch["events"]?.arrayValue ?? [] {
                let id = try #require(row.arrayValue?.first?.stringValue)
                #expect(ids.insert(id).inserted, "\(id) is there twice")
            }
        }
        return ids
    }
}
