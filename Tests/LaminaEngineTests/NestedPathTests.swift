import Glibc
import LaminaBase
import LaminaEngine
import LaminaQuery
import LaminaSegment
import LaminaTestSupport
import Testing

/// Paths of stored nested columns, by their own dictionaries, against the same rows read one by one.
@Suite struct NestedPathTests {
    /// Random nested values: every path has a mixture of its own.
    private struct Values {
        var generator: SeededGenerator

        mutating func row() -> Value {
            if generator.chance(0.1) { return .null }
            var object = JSONObject()
            if generator.chance(0.9) {
                object["text"] = .string(generator.pick(["a", "b", "", "é", "10", "9.5", "zz"]))
            }
            if generator.chance(0.8) { object["long"] = .int(generator.pick([-3, 0, 7, 7, 12, .max, .min])) }
            if generator.chance(0.8) { object["real"] = .double(generator.pick([0.5, -2.25, 1e300, 7.0])) }
            if generator.chance(0.8) {
                object["mixed"] = generator.pick([
                    .string("x"), .string("7"), .int(7), .double(2.5), .bool(true), .null,
                ])
            }
            if generator.chance(0.6) {
                object["list"] = .array(
                    (0..<generator.pick([0, 1, 2, 3])).map { _ in .int(generator.pick([1, 2, 3])) }
                )
            }
            if generator.chance(0.6) { object["odd.name"] = .string(generator.pick(["p", "q"])) }
            if generator.chance(0.5) {
                let inner: JSON = .object([
                    "deep": .string(generator.pick(["d", "e"])), "n": .int(generator.pick([1, 2])),
                ])
                object["inner"] = generator.chance(0.8) ? inner : .string("flat")
            }
            if generator.chance(0.4) {
                object["objects"] = .array((0..<generator.pick([1, 2])).map { .object(["k": .int(Int64($0))]) })
            }
            return .json(.object(object))
        }
    }

    private static let paths = [
        "$.text", "$.long", "$.real", "$.mixed", "$.list", "$.list[0]", "$.list[1]", "$.list[-1]", "$['odd.name']",
        "$.inner.deep", "$.inner", "$.inner.n", "$.objects[0].k", "$.objects[1].k", "$.nothing", "$", "$.long.x",
    ]

    private func views(_ generator: inout SeededGenerator, in folder: String) throws -> (any SegmentView, Segment) {
        var values = Values(generator: SeededGenerator(seed: UInt64.random(in: 0...UInt64.max, using: &generator)))
        let count = 400
        let rows = (0..<count).map { _ in values.row() }
        let numbers = (0..<count).map { _ in Value.long(Int64.random(in: 0...9, using: &generator)) }
        var mixed: [Value] = []
        for _ in 0..<count {
            mixed.append(
                generator.pick([
                    .null, .string("s"), .long(4), .array([.long(1), .long(2)]), .array([.long(2)]), .array([]),
                ])
            )
        }
        let plain = InlineSegment(
            times: (0..<count).map { 1_700_000_000_000 + Int64($0) },
            [
                InlineSegment.Input("payload", .complex("json"), rows), InlineSegment.Input("n", .long, numbers),
                InlineSegment.Input("mixed", .array(.string), mixed.map { Self.texts($0) }),
            ],
            isTimeOrdered: true
        )
        var options = SegmentWriteOptions()
        options.storage = ["payload": .auto(AutoStorage()), "mixed": .auto(AutoStorage())]
        options.synchronized = false
        _ = try SegmentWriter.write(plain, to: folder, options: options)
        return (plain, try Segment.open(path: folder, cache: BlockCache(byteLimit: 1 << 22)))
    }

    /// As an array of texts, which is what the stored column of all of them is.
    private static func texts(_ value: Value) -> Value {
        switch value {
        case .array(let items): .array(items.map { .string($0.asText ?? "") })
        case .null: .null
        default: .array([.string(value.asText ?? "")])
        }
    }

