import LaminaBase
import LaminaIngest
import LaminaSegment
import Testing

/// Metrics that are no plain numbers: pairs, sketches, any.
@Suite struct StateMetricTests {
    private static let metrics: JSON = [
        ["type": "count", "name": "cnt"], ["type": "longFirst", "name": "first", "fieldName": "n"],
        ["type": "doubleLast", "name": "last", "fieldName": "n"],
        ["type": "stringLast", "name": "text", "fieldName": "u", "maxStringBytes": 3],
        ["type": "longAny", "name": "some", "fieldName": "n"],
        ["type": "hyperUnique", "name": "users", "fieldName": "u"],
        ["type": "cardinality", "name": "pairs", "fields": ["u", "n"], "byRow": true],
        [
            "type": "filtered", "filter": ["type": "selector", "dimension": "u", "value": "x"],
            "aggregator": ["type": "longFirst", "name": "x_first", "fieldName": "n"],
        ],
    ]

    private func task(
        _ data: String,
        metrics: JSON = Self.metrics,
        rollup: Bool = true,
        tuning: JSONObject = [:],
        source: JSON? = nil
    ) -> JSON {
        [
            "type": "index_parallel",
            "spec": [
                "dataSchema": [
                    "dataSource": source == nil ? "s" : "copy",
                    "timestampSpec": ["column": source == nil ? "t" : "__time"],
                    "dimensionsSpec": ["dimensions": ["k"]], "metricsSpec": metrics,
                    "granularitySpec": [
                        "segmentGranularity": "DAY", "queryGranularity": "HOUR", "rollup": .bool(rollup),
                    ],
                ],
                "ioConfig": [
                    "inputSource": source ?? ["type": "inline", "data": .string(data)],
                    "inputFormat": ["type": "json"],
                ],
                "tuningConfig": .object(tuning),
            ],
        ]
    }

    @Test func pairsRememberTheRowsOwnTime() throws {
        let data = """
            {"t":"2024-01-01T05:40:00Z","k":"a","n":4,"u":"x"}
            {"t":"2024-01-01T05:10:00Z","k":"a","n":1,"u":"äöü"}
            {"t":"2024-01-01T05:50:00Z","k":"a","n":9,"u":"yyyyy"}
            {"t":"2024-01-01T06:00:00Z","k":"a","n":null}
            """
        let found = try withHost { try storedRows(runJob(task(data), $0, $1).segments) }
        try #require(found.count == 2)
        let first: Int64 = 1_704_085_800_000
        #expect(found[0]["cnt"] == 3)
        #expect(found[0]["first"] == ["lhs": .int(first), "rhs": 1])
        #expect(found[0]["last"] == ["lhs": .int(first + 2_400_000), "rhs": 9.0])
        #expect(found[0]["text"] == ["lhs": .int(first + 2_400_000), "rhs": "yyy"])
        #expect(found[0]["some"] == 4)
        #expect(found[0]["x_first"] == ["lhs": .int(first + 1_800_000), "rhs": 4])
        #expect(found[1]["first"] == ["lhs": .int(first + 3_000_000), "rhs": nil])
        #expect(found[1]["some"] == JSON.null)
        // No row passed the filter: the end of time, so that any row counts when this is rolled up again.
        #expect(found[1]["x_first"] == ["lhs": 4_611_686_018_427_387_903, "rhs": nil])
    }

    @Test func theCombiningFormsAreRecorded() throws {
        try withHost { host, folder in
            let result = try runJob(task(#"{"t":"2024-01-01","k":"a","n":1,"u":"x"}"#), host, folder)
            let segment = try host.openSegment(result.segments[0].segment)
            let aggregators = segment.metadata?["aggregators"]?.arrayValue ?? []
            #expect(aggregators.compactMap { $0["name"]?.stringValue } == segment.metrics)
            #expect(
                aggregators.first { $0["name"] == "x_first" } == [
                    "type": "longFirst", "name": "x_first", "fieldName": "x_first", "timeColumn": "__time",
                ]
            )
            #expect(
                aggregators.first { $0["name"] == "pairs" } == [
                    "type": "hyperUnique", "name": "pairs", "fieldName": "pairs", "isInputHyperUnique": false,
                    "round": false,
                ]
            )
        }
    }

