import LaminaBase
import LaminaEngine
import LaminaQuery
import LaminaTestSupport
import Testing

/// Rules that no document tells, each confirmed by asking a Druid 33.
@Suite struct RulesByAskingTests {
    private let rows = MemoryRows(
        types: [("k", .string), ("n", .long), ("s", .string)],
        rows: [
            ["__time": .long(1_704_067_200_000), "k": .string("a"), "n": .long(5), "s": .string("x")],
            ["__time": .long(1_704_067_201_000), "k": .string("b"), "n": .null, "s": .null],
            ["__time": .long(1_704_067_202_000), "k": .string("c"), "n": .long(-3), "s": .string("12")],
        ]
    )

    private func answer(_ fields: String) throws -> String {
        let text = #"{"dataSource":"x","intervals":"2024-01-01/P1D","granularity":"all","# + fields + "}"
        let query = try Query(json: try JSONParser.parse(text))
        let input = SegmentInput(view: rows.segment(), id: "s", intervals: query.intervals)
        return try LaminaEngine.answer(query, over: [input], QueryRun()).jsonText()
    }

    @Test(arguments: [
        // One text that is no number stands for null on a column of numbers; of several, none matches.
        (#"{"type":"selector","dimension":"n","value":"abc"}"#, "b"),
        (#"{"type":"in","dimension":"n","values":["abc","5x"]}"#, ""),
        // A bound without a lower end takes null among texts, not among numbers.
        (#"{"type":"bound","dimension":"s","upper":"z"}"#, "abc"),
        (#"{"type":"bound","dimension":"n","upper":"z"}"#, "ac"),
        // Null is outside a bound of another order than the lexicographic, and unknown to that.
        (#"{"type":"not","field":{"type":"bound","dimension":"s","lower":"1","ordering":"strlen"}}"#, "b"),
        (#"{"type":"not","field":{"type":"bound","dimension":"s","lower":"y"}}"#, "ac"),
        (#"{"type":"not","field":{"type":"in","dimension":"n","values":[]}}"#, "abc"),
        // Predicates never see the null of a number.
        (#"{"type":"in","dimension":"n","values":[null],"extractionFn":{"type":"upper"}}"#, ""),
    ])
    func nullsInFilters(_ filter: String, _ expected: String) throws {
        let text = try answer(#""queryType":"scan","columns":["k"],"resultFormat":"compactedList","filter":"# + filter)
        var keys = ""
        for batch in try JSONParser.parse(text).arrayValue ?? [] {
            for row in batch["events"]?.arrayValue ?? [] { keys += row.arrayValue?.first?.stringValue ?? "" }
        }
        #expect(keys == expected)
    }

    /// `x` changes nothing but counts as a value; without it the sum of `a` would be null.
    @Test func textsThatAreNoNumbers() throws {
        let text = try answer(
            #""queryType":"groupBy","dimensions":["k"],"aggregations":[{"type":"longSum","name":"sum","fieldName":"s"},"#
                + #"{"type":"doubleMax","name":"most","fieldName":"s"}]"#
        )
        let events = try JSONParser.parse(text).arrayValue?.compactMap { $0["event"]?.text }
        #expect(
            events == [
                #"{"k":"a","sum":0,"most":"-Infinity"}"#, #"{"k":"b","sum":null,"most":null}"#,
                #"{"k":"c","sum":12,"most":12.0}"#,
            ]
        )
    }

    /// -3, 5, null: not null first, though the order is turned round.
    @Test func invertedMetricsHaveNullLast() throws {
        let text = try answer(
            #""queryType":"topN","dimension":"k","threshold":3,"metric":{"type":"inverted","metric":"m"},"#
                + #""aggregations":[{"type":"longMax","name":"m","fieldName":"n"}]"#
        )
        let keys = try JSONParser.parse(text).arrayValue?.first?["result"]?.arrayValue?.compactMap {
            $0["k"]?.stringValue
        }
        #expect(keys == ["c", "a", "b"])
    }

    @Test func expressionPostAggregationsAreCastToTheirType() throws {
        let text = try answer(
            #""queryType":"timeseries","aggregations":[{"type":"count","name":"c"}],"postAggregations":["#
                + #"{"type":"expression","name":"p","expression":"c * 1.5","outputType":"LONG"}]"#
        )
        #expect(try JSONParser.parse(text).arrayValue?.first?["result"]?["p"] == .int(4))
    }

    /// The year after the last one a time can have: its daylight saving would overflow.
    @Test func theLastInstantHasAWallClock() throws {
        let zone = try TimeZoneRules.named("America/Los_Angeles")
        #expect(zone.offset(at: .max) == -28_800_000 || zone.offset(at: .max) == -25_200_000)
    }
}