    private func query(_ generator: inout SeededGenerator) -> JSONObject {
        let path = generator.pick(Self.paths)
        var column: JSONObject = [
            "type": "nested-field", "columnName": "payload", "outputName": "v", "path": .string(path),
        ]
        switch generator.pick([0, 0, 1, 2]) {
        case 1:
            column["expectedType"] = .string(
                generator.pick(["STRING", "LONG", "DOUBLE", "FLOAT", "ARRAY<STRING>", "ARRAY<LONG>"])
            )
        case 2:
            let type = generator.pick(["", ", 'LONG'", ", 'DOUBLE'", ", 'STRING'"])
            column = [
                "type": "expression", "name": "v", "expression": .string("json_value(payload, '\(path)'\(type))"),
            ]
        default: break
        }
        var query: JSONObject = [
            "dataSource": "t", "intervals": "2020-01-01/2030-01-01", "virtualColumns": [.object(column)],
        ]
        let text = generator.pick(["a", "7", "2.5", "x", "d", "", "1", "10"])
        if generator.chance(0.8) {
            query["filter"] = generator.pick([
                // A selector of a text that is no number, or a bound without a lower end, tells a path of numbers from one of
                // texts, which rows cannot.
                ["type": "equals", "column": "v", "matchValueType": "STRING", "matchValue": .string(text)],
                ["type": "null", "column": "v"],
                ["type": "selector", "dimension": "v", "value": .null],
                ["type": "not", "field": ["type": "selector", "dimension": "v", "value": "7"]],
                ["type": "in", "dimension": "v", "values": [.string(text), "b", "12", .null]],
                ["type": "equals", "column": "v", "matchValueType": "STRING", "matchValue": .string(text)],
                ["type": "equals", "column": "v", "matchValueType": "LONG", "matchValue": 7],
                ["type": "equals", "column": "v", "matchValueType": "DOUBLE", "matchValue": 2.5],
                ["type": "range", "column": "v", "matchValueType": "LONG", "lower": 1, "upper": 8, "upperOpen": true],
                ["type": "range", "column": "v", "matchValueType": "STRING", "lower": "1", "upper": "b"],
                ["type": "bound", "dimension": "v", "lower": "2", "ordering": "numeric"],
                ["type": "bound", "dimension": "v", "lower": "1", "upper": "b", "ordering": "lexicographic"],
                ["type": "like", "dimension": "v", "pattern": "%1%"],
                ["type": "like", "dimension": "v", "pattern": "a%"],
                [
                    "type": "arrayContainsElement", "column": "v", "elementMatchValueType": "LONG",
                    "elementMatchValue": 2,
                ],
                [
                    "type": "arrayContainsElement", "column": "mixed", "elementMatchValueType": "STRING",
                    "elementMatchValue": "2",
                ],
                ["type": "equals", "column": "mixed", "matchValueType": "ARRAY<STRING>", "matchValue": ["1", "2"]],
                ["type": "null", "column": "mixed"], ["type": "selector", "dimension": "mixed", "value": "4"],
                ["type": "expression", "expression": "v == 7"],
            ])
        }
        let name = generator.pick(["v", "v", "v", "mixed"])
        switch generator.pick([0, 1, 2]) {
        case 0:
            query["queryType"] = "groupBy"
            query["granularity"] = "all"
            let type = name == "mixed" ? "ARRAY<STRING>" : generator.pick(["STRING", "STRING", "LONG", "DOUBLE"])
            query["dimensions"] = [
                ["type": "default", "dimension": .string(name), "outputName": "d", "outputType": .string(type)]
            ]
            query["aggregations"] = [
                ["type": "count", "name": "c"], ["type": "longSum", "name": "s", "fieldName": "n"],
            ]
        case 1:
            query["queryType"] = "timeseries"
            query["granularity"] = "all"
            query["aggregations"] = [
                ["type": "count", "name": "c"], ["type": "longSum", "name": "l", "fieldName": "v"],
                ["type": "doubleMax", "name": "m", "fieldName": "v"],
            ]
        default:
            query["queryType"] = "scan"
            query["columns"] = ["v", "n", "mixed"]
            query["resultFormat"] = "compactedList"
        }
        return query
    }

