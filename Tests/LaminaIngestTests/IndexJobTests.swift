import Glibc
import LaminaBase
import LaminaBitmaps
import LaminaIngest
import LaminaSegment
import LaminaTestSupport
import Testing

/// The index job on small inline inputs.
@Suite struct IndexJobTests {
    private static let events = """
        {"ts":"2024-01-01T00:00:03Z","k":"b","n":2,"tags":["y","x","x"]}
        {"ts":"2024-01-01T00:00:01Z","k":"a","n":1,"tags":"z"}
        {"ts":"2024-01-01T00:00:59Z","k":"b","n":5,"tags":["x","y","x"]}
        {"ts":"2024-01-02T12:00:00Z","k":null,"n":7.9}
        {"ts":"2024-01-02T12:00:00Z","k":"é","n":"3","tags":[]}

        """

    private func task(
        data: String = events,
        schema: JSONObject = [:],
        io: JSONObject = [:],
        tuning: JSONObject = [:],
        type: String = "index_parallel"
    ) -> JSON {
        var dataSchema: JSONObject = [
            "dataSource": "t", "timestampSpec": ["column": "ts", "format": "iso"],
            "dimensionsSpec": ["dimensions": ["k", "tags"]],
            "metricsSpec": [
                ["type": "count", "name": "cnt"], ["type": "longSum", "name": "sum", "fieldName": "n"],
                ["type": "doubleMax", "name": "max", "fieldName": "n"],
            ],
            "granularitySpec": ["segmentGranularity": "DAY", "queryGranularity": "MINUTE", "rollup": true],
        ]
        for (key, value) in schema.entries { dataSchema[key] = value }
        var ioConfig: JSONObject = [
            "inputSource": ["type": "inline", "data": .string(data)], "inputFormat": ["type": "json"],
        ]
        for (key, value) in io.entries { ioConfig[key] = value }
        return [
            "type": .string(type),
            "spec": [
                "dataSchema": .object(dataSchema), "ioConfig": .object(ioConfig), "tuningConfig": .object(tuning),
            ],
        ]
    }

    /// Runs a task in a folder that goes afterwards; rows by segment.
    private func run(
        _ json: JSON,
        host: TestHost = TestHost(),
        threads: Int = 2
    ) throws -> (result: IndexJobResult, rows: [[JSON]]) {
        let folder = freshFolder()
        defer { removeTestFiles(folder) }
        let job = IndexJob(spec: try IndexTaskSpec(json: json), taskID: "t", workDirectory: folder, threads: threads)
        let result = try job.run(host: host)
        var rows: [[JSON]] = []
        for (_, folder) in result.segments {
            guard let folder else {
                rows.append([])
                continue
            }
            let segment = try Segment.open(path: folder, cache: BlockCache(byteLimit: 1 << 20))
            var lines: [JSON] = []
            try RowDump.write(segment) { text throws(LaminaError) in
                for line in text.split(separator: UInt8(ascii: "\n")) {
                    lines.append(try JSONParser.parse(Array(line)))
                }
            }
            rows.append(lines)
        }
        host.publish(result.segments.map(\.segment))
        return (result, rows)
    }

