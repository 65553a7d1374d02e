import LaminaBase
import LaminaHTTP
import Testing

@Suite struct QueryRouteTests {
    private let query = #"{"queryType":"timeBoundary","dataSource":"nothing","context":{"queryId":"q-1"}}"#

    @Test func answersUnderBothSpellings() throws {
        let test = try TestServices()
        for path in ["/druid/v2", "/druid/v2/", "/druid/v2/?pretty"] {
            let reply = test.ask("POST", path, query)
            #expect(reply.status == 200, "\(reply.text)")
            #expect(reply.json == [])
            #expect(reply.header("X-Druid-Query-Id") == "q-1")
            #expect(reply.header("Content-Type") == "application/json")
        }
        let charset = test.ask("POST", "/druid/v2", query, type: "application/json; charset=utf-8")
        #expect(charset.status == 200)
    }

    @Test func refusesOtherMediaTypes() throws {
        let test = try TestServices()
        #expect(test.ask("POST", "/druid/v2", query, type: nil).status == 400)
        #expect(test.ask("POST", "/druid/v2", query, type: "text/plain").status == 415)
        let headers = ["content-type": "application/json", "accept": "text/plain"]
        let request = HTTPRequest(method: "POST", target: "/druid/v2", headers: headers, body: Array(query.utf8))
        #expect(test.router.respond(to: request).status == 406)
    }

    @Test func whatIsNoQueryIsAnErrorThatClientsCanRead() throws {
        let test = try TestServices()
        for body in [
            "{not json", "", "null", "[1]", #"{"queryType":"select","dataSource":"x"}"#,
            String(repeating: "[", count: 100_000),
        ] {
            let reply = test.ask("POST", "/druid/v2", body)
            #expect((400..<600).contains(reply.status))
            #expect(reply.json?["error"]?.stringValue != nil)
            #expect(reply.json?["errorMessage"]?.stringValue != nil)
        }
        #expect(test.ask("POST", "/druid/v2", "{not json").json?["error"] == "Json parse failed")
        #expect(test.ask("POST", "/druid/v2/sql", #"{"query":"SELECT 1"}"#).status == 501)
    }

    @Test func everyFailureIsJSONThatClientsCanRead() throws {
        let test = try TestServices()
        let replies = [
            test.ask("GET", "/nothing-at-all/<script>"), test.ask("GET", "/druid/v2"),
            test.ask("POST", "/druid/v2", query, type: "text/plain"),
            test.ask("POST", "/druid/indexer/v1/task", "a=b", type: "application/x-www-form-urlencoded"),
            test.ask("POST", "/druid/coordinator/v1/rules/d", "[]", type: nil),
        ]
        #expect(replies.map(\.status) == [404, 405, 415, 415, 415])
        for reply in replies {
            #expect(reply.header("Content-Type") == "application/json")
            for key in ["error", "errorMessage", "category"] { #expect(reply.json?[key]?.stringValue != nil) }
        }
    }

    @Test func cancellingAnUnknownQueryIsAccepted() throws {
        let test = try TestServices()
        #expect(test.ask("DELETE", "/druid/v2/no-such-query").status == 202)
        #expect(test.ask("GET", "/druid/v2").status == 405)
        #expect(test.ask("GET", "/nothing-at-all").status == 404)
    }

    @Test func aClientThatHangsUpCancelsItsQuery() throws {
        let test = try TestServices()
        try test.publish("d", days: 0..<1)
        let hangUp = HangUp()
        hangUp.signal()
        let body = #"{"queryType":"scan","dataSource":"d","intervals":["2024-01-01/2025-01-01"]}"#
        let request = HTTPRequest(
            method: "POST",
            target: "/druid/v2",
            headers: ["content-type": "application/json"],
            body: Array(body.utf8),
            hangUp: hangUp
        )
        let response = test.router.respond(to: request)
        #expect(response.status == 500)
        #expect(try JSONParser.parse(response.bytes)["error"] == "Query cancelled")
    }

    @Test func statusSaysWhatClientsRead() throws {
        let test = try TestServices()
        let status = test.ask("GET", "/status").json
        #expect(status?["version"]?.stringValue?.hasPrefix("33.") == true)
        #expect(status?["memory"]?["maxMemory"]?.intValue != nil)
        #expect(test.ask("GET", "/status/health").text == "true")
        #expect(test.ask("POST", "/status", "{}").status == 405)
    }

    @Test func unknownTasksAndSupervisorsAreNamed() throws {
        let test = try TestServices()
        let prefix = "/druid/indexer/v1"
        for path in ["task/x", "task/x/status", "task/x/reports"] {
            let reply = test.ask("GET", "\(prefix)/\(path)")
            #expect(reply.status == 404)
            #expect(reply.text == "Cannot find any task with id: [x]")
        }
        #expect(test.ask("POST", "\(prefix)/task/x/shutdown", "{}").status == 404)
        #expect(test.ask("GET", "\(prefix)/tasks?state=sleeping").status == 400)
        #expect(test.ask("GET", "\(prefix)/tasks").json == [])
        #expect(test.ask("POST", "\(prefix)/task", "{\"type\":\"dance\"}").status >= 400)
    }

    @Test func prettyTextIsJacksonsWhereverThePiecesEnd() {
        let compact = Array(#"[{"a":{"b":[1,"x, {\"y\"}: [z]\\"],"c":[]},"d":{}},[]]"#.utf8)
        let wanted = """
            [ {
              "a" : {
                "b" : [ 1, "x, {\\"y\\"}: [z]\\\\" ],
                "c" : [ ]
              },
              "d" : { }
            }, [ ] ]
            """
        for cut in 0...compact.count {
            var printer = PrettyPrinter()
            let text = printer.indented(Array(compact[..<cut])) + printer.indented(Array(compact[cut...]))
            #expect(String(decoding: text, as: UTF8.self) == wanted)
        }
    }
}