    @Test func storedPathsAnswerAsRowsDo() throws {
        let seed = randomTestSeed()
        var generator = SeededGenerator(seed: seed)
        for round in 0..<2 {
            let folder = "/tmp/lamina-nested-\(getpid())-\(seed)-\(round)"
            defer { removeTestFiles(folder) }
            let (plain, stored) = try views(&generator, in: folder)
            #expect(SegmentVerification.problems(of: stored) == [])
            for _ in 0..<150 {
                let json = query(&generator)
                let expected = Self.answer(json, plain)
                let actual = Self.answer(json, stored)
                #expect(
                    actual == expected,
                    "LAMINA_SEED=\(seed) \(JSON.object(json).text)\n stored \(actual.prefix(600))\n rows \(expected.prefix(600))"
                )
            }
        }
    }

    private static func answer(_ json: JSONObject, _ view: any SegmentView) -> String {
        do {
            let query = try Query(json: .object(json))
            let input = SegmentInput(view: view, id: "s", intervals: query.intervals)
            return try LaminaEngine.answer(query, over: [input], QueryRun()).jsonText()
        } catch {
            return "error"
        }
    }

    /// Paths of one type give columns of that type, with their bitmaps.
    @Test func pathsHaveColumnsOfTheirType() throws {
        var generator = SeededGenerator(seed: 1)
        let folder = "/tmp/lamina-nested-\(getpid())-types"
        defer { removeTestFiles(folder) }
        let (_, stored) = try views(&generator, in: folder)
        guard case .object(let object)? = try stored.column("payload"), let nested = object as? any NestedPaths else {
            Issue.record("no nested column")
            return
        }
        #expect(nested.hasPaths)
        guard case .string(let texts)? = try nested.path("$.text")?.column else {
            Issue.record("texts are no string column")
            return
        }
        #expect(texts.isSorted && texts.hasBitmaps && texts.id(of: "zz") != nil && texts.id(of: "nope") == nil)
        guard case .long(let longs)? = try nested.path("$.long")?.column, let index = longs.valueIndex else {
            Issue.record("longs are no long column")
            return
        }
        #expect((0..<index.cardinality).map { index.value($0) } == [.min, -3, 0, 7, 12, .max])
        #expect(try nested.path("$.mixed")?.column == nil)
        #expect(try nested.path("$.nothing") == nil)
    }

    /// Spatial filters: inside, on the border, outside, and texts that are no points.
    @Test func spatialFilters() throws {
        let texts = ["0,0", "1,1", "0.5,0.5", "2,2", "-1,0", "x", "3", "52.52,13.405", "48.137,11.575"]
        let points = texts.map { Value.string($0) }
        let view = InlineSegment(
            times: points.indices.map { Int64($0) },
            [InlineSegment.Input("p", .string, points)],
            isTimeOrdered: true
        )
        func matches(_ bound: JSON, not: Bool = false) throws -> [String] {
            var filter: JSON = ["type": "spatial", "dimension": "p", "bound": bound]
            if not { filter = ["type": "not", "field": filter] }
            let query = try Query(json: [
                "queryType": "scan", "dataSource": "t", "intervals": "1970-01-01/1971-01-01", "columns": ["p"],
                "filter": filter, "resultFormat": "compactedList",
            ])
            let input = SegmentInput(view: view, id: "s", intervals: query.intervals)
            let batches = try JSONParser.parse(try LaminaEngine.answer(query, over: [input], QueryRun()).jsonText())
            var texts: [String] = []
            for batch in batches.arrayValue ?? [] {
                for row in batch["events"]?.arrayValue ?? [] {
                    if let text = row.arrayValue?.first?.stringValue { texts.append(text) }
                }
            }
            return texts
        }
        let square: JSON = ["type": "rectangular", "minCoords": [0, 0], "maxCoords": [1, 1]]
        #expect(try matches(square) == ["0,0", "1,1", "0.5,0.5"])
        #expect(try matches(square, not: true).count == 6)
        #expect(try matches(["type": "radius", "coords": [0, 0], "radius": 1]) == ["0,0", "0.5,0.5", "-1,0"])
        // Berlin lies 504 km from Munich.
        let munich: JSON = ["type": "radius", "coords": [48.137, 11.575], "radius": 500, "radiusUnit": "kilometers"]
        #expect(try matches(munich) == ["48.137,11.575"])
        let wider: JSON = ["type": "radius", "coords": [48.137, 11.575], "radius": 320, "radiusUnit": "miles"]
        #expect(try matches(wider) == ["52.52,13.405", "48.137,11.575"])
        let triangle: JSON = ["type": "polygon", "abscissa": [0, 0, 1], "ordinate": [0, 1, 0]]
        #expect(try matches(triangle) == ["0,0", "0.5,0.5"])
        #expect(throws: LaminaError.self) {
            try matches(["type": "polygon", "abscissa": [0, 1], "ordinate": [0, 1]])
        }
        #expect(throws: LaminaError.self) { try matches(["type": "cube"]) }
    }
}
