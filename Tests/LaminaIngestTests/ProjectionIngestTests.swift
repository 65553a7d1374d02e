import LaminaBase
import LaminaIngest
import LaminaSegment
import LaminaTestSupport
import Testing

/// Projections and spatial dimensions of ingestion specs.
@Suite struct ProjectionIngestTests {
    private static let projection: JSON = [
        "type": "aggregate", "name": "by_minute",
        "virtualColumns": [
            [
                "type": "expression", "name": "minute", "expression": "timestamp_floor(__time, 'PT1M')",
                "outputType": "LONG",
            ],
            ["type": "expression", "name": "loud", "expression": "upper(k)", "outputType": "STRING"],
        ],
        "groupingColumns": [["type": "long", "name": "minute"], "loud", ["type": "string", "name": "tags"]],
        "aggregators": [
            ["type": "count", "name": "rows"], ["type": "longSum", "name": "sum", "fieldName": "sum"],
            ["type": "longMax", "name": "most", "fieldName": "n"],
        ],
    ]

    private func task(_ data: String, _ projections: JSON, rollup: Bool = false, tuning: JSONObject = [:]) -> JSON {
        let schema: JSON = [
            "dataSource": "t", "timestampSpec": ["column": "ts", "format": "iso"],
            "dimensionsSpec": [
                "dimensions": ["k", "tags", ["type": "long", "name": "n"]],
                "spatialDimensions": [["dimName": "place", "dims": ["lat", "lon"]]],
            ],
            "metricsSpec": [["type": "longSum", "name": "sum", "fieldName": "n"]],
            "granularitySpec": ["segmentGranularity": "DAY", "queryGranularity": "SECOND", "rollup": .bool(rollup)],
            "projections": projections,
        ]
        return [
            "type": "index_parallel",
            "spec": [
                "dataSchema": schema,
                "ioConfig": [
                    "inputSource": ["type": "inline", "data": .string(data)], "inputFormat": ["type": "json"],
                ],
                "tuningConfig": .object(tuning),
            ],
        ]
    }

    /// Every row of a view as JSON values, columns in a fixed order.
    private func rows(_ view: any SegmentView, _ names: [String]) throws -> [[Value]] {
        let columns = try names.map { try view.column($0)?.values(0..<view.rowCount) }
        return (0..<view.rowCount).map { row in columns.map { $0?[row] ?? .null } }
    }

    /// Projections of all segments that a task makes, and the places of its points.
    private func run(_ json: JSON) throws -> (projections: [[[Value]]], places: [Value]) {
        let folder = freshFolder()
        defer { removeTestFiles(folder) }
        let job = IndexJob(spec: try IndexTaskSpec(json: json), taskID: "t", workDirectory: folder, threads: 2)
        var found: [[[Value]]] = []
        var places: [Value] = []
        for (_, folder) in try job.run(host: TestHost()).segments {
            guard let folder else { continue }
            let segment = try Segment.open(path: folder, cache: BlockCache(byteLimit: 1 << 20))
            #expect(SegmentVerification.problems(of: segment) == [])
            places += try segment.column("place")?.values(0..<segment.rowCount) ?? []
            for view in try segment.projections {
                #expect(segment.metadata?["projections"]?.arrayValue?.count == 1)
                found.append(try rows(view, ["minute", "__time", "loud", "tags", "rows", "sum", "most"]))
            }
        }
        return (found, places)
    }

    private static let events = """
        {"ts":"2024-01-01T00:00:03Z","k":"b","n":2,"tags":["y","x"],"lat":1.5,"lon":"2"}
        {"ts":"2024-01-01T00:00:01Z","k":"a","n":1,"tags":"z","lat":"x","lon":3}
        {"ts":"2024-01-01T00:00:59Z","k":"B","n":5,"tags":["x","y"],"place":"7,8"}
        {"ts":"2024-01-01T00:01:00Z","k":null,"n":null,"place":"north"}

        """

