import LaminaBase
import LaminaEngine
import LaminaQuery
import LaminaSegment
import LaminaTestSupport
import Testing

/// Queries that are fine, with pieces left out, doubled, or put in the place of others: each has an answer or an error.
@Suite struct MutatedQueryTests {
    private static let folder = String(#filePath.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 })

    private static let queries: [JSON] = [
        [
            "queryType": "groupBy", "dataSource": "d", "intervals": ["1000/3000"], "granularity": "day",
            "dimensions": ["s1", ["type": "default", "dimension": "l1", "outputType": "LONG"], "mv"],
            "aggregations": [
                ["type": "longSum", "name": "a", "fieldName": "l1"],
                ["type": "doubleMax", "name": "b", "expression": "d1 * 2"],
                ["type": "cardinality", "name": "c", "fields": ["s1", "mv"], "byRow": true],
                ["type": "stringLast", "name": "e", "fieldName": "s2", "maxStringBytes": 4],
            ],
            "postAggregations": [
                [
                    "type": "arithmetic", "name": "p", "fn": "/",
                    "fields": [["type": "fieldAccess", "fieldName": "a"], ["type": "constant", "value": 2]],
                ],
                ["type": "expression", "name": "q", "expression": "p + nvl(a, 0)"],
            ],
            "having": [
                "type": "or",
                "havingSpecs": [["type": "greaterThan", "aggregation": "a", "value": -5], ["type": "always"]],
            ],
            "limitSpec": [
                "type": "default", "limit": 5, "columns": [["dimension": "a", "direction": "descending"], "s1"],
            ],
            "subtotalsSpec": [["s1"], ["s1", "mv"], []],
        ],
        [
            "queryType": "topN", "dataSource": "d", "intervals": ["1000/3000"], "granularity": "all", "threshold": 3,
            "dimension": [
                "type": "extraction", "dimension": "s1", "outputName": "x",
                "extractionFn": ["type": "substring", "index": 1],
            ],
            "metric": ["type": "inverted", "metric": "n"], "aggregations": [["type": "count", "name": "n"]],
            "filter": [
                "type": "or",
                "fields": [
                    ["type": "bound", "dimension": "l1", "lower": "3", "ordering": "numeric"],
                    ["type": "not", "field": ["type": "in", "dimension": "mv", "values": ["a", nil]]],
                    ["type": "range", "column": "d1", "matchValueType": "DOUBLE", "upper": 2.5, "upperOpen": true],
                    ["type": "like", "dimension": "s2", "pattern": "%a_"],
                ],
            ],
        ],
        [
            "queryType": "scan", "dataSource": "d", "intervals": ["1000/3000"],
            "columns": ["__time", "v", "json", "arr_l"],
            "order": "descending", "limit": 4, "offset": 1, "resultFormat": "compactedList",
            "virtualColumns": [
                ["type": "expression", "name": "v", "expression": "concat(s1, mv, l1)", "outputType": "STRING"]
            ],
        ],
        [
            "queryType": "timeseries", "dataSource": "d", "intervals": ["1000/3000"],
            "granularity": ["type": "period", "period": "PT6H", "timeZone": "Asia/Seoul"], "descending": true,
            "aggregations": [
                [
                    "type": "filtered", "filter": ["type": "null", "column": "s1"],
                    "aggregator": ["type": "floatMin", "name": "m", "fieldName": "f1"],
                ]
            ],
            "context": ["skipEmptyBuckets": true, "grandTotal": true, "timeout": 2000],
        ],
        [
            "queryType": "search", "dataSource": "d", "intervals": ["1000/3000"],
            "searchDimensions": ["s1", "mv", "l1"],
            "query": ["type": "fragment", "values": ["a", "e"]], "sort": ["type": "strlen"],
        ],
        [
            "queryType": "timeBoundary", "dataSource": "d", "bound": "maxTime",
            "filter": ["type": "selector", "dimension": "s1", "value": "x"],
        ],
        [
            "queryType": "segmentMetadata", "dataSource": "d", "merge": true,
            "analysisTypes": ["size", "minmax", "aggregators"],
            "toInclude": ["type": "list", "columns": ["s1", "json"]],
        ],
    ]

    private static let odds: [JSON] = [
        nil, 0, -1, 1.5, .int(.max), .int(.min), "", "s1", "mv", "l1", "d1", "f1", "json", "arr_s", "__time", "nothing",
        "numeric",
        "LONG", "STRING", "ARRAY<STRING>", "all", "none", [], [:], true, "0001/9999", "x ->", "l1 / l2",
        "map(x -> x, mv)",
    ]

    private func mutated(_ json: JSON, _ random: inout SeededGenerator) -> JSON {
        if random.next() % 29 == 0 { return Self.odds[Int(random.next() % UInt64(Self.odds.count))] }
        switch json {
        case .object(let object):
            var result = JSONObject()
            for (key, value) in object.entries where random.next() % 37 != 0 { result[key] = mutated(value, &random) }
            return .object(result)
        case .array(let items):
            var result = items.map { mutated($0, &random) }
            if random.next() % 31 == 0, let first = result.first { result.append(first) }
            return .array(result)
        default: return json
        }
    }

    @Test(arguments: ["edge", "edge_auto", "mixed_auto"]) func answersOrSaysWhyNot(_ sample: String) throws {
        let segment = try Segment.open(path: "\(Self.folder)/../Samples/segments/\(sample)/0")
        var random = SeededGenerator(seed: 2024)
        var answered = 0
        for round in 0..<1_500 {
            let json = mutated(Self.queries[round % Self.queries.count], &random)
            do throws(LaminaError) {
                let query = try Query(json: json)
                let input = SegmentInput(view: segment, id: "d", intervals: query.intervals)
                let run = QueryRun(timeoutMillis: 20_000, memory: MemoryBudget(limitBytes: 64 << 20))
                _ = try JSONParser.parse(try answer(query, over: [input, input], run).jsonText())
                answered += 1
            } catch {
                #expect(!error.message.isEmpty && error.category != .defensive, "\(json.text)")
            }
        }
        #expect(answered > 200)
    }
}
