import LaminaBase
import LaminaQuery
import Testing

@Suite struct ExtractionTests {
    private func function(_ json: JSON) throws -> ExtractionFunction {
        try QueryDecoder(lookups: { $0 == "known" ? LookupTable(map: ["a": "Ä"]) : nil })
            .extractionFunction(json, at: "extractionFn")
    }

    static let cases: [(JSON, String?, String?)] = [
        (["type": "upper"], "aß", "ASS"), (["type": "strlen"], "😀", "2"), (["type": "strlen"], nil, nil),
        (["type": "substring", "index": 1, "length": "2"], "hello", "el"),
        (["type": "substring", "index": 9], "hello", nil),
        (["type": "regex", "expr": "(\\w)\\w+"], "hello", "h"), (["type": "regex", "expr": "(\\d)"], "hello", "hello"),
        (["type": "regex", "expr": "(\\d)", "replaceMissingValue": true], "hello", nil),
        (["type": "regex", "expr": "(\\d)", "replaceMissingValue": true, "replaceMissingValueWith": "?"], "x", "?"),
        (["type": "regex", "expr": "h(.*)", "index": 0], "hello", "hello"),
        (["type": "partial", "expr": "l+"], "hello", "hello"), (["type": "partial", "expr": "z"], "hello", nil),
        (["type": "searchQuery", "query": ["type": "contains", "value": "ELL"]], "hello", "hello"),
        (["type": "lookup", "lookup": ["type": "map", "map": ["k": "v", "e": ""]]], "k", "v"),
        (["type": "lookup", "lookup": ["type": "map", "map": ["k": "v", "e": ""]]], "e", ""),
        (["type": "lookup", "lookup": ["type": "map", "map": ["k": "v"]]], "z", nil),
        (["type": "lookup", "lookup": ["type": "map", "map": ["k": "v"]], "retainMissingValue": true], "z", "z"),
        (["type": "registeredLookup", "lookup": "known", "replaceMissingValueWith": "-"], "b", "-"),
        (["type": "registeredLookup", "lookup": "known"], "a", "Ä"),
        (["type": "stringFormat", "format": "[%s]"], "x", "[x]"),
        (["type": "stringFormat", "format": "[%s]"], nil, "[null]"),
        (["type": "stringFormat", "format": "[%s]", "nullHandling": "returnNull"], nil, nil),
        (["type": "stringFormat", "format": "[%s]", "nullHandling": "emptyString"], nil, "[]"),
        (["type": "bucket", "size": 10], "47", "40"), (["type": "bucket", "size": 10, "offset": 3], "2", "-7"),
        (["type": "bucket"], "x", nil),
        (
            [
                "type": "cascade",
                "extractionFns": [["type": "substring", "index": 0, "length": 1], ["type": "upper"]],
            ], "hello", "H"
        ),
        (["type": "timeFormat", "format": "yyyy"], "2024-03-09T10:00:00Z", "2024"),
        (["type": "timeFormat"], "no time", nil),
        (["type": "timeFormat", "asMillis": true, "granularity": "hour"], "3600001", "3600000"),
        (["type": "time", "timeFormat": "dd/MM/yyyy", "resultFormat": "yyyy-MM"], "09/03/2024", "2024-03"),
        (["type": "time", "timeFormat": "dd/MM/yyyy", "resultFormat": "yyyy-MM"], "never", "never"),
        (["type": "identity"], nil, nil),
    ]

    @Test(arguments: cases.indices) func appliesToTexts(_ index: Int) throws {
        let (json, input, expected) = Self.cases[index]
        #expect(try function(json).apply(input) == expected, "\(json.text) of \(input ?? "null")")
    }

    @Test func appliesToTimes() throws {
        let time: Int64 = 1_709_942_406_291
        #expect(
            try function(["type": "timeFormat", "format": "EEE HH", "timeZone": "Asia/Seoul"]).apply(.long(time))
                == "Sat 09"
        )
        #expect(try function(["type": "substring", "index": 0, "length": 10]).apply(.long(time)) == "1709942406")
        #expect(
            try function(["type": "timeFormat", "granularity": "day"]).apply(.long(time)) == "2024-03-09T00:00:00.000Z"
        )
    }

    @Test(
        arguments: [
            ["type": "regex", "expr": "a", "index": 2], ["type": "javascript", "function": "x"], ["type": "nothing"],
            ["type": "registeredLookup", "lookup": "unknown"], ["type": "substring", "index": -1], [:],
            [
                "type": "lookup", "lookup": ["type": "map", "map": [:]], "retainMissingValue": true,
                "replaceMissingValueWith": "x",
            ],
        ] as [JSON]
    )
    func refuses(_ json: JSON) {
        #expect(throws: LaminaError.self) { try function(json) }
    }
}
