import Glibc
import LaminaBase
import LaminaEngine
import LaminaQuery
import LaminaSegment
import LaminaTestSupport
import Testing

/// Answers must be the same whether rows or a projection of them are read.
@Suite struct ProjectionTests {
    private static let hour: JSON = [
        "type": "expression", "name": "__gran", "expression": "timestamp_floor(__time, 'PT1H')", "outputType": "LONG",
    ]
    private static let upper: JSON = [
        "type": "expression", "name": "loud", "expression": "upper(color)", "outputType": "STRING",
    ]
    private static let aggregators: [JSON] = [
        ["type": "count", "name": "cnt"], ["type": "longSum", "name": "big_sum", "fieldName": "big"],
        ["type": "doubleSum", "name": "price_sum", "fieldName": "price"],
        ["type": "longMin", "name": "count_min", "fieldName": "count"],
        ["type": "floatMax", "name": "ratio_max", "fieldName": "ratio"],
        ["type": "cardinality", "name": "words", "fields": ["word"], "round": true],
        ["type": "doubleMin", "name": "price_min", "fieldName": "price"],
        [
            "type": "filtered", "name": "reds", "aggregator": ["type": "longSum", "name": "x", "fieldName": "count"],
            "filter": ["type": "selector", "dimension": "color", "value": "red"],
        ],
        ["type": "doubleSum", "name": "twice", "expression": "price * 2"],
    ]

    static let definitions: [(name: String, virtual: [JSON], grouping: [String])] = [
        ("by_hour", [hour], ["__gran", "color"]),
        ("by_lists", [], ["tags", "color", "digits"]),
        ("by_time", [upper], ["__time", "loud"]),
        ("by_hour_late", [hour, upper], ["color", "loud", "__gran", "count"]),
        ("one", [], []),
    ]

    private func definition(_ name: String, _ virtual: [JSON], _ grouping: [String]) throws -> ProjectionDefinition {
        var columns: [VirtualColumn] = []
        for json in virtual { columns.append(try QueryDecoder().virtualColumn(json, at: "v")) }
        return try ProjectionDefinition(
            ProjectionSchema(
                name: name,
                timeColumn: ProjectionDefinition.timeColumn(of: grouping, columns),
                virtualColumns: virtual,
                groupingColumns: grouping,
                aggregators: Self.aggregators,
                ordering: grouping.isEmpty ? [OrderedColumn("__time")] : grouping.map { OrderedColumn($0) }
            )
        )
    }

    private func project(_ view: any SegmentView) throws -> ProjectedSegment {
        var made: [any ProjectionView] = []
        for (name, virtual, grouping) in Self.definitions {
            made.append(
                try buildProjection(
                    try definition(name, virtual, grouping),
                    types: ["__gran": .long, "loud": .string],
                    of: view,
                    QueryRun()
                )
            )
        }
        return ProjectedSegment(view, made)
    }

    private func stored(_ view: any SegmentView, in folder: String) throws -> Segment {
        var options = SegmentWriteOptions()
        options.metadata = ["container": .object([:]), "rollup": false]
        options.synchronized = false
        _ = try SegmentWriter.write(view, to: folder, options: options)
        let segment = try Segment.open(path: folder, cache: BlockCache(byteLimit: 1 << 22))
        #expect(SegmentVerification.problems(of: segment) == [])
        return segment
    }