    @Test func rowsRollUpByTruncatedTimeAndDimensions() throws {
        let (result, rows) = try run(task())
        #expect(
            result.segments.map(\.segment.interval.text) == [
                "2024-01-01T00:00:00.000Z/2024-01-02T00:00:00.000Z",
                "2024-01-02T00:00:00.000Z/2024-01-03T00:00:00.000Z",
            ]
        )
        #expect(
            rows[0] == [
                ["__time": 1_704_067_200_000, "k": "a", "tags": "z", "cnt": 1, "sum": 1, "max": 1.0],
                ["__time": 1_704_067_200_000, "k": "b", "tags": ["x", "x", "y"], "cnt": 2, "sum": 7, "max": 5.0],
            ]
        )
        #expect(
            rows[1] == [
                ["__time": 1_704_196_800_000, "k": nil, "tags": nil, "cnt": 1, "sum": 7, "max": 7.9],
                ["__time": 1_704_196_800_000, "k": "é", "tags": nil, "cnt": 1, "sum": 3, "max": 3.0],
            ]
        )
        #expect(result.segments[0].segment.metrics == ["cnt", "sum", "max"])
        #expect(result.reportPayload["rowStats"]?["buildSegments"]?["processed"] == 5)
    }

    /// What is spilled and merged must equal what fits in memory, with and without rollup, whatever the number of threads.
    @Test(arguments: [true, false], [1, 7, 100])
    func spillingChangesNothing(rollup: Bool, rowsInMemory: Int) throws {
        var data = ""
        var state: UInt64 = 42
        for row in 0..<500 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let pick = Int(state >> 40)
            let tags = ["null", "\"p\"", "[\"q\",\"p\"]", "[]", "[\"r\"]"][pick % 5]
            let k = pick % 7 == 0 ? "null" : "\"key \(pick % 11)\""
            data +=
                #"{"ts":"2024-01-0\#(1 + pick % 3)T00:0\#(pick % 4):00Z","k":\#(k),"n":\#(row % 50),"tags":\#(tags),"#
            data += #""x":\#(["1", "2.5", "\"s\"", "null", "{\"a\":[1]}"][pick % 5])}"# + "\n"
        }
        let schema: JSONObject = [
            "dimensionsSpec": ["dimensions": ["k", "tags", ["type": "json", "name": "x"]]],
            "granularitySpec": ["segmentGranularity": "DAY", "queryGranularity": "MINUTE", "rollup": .bool(rollup)],
        ]
        let whole = try run(task(data: data, schema: schema))
        let spilled = try run(
            task(data: data, schema: schema, tuning: ["maxRowsInMemory": .int(Int64(rowsInMemory))]),
            threads: 1
        )
        // Rows equal in time and dimensions may come in another order without rollup: compare as texts, sorted.
        let left = whole.rows.map { $0.map(\.text).sorted() }
        let right = spilled.rows.map { $0.map(\.text).sorted() }
        #expect(left == right)
        #expect(whole.rows.map { $0.map { $0["__time"] } } == spilled.rows.map { $0.map { $0["__time"] } })
        #expect(left.joined().count == (rollup ? left.joined().count : 500))
    }

    @Test func badRowsAreCountedKeptAndLimited() throws {
        let data = """
            {"ts":"2024-01-01T00:00:00Z","k":"a","n":"one"}
            {"ts":"yesterday","k":"a","n":1}
            {"ts":"2024-01-01T00:00:00Z","k":
            {"ts":"2025-01-01T00:00:00Z","k":"a","n":1}
            {"ts":"2024-01-01T00:00:00Z","k":"b","n":1}

            """
        let schema: JSONObject = ["granularitySpec": ["segmentGranularity": "DAY", "intervals": ["2024-01-01/P1D"]]]
        let (result, rows) = try run(task(data: data, schema: schema, tuning: ["maxSavedParseExceptions": 9]))
        #expect(rows.joined().count == 2)
        let build = result.reportPayload["rowStats"]?["buildSegments"]
        #expect(build?["processed"] == 1)
        #expect(build?["processedWithError"] == 1)
        #expect(build?["unparseable"] == 2)
        #expect(build?["thrownAway"] == 1)
        let events = result.reportPayload["unparseableEvents"]?["buildSegments"]?.arrayValue ?? []
        #expect(events.map { $0["errorType"] } == ["unparseable", "unparseable", "processedWithError"])
        #expect(events[2]["input"] == "{ts=2024-01-01T00:00:00Z, k=a, n=one}")
        #expect(events[2]["details"]?.arrayValue?.first == "Unable to parse value[one] for field[n]")
        for limit in 0...2 {
            let failing = task(data: data, schema: schema, tuning: ["maxParseExceptions": .int(Int64(limit))])
            #expect(throws: IndexJobFailure.self) { try run(failing) }
        }
        _ = try run(task(data: data, schema: schema, tuning: ["maxParseExceptions": 3]))
    }

    @Test func nothingIsLeftOfACancelledJob() throws {
        let folder = freshFolder()
        defer { removeTestFiles(folder) }
        let host = TestHost()
        host.cancel()
        let job = IndexJob(spec: try IndexTaskSpec(json: task()), taskID: "t", workDirectory: folder, threads: 1)
        do {
            _ = try job.run(host: host)
            Issue.record("it ran")
        } catch {
            #expect(error.error.category == .canceled)
            #expect(error.reportPayload["ingestionState"] == "BUILD_SEGMENTS")
        }
        #expect(access("\(folder)/index", F_OK) != 0)
    }

    @Test func appendedSegmentsFollowStoredOnes() throws {
        let host = TestHost()
        let first = try run(task(), host: host)
        let second = try run(
            task(io: ["appendToExisting": true], tuning: ["partitionsSpec": ["type": "dynamic"]]),
            host: host
        )
        for (old, new) in zip(first.result.segments, second.result.segments) {
            #expect(old.segment.shardSpec == .numbered(partition: 0, core: 1))
            #expect(new.segment.shardSpec == .numbered(partition: 1, core: 1))
            #expect(old.segment.version == new.segment.version)
        }
        // A month's rows join the days that are there; a day without rows begins a version of its own.
        let month: JSONObject = ["granularitySpec": ["segmentGranularity": "MONTH"]]
        let third = try run(task(schema: month, io: ["appendToExisting": true]), host: host)
        #expect(
            third.result.segments.map(\.segment.shardSpec) == [
                .numbered(partition: 2, core: 1), .numbered(partition: 2, core: 1),
            ]
        )
    }

    @Test func dropExistingLeavesTombstones() throws {
        let host = TestHost()
        _ = try run(task(), host: host)
        let data = #"{"ts":"2024-01-02T00:00:00Z","k":"new","n":1}"#
        let schema: JSONObject = [
            "granularitySpec": ["segmentGranularity": "DAY", "intervals": ["2024-01-01/2024-01-05"]]
        ]
        let (result, _) = try run(task(data: data, schema: schema, io: ["dropExisting": true]), host: host)
        #expect(result.segments.map(\.segment.shardSpec) == [.numbered(partition: 0, core: 1), .tombstone])
        #expect(result.segments[1].segment.interval.text == "2024-01-01T00:00:00.000Z/2024-01-02T00:00:00.000Z")
        #expect(result.segments[1].folder == nil)
    }

    @Test func fullSegmentsCloseAllOpenOnes() throws {
        var data = ""
        for row in 0..<10 { data += #"{"ts":"2024-01-0\#(1 + row % 2)T00:00:00Z","k":"\#(row)"}"# + "\n" }
        let tuning: JSONObject = ["partitionsSpec": ["type": "dynamic", "maxRowsPerSegment": 3]]
        let (result, rows) = try run(task(data: data, tuning: tuning))
        #expect(
            result.segments.map(\.segment.shardSpec) == [
                .numbered(partition: 0, core: 2), .numbered(partition: 1, core: 2), .numbered(partition: 0, core: 2),
                .numbered(partition: 1, core: 2),
            ]
        )
        #expect(rows.map(\.count) == [3, 2, 2, 3])
    }

    @Test func transformsShadowAndFilterDrops() throws {
        let schema: JSONObject = [
            "dimensionsSpec": ["dimensions": ["k", "long"]],
            "metricsSpec": [["type": "longSum", "name": "double", "fieldName": "twice"]],
            "granularitySpec": ["segmentGranularity": "ALL", "rollup": false],
            "transformSpec": [
                "transforms": [
                    ["type": "expression", "name": "k", "expression": "concat(k, '!')"],
                    ["type": "expression", "name": "long", "expression": "strlen(k)"],
                    ["type": "expression", "name": "twice", "expression": "n * 2"],
                    ["type": "expression", "name": "unused", "expression": "1 +* 2"],
                ],
                "filter": ["type": "not", "field": ["type": "selector", "dimension": "k", "value": "a!"]],
            ],
        ]
        let (result, rows) = try run(task(schema: schema))
        // A null is not "a!" nor anything else: the filter is unknown there, and the row goes too.
        #expect(result.reportPayload["rowStats"]?["buildSegments"]?["thrownAway"] == 2)
        #expect(rows[0].map { $0["k"] } == ["b!", "b!", "é!"])
        #expect(rows[0].map { $0["double"] } == [4, 10, 6])
        #expect(rows[0].map { $0["long"] } == ["1", "1", "1"])
    }

    /// Druid counts rows that do not parse; what breaks while a filter is evaluated fails the task.
    @Test func aFilterThatFailsFailsTheTask() {
        let filter: JSON = ["type": "expression", "expression": "cast(n, 'LONG') / (cast(n, 'LONG') - 2) > 0"]
        #expect(throws: IndexJobFailure.self) { try run(task(schema: ["transformSpec": ["filter": filter]])) }
        let metric: JSON = [
            ["type": "filtered", "filter": filter, "aggregator": ["type": "count", "name": "some"]]
        ]
        #expect(throws: IndexJobFailure.self) { try run(task(schema: ["metricsSpec": metric])) }
    }

    /// A row without values is none of null's kind: it is kept, sorts and rolls up as null does.
    @Test func rowsWithoutValuesAreKept() throws {
        let data = """
            {"ts":"2024-01-01T00:00:01Z","k":"a","tags":["y","x"]}
            {"ts":"2024-01-01T00:00:01Z","k":"b","tags":[]}
            {"ts":"2024-01-01T00:00:01Z","k":"c"}
            {"ts":"2024-01-01T00:00:02Z","k":"b","tags":null}

            """
        for tuning in [[:], ["maxRowsInMemory": 1]] as [JSONObject] {
            for rollup in [true, false] {
                let folder = freshFolder()
                defer { removeTestFiles(folder) }
                let spec = try IndexTaskSpec(
                    json: task(
                        data: data,
                        schema: [
                            "granularitySpec": ["queryGranularity": "MINUTE", "rollup": .bool(rollup)],
                            "dimensionsSpec": ["dimensions": ["tags", "k"]],
                        ],
                        tuning: tuning
                    )
                )
                let result = try IndexJob(spec: spec, taskID: "t", workDirectory: folder, threads: 1)
                    .run(host: TestHost())
                let path = try #require(result.segments.first?.folder)
                let segment = try Segment.open(path: path, cache: BlockCache(byteLimit: 1 << 20))
                guard case .string(let tags)? = try segment.column("tags"), tags.hasMultipleValues else {
                    Issue.record("no column of several values")
                    continue
                }
                let reader = tags.makeMultiIDReader()
                let ids = try reader.read(0..<segment.rowCount)
                let counts = (0..<segment.rowCount).map { Int(ids.offsets[$0 + 1] - ids.offsets[$0]) }
                withExtendedLifetime(reader) {}
                // By tags, then k: nothing and null are equal, so b comes before c; rolled up, the first of them stands.
                // A spilled piece without any row of several values has one value a row, as Druid's has.
                let none = tuning.isEmpty ? 0 : 1
                #expect(counts == (rollup ? [none, 1, 2] : [none, 1, 1, 2]), "\(tuning) \(rollup)")
                #expect(
                    try #require(try segment.column("k")).values(0..<2) == [.string("b"), .string(rollup ? "c" : "b")]
                )
                let null = try #require(tags.nullID)
                #expect(try tags.rows(null).cardinality == (rollup ? 2 : 3))
            }
        }
    }

    @Test func specsAreRefusedWithTheirPath() {
        func message(_ json: JSON) -> String {
            do throws(LaminaError) {
                _ = try IndexTaskSpec(json: json)
                return ""
            } catch {
                return error.message
            }
        }
        #expect(message(task(schema: ["dataSource": ""])).contains("spec.dataSchema.dataSource"))
        let sketch: JSON = [["type": "momentSketch", "name": "s", "fieldName": "k"]]
        #expect(message(task(schema: ["metricsSpec": sketch])).contains("spec.dataSchema.metricsSpec[0]"))
        #expect(message(task(schema: ["metricsSpec": sketch])).contains("momentSketch"))
        let spatial: JSON = ["dimensions": [["type": "timestamp", "name": "s"]]]
        #expect(message(task(schema: ["dimensionsSpec": spatial])).contains("dimensionsSpec.dimensions[0]"))
        #expect(message(task(tuning: ["partitionsSpec": ["type": "odd"]])).contains("tuningConfig.partitionsSpec"))
        #expect(message(task(type: "compact")).contains("compact"))
    }
}
