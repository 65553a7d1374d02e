import LaminaBase
import LaminaEngine
import LaminaQuery
import LaminaTestSupport
import Testing

/// Rules that no document tells, each confirmed by asking a Druid 33.
@Suite struct RulesByAskingTests {
    private let rows = MemoryRows(
        types: [("k", .string), ("n", .long), ("s", .string), ("t", .string), ("l", .array(.long))],
        rows: [
            [
                "__time": .long(1_704_067_200_000), "k": .string("a"), "n": .long(5), "s": .string("x"),
                "t": .array([.string("y"), .string("7")]), "l": .array([.long(5)]),
            ],
            [
                "__time": .long(1_704_067_201_000), "k": .string("b"), "n": .null, "s": .null, "t": .string("7"),
                "l": .null,
            ],
            [
                "__time": .long(1_704_067_202_000), "k": .string("c"), "n": .long(-3), "s": .string("12"), "t": .null,
                "l": .array([.long(1), .long(2)]),
            ],
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
        // A lower bound that is no number is below all numbers.
        (#"{"type":"bound","dimension":"n","lower":"x","upper":"4","ordering":"numeric"}"#, "c"),
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

    /// A first value is ranked with its time, and null is the least of them.
    @Test func invertedFirstValuesHaveNullFirst() throws {
        let text = try answer(
            #""queryType":"topN","dimension":"k","threshold":3,"metric":{"type":"inverted","metric":"m"},"#
                + #""aggregations":[{"type":"longFirst","name":"m","fieldName":"n"}]"#
        )
        let keys = try JSONParser.parse(text).arrayValue?.first?["result"]?.arrayValue?.compactMap {
            $0["k"]?.stringValue
        }
        #expect(keys == ["b", "c", "a"])
    }

    /// Values of the only aggregation in all rows of an answer.
    private func values(_ query: String, _ aggregation: String) throws -> [JSON] {
        let text = try answer(query + #","aggregations":["# + aggregation + "]")
        return (try JSONParser.parse(text).arrayValue ?? []).flatMap { element -> [JSON] in
            if let rows = element["result"]?.arrayValue { return rows.compactMap { $0["m"] } }
            return [element["event"]?["m"] ?? element["result"]?["m"] ?? "none"]
        }
    }

    /// Engines on vectors find no numbers in texts, the one row by row finds 0; a vector with a null has null as any.
    @Test func anyNumberDependsOnTheEngine() throws {
        let topN = #""queryType":"topN","dimension":"k","threshold":3,"metric":{"type":"dimension"}"#
        let groupBy = #""queryType":"groupBy","dimensions":["k"]"#
        let ofText = #"{"type":"longAny","name":"m","fieldName":"s"}"#
        let ofNumber = #"{"type":"longAny","name":"m","fieldName":"n"}"#
        #expect(try values(topN, ofText) == [0, 0, 0])
        #expect(try values(topN, #"{"type":"longLast","name":"m","fieldName":"s"}"#) == [0, 0, 0])
        #expect(try values(groupBy, ofText) == [.null, .null, .null])
        #expect(try values(groupBy, ofNumber) == [5, .null, -3])
        #expect(try values(#""queryType":"timeseries""#, ofNumber) == [.null])
    }

    @Test func arraysAreNoNumbers() throws {
        let all = #""queryType":"groupBy","dimensions":[]"#
        #expect(try values(all, #"{"type":"longSum","name":"m","fieldName":"l"}"#) == [.null])
        #expect(try values(all, #"{"type":"doubleMax","name":"m","expression":"t"}"#) == [.null])
        #expect(try values(all, #"{"type":"longSum","name":"m","fieldName":"t"}"#) == [14])
    }

    /// Rows of a scan over one expression, and the type it is announced with.
    private func scan(_ expression: String, declared: String = "null") throws -> (type: String?, values: String) {
        let text = try answer(
            #""queryType":"scan","columns":["v"],"resultFormat":"compactedList","virtualColumns":[{"type":"expression","#
                + #""name":"v","expression":"\#(expression)","outputType":\#(declared)}]"#
        )
        let batch = try JSONParser.parse(text).arrayValue?.first
        let values = batch?["events"]?.arrayValue?.compactMap { $0.arrayValue?.first } ?? []
        return (batch?["rowSignature"]?.arrayValue?.first?["type"]?.stringValue, JSON.array(values).text)
    }

    /// An expression over each value of a column of several is a list in every row, unless it is text.
    @Test func expressionsOverSeveralValuesGiveLists() throws {
        #expect(try scan("t == '7'") == ("LONG", "[[0,1],[1],[null]]"))
        #expect(try scan("t + 1") == ("DOUBLE", "[[null,8.0],[8.0],[null]]"))
        #expect(try scan("concat(t, n)") == ("STRING", #"[["y5","75"],null,null]"#))
        #expect(try scan("array(n, t)") == ("ARRAY<STRING>", #"[[["5","y"],["5","7"]],[[null,"7"]],[[-3,null]]]"#))
    }

    /// Of absent columns a type is known only where Druid computes on vectors.
    @Test(arguments: [
        ("nothing + n", "LONG"), ("concat(nothing, s)", "STRING"), ("nvl(nothing, l)", "STRING"),
        ("lower(nothing)", "FLOAT"), ("array(nothing, s)", "FLOAT"), ("-nothing", "FLOAT"), ("nothing > 2", "LONG"),
        ("array(n, l)", "ARRAY<ARRAY<LONG>>"), ("nvl(l, s)", "ARRAY<STRING>"), ("l * 2.5", "ARRAY<DOUBLE>"),
    ]) func announcedTypes(_ expression: String, _ type: String) throws {
        // Some of them cannot be computed on the rows, which is not asked here.
        let parsed = try Expression(parsing: expression)
        let known = Dictionary(uniqueKeysWithValues: rows.types.map { ($0.0, $0.1) })
        #expect(parsed.announcedType(declared: nil) { known[$0] }.description == type)
    }

    /// What is declared chooses among numbers and between arrays and texts; it makes no text of a number.
    @Test func declaredTypesAreHints() throws {
        let known: [String: ColumnType] = ["n": .long, "s": .string, "l": .array(.long)]
        func type(_ text: String, _ declared: ColumnType) throws -> ColumnType {
            try Expression(parsing: text).announcedType(declared: declared) { known[$0] }
        }
        #expect(try type("n + 1", .string) == .long)
        #expect(try type("n + 1", .float) == .float)
        #expect(try type("lower(s)", .double) == .double)
        #expect(try type("array(n)", .string) == .string)
        #expect(try type("lower(nothing)", .string) == .string)
    }

    @Test func nullEqualsNullInHaving() throws {
        let text = try answer(
            #""queryType":"groupBy","dimensions":["k"],"aggregations":[{"type":"longSum","name":"m","fieldName":"n"}],"#
                + #""having":{"type":"equalTo","aggregation":"m","value":null}"#
        )
        #expect(try JSONParser.parse(text).arrayValue?.map { $0["event"]?["k"] ?? "none" } == ["b"])
    }

    /// Rows whose values are all filtered away leave an empty list.
    @Test func topNOfNoValuesIsAnEmptyList() throws {
        let dimension = #"{"type":"listFiltered","delegate":"k","values":["z"]}"#
        let topN = #""queryType":"topN","threshold":3,"metric":{"type":"dimension"},"aggregations":[],"dimension":"#
        #expect(try answer(topN + dimension) == #"[{"timestamp":"2024-01-01T00:00:00.000Z","result":[]}]"#)
        #expect(try answer(topN + dimension + #","filter":{"type":"false"}"#) == "[]")
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
