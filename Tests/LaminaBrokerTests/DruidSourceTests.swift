import Glibc
import LaminaBase
import LaminaBroker
import LaminaEngine
import LaminaQuery
import Testing

/// Answers of a real Druid 33 about inline datasources: joined, unnested, filtered, queried again
/// (`Tests/Samples/druid-sources.jsonl`; scan batches are joined, texts of errors do not count).
@Suite struct DruidSourceTests {
    private static let path =
        String(#filePath.split(separator: "/").dropLast(2).reduce(into: "") { $0 += "/" + $1 })
        + "/Samples/druid-sources.jsonl"

    private static func cases() throws -> [JSON] {
        let file = try #require(fopen(path, "r"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&piece, 1, piece.count, file)
            if count == 0 { break }
            bytes += piece[..<count]
        }
        var cases: [JSON] = []
        for line in bytes.split(separator: 10) {
            cases.append(try JSONParser.parse(String(decoding: line, as: UTF8.self)))
        }
        return cases
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
