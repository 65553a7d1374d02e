import LaminaBase
import LaminaEngine
import LaminaQuery
import LaminaSegment
import LaminaSketches
import Testing

/// Quantiles, histograms, variance and bloom filters in queries over two segments, against answers worked out by hand.
@Suite struct NumberSketchQueryTests {
    private let first = InlineSegment(
        times: [10, 20, 30],
        [
            .init("g", .string, [.string("a"), .string("b"), .string("a")]),
            .init("n", .long, [.long(1), .long(10), .long(2)]),
            .init("s", .string, [.string("x"), .null, .string("y")]),
        ],
        isTimeOrdered: true
    )
    private let second = InlineSegment(
        times: [5, 40, 50],
        [
            .init("g", .string, [.string("a"), .string("b"), .string("b")]),
            .init("n", .long, [.long(3), .long(20), .null]),
            .init("s", .string, [.string("x"), .string("z"), .string("x")]),
        ],
        isTimeOrdered: true
    )

    private func rows(_ dimensions: JSON, _ extra: JSONObject) throws -> [JSON] {
        var object: JSONObject = [
            "queryType": "groupBy", "dataSource": "d", "intervals": ["1970/1971"], "granularity": "all",
            "dimensions": dimensions,
        ]
        for (key, value) in extra.entries { object[key] = value }
        let query = try Query(json: .object(object))
        let inputs = [first, second].map { SegmentInput(view: $0, id: "d", intervals: query.intervals) }
        let rows = try JSONParser.parse(try answer(query, over: inputs, QueryRun()).jsonText()).arrayValue ?? []
        return rows.compactMap { $0["event"] }
    }

    /// The values of groups a (1, 2, 3) and b (10, 20, null).
    private func ask(_ aggregation: JSONObject, posts: [JSON] = [], finalize: Bool = true) throws -> [JSON] {
        var aggregation = aggregation
        aggregation["name"] = "v"
        return try rows(
            ["g"],
            [
                "aggregations": [.object(aggregation)], "postAggregations": .array(posts),
                "context": ["finalize": .bool(finalize)],
            ]
        )
    }

    @Test func variances() throws {
        let deviation: JSON = ["type": "stddev", "name": "p", "fieldName": "v"]
        let found = try ask(["type": "variance", "fieldName": "n"], posts: [deviation])
        #expect(found.map { $0["v"] } == [1.0, 50.0])
        #expect(found.map { $0["p"]?.doubleValue } == [1, 50.0.squareRoot()])
        let population = try ask(["type": "variance", "fieldName": "n", "estimator": "population"])
        #expect(population.map { $0["v"] } == [.double(2.0 / 3), 25.0])
        let none = try ask(["type": "variance", "fieldName": "absent"])
        #expect(none.map { $0["v"] } == [.null, .null])
        // Count 3, sum 6, Σ (x - mean)² = 2.
        let bytes = try ask(["type": "variance", "fieldName": "n"], finalize: false)
        #expect(bytes[0]["v"] == "AAAAAAAAAANAGAAAAAAAAEAAAAAAAAAA")
        #expect(throws: LaminaError.self) { try ask(["type": "variance", "fieldName": "s"]) }
    }

    @Test func quantiles() throws {
        let kinds = ["quantilesDoublesSketch", "KllDoublesSketch", "KllFloatsSketch"]
        for kind in kinds {
            func post(_ suffix: String, _ rest: JSONObject) -> JSON {
                var object = rest
                object["type"] = .string(kind + suffix)
                object["name"] = .string(suffix)
                object["field"] = ["type": "fieldAccess", "fieldName": "v"]
                return .object(object)
            }
            let found = try ask(
                ["type": .string(kind), "fieldName": "n"],
                posts: [
                    post("ToQuantile", ["fraction": 0.5]), post("ToQuantiles", ["fractions": [0, 1]]),
                    post("ToRank", ["value": 10]), post("ToCDF", ["splitPoints": [2, 15]]),
                    post("ToHistogram", ["numBins": 2]),
                ]
            )
            #expect(found.map { $0["v"] } == [3, 2])
            #expect(found.map { $0["ToQuantile"] } == [2.0, 10.0])
            #expect(found.map { $0["ToQuantiles"] } == [[1.0, 3.0], [10.0, 20.0]])
            #expect(found.map { $0["ToRank"] } == [1.0, 0.5])
            #expect(found[1]["ToCDF"] == [0.0, 0.5, 1.0])
            #expect(found[1]["ToHistogram"] == [1.0, 1.0])
            // Texts are no numbers: nothing is seen.
            let texts = try ask(
                ["type": .string(kind), "fieldName": "s"],
                posts: [post("ToQuantile", ["fraction": 0.5])]
            )
            #expect(texts.map { $0["v"] } == [0, 0] && texts.map { $0["ToQuantile"] } == ["NaN", "NaN"])
        }
    }

