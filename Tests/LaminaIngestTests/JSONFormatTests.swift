import LaminaBase
import LaminaIngest
import Testing

@Suite struct JSONFormatTests {
    @Test func everyKindOfValue() throws {
        let text = #"""
            {"s":"text","e":"a\"b\\\/\n\té😀","l":-5,"d":2.50,"x":1e2,"t":true,"f":false,"n":null,"a":[1,"x",null],"o":{"k":{"v":1.5}}}
            {"s":"","l":9223372036854775807,"big":18446744073709551615,"bigger":123456789012345678901234567890}
            {"s":"half \ud83d pair","s":"the last one counts","new":1}
            """#
        let read = try ReadRows(text, ["type": "json"])
        #expect(read.bad.isEmpty)
        #expect(read.fields == ["s", "e", "l", "d", "x", "t", "f", "n", "a", "o", "big", "bigger", "new"])
        let first: JSON = [
            "s": "text", "e": "a\"b\\/\n\té😀", "l": -5, "d": 2.5, "x": .double(100), "t": true, "f": false, "n": nil,
            "a": [1, "x", nil], "o": ["k": ["v": 1.5]],
        ]
        #expect(read.rows[0] == first)
        #expect(read.rows[1]["l"] == .int(.max))
        #expect(read.rows[1]["big"] == .double(18446744073709551615))
        #expect(read.rows[1]["bigger"] == .double(123456789012345678901234567890))
        #expect(read.rows[2] == ["s": "the last one counts", "new": 1])
        let half = try ReadRows(#"{"s":"half \ud83d pair"}"#, ["type": "json"])
        #expect(half.rows == [["s": "half ? pair"]])
    }

    /// As Druid 33 counted it: one value a line, text behind it ignored, every other line a bad record or a row without fields.
    @Test func linesThatAreNotOneObject() throws {
        let text = "{\"x\":1}{\"x\":2}\n{\n \"ts\":\"t\",\n\n}\n{\"x\":3} trailing \"\n[1]\n{\"x\":4}"
        let read = try ReadRows(text, ["type": "json", "assumeNewlineDelimited": false])
        #expect(read.rows == [["x": 1], [:], ["x": 3], [:], ["x": 4]])
        #expect(read.bad.map(\.input) == ["{", "", "}"])
        #expect(read.bad.map(\.beforeRow) == [1, 2, 2])
        #expect(
            read.bad.map(\.message) == [
                "Unable to parse row [{] (Record: 2, Line: 2)", "Unable to parse row [] (Record: 3, Line: 4)",
                "Unable to parse row [}] (Record: 3, Line: 5)",
            ]
        )
    }

    @Test func documentsOverSeveralLines() throws {
        let text = "{\"x\":1}{\"x\":2}\n{\n \"x\":3,\n \"s\":\"}{\\\"\"\n}\n {\"x\":"
        let read = try ReadRows(text, ["type": "json", "useJsonNodeReader": true])
        #expect(read.rows == [["x": 1], ["x": 2], ["x": 3, "s": "}{\""]])
        #expect(read.bad.count == 1)
    }

    @Test func badLinesLeaveNothingBehind() throws {
        let text = "{\"a\":1,\"b\":\"x\\n\",\"c\":tru}\n{\"a\":2}\n{\"a\":3,\"b\":\"\\q\"}\n{\"b\":\"ok\"}"
        let read = try ReadRows(text, ["type": "json"])
        #expect(read.rows == [["a": 2], ["b": "ok"]])
        #expect(read.bad.map(\.input) == ["{\"a\":1,\"b\":\"x\\n\",\"c\":tru}", "{\"a\":3,\"b\":\"\\q\"}"])
    }

    @Test func onlyWantedFieldsAreKept() throws {
        let read = try ReadRows(
            "{\"a\":1,\"b\":[1],\"c\":\"x\"}\n{\"c\":\"y\",\"b\":[}",
            ["type": "json"],
            wanted: ["c"]
        )
        #expect(read.rows == [["c": "x"]])
        #expect(read.fields == ["c"])
        #expect(read.bad.count == 1)
    }

    @Test func relaxedFeatures() throws {
        let format: JSON = [
            "type": "json",
            "featureSpec": [
                "ALLOW_SINGLE_QUOTES": true, "ALLOW_UNQUOTED_FIELD_NAMES": true, "ALLOW_COMMENTS": true,
                "ALLOW_TRAILING_COMMA": true, "ALLOW_NUMERIC_LEADING_ZEROS": true, "ALLOW_NON_NUMERIC_NUMBERS": true,
            ],
        ]
        let text = "{'a':'it''s'}\n{a:'x',b:/* c */007,}\n{c:[1,2,],d:-Infinity} // end\n"
        let read = try ReadRows(text, format)
        #expect(read.rows == [["a": "x", "b": 7], ["c": [1, 2], "d": .double(-.infinity)]])
        #expect(read.bad.count == 1)
        let odd = try ReadRows("{b-c:+INF}\n\u{FEFF}{\"a\":-INF}\n{\"a\":INF}\n{\"a\":-.5}", format)
        #expect(odd.rows == [["b-c": .double(.infinity)], ["a": .double(-.infinity)]])
        #expect(odd.bad.count == 2)
        #expect(throws: LaminaError.self) {
            try InputFormat(
                json: ["type": "json", "featureSpec": ["ALLOW_LEADING_PLUS_SIGN_FOR_NUMBERS": true]],
                path: "inputFormat"
            )
        }
    }

    /// The fast parser and the lenient one agree on every line, sound or damaged.
    @Test(arguments: 0..<60 as Range<UInt64>)
    func fastAndLenientAgree(seed: UInt64) throws {
        var random = SeededNumbers(seed)
        var lines: [[UInt8]] = []
        for _ in 0..<60 {
            var writer = JSONWriter()
            writer.value(randomObject(&random, depth: 0))
            var line = writer.bytes
            if Int.random(in: 0...2, using: &random) == 0, !line.isEmpty {
                let place = Int.random(in: 0..<line.count, using: &random)
                switch Int.random(in: 0...3, using: &random) {
                case 0: line.removeSubrange(place...)
                case 1: line.remove(at: place)
                case 2: line[place] = Array("{}[]\",:0\\nt -.e\u{7f}".utf8).randomElement(using: &random) ?? 0
                default: line.insert(contentsOf: Array("\\ud83d\\u00e9".utf8), at: place)
                }
            }
            lines.append(line)
        }
        let text = lines.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
        let fast = try ReadRows(text, ["type": "json"])
        let lenient = try ReadRows(text, ["type": "json", "featureSpec": ["ALLOW_COMMENTS": true]])
        #expect(fast.rows == lenient.rows)
        #expect(fast.bad.map(\.message) == lenient.bad.map(\.message))
        #expect(fast.rows.count + fast.bad.count == lines.count)
        #expect(!fast.rows.isEmpty)
    }

    private func randomObject(_ random: inout SeededNumbers, depth: Int) -> JSON {
        var object = JSONObject()
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            let key = ["a", "b", "longer key", "é", "quo\"te", "k\\"].randomElement(using: &random) ?? "a"
            object[key] = randomValue(&random, depth: depth + 1)
        }
        return .object(object)
    }

    private func randomValue(_ random: inout SeededNumbers, depth: Int) -> JSON {
        switch Int.random(in: 0...(depth > 3 ? 6 : 8), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .int(Int64.random(in: .min ... .max, using: &random))
        case 3: return .int(Int64.random(in: -10...10, using: &random))
        case 4: return .double(Double.random(in: -1e6...1e6, using: &random))
        case 5: return .double(Double(bitPattern: UInt64.random(in: 0..<0x7FF0 << 48, using: &random)))
        case 6:
            return .string(["", "plain", "line\nbreak", "\"", "\\", "한국어", "😀"].randomElement(using: &random) ?? "")
        case 7:
            return .array(
                (0..<Int.random(in: 0...3, using: &random)).map { _ in randomValue(&random, depth: depth + 1) }
            )
        default: return randomObject(&random, depth: depth + 1)
        }
    }

    /// Rows whose fields all differ are as wide as they are many: chunks shrink instead of batches growing without end.
    @Test func fieldsThatNeverRepeat() throws {
        let count = 20_000
        let text = (0..<count).map { "{\"field\($0)\":\($0)}" }.joined(separator: "\n")
        let rows = try openRows(
            try InputSource(json: ["type": "inline", "data": .string(text)], path: "inputSource"),
            try InputFormat(json: ["type": "json"], path: "inputFormat"),
            RowSourceOptions()
        )
        var row = 0
        while let batch = try rows.nextBatch() {
            #expect(batch.rowCount * batch.fields.count < 40_000_000)
            for (place, field) in batch.fields.enumerated() {
                #expect(field.name == "field\(row + place)")
                #expect(field.kinds[place] == FieldKind.long)
                #expect(field.payloads[place] == UInt64(row + place))
            }
            row += batch.rowCount
        }
        #expect(row == count)
    }

    /// Whatever the depth, text that is handed on as JSON can be read as JSON; deeper text is a bad record.
    @Test func deepNestingIsBounded() throws {
        for depth in [1, 100, 498, 499, 500, 501, 510, 511, 512, 513, 1023, 1025, 100_000] {
            let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            let read = try ReadRows("{\"a\":\(nested)}", ["type": "json"])
            #expect(read.rows.count + read.bad.count == 1)
            #expect(read.bad.isEmpty == (depth < 512))
            if depth < 512 { #expect(read.rows[0]["a"] != nil) }
        }
    }

    @Test func invalidUTF8IsABadRecord() throws {
        let path = try temporaryFile(
            Array("{\"a\":\"x\"}\n{\"a\":\"".utf8) + [0xFF, 0xFE] + Array("\"}\n{\"a\":\"y\"}\n".utf8)
        )
        let read = try ReadRows(source: ["type": "local", "files": [.string(path)]], format: ["type": "json"])
        #expect(read.rows == [["a": "x"], ["a": "y"]])
        #expect(read.bad.count == 1)
    }
}

/// A small seeded generator, so that a failure can be repeated.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = (seed + 1) &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state &* 0x2545_F491_4F6C_DD1D
    }
}
