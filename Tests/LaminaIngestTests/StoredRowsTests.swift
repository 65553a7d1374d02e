import LaminaBase
import LaminaIngest
import LaminaSegment
import Testing

/// Jobs that read stored segments: the `druid` input source, and compaction.
@Suite struct StoredRowsTests {
    private static let rows = """
        {"t":"2024-01-01T01:00:00Z","k":"a","tags":["x","y"],"n":1,"f":0.1,"j":{"p":[1,2]}}
        {"t":"2024-01-01T05:00:00Z","k":"b","tags":[],"n":2,"f":0.2,"j":null}
        {"t":"2024-01-02T01:00:00Z","k":null,"tags":"z","n":3,"f":null,"j":{"p":"s"}}
        {"t":"2024-01-03T01:00:00Z","k":"c","tags":["y","x"],"n":null,"f":0.5,"j":["b","a"]}
        """

    private func load(
        _ host: TestHost,
        _ folder: String,
        dataSource: String = "base",
        segment: JSON = "DAY",
        projections: JSON = []
    ) throws {
        let task: JSON = [
            "type": "index_parallel",
            "spec": [
                "dataSchema": [
                    "dataSource": .string(dataSource), "timestampSpec": ["column": "t"],
                    "dimensionsSpec": [
                        "dimensions": [
                            "k", ["type": "string", "name": "tags", "multiValueHandling": "ARRAY"],
                            ["type": "float", "name": "f"], ["type": "auto", "name": "j"],
                        ]
                    ],
                    "metricsSpec": [
                        ["type": "count", "name": "cnt"], ["type": "longSum", "name": "n", "fieldName": "n"],
                    ],
                    "granularitySpec": [
                        "segmentGranularity": segment, "queryGranularity": "NONE", "rollup": false,
                    ],
                    "projections": projections,
                ],
                "ioConfig": [
                    "inputSource": ["type": "inline", "data": .string(Self.rows)], "inputFormat": ["type": "json"],
                ],
            ],
        ]
        _ = try runJob(task, host, folder)
    }

    private func reindex(
        _ source: JSON,
        dimensions: JSON = ["dimensions": ["k", "tags", "f", ["type": "auto", "name": "j"]]],
        metrics: JSON = [["type": "longSum", "name": "cnt", "fieldName": "cnt"]],
        format: JSON = nil
    ) -> JSON {
        [
            "type": "index_parallel",
            "spec": [
                "dataSchema": [
                    "dataSource": "copy", "timestampSpec": ["column": "__time", "format": "auto"],
                    "dimensionsSpec": dimensions, "metricsSpec": metrics,
                    "granularitySpec": ["segmentGranularity": "ALL", "queryGranularity": "NONE", "rollup": false],
                ],
                "ioConfig": ["inputSource": source, "inputFormat": format],
            ],
        ]
    }

    private func column(_ rows: [JSON], _ name: String) -> JSON { .array(rows.map { $0[name] ?? "nothing" }) }

    @Test func storedRowsComeBackWithTheirTypes() throws {
        try withHost { host, folder in
            try load(host, folder)
            let result = try runJob(
                reindex(["type": "druid", "dataSource": "base", "interval": "2024-01-01/2024-02-01"]),
                host,
                folder
            )
            #expect(result.reportPayload["segmentsRead"] == 3)
            let stats = result.reportPayload["rowStats"]?["buildSegments"]
            #expect(stats?["processed"] == 4)
            let bytes = host.stored.filter { $0.dataSource == "base" }.reduce(0) { $0 + $1.size }
            #expect(stats?["processedBytes"] == .int(bytes))
            let found = try storedRows(result.segments)
            #expect(column(found, "k") == ["a", "b", nil, "c"])
            // The order of values is that of this schema; a row without values comes back as null.
            #expect(column(found, "tags") == [["x", "y"], nil, "z", ["x", "y"]])
            // A float's shortest text, not the double's.
            #expect(column(found, "f") == ["0.1", "0.2", nil, "0.5"])
            #expect(column(found, "j") == [["p": [1, 2]], nil, ["p": "s"], ["b", "a"]])
            #expect(column(found, "cnt") == [1, 1, 1, 1])
        }
    }