    @Test func fixedBuckets() throws {
        let found = try ask(
            [
                "type": "fixedBucketsHistogram", "fieldName": "n", "lowerLimit": 0, "upperLimit": 20, "numBuckets": 2,
                "outlierHandlingMode": "overflow",
            ],
            posts: [
                ["type": "quantile", "name": "q", "fieldName": "v", "probability": 0.5],
                ["type": "max", "name": "m", "fieldName": "v"],
            ]
        )
        #expect(
            found[1]["v"]
                == .string(
                    "{lowerLimit=0.0, upperLimit=20.0, numBuckets=2, upperOutlierCount=1, lowerOutlierCount=0, "
                        + "missingValueCount=1, histogram=[0, 1], outlierHandlingMode=overflow, count=1, max=10.0, min=10.0}"
                )
        )
        // Half of three values in 0 to 10.
        #expect(found[0]["q"] == 5.0 && found[0]["m"] == 3.0)
    }

    @Test func approximateHistograms() throws {
        let found = try ask(
            ["type": "approxHistogram", "fieldName": "n", "numBuckets": 2],
            posts: [
                ["type": "quantiles", "name": "q", "fieldName": "v", "probabilities": [0.5]],
                ["type": "equalBuckets", "name": "e", "fieldName": "v", "numBuckets": 2],
                ["type": "customBuckets", "name": "c", "fieldName": "v", "breaks": [0, 1, 5]],
                ["type": "buckets", "name": "b", "fieldName": "v", "bucketSize": 2],
            ]
        )
        // One and a half of three single values: half way from the first to the second.
        #expect(found[0]["q"] == ["probabilities": [0.5], "quantiles": [1.5], "min": 1.0, "max": 3.0])
        #expect(
            found[0]["v"] == ["breaks": [-1.0, 1.0, 3.0], "counts": [1.0, 2.0]] && found[0]["e"] == found[0]["v"]
        )
        #expect(found[0]["c"] == ["breaks": [0.0, 1.0, 5.0], "counts": [1.0, 2.0]])
        #expect(found[0]["b"] == ["breaks": [0.0, 2.0, 4.0], "counts": [2.0, 1.0]])
    }

    @Test func tests() throws {
        func constant(_ number: Int64) -> JSON { ["type": "constant", "name": "c", "value": .int(number)] }
        let found = try ask(
            ["type": "longSum", "fieldName": "n"],
            posts: [
                [
                    "type": "zscore2sample", "name": "z", "successCount1": constant(300), "sample1Size": constant(500),
                    "successCount2": constant(450), "sample2Size": constant(600),
                ],
                [
                    "type": "pvalue2tailedZtest", "name": "p",
                    "zScore": ["type": "constant", "name": "k", "value": 1.959963984540054],
                ],
            ]
        )
        #expect(abs((found[0]["z"]?.doubleValue ?? 0) - -0.15 / 0.000_792_5.squareRoot()) < 1e-12)
        #expect(abs((found[0]["p"]?.doubleValue ?? 0) - 0.05) < 1e-12)
    }

    @Test func bloomFilters() throws {
        func counted(_ filter: JSON) throws -> JSON? {
            try rows([], ["aggregations": [["type": "count", "name": "v"]], "filter": filter]).first?["v"]
        }
        let built = try rows(
            [],
            [
                "aggregations": [["type": "bloom", "name": "v", "field": "s", "maxNumEntries": 10]],
                "filter": ["type": "selector", "dimension": "s", "value": "x"],
            ]
        )
        guard case .string(let text)? = built.first?["v"] else {
            Issue.record("no filter")
            return
        }
        var wanted = try BloomKFilter(maxEntries: 10)
        wanted.add("x")
        #expect(text == base64Encoded(wanted.bytes))
        #expect(!wanted.mayContain("y") && !wanted.mayContain("z") && !wanted.mayContainNull())
        let filter: JSON = ["type": "bloom", "dimension": "s", "bloomKFilter": .string(text)]
        #expect(try counted(filter) == 3)
        // A null that the filter does not hold is unknown, so that its opposite does not pass either.
        #expect(try counted(["type": "not", "field": filter]) == 2)
        func expression(_ text: String) -> JSON { ["type": "expression", "expression": .string(text)] }
        #expect(try counted(expression("bloom_filter_test(s, '\(text)')")) == 3)
        #expect(try counted(expression("bloom_filter_test(s, bloom_filter_add('x', bloom_filter(10)))")) == 3)
        #expect(try counted(expression("bloom_filter_test(n, bloom_filter_add(10, bloom_filter(10)))")) == 1)
        #expect(throws: LaminaError.self) { try counted(expression("bloom_filter_test(s, 'AAA=')")) }
    }
}
