import LaminaBase
import LaminaEngine
import LaminaQuery
import LaminaTestSupport
import Testing

/// Rules of the row queries by small examples (druid-surface 18 and the traps of 16).
@Suite struct RulesTests {
    private static let day: Int64 = 86_400_000
    private static let start: Int64 = 1_325_376_000_000

    /// Rows on the first and third of January 2012 with v = 1 and 2.
    private func twoDays() -> MemoryRows {
        MemoryRows(
            types: [("v", .long), ("d", .string), ("tags", .string)],
            rows: [
                [
                    "__time": .long(Self.start), "v": .long(1), "d": .string("a"),
                    "tags": .array([.string("x"), .string("y")]),
                ],
                ["__time": .long(Self.start + 2 * Self.day), "v": .long(2), "d": .string("b"), "tags": .array([])],
            ]
        )
    }

    private func answer(_ text: String, _ segments: [MemoryRows], _ run: QueryRun = QueryRun()) throws -> JSON {
        let query = try Query(json: try JSONParser.parse(text))
        var inputs: [SegmentInput] = []
        for (number, rows) in segments.enumerated() {
            inputs.append(SegmentInput(view: rows.segment(), id: "s\(number)", intervals: query.intervals))
        }
        return try JSONParser.parse(try LaminaEngine.answer(query, over: inputs, run).jsonText())
    }

    private let daily = """
        {"queryType":"timeseries","dataSource":"x","intervals":"2012-01-01/2012-01-05","granularity":"day",
         "aggregations":[{"type":"count","name":"c"},{"type":"longSum","name":"s","fieldName":"v"}]
        """