    @Test func rowsAreGroupedAndPointsJoined() throws {
        let minute: Int64 = 1_704_067_200_000
        let (projections, places) = try run(task(Self.events, [Self.projection]))
        #expect(
            projections == [
                [
                    [.long(minute), .long(minute), .string("A"), .string("z"), .long(1), .long(1), .long(1)],
                    [
                        .long(minute), .long(minute), .string("B"), .array([.string("x"), .string("y")]), .long(2),
                        .long(7), .long(5),
                    ],
                    [.long(minute + 60_000), .long(minute + 60_000), .null, .null, .long(1), .null, .null],
                ]
            ]
        )
        #expect(places == [.null, .string("1.5,2"), .string("7,8"), .null])
    }

    /// Spilled and merged rows have the same projections, with and without rollup.
    @Test(arguments: [true, false])
    func spillingChangesNothing(rollup: Bool) throws {
        var data = ""
        var state: UInt64 = 7
        for row in 0..<300 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let pick = Int(state >> 40)
            let tags = ["null", "\"p\"", "[\"q\",\"p\"]", "[\"r\"]"][pick % 4]
            data +=
                #"{"ts":"2024-01-0\#(1 + pick % 2)T00:0\#(pick % 3):0\#(pick % 10)Z","k":"k\#(pick % 5)","n":\#(row % 9),"#
            data += #""tags":\#(tags)}"# + "\n"
        }
        let whole = try run(task(data, [Self.projection], rollup: rollup))
        let spilled = try run(task(data, [Self.projection], rollup: rollup, tuning: ["maxRowsInMemory": 41]))
        #expect(whole.projections.count == 2)
        #expect(whole.projections == spilled.projections)
    }

    /// Druid's own projections of the recorded step.
    @Test(.enabled(if: GoldCorpus.isThere))
    func recordedProjectionsAreMet() throws {
        let step = try #require(GoldCorpus.steps.first { $0.name == "events_proj" })
        let folder = freshFolder()
        defer { removeTestFiles(folder) }
        let spec = try IndexTaskSpec(json: GoldCorpus.spec(step))
        let result = try IndexJob(spec: spec, taskID: "t", workDirectory: folder, threads: 2).run(host: TestHost())
        #expect(result.segments.count == 3)
        for (segment, folder) in result.segments {
            let ours = try Segment.open(path: try #require(folder), cache: BlockCache(byteLimit: 1 << 22))
            var hasTwin = false
            for number in 0..<3 {
                let gold = try Segment.open(
                    path: "\(GoldCorpus.folder)/segments/events_proj/\(number)",
                    cache: BlockCache(byteLimit: 1 << 22)
                )
                guard gold.dataInterval == segment.interval else { continue }
                hasTwin = true
                #expect(ours.metadata?["projections"] == gold.metadata?["projections"])
                let (mine, theirs) = (try #require(ours.projections.first), try #require(gold.projections.first))
                let exact = ["__gran", "country", "cnt", "clicks"]
                #expect(try rows(mine, exact) == rows(theirs, exact))
                for (one, other) in zip(try rows(mine, ["revenue"]), try rows(theirs, ["revenue"])) where one != other {
                    guard case .double(let left) = one[0], case .double(let right) = other[0] else {
                        Issue.record("\(one) instead of \(other)")
                        continue
                    }
                    #expect(abs(left - right) <= 1e-9 * abs(right))
                }
            }
            #expect(hasTwin)
        }
    }

    @Test(arguments: [
        (["groupingColumns"], #"["nobody"]"#, "not present on the base table"),
        (["groupingColumns"], #"[{"type":"long","name":"k"}]"#, "different type"),
        (["aggregators"], #"[{"type":"longSum","name":"x","fieldName":"sum"}]"#, "references aggregator[sum]"),
        (["aggregators"], #"[{"type":"longSum","name":"x","fieldName":"loud"}]"#, "virtual column"),
        (["aggregators"], #"[{"type":"longSum","name":"x","fieldName":"nobody"}]"#, "missing required field[nobody]"),
        (["aggregators"], #"[{"type":"longMax","name":"sum","fieldName":"sum"}]"#, "'combining'"),
        (["groupingColumns", "aggregators"], "[]", "both be null or empty"), (["name"], #""""#, "empty name"),
        (["type"], #""other""#, "unknown type"), (["virtualColumns"], #"[{"type":"x"}]"#, "unknown virtual column"),
    ])
    func wrongProjectionsAreRefused(keys: [String], value: String, message: String) throws {
        guard case .object(var object) = Self.projection else { return }
        for key in keys { object[key] = try JSONParser.parse(value) }
        do {
            _ = try run(task(Self.events, [.object(object)]))
            Issue.record("accepted")
        } catch let error as LaminaError {
            #expect(error.message.contains(message), "\(error.message)")
        } catch let failure as IndexJobFailure {
            #expect(failure.error.message.contains(message), "\(failure.error.message)")
        }
    }
}
