import LaminaBase
import LaminaBroker
import LaminaEngine
import LaminaQuery
import LaminaTestSupport
import Testing

/// Answers of a real Druid 33 about inline datasources: joined, unnested, filtered, queried again
/// (`Tests/Samples/druid-sources.jsonl`; scan batches are joined, texts of errors do not count).
@Suite struct DruidSourceTests {
    private static func cases() throws -> [JSON] {
        try fileBytes(testsFolder + "/Samples/druid-sources.jsonl").split(separator: 10).map {
            try JSONParser.parse(Array($0))
        }
    }

    @Test func answersAreDruids() throws {
        let broker = try Broker { _ in nil }
        let cases = try Self.cases()
        #expect(cases.count > 150)
        for test in cases {
            let name = test["name"]?.stringValue ?? ""
            let json = try #require(test["query"])
            if test["refused"] != nil {
                #expect(throws: LaminaError.self, "\(name)") { try broker.run(try Query(json: json)).jsonText() }
                continue
            }
            let text = try broker.run(try Query(json: json)).jsonText()
            let found = Self.comparable(try JSONParser.parse(text), json)
            let wanted = Self.comparable(try #require(test["answer"]), json)
            #expect(found == wanted, "\(name)")
        }
    }

    /// Scan answers as columns, signature and rows; all others as they are.
    private static func comparable(_ answer: JSON, _ query: JSON) -> [JSON] {
        guard query["queryType"] == "scan", let batches = answer.arrayValue else { return [answer] }
        var rows: [JSON] = []
        for batch in batches { rows += batch["events"]?.arrayValue ?? [] }
        return [batches.first?["columns"] ?? .null, batches.first?["rowSignature"] ?? .null, .array(rows)]
    }
}