    private func query(_ generator: inout SeededGenerator) -> JSONObject {
        var query: JSONObject = [
            "queryType": .string(generator.pick(["groupBy", "timeseries", "topN"])), "dataSource": "t",
            "granularity": generator.pick([
                "all", "all", "hour", "day", "six_hour",
                ["type": "period", "period": "P1D", "timeZone": "Asia/Kolkata"],
            ]),
            "intervals": .string(
                generator.pick([
                    "2023-11-01/2023-12-20", "2023-11-15T05:00:00Z/2023-11-15T18:00:00Z",
                    "2023-11-15T05:30:00Z/2023-11-15T18:00:00Z",
                ])
            ),
            "virtualColumns": [
                ["type": "expression", "name": "v", "expression": "upper( color )", "outputType": "STRING"],
                ["type": "expression", "name": "w", "expression": "concat(color, '-')", "outputType": "STRING"],
                [
                    "type": "expression", "name": "day", "expression": "timestamp_floor(__time,'P1D')",
                    "outputType": "LONG",
                ],
            ],
        ]
        let names = ["color", "v", "w", "day", "tags", "digits", "count", "nothing", "loud"]
        func dimension(_ number: Int) -> JSON {
            ["type": "default", "dimension": .string(generator.pick(names)), "outputName": .string("d\(number)")]
        }
        var aggregations: [JSON] = []
        for (number, json) in Self.aggregators.enumerated() where number == 0 || generator.chance(0.3) {
            guard case .object(var object) = json else { continue }
            object["name"] = .string("a\(number)")
            aggregations.append(.object(object))
            if generator.chance(0.3) {
                object["name"] = "x"
                aggregations.append([
                    "type": "filtered", "name": .string("f\(number)"), "aggregator": .object(object),
                    "filter": ["type": "selector", "dimension": "v", "value": "RED"],
                ])
            }
        }
        query["aggregations"] = .array(aggregations)
        if generator.chance(0.5) {
            query["filter"] = generator.pick([
                ["type": "in", "dimension": "color", "values": ["red", "blue", .null]],
                ["type": "equals", "column": "v", "matchValueType": "STRING", "matchValue": "GREEN"],
                ["type": "not", "field": ["type": "selector", "dimension": "w", "value": "red-"]],
                ["type": "selector", "dimension": "tags", "value": "a"], ["type": "null", "column": "nothing"],
                ["type": "selector", "dimension": "word", "value": "a"],
                ["type": "interval", "dimension": "__time", "intervals": "2023-11-15/2023-11-17"],
            ])
        }
        switch query["queryType"] {
        case "groupBy": query["dimensions"] = .array((0..<generator.pick([0, 1, 2])).map { dimension($0) })
        case "topN":
            query["dimension"] = dimension(0)
            query["threshold"] = 1000
            query["metric"] = ["type": "dimension", "ordering": "lexicographic"]
        default: break
        }
        return query
    }

    private func run(_ json: JSONObject, _ views: [any SegmentView], _ context: JSONObject) throws -> JSON {
        var json = json
        json["context"] = .object(context)
        let query = try Query(json: .object(json))
        let inputs = views.enumerated().flatMap { number, view in
            [0..<view.rowCount / 2, view.rowCount / 2..<view.rowCount].filter { !$0.isEmpty || view.rowCount == 0 }.map
            {
                SegmentInput(view: view, id: "s\(number)", intervals: query.intervals, rows: $0)
            }
        }
        return try JSONParser.parse(try answer(query, over: inputs, QueryRun()).jsonText())
    }