    @Test func intervalFilterAndColumnsChoose() throws {
        try withHost { host, folder in
            try load(host, folder, segment: "MONTH")
            let source: JSON = [
                "type": "druid", "dataSource": "base", "interval": "2024-01-01T04:00:00Z/2024-01-03",
                "filter": ["type": "range", "column": "n", "matchValueType": "LONG", "lower": 2],
                "dimensions": ["k"], "metrics": ["cnt"],
            ]
            let found = try storedRows(try runJob(reindex(source), host, folder).segments)
            #expect(column(found, "k") == ["b", nil])
            #expect(found.allSatisfy { $0["tags"] == JSON.null && $0["f"] == JSON.null && $0["cnt"] == 1 })
        }
    }

    @Test func segmentsAreReadByTheirIds() throws {
        try withHost { host, folder in
            try load(host, folder)
            let id = try #require(host.stored.map(\.id.text).sorted().dropFirst().first)
            let source: JSON = [
                "type": "druid", "dataSource": "base",
                "segments": [["segmentId": .string(id), "intervals": ["2024-01-02/2024-01-03"]]],
            ]
            #expect(try column(storedRows(try runJob(reindex(source), host, folder).segments), "tags") == ["z"])
            let missing: JSON = ["type": "druid", "dataSource": "base", "segments": ["nothing"]]
            #expect(throws: IndexJobFailure.self) { try runJob(reindex(missing), host, folder) }
        }
    }

    @Test func storedAndWrittenRowsCombine() throws {
        try withHost { host, folder in
            try load(host, folder)
            let inline: JSON = ["type": "inline", "data": #"{"__time":"2023-01-01","k":"new","cnt":7}"#]
            let druid: JSON = ["type": "druid", "dataSource": "base", "interval": "2024-01-01/2024-01-03"]
            let source: JSON = ["type": "combining", "delegates": [druid, inline, druid]]
            let result = try runJob(reindex(source, format: ["type": "json"]), host, folder)
            #expect(try column(storedRows(result.segments), "k") == ["new", "a", "a", "b", "b", nil, nil])
        }
    }

    @Test(
        arguments: [
            ["type": "druid", "interval": "2024/2025"], ["type": "druid", "dataSource": "a"],
            ["type": "druid", "dataSource": "a", "interval": "2024/2025", "segments": []],
            ["type": "druid", "dataSource": "a", "interval": "nonsense"],
        ] as [JSON]
    )
    func malformedSourcesAreRefused(_ source: JSON) {
        #expect(throws: LaminaError.self) { try IndexTaskSpec(json: reindex(source)) }
    }

    // MARK: compaction

    private func compact(_ task: JSON, _ host: TestHost, _ folder: String) throws -> CompactJobResult {
        let spec = try CompactTaskSpec(json: task)
        host.begin(spec.dataSource)
        let result = try CompactJob(
            spec: spec,
            taskID: "t",
            workDirectory: "\(folder)/c\(UInt32.random(in: 0 ... .max))",
            threads: 2
        ).run(host: host)
        host.publish(result.segments)
        return result
    }

    private func compactTask(_ parts: JSONObject = [:], interval: String = "2024-01-01/2024-02-01") -> JSON {
        var task: JSONObject = [
            "type": "compact", "dataSource": "base",
            "ioConfig": ["type": "compact", "inputSpec": ["type": "interval", "interval": .string(interval)]],
        ]
        for (key, value) in parts.entries { task[key] = value }
        return .object(task)
    }

    @Test func segmentsKeepTheirSchemaAndGranularity() throws {
        try withHost { host, folder in
            try load(host, folder)
            let before = try storedRows(host.stored.map { ($0, try host.openSegment($0).place) }).sorted {
                $0.text < $1.text
            }
            let result = try compact(compactTask(), host, folder)
            #expect(result.failures.isEmpty)
            #expect(result.reports.count == 3)
            #expect(result.segments.map(\.segment.interval).count == 3)
            // All of it, with the order of values and the rows without any.
            #expect(try storedRows(result.segments).sorted { $0.text < $1.text } == before)
            let state = try #require(result.segments.first?.segment.lastCompactionState)
            #expect(state["granularitySpec"]?["segmentGranularity"] == "DAY")
            #expect(state["granularitySpec"]?["rollup"] == false)
            #expect(state["metricsSpec"]?.arrayValue?.compactMap { $0["type"]?.stringValue } == ["longSum", "longSum"])
            #expect(
                state["dimensionsSpec"]?["dimensions"]?.arrayValue?.compactMap { $0["type"]?.stringValue }
                    == ["string", "string", "float", "auto"]
            )
        }
    }

