import LaminaBase
import LaminaEngine
import LaminaQuery
import LaminaSketches
import Testing

/// `finalize: false`, `shouldFinalize: false` and field accesses: aggregations as they are before they become numbers.
@Suite struct UnfinishedTests {
    private let segment = InlineSegment(
        times: [10, 20, 30, 40],
        [
            .init("g", .string, [.string("a"), .string("a"), .string("a"), .string("b")]),
            .init("n", .long, [.long(5), .null, .long(7), .null]),
            .init("s", .string, [.array([.string("x"), .string("y")]), .string("y"), .string(""), .null]),
        ],
        isTimeOrdered: true
    )

    private let aggregations: JSON = [
        ["type": "longFirst", "name": "first", "fieldName": "n"],
        ["type": "stringLast", "name": "last", "fieldName": "s"],
        ["type": "doubleMean", "name": "mean", "fieldName": "n"],
        ["type": "cardinality", "name": "card", "fields": ["s"]],
        ["type": "HLLSketchBuild", "name": "hll", "fieldName": "s"],
        ["type": "thetaSketch", "name": "theta", "fieldName": "s"],
        ["type": "arrayOfDoublesSketch", "name": "tuple", "fieldName": "s", "metricColumns": ["n"]],
        ["type": "longSum", "name": "sum", "fieldName": "n"],
    ]

    /// The first row of a query of a type, over the segment once or twice.
    private func row(_ type: String, _ extra: [String: JSON] = [:], times: Int = 1) throws -> JSON {
        var object: JSONObject = [
            "queryType": .string(type), "dataSource": "d", "intervals": ["1970/1971"], "granularity": "all",
            "aggregations": aggregations,
        ]
        if type == "groupBy" { object["dimensions"] = ["g"] }
        if type == "topN" {
            object["dimension"] = "g"
            object["metric"] = "theta"
            object["threshold"] = 5
        }
        for (key, value) in extra { object[key] = value }
        let query = try Query(json: .object(object))
        let inputs = (0..<times).map { _ in SegmentInput(view: segment, id: "d", intervals: query.intervals) }
        let rows = try JSONParser.parse(try answer(query, over: inputs, QueryRun()).jsonText()).arrayValue ?? []
        let first = try #require(rows.first)
        if type == "groupBy" { return first["event"] ?? .null }
        if type == "topN" { return first["result"]?.arrayValue?.first ?? .null }
        return first["result"] ?? .null
    }

    private func bytes(_ row: JSON, _ name: String) throws -> [UInt8] {
        let text = try #require(row[name]?.stringValue, "\(name) of \(row)")
        return try #require(base64Decoded(text))
    }

