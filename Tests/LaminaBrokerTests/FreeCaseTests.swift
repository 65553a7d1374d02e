import LaminaBase
import LaminaBroker
import LaminaEngine
import LaminaQuery
import LaminaSegment
import Testing

/// The gold corpus's native cases that Druid itself did not answer, or answered by accident (`compare.py --list-free`): what
/// Lamina does with each. Answers are worked out here from the rows of the samples, in the plainest way; Tests/README.md has
/// the table.
@Suite struct FreeCaseTests {
    private static let tests = String(#filePath.split(separator: "/").dropLast(2).reduce(into: "") { $0 += "/" + $1 })

    /// A broker over the sample segments, each a table of its own name.
    private func broker() throws -> Broker {
        let broker = try Broker { $0.loadSpec["path"]?.stringValue }
        for name in ["edge", "mixed_auto"] {
            let day = try Interval(parsing: "2024-01-01/2024-01-02")
            let segment = DataSegment(
                dataSource: name,
                interval: day,
                version: "v",
                loadSpec: ["type": "local", "path": .string("\(Self.tests)/Samples/segments/\(name)/0")],
                dimensions: [],
                metrics: [],
                shardSpec: .numbered(partition: 0, core: 1),
                size: 1
            )
            broker.update(dataSource: name, timeline: SegmentTimeline([segment]))
        }
        return broker
    }

    private func ask(_ query: JSON) throws -> JSON {
        try JSONParser.parse(try broker().run(try Query(json: query)).jsonText())
    }

    private func query(_ type: String, _ source: JSON, _ more: [String: JSON]) -> JSON {
        var object: JSONObject = [
            "queryType": .string(type), "dataSource": source, "intervals": "2020-01-01/2030-01-01",
            "granularity": "all",
        ]
        for (key, value) in more { object[key] = value }
        return .object(object)
    }

    private func groupBy(_ source: JSON, _ more: [String: JSON]) -> JSON {
        query("groupBy", source, ["dimensions": []].merging(more) { _, new in new })
    }

    private func groupBy(_ more: [String: JSON]) -> JSON { groupBy("edge", more) }

    /// The values of a column, row by row.
    private func values(_ column: String, of table: String = "edge") throws -> [JSON] {
        let answer = try ask(
            query("scan", .string(table), ["columns": [.string(column)], "resultFormat": "compactedList"])
        )
        return (answer.arrayValue ?? []).flatMap { $0["events"]?.arrayValue ?? [] }.map { $0.arrayValue?[0] ?? .null }
    }

    private func refused(_ query: JSON) -> LaminaError? {
        do {
            _ = try ask(query)
            return nil
        } catch { return error as? LaminaError }
    }

    private func expression(_ text: String) -> JSON {
        query(
            "scan",
            [
                "columns": ["id", "e"], "resultFormat": "compactedList",
                "virtualColumns": [["type": "expression", "name": "e", "expression": .string(text)]],
            ]
        )
    }

    private func query(_ type: String, _ more: [String: JSON]) -> JSON { query(type, "edge", more) }

    // MARK: Refused

    @Test func accumulatedTextsHaveALimit() {
        let fold: JSON = [
            "type": "expression", "name": "e", "fields": ["id"], "initialValue": "''", "fold": "concat(__acc, id)",
            "combine": "concat(__acc, e)", "maxSizeBytes": 32,
        ]
        let error = refused(groupBy(["aggregations": [fold]]))
        #expect(error?.message.contains("maxSizeBytes") == true)
    }

    @Test func javaScriptIsDisabled() {
        let function: JSON = ["type": "javascript", "function": "function(x) { return x; }"]
        let queries: [JSON] = [
            groupBy(["aggregations": [["type": "javascript", "name": "j", "fieldNames": ["l1"], "fnAggregate": "f"]]]),
            groupBy([
                "dimensions": [["type": "extraction", "dimension": "id", "outputName": "x", "extractionFn": function]]
            ]),
            query("timeseries", ["filter": ["type": "javascript", "dimension": "id", "function": "function(x) {}"]]),
        ]
        for query in queries {
            let error = refused(query)
            #expect(error?.category == .invalidInput)
            #expect(error?.message.contains("druid.javascript.enabled") == true)
        }
    }

    @Test func whatFailsOnARowFailsTheQuery() {
        for text in ["l1 / 0", "l1 % 0", "parse_json(s1)"] {
            #expect(refused(expression(text))?.category == .runtimeFailure, "\(text)")
        }
    }

    @Test func whatIsNotThereIsRefusedByName() {
        #expect(refused(expression("lookup(s1, 'no_such_lookup')"))?.message.contains("no_such_lookup") == true)
        let source: JSON = ["type": "lookup", "lookup": "no_such_lookup"]
        #expect(refused(groupBy(source, ["dimensions": ["v"]]))?.message.contains("no_such_lookup") == true)
        let cloud: JSON = ["type": "cloud", "name": "edge"]
        #expect(refused(groupBy(cloud, ["dimensions": ["id"]]))?.message.contains("cloud") == true)
        let function: JSON = ["type": "regex", "expr": "^S"]
        let dimension: JSON = ["type": "extraction", "dimension": "s1", "outputName": "x", "extractionFn": function]
        #expect(refused(groupBy(["dimensions": [dimension]]))?.category == .invalidInput)
        let scan = query("scan", ["columns": ["id"], "resultFormat": "valueVector"])
        #expect(refused(scan)?.message.contains("valueVector") == true)
        let hll: JSON = ["type": "HLLSketchBuild", "name": "h", "fieldName": "id", "lgK": 40]
        #expect(refused(groupBy(["aggregations": [hll]]))?.category == .invalidInput)
        let keys = groupBy(["dimensions": ["mv"], "context": ["groupByEnableMultiValueUnnesting": false]])
        #expect(refused(keys)?.message.contains("mv") == true)
    }

    // MARK: Answered

    @Test func whatHasNoEffectHereChangesNoAnswer() throws {
        let counts: [String: JSON] = ["dimensions": ["mv"], "aggregations": [["type": "count", "name": "rows"]]]
        let plain = try ask(groupBy(counts))
        #expect((plain.arrayValue ?? []).count > 10)
        // Of the first: one process gathers from no other.
        let additions: [String: JSON] = [
            "context": ["maxScatterGatherBytes": 10], "limitSpec": ["type": "sky"],
        ]
        for (key, value) in additions {
            let other = try ask(groupBy(counts.merging([key: value]) { _, new in new }))
            #expect(other == plain, "\(key)")
        }
        let sum: [String: JSON] = [
            "aggregations": [["type": "doubleSum", "name": "s", "fieldName": "v"]],
            "virtualColumns": [["type": "expression", "name": "v", "expression": "concat(l2, '')"]],
        ]
        let forced = sum.merging(["context": ["vectorize": "force"]]) { _, new in new }
        let one = try ask(query("timeseries", forced))
        let two = try ask(query("timeseries", sum))
        #expect(one == two)
        let scan: [String: JSON] = ["columns": ["id"], "resultFormat": "compactedList"]
        let unlimited = try ask(query("scan", scan))
        let zero = try ask(query("scan", scan.merging(["limit": 0]) { _, new in new }))
        #expect(zero == unlimited)
    }

    @Test func aMissingParenthesisAtTheEndIsTakenAsThere() throws {
        let answer = try ask(expression("(1 + 2"))
        for row in answer.arrayValue?[0]["events"]?.arrayValue ?? [] { #expect(row.arrayValue?[1] == 3) }
    }

    @Test func anUnknownZoneIsUTC() throws {
        let answer = try ask(expression("timestamp_floor(t_ms, 'P1D', null, 'Nowhere/City')"))
        let days = try values("t_ms").map { json -> JSON in
            guard let time = json.intValue else { return .null }
            let day: Int64 = 86_400_000
            return .int((time >= 0 ? time / day : (time - day + 1) / day) * day)
        }
        let events: [JSON] = answer.arrayValue?[0]["events"]?.arrayValue ?? []
        let found: [JSON] = events.map { $0.arrayValue?[1] ?? .null }
        #expect(found == days)
    }

    /// A column of arrays is grouped by its elements' texts.
    @Test func mixedNumbersAndTextsAreGroupedAsTexts() throws {
        let answer = try ask(
            groupBy("mixed_auto", ["dimensions": ["m5"], "aggregations": [["type": "count", "name": "rows"]]])
        )
        // Rows of the sample: "1", 2, null, "x", 3.5, ["1", "2"].
        let wanted: [(JSON, JSON)] = [(.null, 1), ("1", 2), ("2", 2), ("3.5", 1), ("x", 1)]
        let found = answer.arrayValue ?? []
        #expect(found.count == wanted.count)
        for (row, (key, rows)) in zip(found, wanted) {
            #expect(row["event"]?["m5"] == key)
            #expect(row["event"]?["rows"] == rows)
        }
    }

    @Test func prefixAndPatternFilteredVirtualColumns() throws {
        let rows = try values("mv")
        let columns: [JSON] = [
            ["type": "mv-prefix-filtered", "name": "v", "delegate": "mv", "prefix": "a"],
            ["type": "mv-regex-filtered", "name": "v", "delegate": "mv", "pattern": "[ab]"],
        ]
        for column in columns {
            let isPrefix = column["prefix"] != nil
            func keeps(_ text: String) -> Bool { isPrefix ? text.hasPrefix("a") : text == "a" || text == "b" }
            var counts: [String: Int64] = [:]
            for row in rows {
                let texts: [String] = (row.arrayValue ?? [row]).compactMap { $0.stringValue }
                let kept = texts.filter { keeps($0) }
                for key in kept.isEmpty ? ["(null)"] : kept { counts[key, default: 0] += 1 }
            }
            let more: [String: JSON] = [
                "dimensions": ["v"], "virtualColumns": [column], "aggregations": [["type": "count", "name": "rows"]],
            ]
            let answer = try ask(groupBy(more))
            var found: [String: Int64] = [:]
            for row in answer.arrayValue ?? [] {
                found[row["event"]?["v"]?.stringValue ?? "(null)"] = row["event"]?["rows"]?.intValue
            }
            #expect(found == counts, "\(column.text)")
        }
    }

    @Test func varianceByItsDefinition() throws {
        let numbers = try values("l2").compactMap(\.doubleValue)
        let mean = numbers.reduce(0, +) / Double(numbers.count)
        let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let answer = try ask(
            groupBy(
                [
                    "aggregations": [
                        ["type": "variance", "name": "sample", "fieldName": "l2", "inputType": "long"],
                        ["type": "variance", "name": "whole", "fieldName": "l2", "estimator": "population"],
                    ]
                ]
            )
        )
        let event = answer.arrayValue?[0]["event"]
        let sample = try #require(event?["sample"]?.doubleValue)
        let whole = try #require(event?["whole"]?.doubleValue)
        #expect(abs(sample - squares / Double(numbers.count - 1)) < 1e-6 * sample)
        #expect(abs(whole - squares / Double(numbers.count)) < 1e-6 * whole)
    }

    @Test func fixedBucketsByTheirDefinition() throws {
        let rows = try values("l2")
        let numbers = rows.compactMap(\.doubleValue)
        let inside = numbers.filter { $0 >= 0 && $0 < 20 }
        for mode in ["ignore", "overflow", "clip"] {
            let answer = try ask(
                groupBy(
                    [
                        "aggregations": [
                            [
                                "type": "fixedBucketsHistogram", "name": "h", "fieldName": "l2", "numBuckets": 10,
                                "lowerLimit": 0, "upperLimit": 20, "outlierHandlingMode": .string(mode),
                            ]
                        ],
                        "postAggregations": [
                            ["type": "quantile", "name": "q", "fieldName": "h", "probability": 0.5],
                            ["type": "quantiles", "name": "qs", "fieldName": "h", "probabilities": [0.25, 0.75]],
                        ],
                    ]
                )
            )
            let event = answer.arrayValue?[0]["event"]
            let histogram = try #require(event?["h"])
            var buckets = [Double](repeating: 0, count: 10)
            for number in inside { buckets[Int(number / 2)] += 1 }
            if mode == "clip" {
                buckets[0] += Double(numbers.filter { $0 < 0 }.count)
                buckets[9] += Double(numbers.filter { $0 >= 20 }.count)
            }
            // Finished it is a text, as Java prints a map.
            let text = try #require(histogram.stringValue)
            let list = buckets.map { String(Int($0)) }.joined(separator: ", ")
            #expect(text.contains("histogram=[\(list)]"), "\(mode) \(text)")
            #expect(text.contains("missingValueCount=\(rows.count - numbers.count)"))
            if mode == "overflow" {
                #expect(text.contains("lowerOutlierCount=\(numbers.filter { $0 < 0 }.count)"))
                #expect(text.contains("upperOutlierCount=\(numbers.filter { $0 >= 20 }.count)"))
            }
            if mode == "ignore" {
                // The median lies in the bucket in which half of the counted values are reached.
                var seen = 0.0
                let place = buckets.firstIndex { count in
                    seen += count
                    return seen * 2 >= Double(inside.count)
                }
                let low = Double(try #require(place)) * 2
                let median = try #require(event?["q"]?.doubleValue)
                #expect(low <= median && median <= low + 2)
                let quartiles = (event?["qs"]?["quantiles"]?.arrayValue ?? []).compactMap(\.doubleValue)
                #expect(quartiles.count == 2, "\(event?["qs"]?.text ?? "")")
                #expect((quartiles.first ?? 100) <= median && median <= (quartiles.last ?? -100))
            }
        }
    }

    @Test func aBloomFilterHoldsWhatWasAdded() throws {
        let ids = try values("id").compactMap(\.stringValue)
        let wanted = Set(ids.filter { $0 < "r10" })
        let bloom: JSON = [
            "type": "bloom", "name": "b", "field": ["type": "default", "dimension": "id"], "maxNumEntries": 100,
        ]
        let answer = try ask(
            groupBy(
                [
                    "aggregations": [bloom],
                    "filter": ["type": "bound", "dimension": "id", "upper": "r10", "upperStrict": true],
                ]
            )
        )
        let bytes = try #require(answer.arrayValue?[0]["event"]?["b"]?.stringValue)
        let found = try ask(
            query(
                "scan",
                [
                    "columns": ["id"], "resultFormat": "compactedList",
                    "filter": ["type": "bloom", "dimension": "id", "bloomKFilter": .string(bytes)],
                ]
            )
        )
        let events: [JSON] = (found.arrayValue ?? []).flatMap { $0["events"]?.arrayValue ?? [] }
        let kept: [String] = events.compactMap { $0.arrayValue?[0].stringValue }
        #expect(wanted.isSubset(of: kept))
        // One in a hundred of the others may pass.
        #expect(kept.count <= wanted.count + 1 && wanted.count < ids.count)
    }

    /// A sketch that saw nothing counts no values and has no median.
    @Test func quantilesOfNothing() throws {
        for (aggregator, post) in [
            ("KllDoublesSketch", "KllDoublesSketchToQuantile"), ("KllFloatsSketch", "KllFloatsSketchToQuantile"),
        ] {
            let query = groupBy(
                [
                    "filter": ["type": "false"],
                    "aggregations": [["type": .string(aggregator), "name": "q", "fieldName": "l2"]],
                    "postAggregations": [
                        [
                            "type": .string(post), "name": "median", "fraction": 0.5,
                            "field": ["type": "fieldAccess", "name": "q", "fieldName": "q"],
                        ]
                    ],
                ]
            )
            let event = try #require(try ask(query).arrayValue?[0]["event"])
            #expect(event["q"]?.doubleValue == 0)
            #expect(event["median"]?.text == "\"NaN\"", "\(event.text)")
        }
    }

    @Test func aScanOrderedByAnyColumn() throws {
        let scan = query(
            "scan",
            [
                "columns": ["id", "s1"], "resultFormat": "compactedList", "limit": 6,
                "orderBy": [["columnName": "s1", "order": "descending"]],
            ]
        )
        let rows: [JSON] = (try ask(scan).arrayValue ?? []).flatMap { $0["events"]?.arrayValue ?? [] }
        let found: [String] = rows.compactMap { $0.arrayValue?[1].stringValue }
        let texts: [String] = try values("s1").compactMap { $0.stringValue }
        let sorted = texts.sorted { Array($0.utf16).lexicographicallyPrecedes(Array($1.utf16)) }
        #expect(found == Array(sorted.reversed().prefix(6)))
    }
}
