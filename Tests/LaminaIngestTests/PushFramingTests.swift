import LaminaBase
import LaminaIngest
import Testing

@Suite struct PushFramingTests {
    private func framing(
        _ format: JSON = ["type": "json"],
        time: JSON = ["column": "time", "format": "auto"],
        rowsMax: Int = PushFraming.rowsMaxDefault
    ) throws -> PushFraming {
        PushFraming(
            try InputFormat(json: format, path: "inputFormat"),
            timestamp: try TimestampSpec(SpecNode(time, path: "timestampSpec")),
            rowsMax: rowsMax
        )
    }

    private func texts(_ body: [UInt8], _ type: String?, _ framing: PushFraming) throws -> [String] {
        let batch = try framing.records(of: body, mediaType: type, partition: StreamPartition(topic: "t", number: 0))
        return batch.records.map { String(decoding: batch.bytes[$0.value ?? 0..<0], as: UTF8.self) }
    }

    private func texts(_ body: String, _ type: String? = nil) throws -> [String] {
        try texts(Array(body.utf8), type, framing())
    }

    @Test(arguments: [nil, "application/json", "application/octet-stream", "text/plain"])
    func jsonComesInEveryShape(_ type: String?) throws {
        let (a, b) = (#"{"x":"}{\"[","y":[1,{"z":2}]}"#, #"{"x":2}"#)
        #expect(try texts("[\(a),\n \(b)]", type) == [a, b])
        #expect(try texts(a, type) == [a])
        #expect(try texts("\(a)\n\(b)\n", type) == [a, b])
        #expect(try texts("\(b)\r\n\n\(b)\r\n", type) == [b, b])
        #expect(try texts("\(a)\(b)\(a)", type) == [a, b, a])
        #expect(try texts("\u{FEFF}  \(a) \(b)", type) == [a, b])
        #expect(try texts("{\n  \"x\": {\n  }\n}\n{\n}\n", type) == ["{\n  \"x\": {\n  }\n}", "{\n}"])
        #expect(try texts("[\(a)]\n[\(b)][]\(a)", type) == [a, b, a])
        #expect(try texts("[]", type) == [])
        #expect(try texts("", type) == [])
        #expect(try texts(" \n", type) == [])
        #expect(try texts(#"[1, "a]", null, [2]]"#, type) == ["1", #""a]""#, "null", "[2]"])
    }

    @Test func aBadObjectSpoilsItsLineOnly() throws {
        let good = #"{"x":1}"#
        for bad in [#"{"x":"#, #"{"x":1"#, #"{"x":"a}"#, "nonsense", #"{"x":[1}"#, #"{"x":1}}"#] {
            let framed = try texts("\(good)\n\(bad)\n\(good)\n\(good)")
            #expect(framed.first == good)
            #expect(framed.suffix(2) == [good, good], "\(bad): \(framed)")
            #expect(framed.count >= 4)
            let lines = try texts("\(good)\n\(bad)\n\(good)\n\(good)", "application/x-ndjson")
            #expect(lines.first == good && lines.suffix(2) == [good, good], "\(bad): \(lines)")
        }
        #expect(try texts(#"{"x":1}{"x":"#) == [good, #"{"x":"#])
    }

    @Test(arguments: [
        "[", "[{\"x\":1}", "[{\"x\":1},", "[{\"x\":1},]", "[,]", "[{\"x\":1} {\"x\":2}]", "[{\"x\":\"a", "5", "x",
        "\"a\"",
        "[1,,2]",
    ]) func malformedBodiesAreRefusedAsAWhole(_ body: String) throws {
        let error = #expect(throws: LaminaError.self) { try texts(body, "application/json") }
        #expect(error?.code == "malformedBody")
        #expect(error?.message.contains("byte") == true)
    }

    /// Lines that a shipper cut off or garbled, arrays among them.
    private static let brokenLines = [
        "[", "]", "[{\"x\":1}", "[{\"x\":1},", "[{\"x\":1},]", "[,]", "[{\"x\":1} {\"x\":2}]", "[{\"x\":\"a", "[1,,2]",
        "[[", "[{",
        "5", "x", "\"a\"", "null", "{\"x\":", "{\"x\":\"a}", "}", "{", "\\", "\"", "[\"", "[\"\\",
    ]

    /// A line is a row, whatever is wrong with it, also the first and the last one.
    @Test(arguments: brokenLines) func aBadLineIsOneBadRow(_ bad: String) throws {
        let good = #"{"x":1}"#
        for type in ["application/x-ndjson", "application/jsonlines"] {
            #expect(try texts("\(good)\n\(bad)\n\(good)\r\n\(good)\n", type) == [good, bad, good, good])
            #expect(try texts("\(bad)\n\(good)\n[\(good),\(good)]\n", type) == [bad, good, good, good])
            #expect(try texts("\(good)\n\n\(bad)\n\(bad)", type) == [good, bad, bad])
            #expect(try texts("[\(good)]\n\(bad)\n[\(good)]", type) == [good, bad, good])
        }
        // The same where nothing but the first line tells that they are lines.
        for type in [nil, "application/json", "text/plain"] where !bad.hasPrefix("{") || bad == "{" {
            #expect(try texts("\(good)\n\(bad)\n\(good)\n\(good)", type) == [good, bad, good, good], "\(bad)")
        }
    }

    @Test func anArrayOfLinesMayLieOnSeveral() throws {
        let good = #"{"x":1}"#
        #expect(try texts("[\n\(good),\n\(good)\n]\n", "application/x-ndjson") == [good, good])
        // But only as the whole body.
        #expect(try texts("\(good)\n[\n\(good)\n]\n", "application/x-ndjson") == [good, "[", good, "]"])
        #expect(try texts("\(good)\n[\n\(good)\n]\n", "application/json") == [good, good])
    }

    /// What each shipper sends (clients-and-hardening A13), whole and with a row that was garbled on the way.
    @Test(arguments: [
        ("Tranquility, lines", "text/plain", "A\nB\nC", "A\n?\nC"),
        ("Tranquility, array", "application/json", "[A,B,C]", "[A,?,C]"),
        ("Fluent Bit json", "application/json", "[A,B,C]", "[A,?,C]"),
        ("Fluent Bit json_lines", "application/x-ndjson", "A\nB\nC\n", "A\n?\nC\n"),
        ("Fluent Bit json_lines before 2.1", "application/json", "A\nB\nC\n", "A\n?\nC\n"),
        ("Fluent Bit json_stream", "application/json", "ABC", "A?C"),
        ("Fluent Bit json_stream", "application/x-ndjson", "ABC", "A?C"),
        ("Fluentd", "application/x-ndjson", "A\nB\nC\n", "A\n?\nC\n"),
        ("Fluentd json_array", "application/json", "[A,B,C]", "[A,?,C]"),
        ("Vector newline_delimited", "application/x-ndjson", "A\nB\nC", "A\n?\nC"),
        ("Vector json array", "application/json", "[A,B,C]", "[A,?,C]"),
        ("Kafka Connect", "application/json", "[A,B,C]", "[A,?,C]"),
        ("without a type", "", "A\nB\nC\n", "A\n?\nC\n"),
        ("without a type", "", "[A,B,C]", "[A,?,C]"),
    ]) func everyShippersBodiesAreCut(_ shipper: String, _ type: String, _ whole: String, _ garbled: String) throws {
        let rows = [#"{"x":"[{","y":1}"#, #"{"x":"}]\"","y":[2]}"#, #"{"z":{}}"#]
        func body(_ shape: String, _ bad: String) -> String {
            shape.map { character in
                switch character {
                case "A": rows[0]
                case "B": rows[1]
                case "C": rows[2]
                case "?": bad
                default: String(character)
                }
            }.joined()
        }
        let media = type.isEmpty ? nil : type
        #expect(try texts(body(whole, ""), media) == rows, "\(shipper)")
        for bad in [#"{"x":1,}"#, #"{"x" 1}"#, #"{1:[]}"#] {
            #expect(try texts(body(garbled, bad), media) == [rows[0], bad, rows[2]], "\(shipper)")
        }
        // One object alone, as Kafka Connect sends it without batches.
        #expect(try texts(rows[1], media) == [rows[1]])
        #expect(try texts("", media) == [])
    }

    /// Cut off anywhere or with any byte changed, a body is refused or framed: never a range beyond it.
    @Test func everyPrefixAndEveryChangedByte() throws {
        let rows = #"{"x":"a\"b","y":[1,{"z":2}]}"#
        let bodies: [([UInt8], String?)] = [
            (Array("[\(rows), \(rows)]".utf8), "application/json"),
            (Array("\(rows)\n\(rows)\r\n".utf8), "application/x-ndjson"),
            (Array("\(rows)\(rows)".utf8), nil), (oldEvent + newEvent + oldEvent, "application/msgpack"),
            (
                [0x93] + oldEvent + newEvent + [0x81, 0xA1, 0x76, 0xCB, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0],
                "application/msgpack"
            ),
        ]
        for (body, type) in bodies {
            var refused = 0
            for place in body.indices {
                for flip in [nil, 1, 0x10, 0x20, 0x80, 0xFF] as [UInt8?] {
                    var changed = flip == nil ? Array(body[..<place]) : body
                    if let flip { changed[place] ^= flip }
                    do {
                        let partition = StreamPartition(topic: "t", number: 0)
                        let batch = try framing().records(of: changed, mediaType: type, partition: partition)
                        for record in batch.records {
                            let range = try #require(record.value)
                            #expect(range.upperBound <= batch.bytes.count)
                        }
                    } catch let error as LaminaError {
                        #expect(error.code == "malformedBody")
                        refused += 1
                    }
                }
            }
            #expect(type == "application/x-ndjson" ? refused == 0 : refused > 0, "\(type ?? "")")
        }
    }

    @Test func typesThatTheFormatCannotReadAreRefused() throws {
        for type in ["text/csv", "application/xml", "image/png", "multipart/form-data", "application/avro"] {
            #expect(#expect(throws: LaminaError.self) { try texts("{}", type) }?.code == "unsupportedMediaType")
        }
        let csv = try framing(["type": "csv", "columns": ["a", "b"]])
        #expect(
            #expect(throws: LaminaError.self) { try texts(Array("1,2".utf8), "application/json", csv) }?.code
                == "unsupportedMediaType"
        )
        #expect(try texts(Array("1,2\r\n\n3,\"x\"\n".utf8), "text/csv", csv) == ["1,2", "3,\"x\""])
        #expect(try texts(Array("1,2\n3,4".utf8), nil, csv) == ["1,2", "3,4"])
        let headed = try framing(["type": "tsv", "findColumnsFromHeader": true])
        #expect(try texts(Array("a\tb\n1\t2\n3\t4\n".utf8), "text/plain", headed) == ["a\tb\n1\t2", "a\tb\n3\t4"])
        #expect(try texts(Array("a\tb\n".utf8), "text/plain", headed) == [])
    }

    @Test func aPushHasABoundOfRows() throws {
        let json = try framing(rowsMax: 3)
        let csv = try framing(["type": "csv", "columns": ["a"]], rowsMax: 3)
        let headed = try framing(["type": "csv", "findColumnsFromHeader": true], rowsMax: 4)
        let bodies: [(String, String, String, PushFraming)] = [
            ("", "{}", "", json), ("", "{}\n", "", json), ("", "{ \n}\n", "", json), ("[", "{},", "{}]", json),
            ("", "[1]", "", json), ("", "1\n", "", csv), ("a\n", "1\n", "", headed),
        ]
        for (start, row, end, framing) in bodies {
            let most = end.isEmpty ? 3 : 2
            func body(_ rows: Int) -> [UInt8] { Array((start + String(repeating: row, count: rows) + end).utf8) }
            #expect(try texts(body(most), nil, framing).count == 3, "\(row)")
            let error = #expect(throws: LaminaError.self, "\(row)") { try texts(body(most + 1), nil, framing) }
            #expect(error?.code == "tooManyRows")
        }
        #expect(try texts([0x80, 0x80, 0x80], nil, json).count == 3)
        let error = #expect(throws: LaminaError.self) { try texts([0x93, 0x80, 0x80, 0x80, 0x80], nil, json) }
        #expect(error?.code == "tooManyRows")
    }

    @Test func aHeaderIsNotRepeatedWithoutEnd() throws {
        let headed = try framing(["type": "csv", "findColumnsFromHeader": true])
        func body(_ header: Int, _ rows: Int) -> [UInt8] {
            Array((String(repeating: "a", count: header) + "\n" + String(repeating: "1\n", count: rows)).utf8)
        }
        #expect(try texts(body(2000, 400), nil, headed).count == 400)
        let error = #expect(throws: LaminaError.self) { try texts(body(20_000, 400), nil, headed) }
        #expect(error?.code == "malformedBody")
    }

    /// As Fluent Bit 1.x writes an event: [EventTime 1700000000.5, {"log": "x", "n": 1}].
    private let oldEvent: [UInt8] =
        [0x92, 0xD7, 0x00, 0x65, 0x53, 0xF1, 0x00, 0x1D, 0xCD, 0x65, 0x00]
        + [0x82, 0xA3, 0x6C, 0x6F, 0x67, 0xA1, 0x78, 0xA1, 0x6E, 0x01]
    /// As Fluent Bit since 2.1 writes it, with metadata.
    private let newEvent: [UInt8] =
        [0x92, 0x92, 0xD7, 0x00, 0x65, 0x53, 0xF1, 0x00, 0x1D, 0xCD, 0x65, 0x00, 0x80]
        + [0x82, 0xA3, 0x6C, 0x6F, 0x67, 0xA1, 0x78, 0xA1, 0x6E, 0x01]

    @Test(arguments: ["application/msgpack", "application/x-msgpack", nil, "application/octet-stream"])
    func fluentBitsEventsBecomeDocumentsWithTheirTime(_ type: String?) throws {
        let body = oldEvent + newEvent
        #expect(
            try texts(body, type, framing()) == Array(repeating: #"{"log":"x","n":1,"time":1700000000500}"#, count: 2)
        )
        for (format, text) in [
            ("iso", "\"2023-11-14T22:13:20.500Z\""), ("posix", "1700000000"), ("millis", "1700000000500"),
            ("micro", "1700000000500000"), ("nano", "1700000000500000000"), ("ruby", "1700000000.500000000"),
            ("yyyy-MM-dd HH:mm:ss", "\"2023-11-14 22:13:20\""),
        ] {
            let framed = try texts(oldEvent, type, framing(time: ["column": "date", "format": .string(format)]))
            #expect(framed == ["{\"log\":\"x\",\"n\":1,\"date\":\(text)}"])
        }
        // A key of the event's own wins; an event without fields has the time alone.
        #expect(try texts(oldEvent, type, framing(time: ["column": "log"])) == [#"{"log":"x","n":1}"#])
        #expect(try texts([0x92, 0x05, 0x80], type, framing()) == [#"{"time":5000}"#])
    }

    @Test(arguments: ["auto", "iso", "millis", "micro", "nano", "posix", "ruby", "yyyy-MM-dd HH:mm:ss"])
    func timesAtTheEndOfTheRangeAreTimesOrNone(_ format: String) throws {
        let framing = try framing(time: ["column": "time", "format": .string(format)])
        for factor in [1, 1000, 1_000_000, 1_000_000_000] as [Int64] {
            for end in [Int64.max / factor, .min / factor] {
                // [timestamp of 96 bits with 999,999,999 ns, {}]
                var body: [UInt8] = [0x92, 0xC7, 12, 0xFF, 0x3B, 0x9A, 0xC9, 0xFF]
                body += (0..<8).map { UInt8(truncatingIfNeeded: end >> (56 - 8 * $0)) }
                body.append(0x80)
                let text = try #require(try texts(body, "application/msgpack", framing).first)
                // The nearest time there is, or none: never one of the other sign.
                #expect(text.hasPrefix("{\"time\":") && (end < 0 || !text.contains(":-")), "\(end): \(text)")
            }
        }
    }

    @Test func marksAroundGroupsAreNoEvents() throws {
        let start: [UInt8] = [0x92, 0x92, 0xFF, 0x80, 0x81, 0xA1, 0x61, 0x01]
        let end: [UInt8] = [0x92, 0x92, 0xD7, 0x00, 0xFF, 0xFF, 0xFF, 0xFE, 0, 0, 0, 0, 0x80, 0x80]
        #expect(try texts(start + newEvent + end, "application/msgpack", framing()).count == 1)
    }

    @Test func valuesOfEveryKindAreWrittenAsJSON() throws {
        let values: [([UInt8], String)] = [
            ([0x7F], "127"), ([0xE0], "-32"), ([0xC0], "null"), ([0xC2], "false"), ([0xC3], "true"),
            ([0xCC, 0xFF], "255"), ([0xCD, 1, 0], "256"), ([0xCE, 0xFF, 0xFF, 0xFF, 0xFF], "4294967295"),
            ([0xCF] + [UInt8](repeating: 0xFF, count: 8), "18446744073709551615"), ([0xD0, 0x80], "-128"),
            ([0xD1, 0x80, 0], "-32768"), ([0xD2, 0x80, 0, 0, 0], "-2147483648"),
            ([0xD3, 0x80, 0, 0, 0, 0, 0, 0, 0], "-9223372036854775808"),
            ([0xCA, 0x3F, 0xC0, 0, 0], "1.5"), ([0xCB, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0], "1.5"),
            ([0xCB, 0x7F, 0xF0, 0, 0, 0, 0, 0, 0], "null"),
            ([0xD9, 2, 0x22, 0x0A], #""\"\n""#), ([0xC4, 2, 0x5C, 0x01], #""\\\u0001""#),
            ([0xA2, 0xC3, 0xA4], #""ä""#), ([0xA1, 0xFF], "\"\u{FFFD}\""),
            ([0x93, 1, 0x80, 0x90], "[1,{},[]]"), ([0x81, 0x01, 0x02], #"{"1":2}"#),
            ([0xD6, 0xFF, 0, 0, 0, 1], #""1970-01-01T00:00:01.000Z""#), ([0xD4, 5, 0x41], #""QQ==""#),
        ]
        for (bytes, text) in values {
            #expect(try texts([0x81, 0xA1, 0x76] + bytes, "application/msgpack", framing()) == ["{\"v\":\(text)}"])
            // As one of an array of maps.
            #expect(
                try texts([0x91, 0x81, 0xA1, 0x76] + bytes, "application/msgpack", framing()) == ["{\"v\":\(text)}"]
            )
            for length in 0..<bytes.count {
                let cut = [0x81, 0xA1, 0x76] + bytes[..<length]
                #expect(
                    #expect(throws: LaminaError.self) { try texts(cut, "application/msgpack", framing()) }?.code
                        == "malformedBody"
                )
            }
        }
    }

    @Test func countsBeyondTheDataAndDeepNestingAreRefusedAtOnce() throws {
        let bodies: [[UInt8]] = [
            [0xDD, 0xFF, 0xFF, 0xFF, 0xFF], [0xDF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], [0x81, 0xDB, 0xFF, 0xFF, 0xFF, 0xFF],
            [UInt8](repeating: 0x91, count: 100_000), [0x81, 0xA1, 0x61] + [UInt8](repeating: 0x91, count: 100_000),
            [0x05], [0xC1], [0x91, 0x05], [0x81, 0x90, 0x01], [0x81, 0xC1, 0x01],
        ]
        for body in bodies {
            #expect(
                #expect(throws: LaminaError.self) { try texts(body, "application/msgpack", framing()) }?.code
                    == "malformedBody",
                "\(body.prefix(8))"
            )
        }
    }

    /// A body of lines that never end must be read once, not once a line.
    @Test(.timeLimit(.minutes(1))) func hostileBodiesTakeLinearTime() throws {
        #expect(try texts(String(repeating: "{\"a\":\n", count: 100_000)).count == 100_000)
        #expect(try texts(String(repeating: "{", count: 500_000)).count == 1)
        #expect(
            #expect(throws: LaminaError.self) { try texts(String(repeating: "[", count: 500_000)) }?.code
                == "malformedBody"
        )
        for line in ["[{\n", "[\"\n"] {
            let framed = try texts(String(repeating: line, count: 100_000), "application/x-ndjson")
            #expect(framed.count == 100_000)
            #expect(try texts("{}\n" + String(repeating: line, count: 100_000)).count == 100_001)
        }
        #expect(try texts(String(repeating: "{}", count: 100_000)).count == 100_000)
    }
}