    /// Rows of many groups, spilled after few; and read back and rolled up again.
    @Test(arguments: [1, 7, 100]) func spillingAndReindexingChangeNothing(rowsInMemory: Int) throws {
        var data = ""
        var state: UInt64 = 7
        for row in 0..<400 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let pick = Int(state >> 40)
            let user = pick % 3 == 0 ? "x" : "u\(pick % 37)"
            let minute = pick % 60
            data +=
                "{\"t\":\"2024-01-01T0\(pick % 4):\(minute < 10 ? "0" : "")\(minute):00.\(100 + row)Z\","
                + "\"k\":\"k\(pick % 5)\",\"n\":\(pick % 50),\"u\":\"\(user)\"}\n"
        }
        let whole = try withHost { try storedRows(runJob(task(data), $0, $1).segments) }
        #expect(whole.count == 20)
        try withHost { host, folder in
            let spilled = try runJob(task(data, tuning: ["maxRowsInMemory": .int(Int64(rowsInMemory))]), host, folder)
            #expect(try storedRows(spilled.segments) == whole)
            // Kept row by row, then rolled up from what is stored.
            let loose = try runJob(task(data, rollup: false), host, folder)
            #expect(try storedRows(loose.segments).count == 400)
            let stored = try #require(try host.openSegment(loose.segments[0].segment).metadata?["aggregators"])
            let again = try runJob(
                task(
                    "",
                    metrics: stored,
                    tuning: ["maxRowsInMemory": .int(Int64(rowsInMemory))],
                    source: ["type": "druid", "dataSource": "s", "interval": "2024-01-01/2024-01-02"]
                ),
                host,
                folder
            )
            #expect(try storedRows(again.segments) == whole)
        }
    }

    @Test func storedSketchesComeInAsBase64() throws {
        let data = """
            {"t":"2024-01-01","k":"a","u":"x"}
            {"t":"2024-01-01","k":"b","u":"y"}
            {"t":"2024-01-01","k":"both","u":"x"}
            {"t":"2024-01-01","k":"both","u":"y"}
            """
        let hyper: JSON = [["type": "hyperUnique", "name": "h", "fieldName": "u"]]
        let built = try withHost { try storedRows(runJob(task(data, metrics: hyper), $0, $1).segments) }
        let texts = built.compactMap { $0["h"]?.stringValue }
        try #require(texts.count == 3)
        let input = texts[..<2].map { #"{"t":"2024-01-01","k":"c","s":"\#($0)"}"# }.joined(separator: "\n")
        let merging: JSON = [["type": "hyperUnique", "name": "h", "fieldName": "s", "isInputHyperUnique": true]]
        let merged = try withHost { try storedRows(runJob(task(input, metrics: merging), $0, $1).segments) }
        #expect(merged.map { $0["h"] } == [.string(texts[2])])
        let broken = #"{"t":"2024-01-01","k":"c","s":"no base64!"}"#
        #expect(throws: IndexJobFailure.self) { try withHost { try runJob(task(broken, metrics: merging), $0, $1) } }
    }

    @Test(
        arguments: [
            ["type": "stringAny", "name": "a", "fieldName": "u"],
            ["type": "doubleMean", "name": "a", "fieldName": "n"],
        ] as [JSON]
    )
    func whatSegmentsCannotStoreFailsTheTask(_ metric: JSON) throws {
        let task = task(#"{"t":"2024-01-01","k":"a"}"#, metrics: [metric])
        #expect(throws: IndexJobFailure.self) { try withHost { try runJob(task, $0, $1) } }
    }

    @Test(
        arguments: [
            ["type": "dance", "name": "a", "fieldName": "u"], ["type": "longFirst", "fieldName": "u"],
            ["type": "longFirst", "name": "a"], ["type": "hyperUnique", "name": "a"],
        ] as [JSON]
    )
    func malformedMetricsAreRefused(_ metric: JSON) {
        #expect(throws: LaminaError.self) { try IndexTaskSpec(json: task("", metrics: [metric])) }
    }
}