    @Test(arguments: ["groupBy", "topN", "timeseries"], [1, 2]) func everyAggregation(_ type: String, _ times: Int)
        throws
    {
        let filter: JSON = ["type": "selector", "dimension": "g", "value": "a"]
        let finished = try row(type, ["filter": filter], times: times)
        let row = try row(type, ["filter": filter, "context": ["finalize": false]], times: times)
        #expect(row["first"] == ["lhs": 10, "rhs": 5])
        #expect(row["last"] == ["lhs": 30, "rhs": ""])
        #expect(row["sum"] == .int(Int64(12 * times)))
        // Twelve as a double and the count, high byte first.
        let mean = try bytes(row, "mean")
        #expect(
            mean == (times == 1 ? [0x40, 0x28] : [0x40, 0x38]) + [UInt8](repeating: 0, count: 13) + [UInt8(2 * times)]
        )
        #expect(try HyperLogLog(bytes: bytes(row, "card")).estimate == finished["card"]?.doubleValue)
        #expect(try HLLSketch(bytes: bytes(row, "hll")).estimate == finished["hll"]?.doubleValue)
        #expect(try ThetaSketch(bytes: bytes(row, "theta")).estimate == 2)
        #expect(finished["theta"] == 2.0)
        #expect(finished["mean"] == 6.0)
        // «y» stands on a row without n as well, and so adds up only once.
        let tuple = try TupleSketch(bytes: bytes(row, "tuple"))
        #expect(tuple.rows == [[5 * Double(times)], [5 * Double(times)]])
        #expect(finished["tuple"] == 2.0)
    }

    @Test func nothingSeen() throws {
        let filter: JSON = ["type": "selector", "dimension": "g", "value": "z"]
        let finished = try row("timeseries", ["filter": filter])
        #expect(
            finished["hll"] == 0.0 && finished["theta"] == 0.0 && finished["tuple"] == 0.0 && finished["card"] == 0.0
        )
        let row = try row("timeseries", ["filter": filter, "context": ["finalize": false]])
        #expect(row["theta"] == "AQMDAAAeAAA=")
        #expect(row["hll"] == "AgEHDAMMAAA=")
        // Druid's pair of nothing: the greatest time.
        #expect(row["first"] == ["lhs": 4_611_686_018_427_387_903, "rhs": nil])
    }

    /// A sketch shown by a field access, a number by its estimate, in one row.
    @Test func postAggregators() throws {
        func access(_ name: String) -> JSON { ["type": "fieldAccess", "fieldName": .string(name)] }
        let posts: JSON = [
            ["type": "fieldAccess", "name": "raw", "fieldName": "theta"],
            ["type": "finalizingFieldAccess", "name": "number", "fieldName": "theta"],
            ["type": "thetaSketchEstimate", "name": "bounds", "errorBoundsStdDev": 2, "field": access("theta")],
            [
                "type": "thetaSketchEstimate", "name": "rest",
                "field": [
                    "type": "thetaSketchSetOp", "name": "x", "func": "NOT",
                    "fields": [
                        access("theta"), ["type": "thetaSketchConstant", "name": "c", "value": .string(constant("x"))],
                    ],
                ],
            ],
            ["type": "HLLSketchUnion", "name": "union", "fields": [access("hll"), access("hll")]],
            ["type": "HLLSketchEstimate", "name": "rounded", "round": true, "field": access("union")],
            ["type": "HLLSketchEstimateWithBounds", "name": "range", "field": access("hll")],
            ["type": "arrayOfDoublesSketchToMeans", "name": "means", "field": access("tuple")],
            ["type": "arrayOfDoublesSketchToVariances", "name": "variances", "field": access("tuple")],
            ["type": "arrayOfDoublesSketchToNumEntries", "name": "entries", "field": access("tuple")],
            ["type": "arrayOfDoublesSketchTTest", "name": "p", "fields": [access("tuple"), access("tuple")]],
        ]
        let filter: JSON = ["type": "selector", "dimension": "g", "value": "a"]
        let row = try row("groupBy", ["filter": filter, "postAggregations": posts])
        #expect(try ThetaSketch(bytes: bytes(row, "raw")).estimate == 2)
        #expect(row["number"] == 2.0)
        #expect(row["bounds"] == ["estimate": 2.0, "highBound": 2.0, "lowBound": 2.0, "numStdDev": 2])
        #expect(row["rest"] == 1.0)
        #expect(try HLLSketch(bytes: bytes(row, "union")).estimate == row["hll"]?.doubleValue)
        #expect(row["rounded"] == 2.0)
        #expect(row["range"]?.arrayValue?.count == 3)
        #expect(row["means"] == [5.0])
        #expect(row["variances"] == [0.0])
        #expect(row["entries"] == 2)
    }

    private func constant(_ text: String) -> String {
        var sketch = ThetaSketch()
        if let hash = ThetaSketch.hash(text) { sketch.update(hash: hash) }
        return base64Encoded(sketch.bytes)
    }

    @Test func limitsAreNamed() throws {
        for (aggregation, word) in [
            (["type": "HLLSketchBuild", "name": "h", "fieldName": "s", "lgK": 40] as JSON, "between 4 and 21"),
            (
                ["type": "HLLSketchBuild", "name": "h", "fieldName": "s", "tgtHllType": "HLL_9"],
                "HLL_4, HLL_6 or HLL_8"
            ),
            (["type": "thetaSketch", "name": "h", "fieldName": "s", "size": 1000], "power of 2"),
            (["type": "arrayOfDoublesSketch", "name": "h", "fieldName": "s", "numberOfValues": 300], "255"),
        ] {
            let query: JSON = [
                "queryType": "timeseries", "dataSource": "d", "intervals": ["1970/1971"], "granularity": "all",
                "aggregations": [aggregation],
            ]
            do throws(LaminaError) {
                _ = try Query(json: query)
                Issue.record("\(aggregation) was taken")
            } catch {
                #expect(error.message.contains(word) && error.category == .invalidInput)
            }
        }
    }
}