    @Test func projectionsAreBuiltAgain() throws {
        try withHost { host, folder in
            let projections: JSON = [
                [
                    "type": "aggregate", "name": "hourly",
                    "virtualColumns": [
                        [
                            "type": "expression", "name": "__gran", "expression": "timestamp_floor(__time, 'PT1H')",
                            "outputType": "LONG",
                        ]
                    ],
                    "groupingColumns": [["type": "long", "name": "__gran"], "k"],
                    "aggregators": [["type": "longSum", "name": "n", "fieldName": "n"]],
                ]
            ]
            try load(host, folder, projections: projections)
            let result = try compact(compactTask(["granularitySpec": ["segmentGranularity": "MONTH"]]), host, folder)
            #expect(result.failures.isEmpty, "\(result.failures)")
            let segment = try host.openSegment(try #require(result.segments.first?.segment))
            let found = try #require(try segment.projections.first)
            #expect(found.schema.name == "hourly")
            #expect(found.schema.groupingColumns == ["__gran", "k"])
            #expect(found.rowCount == 4)
            let state = result.segments.first?.segment.lastCompactionState
            #expect(state?["projections"]?.arrayValue?.first?["name"] == "hourly")
        }
    }

    @Test func granularityRollupAndFilterChange() throws {
        try withHost { host, folder in
            try load(host, folder)
            let result = try compact(
                compactTask([
                    "granularitySpec": ["segmentGranularity": "MONTH", "queryGranularity": "MONTH", "rollup": true],
                    "dimensionsSpec": ["dimensions": ["none"]],
                    "transformSpec": ["filter": ["type": "not", "field": ["type": "null", "column": "k"]]],
                ]),
                host,
                folder
            )
            #expect(try storedRows(result.segments) == [["__time": 1_704_067_200_000, "none": nil, "cnt": 3, "n": 3]])
            #expect(result.segments[0].segment.lastCompactionState?["transformSpec"]?["filter"]?["type"] == "not")
            #expect(host.stored.filter { $0.dataSource == "base" }.count == 1)
        }
    }

    @Test func whatCannotBeCompactedFails() throws {
        try withHost { host, folder in
            try load(host, folder)
            for task in [
                compactTask(interval: "2020-01-01/2020-02-01"),
                compactTask(["granularitySpec": ["segmentGranularity": "MONTH"]], interval: "2024-01-01/2024-01-15"),
                compactTask([
                    "ioConfig": [
                        "inputSpec": ["type": "segments", "segments": [.string(host.stored[0].id.text), "x"]]
                    ]
                ]),
            ] {
                #expect(throws: LaminaError.self) { try compact(task, host, folder) }
            }
            for task in [
                compactTask(["interval": "2024/2025"]), compactTask(["metricsSpec": [["type": "dance"]]]),
                compactTask(["dimensionsSpec": ["dimensions": ["a", "a"]]]),
                compactTask(["tuningConfig": ["partitionsSpec": ["type": "range"]]]),
            ] {
                #expect(throws: LaminaError.self) { try CompactTaskSpec(json: task) }
            }
        }
    }
}
