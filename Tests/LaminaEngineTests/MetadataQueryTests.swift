import Glibc
import LaminaBase
import LaminaEngine
import LaminaQuery
import LaminaSegment
import LaminaTestSupport
import Testing

/// segmentMetadata answers recorded from Druid beside the segments it wrote.
struct AnalyzedSegment: CustomTestStringConvertible, Sendable {
    let path: String
    var testDescription: String { path.split(separator: "/").suffix(2).joined(separator: "/") }

    /// Some that belong to the package, and all of the gold corpus where it is there.
    static let all = find(in: testsFolder + "/Samples/segments") + find(in: goldFolder + "/segments")

    private static func find(in folder: String) -> [AnalyzedSegment] {
        visibleNames(in: folder).flatMap { source in
            visibleNames(in: "\(folder)/\(source)").map { AnalyzedSegment(path: "\(folder)/\(source)/\($0)") }
        }.filter { access($0.path + "/index", F_OK) == 0 && access($0.path + "/analysis.json", F_OK) == 0 }
    }

    /// Druid's answer; nil for a segment without rows.
    func recorded() throws -> JSON? {
        return try JSONParser.parse(fileBytes(path + "/analysis.json")).arrayValue?.first
    }
}

@Suite struct MetadataQueryTests {
    private func metadataQuery(_ changes: [String: JSON] = [:]) throws -> Query {
        var object: JSONObject = [
            "queryType": "segmentMetadata", "dataSource": "d", "intervals": ["2000/3000"],
            "analysisTypes": [
                "cardinality", "interval", "minmax", "queryGranularity", "aggregators", "rollup", "timestampSpec",
            ],
        ]
        for (key, value) in changes { object[key] = value }
        return try Query(json: .object(object))
    }

    private func ask(_ query: Query, _ inputs: [SegmentInput]) throws -> [JSON] {
        let text = try answer(query, over: inputs, QueryRun()).jsonText()
        return try JSONParser.parse(text).arrayValue ?? []
    }

    @Test(arguments: AnalyzedSegment.all) func saysWhatDruidSays(_ sample: AnalyzedSegment) throws {
        guard let recorded = try sample.recorded(), let id = recorded["id"]?.stringValue else { return }
        let segment = try Segment.open(path: sample.path)
        let query = try metadataQuery()
        let found = try ask(query, [SegmentInput(view: segment, id: id, intervals: query.intervals)])
        #expect(found.count == 1)
        for key in ["id", "intervals", "size", "numRows", "aggregators", "timestampSpec", "queryGranularity", "rollup"]
        {
            #expect(found.first?[key] == recorded[key], "\(key)")
        }
        let columns = try #require(recorded["columns"]?.objectValue)
        #expect(found.first?["columns"]?.objectValue?.count == columns.count)
        for (name, analysis) in columns.entries { #expect(found.first?["columns"]?[name] == analysis, "\(name)") }
    }

    private func segment(_ times: [Int64], _ values: [Value], bitmaps: Bool = true, sorted: Bool = true)
        -> InlineSegment
    {
        InlineSegment(
            times: times,
            [.init("k", .string, values), .init("n", .long, values.map { $0 == .null ? .null : .long(7) })],
            isTimeOrdered: true,
            sortsDictionaries: sorted,
            hasBitmaps: bitmaps
        )
    }

    private static let day: Int64 = 86_400_000

    private func inputs(_ first: InlineSegment, _ second: InlineSegment) -> [SegmentInput] {
        let days = [Interval(start: 0, end: Self.day), Interval(start: Self.day, end: 2 * Self.day)]
        return zip([first, second], days).map { view, interval in
            let id = SegmentID(dataSource: "d", interval: interval, version: "v", partition: 0)
            return SegmentInput(view: view, id: id.text, intervals: [interval])
        }
    }

    @Test(arguments: [true, false]) func mergesSegments(_ bitmaps: Bool) throws {
        let first = segment([1, 2], [.string("b"), .string("ab")], bitmaps: bitmaps, sorted: bitmaps)
        let second = segment([Self.day, Self.day + 1], [.string("ccc"), .null], bitmaps: bitmaps, sorted: bitmaps)
        let query = try metadataQuery(["merge": true, "analysisTypes": ["size", "cardinality", "minmax", "interval"]])
        let merged = try ask(query, inputs(first, second))
        #expect(merged.count == 1)
        let id = "d_1970-01-02T00:00:00.000Z_1970-01-03T00:00:00.000Z_merged"
        #expect(merged[0]["id"] == .string(id))
        #expect(merged[0]["numRows"] == 4)
        let key = merged[0]["columns"]?["k"]
        #expect(key?["cardinality"]?.intValue == 2)
        #expect(key?["hasNulls"]?.boolValue == true)
        #expect(key?["size"]?.intValue == 6)
        #expect(key?["minValue"]?.isNull == true)
        #expect(key?["maxValue"]?.stringValue == "ccc")
        // 10 bytes a time, 8 a number, the texts, one byte of white space a column and row.
        let size: Int64 = 4 * 10 + 4 * 8 + 6 + 3 * 4
        #expect(merged[0]["size"]?.intValue == size)
        #expect(merged[0]["intervals"]?.arrayValue?.count == 2)
        #expect(try ask(metadataQuery(), inputs(first, second)).count == 2)
    }

    @Test func differentTypesAreAnError() throws {
        let first = segment([1], [.string("b")])
        let second = InlineSegment(times: [Self.day], [.init("k", .long, [.long(1)])], isTimeOrdered: true)
        let merged = try ask(metadataQuery(["merge": true]), inputs(first, second))
        #expect(
            merged[0]["columns"]?["k"]?["errorMessage"]?.stringValue?.hasPrefix("error:cannot_merge_diff_types") == true
        )
    }

