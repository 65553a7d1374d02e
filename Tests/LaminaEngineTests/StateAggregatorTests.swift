import LaminaBase
import LaminaEngine
import LaminaQuery
import LaminaSegment
import LaminaSketches
import Testing

@Suite struct StateAggregatorTests {
    private let first = InlineSegment(
        times: [10, 20, 30],
        [
            .init("g", .string, [.string("a"), .string("b"), .string("a")]),
            .init("n", .long, [.long(5), .null, .long(7)]),
            .init("s", .string, [.array([.string("x"), .string("ÿÿ")]), .string("yy"), .null]),
        ],
        isTimeOrdered: true
    )
    private let second = InlineSegment(
        times: [5, 40],
        [
            .init("g", .string, [.string("a"), .string("b")]),
            .init("n", .long, [.null, .long(9)]),
            .init("s", .string, [.string("x"), .string("z")]),
        ],
        isTimeOrdered: true
    )

    /// The aggregation's values of groups a and b over both segments.
    private func ask(_ aggregation: JSON, _ extra: [String: JSON] = [:]) throws -> [JSON?] {
        var object: JSONObject = [
            "queryType": "groupBy", "dataSource": "d", "intervals": ["1970/1971"], "granularity": "all",
            "dimensions": ["g"],
            "aggregations": [aggregation],
        ]
        for (key, value) in extra { object[key] = value }
        let query = try Query(json: .object(object))
        let inputs = [first, second].map { SegmentInput(view: $0, id: "d", intervals: query.intervals) }
        let rows = try JSONParser.parse(try answer(query, over: inputs, QueryRun()).jsonText()).arrayValue ?? []
        return rows.map { $0["event"]?["v"] }
    }

    @Test func firstAndLastByTime() throws {
        #expect(try ask(["type": "longFirst", "name": "v", "fieldName": "n"]) == [.null, .null])
        #expect(try ask(["type": "longLast", "name": "v", "fieldName": "n"]) == [7, 9])
        #expect(try ask(["type": "stringFirst", "name": "v", "fieldName": "s"]) == ["x", "yy"])
        #expect(
            try ask(["type": "doubleLast", "name": "v", "fieldName": "__time", "timeColumn": "n"]) == [30.0, 40.0]
        )
    }

    @Test func anyTakesTheFirstRowItMeets() throws {
        #expect(try ask(["type": "stringAny", "name": "v", "fieldName": "s"]) == ["[x, ÿÿ]", "yy"])
        #expect(
            try ask(["type": "stringAny", "name": "v", "fieldName": "s", "aggregateMultipleValues": false]) == [
                "x", "yy",
            ]
        )
        // Cut at a whole character.
        #expect(try ask(["type": "stringAny", "name": "v", "fieldName": "s", "maxStringBytes": 5]) == ["[x, ", "yy"])
        #expect(try ask(["type": "longAny", "name": "v", "fieldName": "n"]) == [5, 9])
    }

    @Test func meanSkipsNulls() throws {
        #expect(try ask(["type": "doubleMean", "name": "v", "fieldName": "n"]) == [6.0, 9.0])
    }

    @Test func filteredToNothing() throws {
        let filter: JSON = ["type": "false"]
        let sketch: JSON = ["type": "cardinality", "name": "v", "fields": ["s"]]
        #expect(try ask(["type": "filtered", "name": "v", "filter": filter, "aggregator": sketch]) == [0.0, 0.0])
        let last: JSON = ["type": "longLast", "name": "v", "fieldName": "n"]
        #expect(try ask(["type": "filtered", "name": "v", "filter": filter, "aggregator": last]) == [.null, .null])
    }

    @Test func cardinalityCountsValuesOrRows() throws {
        #expect(try ask(["type": "cardinality", "name": "v", "fields": ["s"], "round": true]) == [2, 2])
        #expect(
            try ask(["type": "cardinality", "name": "v", "fields": ["s", "n"], "byRow": true, "round": true]) == [3, 2]
        )
        #expect(try ask(["type": "cardinality", "name": "v", "fields": ["n"], "round": true]) == [2, 1])
    }

    @Test func expressionsFoldAndCombine() throws {
        let sum: JSON = [
            "type": "expression", "name": "v", "fields": ["n"], "initialValue": "0", "fold": "__acc + n",
            "shouldAggregateNullInputs": false, "finalize": "o * 10",
        ]
        #expect(try ask(sum) == [120, 90])
        let set: JSON = [
            "type": "expression", "name": "v", "fields": ["g"], "initialValue": "ARRAY<STRING>[]",
            "fold": "array_set_add(__acc, g)", "combine": "array_set_add_all(__acc, v)", "maxSizeBytes": 4,
        ]
        #expect(throws: LaminaError.self) { try ask(set) }
    }

    @Test func groupingTellsWhatASubtotalLeavesOut() throws {
        let grouping: JSON = ["type": "grouping", "name": "v", "groupings": ["g", "s"]]
        let subtotals: JSON = [["g", "s"], ["g"], ["s"], []]
        let found = try ask(grouping, ["dimensions": ["g", "s"], "subtotalsSpec": subtotals]).compactMap {
            $0?.intValue
        }
        #expect(Set(found) == [0, 1, 2, 3])
        #expect(found == found.sorted() && found.filter { $0 == 3 }.count == 1 && found.filter { $0 == 1 }.count == 2)
        #expect(try ask(grouping) == [0, 0])
    }

    @Test func druidsSketchesComeBackAsTheyWere() throws {
        let folder = String(#filePath.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 })
        let segment = try Segment.open(path: folder + "/../Samples/segments/events_rollup/0")
        guard case .object(let column)? = try segment.column("user_hyper") else {
            Issue.record("the sample has no user_hyper")
            return
        }
        var sketches = 0
        for row in 0..<segment.rowCount {
            guard case .complex(_, let bytes) = try column.value(row: row) else { continue }
            #expect(try HyperLogLog(bytes: bytes).bytes == bytes)
            sketches += 1
        }
        #expect(sketches > 0)
    }
}
