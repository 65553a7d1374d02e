import LaminaBase
import LaminaIngest
import LaminaTestSupport
import Testing

/// What the sampler makes of the first rows of an input.
@Suite struct SampleJobTests {
    private func sample(
        _ data: String,
        schema: JSON = nil,
        format: JSON = ["type": "json"],
        rows: Int64 = 10
    ) throws -> JSON {
        try SampleJob(json: [
            "type": "index",
            "spec": [
                "dataSchema": schema,
                "ioConfig": ["inputSource": ["type": "inline", "data": .string(data)], "inputFormat": format],
            ],
            "samplerConfig": ["numRows": .int(rows), "timeoutMs": 60_000],
        ]).run()
    }

    /// The recorded answer of a real Druid: http_overlord.sampler_discovery.
    @Test(.enabled(if: GoldCorpus.isThere)) func theRecordedRequestIsAnsweredAlike() throws {
        let lines = try fileBytes("\(GoldCorpus.folder)/queries/http_overlord.jsonl").split(separator: 10)
        let answers = try fileBytes("\(GoldCorpus.folder)/answers/http_overlord.jsonl").split(separator: 10)
        func find(_ lines: [ArraySlice<UInt8>]) throws -> JSON? {
            try lines.lazy.map { try JSONParser.parse(Array($0)) }.first {
                $0["name"] == "http_overlord.sampler_discovery"
            }
        }
        let request = try #require(try find(lines)?["body"])
        let body = try #require(try find(answers)?["body"]?.stringValue)
        #expect(try SampleJob(json: request).run() == JSONParser.parse(body))
    }

    @Test func rowsRollUpOntoTheFirstOfThem() throws {
        let answer = try sample(
            """
            {"t":"2024-01-01T00:10:00Z","k":"a","n":1,"extra":[1,2]}
            {"t":"2024-01-01T00:20:00Z","k":"a","n":2}
            {"t":"2024-01-01T01:20:00Z","k":"b","n":"x"}
            """,
            schema: [
                "dataSource": "s", "timestampSpec": ["column": "t"],
                "dimensionsSpec": ["dimensions": ["k"]],
                "metricsSpec": [
                    ["type": "count", "name": "cnt"], ["type": "doubleFirst", "name": "f", "fieldName": "n"],
                ],
                "granularitySpec": ["queryGranularity": "HOUR", "rollup": true],
                "transformSpec": ["filter": ["type": "not", "field": ["type": "null", "column": "k"]]],
            ]
        )
        #expect(answer["numRowsIndexed"] == 3)
        #expect(answer["data"]?.arrayValue?.count == 3)
        let first = answer["data"]?.arrayValue?.first
        #expect(first?["input"]?["extra"] == [1, 2])
        #expect(
            first?["parsed"] == [
                "__time": 1_704_067_200_000, "k": "a", "cnt": 2, "f": ["lhs": 1_704_067_800_000, "rhs": 1.0],
            ]
        )
        #expect(answer["data"]?.arrayValue?[1]["parsed"] == nil)
        #expect(answer["logicalSegmentSchema"]?.arrayValue?.last?["type"] == "COMPLEX<serializablePairLongDouble>")
    }

    @Test func onlyAsManyRowsAsAskedAreRead() throws {
        let data = (0..<50).map { "2024-01-01,\($0)" }.joined(separator: "\n")
        let answer = try sample(
            data,
            schema: ["timestampSpec": ["column": "t"], "dimensionsSpec": ["useSchemaDiscovery": true]],
            format: ["type": "csv", "columns": ["t", "n"]],
            rows: 7
        )
        #expect(answer["numRowsRead"] == 7)
        #expect(answer["data"]?.arrayValue?.compactMap { $0["parsed"]?["n"] }.count == 7)
    }

    @Test(
        arguments: [
            [:], ["type": "index"], ["type": "index", "spec": ["ioConfig": [:]]], ["type": "dance", "spec": [:]],
        ] as [JSON]
    )
    func malformedRequestsAreRefused(_ json: JSON) {
        #expect(throws: LaminaError.self) { try SampleJob(json: json) }
    }
}