    @Test func defaultIntervalIsTheLastWeek() throws {
        let old = segment([1], [.string("b")])
        let new = segment([30 * Self.day], [.string("b")])
        var pair = inputs(old, new)
        pair[1].id =
            SegmentID(
                dataSource: "d",
                interval: Interval(start: 30 * Self.day, end: 31 * Self.day),
                version: "v",
                partition: 0
            ).text
        let query = try Query(json: ["queryType": "segmentMetadata", "dataSource": "d"])
        let found = try ask(query, pair)
        #expect(found.map { $0["id"] } == [.string(pair[1].id)])
    }

    @Test func timeBoundaryHonoursIntervalsAndFilters() throws {
        let view = segment([5, 10, 20, 30], [.string("a"), .string("b"), .string("b"), .string("a")])
        func ask(_ changes: [String: JSON], _ intervals: [Interval]) throws -> JSON? {
            var object: JSONObject = ["queryType": "timeBoundary", "dataSource": "d"]
            for (key, value) in changes { object[key] = value }
            let query = try Query(json: .object(object))
            let text = try answer(query, over: [SegmentInput(view: view, id: "d", intervals: intervals)], QueryRun())
                .jsonText()
            return try JSONParser.parse(text).arrayValue?.first
        }
        let whole = try ask([:], [.eternity])
        #expect(whole?["result"] == ["minTime": "1970-01-01T00:00:00.005Z", "maxTime": "1970-01-01T00:00:00.030Z"])
        #expect(whole?["timestamp"] == "1970-01-01T00:00:00.005Z")
        let part = try ask(["bound": "maxTime"], [Interval(start: 6, end: 21)])
        #expect(part == ["timestamp": "1970-01-01T00:00:00.020Z", "result": ["maxTime": "1970-01-01T00:00:00.020Z"]])
        let filtered = try ask(
            ["filter": ["type": "selector", "dimension": "k", "value": "b"], "bound": "minTime"],
            [.eternity]
        )
        #expect(filtered?["result"] == ["minTime": "1970-01-01T00:00:00.010Z"])
        #expect(try ask([:], [Interval(start: 100, end: 200)]) == nil)
    }

    @Test func dataSourceMetadataIsTheNewestRow() throws {
        let query = try Query(json: ["queryType": "dataSourceMetadata", "dataSource": "d"])
        let found = try ask(query, inputs(segment([1, 2], [.null, .null]), segment([9], [.null])))
        #expect(
            found == [
                [
                    "timestamp": "1970-01-01T00:00:00.009Z",
                    "result": ["maxIngestedEventTime": "1970-01-01T00:00:00.009Z"],
                ]
            ]
        )
        #expect(try ask(query, []).isEmpty)
    }

    @Test(arguments: [true, false]) func searchCountsRows(_ bitmaps: Bool) throws {
        let multi = Value.array([.string("02"), .string("x"), .string("x")])
        let values: [Value] = [.string("2"), .string("02"), multi, .null, .string("xy")]
        let view = segment([1, 2, 3, 4, 5], values, bitmaps: bitmaps, sorted: bitmaps)
        func search(_ changes: [String: JSON]) throws -> [JSON] {
            var object: JSONObject = [
                "queryType": "search", "dataSource": "d", "intervals": ["1970/1971"], "searchDimensions": ["k"],
                "query": ["type": "all"],
            ]
            for (key, value) in changes { object[key] = value }
            let query = try Query(json: .object(object))
            let input = SegmentInput(view: view, id: "d", intervals: query.intervals)
            return try ask(query, [input, input])[0]["result"]?.arrayValue ?? []
        }
        func hits(_ found: [JSON]) -> [String] {
            found.map { "\($0["value"]?.stringValue ?? "null") \($0["count"]?.intValue ?? 0)" }
        }
        #expect(try hits(search([:])) == ["null 2", "02 4", "2 2", "x 2", "xy 2"])
        // The numeric order cannot tell 2 from 02.
        #expect(try hits(search(["sort": "numeric"])) == ["null 2", "x 2", "xy 2", "02 6"])
        #expect(try hits(search(["query": ["type": "insensitive_contains", "value": "X"]])) == ["x 2", "xy 2"])
        #expect(try hits(search(["limit": 1])) == ["null 2"])
        #expect(try search(["searchDimensions": ["nothing"]]).isEmpty)
        let filter: JSON = ["type": "selector", "dimension": "k", "value": "x"]
        #expect(try hits(search(["filter": filter])) == ["02 2", "x 2"])
        let virtual: JSON = [["type": "expression", "name": "v", "expression": "concat(n, '!')"]]
        #expect(try hits(search(["virtualColumns": virtual, "searchDimensions": ["v"]])) == ["null 2", "7! 8"])
    }
}