    @Test func answersAreTheSame() throws {
        let seed = randomTestSeed()
        var generator = SeededGenerator(seed: seed)
        var data = RandomData(generator: SeededGenerator(seed: seed &+ 1))
        let folder = "/tmp/lamina-projection-\(getpid())-\(seed)"
        mkdir(folder, 0o755)
        defer { removeTestFiles(folder) }
        var hits: [String: Int] = [:]
        for round in 0..<4 {
            let plain = data.segments(2, rows: 400).map { $0.segment() }
            let projected = try plain.map { try project($0) }
            var files: [Segment] = []
            for (number, view) in projected.enumerated() where view.rowCount > 0 {
                files.append(try stored(view, in: "\(folder)/\(round)-\(number)"))
            }
            for _ in 0..<40 {
                let json = query(&generator)
                let expected = try run(json, plain, [:])
                for views in [projected as [any SegmentView], files] where !views.isEmpty {
                    let actual = try run(json, views, [:])
                    #expect(
                        agree(actual, expected),
                        "LAMINA_SEED=\(seed) \(JSON.object(json).text)\n \(actual.text)\n \(expected.text)"
                    )
                }
                for (name, _, _) in Self.definitions where !files.isEmpty {
                    guard let actual = try? run(json, files, ["useProjection": .string(name)]) else { continue }
                    hits[name, default: 0] += 1
                    #expect(agree(actual, expected), "LAMINA_SEED=\(seed) \(name) \(JSON.object(json).text)")
                }
            }
        }
        for (name, _, _) in Self.definitions {
            #expect(hits[name] ?? 0 > 0, "LAMINA_SEED=\(seed): \(name) was never used")
        }
    }

    private let rows = MemoryRows(
        types: [("color", .string), ("big", .long), ("word", .string)],
        rows: (0..<100).map { row in
            [
                "__time": .long(1_700_000_000_000 + Int64(row) * 600_000), "color": .string(["red", "blue"][row % 2]),
                "big": .long(Int64(row)),
            ]
        }
    )

    private func count(_ extra: JSONObject) -> JSONObject {
        var json: JSONObject = [
            "queryType": "timeseries", "dataSource": "t", "granularity": "all", "intervals": "2023-11-01/2023-12-01",
            "aggregations": [["type": "count", "name": "n"]],
        ]
        for (key, value) in extra.entries { json[key] = value }
        return json
    }

    /// Which queries take which projection: `useProjection` fails where it does not fit.
    @Test func matchingFollowsTheRules() throws {
        let view = try project(rows.segment())
        func fits(_ name: String, _ extra: JSONObject) -> Bool {
            (try? run(count(extra), [view], ["useProjection": .string(name)])) != nil
        }
        #expect(fits("by_hour", [:]))
        #expect(fits("by_hour", ["granularity": "hour"]))
        #expect(fits("by_hour", ["granularity": "day"]))
        #expect(!fits("by_hour", ["granularity": "minute"]))
        #expect(fits("by_time", ["granularity": "minute"]))
        #expect(!fits("by_lists", ["granularity": "day"]))
        #expect(fits("by_lists", [:]))
        #expect(!fits("by_hour", ["intervals": "2023-11-14T22:30:00Z/2023-11-15"]))
        #expect(fits("by_hour", ["intervals": "2023-11-14T23:00:00Z/2023-11-15"]))
        // Unaligned ends count only where there are rows.
        #expect(fits("by_hour", ["intervals": "2023-11-13T10:10:10Z/2023-11-20T20:20:20Z"]))
        #expect(fits("by_hour", ["filter": ["type": "selector", "dimension": "color", "value": "red"]]))
        #expect(!fits("by_hour", ["filter": ["type": "selector", "dimension": "digits", "value": "red"]]) == false)
        #expect(!fits("by_hour", ["filter": ["type": "selector", "dimension": "word", "value": "red"]]))
        #expect(!fits("by_hour", ["aggregations": [["type": "longMax", "name": "m", "fieldName": "big"]]]))
        #expect(fits("by_hour", ["aggregations": [["type": "longSum", "name": "m", "fieldName": "big"]]]))
        #expect(!fits("nothing", [:]))
    }

    @Test func contextFlagsDecide() throws {
        let view = try project(rows.segment())
        let other: JSONObject = ["aggregations": [["type": "longMax", "name": "m", "fieldName": "big"]]]
        #expect(throws: LaminaError.self) { try run(count(other), [view], ["forceProjections": true]) }
        #expect(
            try run(count(other), [view], ["forceProjections": true, "noProjections": true]).arrayValue?.count == 1
        )
        #expect(try run(count([:]), [view], ["forceProjections": "true"]).arrayValue?[0]["result"]?["n"] == 100)
        do {
            _ = try run(count(other), [view], ["useProjection": "one"])
            Issue.record("no error")
        } catch let error as LaminaError {
            #expect(error.message == "Projection[one] specified, but does not satisfy query")
            #expect(error.category == .invalidInput)
        }
    }

    /// A projection whose aggregators nobody knows is passed over.
    @Test func unknownAggregatorsDoNoHarm() throws {
        let schema = ProjectionSchema(
            name: "odd",
            timeColumn: nil,
            virtualColumns: [],
            groupingColumns: ["color"],
            aggregators: [["type": "somethingElse", "name": "n"]],
            ordering: [OrderedColumn("color")]
        )
        #expect(throws: LaminaError.self) { try ProjectionDefinition(schema) }
    }
}