    @Test func gapsInsideASegmentAreFilledAndNothingBeyondIt() throws {
        let rows = try answer(daily + "}", [twoDays()])
        #expect(
            rows.text == """
                [{"timestamp":"2012-01-01T00:00:00.000Z","result":{"c":1,"s":1}},\
                {"timestamp":"2012-01-02T00:00:00.000Z","result":{"c":0,"s":null}},\
                {"timestamp":"2012-01-03T00:00:00.000Z","result":{"c":1,"s":2}}]
                """
        )
    }

    @Test func gapsBetweenSegmentsAreNotFilled() throws {
        let all = twoDays()
        let parts = all.rows.map { MemoryRows(types: all.types, rows: [$0]) }
        let times = try answer(daily + "}", parts).arrayValue?.compactMap { $0["timestamp"]?.stringValue }
        #expect(times == ["2012-01-01T00:00:00.000Z", "2012-01-03T00:00:00.000Z"])
    }

    @Test func skipEmptyBucketsAndGrandTotal() throws {
        let rows = try answer(daily + #","context":{"skipEmptyBuckets":"true","grandTotal":true}}"#, [twoDays()])
        #expect(rows.arrayValue?.count == 3)
        #expect(rows.arrayValue?.last?.text == #"{"timestamp":null,"result":{"c":2,"s":3}}"#)
    }

    @Test func aTotalOfNothingIsNull() throws {
        let context = #","filter":{"type":"false"},"context":{"skipEmptyBuckets":true,"grandTotal":true}}"#
        #expect(try answer(daily + context, [twoDays()]).text == #"[{"timestamp":null,"result":{"c":null,"s":null}}]"#)
    }

    /// The last segment comes first, and its first row names the bucket.
    @Test func aDescendingBucketOfEverythingHasTheTimeOfTheLastSegment() throws {
        let all = twoDays()
        let parts = all.rows.map { MemoryRows(types: all.types, rows: [$0]) }
        let text = """
            {"queryType":"timeseries","dataSource":"x","intervals":"2012/2013","granularity":"all","descending":true,
             "aggregations":[{"type":"count","name":"c"}]}
            """
        #expect(try answer(text, [all]).arrayValue?.first?["timestamp"] == "2012-01-01T00:00:00.000Z")
        #expect(try answer(text, parts).arrayValue?.first?["timestamp"] == "2012-01-03T00:00:00.000Z")
    }

    @Test func aDescendingScanTurnsRowsOfOneTimeRound() throws {
        let rows = (0..<4).map { ["__time": Value.long(Self.start), "v": .long(Int64($0))] }
        let text = """
            {"queryType":"scan","dataSource":"x","intervals":"2012/2013","columns":["__time","v"],"order":"descending",
             "resultFormat":"list","limit":3}
            """
        let batches = try answer(text, [MemoryRows(types: [("v", .long)], rows: rows)]).arrayValue ?? []
        #expect(batches.flatMap { $0["events"]?.arrayValue ?? [] }.compactMap { $0["v"]?.intValue } == [3, 2, 1])
    }

    /// Only a merge puts a search's time into the granularity's zone.
    @Test func aSearchOfOneSegmentHasTheTimeOfItsInterval() throws {
        let text = """
            {"queryType":"search","dataSource":"x","intervals":"2012/2013","searchDimensions":["d"],"query":{"type":"all"},
             "granularity":{"type":"period","period":"P1M","timeZone":"Asia/Seoul"}}
            """
        let one = try answer(text, [twoDays()]).arrayValue?.compactMap { $0["timestamp"]?.stringValue }
        #expect(one == ["2012-01-01T00:00:00.000Z"])
        let two = try answer(text, [twoDays(), twoDays()]).arrayValue?.compactMap { $0["timestamp"]?.stringValue }
        #expect(two == ["2012-01-01T00:00:00.000+09:00"])
    }

    @Test func groupByWithoutDimensionsOverNothingGivesOneRow() throws {
        let text = """
            {"queryType":"groupBy","dataSource":"x","intervals":"2020/2021","granularity":"all","dimensions":[],
             "aggregations":[{"type":"count","name":"c"},{"type":"doubleMax","name":"m","fieldName":"v"}]}
            """
        let rows = try answer(text, [twoDays()])
        #expect(rows.text == #"[{"version":"v1","timestamp":"2020-01-01T00:00:00.000Z","event":{"c":0,"m":null}}]"#)
    }

    @Test func rowsWithoutValuesGroupUnderNullButAreNotRanked() throws {
        let aggregations = #""granularity":"all","intervals":"2012/2013","aggregations":[{"type":"count","name":"c"}]"#
        let grouped = try answer(
            #"{"queryType":"groupBy","dataSource":"x","dimensions":["tags"],\#(aggregations)}"#,
            [twoDays()]
        )
        #expect(grouped.arrayValue?.map { $0["event"]?["tags"] ?? "none" } == [.null, "x", "y"])
        let ranked = try answer(
            #"{"queryType":"topN","dataSource":"x","dimension":"tags","metric":"c","threshold":5,\#(aggregations)}"#,
            [twoDays()]
        )
        #expect(ranked.arrayValue?.first?["result"]?.arrayValue?.map { $0["tags"] ?? "none" } == ["x", "y"])
    }

    @Test func subtotalsFollowEachOtherWithNullForWhatIsLeftOut() throws {
        let text = """
            {"queryType":"groupBy","dataSource":"x","intervals":"2012/2013","granularity":"all","dimensions":["d","v"],
             "aggregations":[{"type":"count","name":"c"}],"subtotalsSpec":[["d","v"],["d"],[]],
             "having":{"type":"greaterThan","aggregation":"c","value":0}}
            """
        let events = try answer(text, [twoDays(), twoDays()]).arrayValue?.compactMap { $0["event"]?.text }
        #expect(
            events == [
                #"{"d":"a","v":"1","c":2}"#, #"{"d":"b","v":"2","c":2}"#, #"{"d":"a","v":null,"c":2}"#,
                #"{"d":"b","v":null,"c":2}"#, #"{"d":null,"v":null,"c":4}"#,
            ]
        )
    }

    @Test func aCancelledQueryStops() throws {
        let run = QueryRun()
        run.cancel()
        #expect { try answer(daily + "}", [twoDays()], run) } throws: { ($0 as? LaminaError)?.category == .canceled }
    }

    @Test func aQueryOutOfTimeStops() throws {
        let run = QueryRun(timeoutMillis: 1)
        let begin = monotonicNanos()
        while monotonicNanos() < begin + 5_000_000 {}
        #expect { try answer(daily + "}", [twoDays()], run) } throws: { ($0 as? LaminaError)?.category == .timeout }
    }

    @Test func aQueryThatNeedsMoreMemoryThanItMayIsRefused() throws {
        let run = QueryRun(memory: MemoryBudget(limitBytes: 64))
        var rows = twoDays()
        rows.rows = (0..<500).map { ["__time": .long(Self.start + Int64($0)), "d": .string("value \($0)")] }
        let text = """
            {"queryType":"groupBy","dataSource":"x","intervals":"2012/2013","granularity":"all","dimensions":["d"],
             "aggregations":[{"type":"count","name":"c"}]}
            """
        #expect { try answer(text, [rows], run) } throws: { ($0 as? LaminaError)?.category == .capacityExceeded }
    }

    @Test func outputNamesMustDiffer() throws {
        #expect(throws: LaminaError.self) {
            try answer(
                #"{"queryType":"groupBy","dataSource":"x","intervals":"2012/2013","granularity":"all","dimensions":["d"],"aggregations":[{"type":"count","name":"d"}]}"#,
                [twoDays()]
            )
        }
    }

    @Test func anUnorderedScanIsStreamedWithOffsetAndLimit() throws {
        let query = try Query(
            json: try JSONParser.parse(
                #"{"queryType":"scan","dataSource":"x","intervals":"2012/2013","columns":["v"],"offset":1,"limit":2,"batchSize":1}"#
            )
        )
        let inputs = [twoDays(), twoDays()].map {
            SegmentInput(view: $0.segment(), id: "s", intervals: query.intervals)
        }
        let streamed = try #require(try streamScan(query, over: inputs, QueryRun()))
        let rows = try JSONParser.parse(try streamed.jsonText()).arrayValue?.flatMap { $0["events"]?.arrayValue ?? [] }
        #expect(rows?.map { $0["v"] ?? "none" } == [2, 1])
    }

    @Test func timesOutOfOrderInASegmentThatSaysOtherwiseAreAnError() throws {
        var rows = twoDays()
        rows.rows = (0..<9000).map { ["__time": .long(Self.start + ($0 < 8192 ? 5 : 1) * Self.day)] }
        let text = """
            {"queryType":"groupBy","dataSource":"x","intervals":"2012/2013","granularity":"day","dimensions":[],
             "aggregations":[{"type":"count","name":"c"}]}
            """
        #expect { try answer(text, [rows]) } throws: { ($0 as? LaminaError)?.code == "corruptSegment" }
    }
}
