import LaminaBase
import LaminaIngest
import Testing

@Suite struct RecordParserTests {
    /// What a parser made of records, each row with the number of its record.
    private struct Parsed {
        var rows: [JSON] = []
        var records: [UInt32] = []
        var bad: [BadRecord] = []
        var tombstones = 0
        var inputBytes: Int64 = 0
        var batches = 0

        init(_ batch: RecordBatch, _ format: JSON, wanted: Set<String>? = nil) throws(LaminaError) {
            let parser = RecordParser(try InputFormat(json: format, path: "inputFormat"), wanted: wanted)
            let parsed = try parser.parse(batch)
            let read = ReadRows(batches: parsed.batches)
            rows = read.rows
            bad = read.bad
            records = parsed.batches.flatMap(\.records)
            tombstones = parsed.tombstones
            inputBytes = read.inputBytes
            batches = parsed.batches.count
            // A second time by the same parser: what it learned must not change what it answers.
            let again = try parser.parse(batch)
            #expect(ReadRows(batches: again.batches).rows == rows)
            #expect(again.batches.flatMap(\.badRecords).map(\.message) == bad.map(\.message))
        }

        /// Rows with their records, as text.
        var text: [String] { zip(records, rows).map { "\($0): \($1.text)" } }
    }

    private func batch(_ values: [String?]) -> RecordBatch { batch(bytes: values.map { $0.map { Array($0.utf8) } }) }

    private func batch(bytes values: [[UInt8]?]) -> RecordBatch {
        var batch = RecordBatch()
        batch.partitions = [StreamPartition(topic: "t", number: 0)]
        for (offset, value) in values.enumerated() {
            let start = batch.bytes.count
            batch.bytes += value ?? []
            let range = value.map { start..<start + $0.count }
            batch.records.append(.init(partition: 0, offset: Int64(offset), timestamp: 1000, value: range))
        }
        return batch
    }

    @Test func oneObjectARecord() throws {
        let parsed = try Parsed(batch(["{\"a\":1}", nil, "{\"a\":\"x\\ny\",\"b\":[1, 2]}", "{}"]), ["type": "json"])
        #expect(parsed.text == ["0: {\"a\":1}", "2: {\"a\":\"x\\ny\",\"b\":[1,2]}", "3: {}"])
        #expect(parsed.tombstones == 1 && parsed.bad.isEmpty)
        #expect(parsed.inputBytes == 7 + 23 + 2)
    }

    @Test func severalDocumentsARecord() throws {
        let values = [
            "{\"a\":1}{\"a\":2} {\"a\":3}", "{\n \"a\":\n 4}\n", "{\"b\":\"\\u0041\"}\n{\"b\":\"\\\"\"}", "[{\"a\":9}]",
            "5 6",
        ]
        let expected = [
            "0: {\"a\":1}", "0: {\"a\":2}", "0: {\"a\":3}", "1: {\"a\":4}", "2: {\"b\":\"A\"}", "2: {\"b\":\"\\\"\"}",
            // What is no object is a row without fields.
            "3: {}", "4: {}", "4: {}",
        ]
        #expect(try Parsed(batch(values), ["type": "json"]).text == expected)
        #expect(try Parsed(batch(values), ["type": "json", "useJsonNodeReader": true]).text == expected)
        let relaxed: JSON = ["type": "json", "featureSpec": ["ALLOW_SINGLE_QUOTES": true]]
        #expect(try Parsed(batch(values), relaxed).text == expected)
    }

    @Test func aMalformedDocumentSpoilsItsRecord() throws {
        let values = [
            "{\"a\":1}", "{\"a\":2}{\"a\":", "this is no json", "", "  \n", "{\"a\":\"open", "{\"a\\\":3}",
            "{\"a\":4}x", "{\"a\":5}",
        ]
        let parsed = try Parsed(batch(values), ["type": "json"])
        #expect(parsed.text == ["0: {\"a\":1}", "8: {\"a\":5}"])
        #expect(parsed.bad.map(\.record) == [1, 2, 3, 4, 5, 6, 7])
        #expect(parsed.bad.allSatisfy { $0.beforeRow == 1 })
        #expect(parsed.bad[1].message == "Unable to parse row [this is no json] (Record: 1)")
        #expect(parsed.bad[1].input == "this is no json")
        #expect(
            parsed.bad[2].message == "Unable to parse [] as the intermediateRow resulted in empty input row (Record: 1)"
        )
        // Flattening goes another way to the same rule.
        let flatten: JSON = [
            "type": "json", "flattenSpec": ["fields": [["type": "path", "name": "c", "expr": "$.a"]]],
        ]
        let trees = try Parsed(batch(values), flatten)
        #expect(trees.text == ["0: {\"c\":1,\"a\":1}", "8: {\"c\":5,\"a\":5}"])
        #expect(trees.bad.map(\.message) == parsed.bad.map(\.message))
    }

    @Test func theNodeReaderKeepsWhatComesBefore() throws {
        let parsed = try Parsed(
            batch(["{\"a\":1}{\"a\":2}{\"a\":", "{\"a\":3}"]),
            ["type": "json", "useJsonNodeReader": true]
        )
        #expect(parsed.text == ["0: {\"a\":1}", "0: {\"a\":2}", "1: {\"a\":3}"])
        #expect(parsed.bad.map(\.beforeRow) == [2])
        #expect(parsed.bad.map(\.message) == ["Unable to parse row [{\"a\":1}{\"a\":2}{\"a\":] (Record: 3)"])
    }

    @Test func linesStandForThemselves() throws {
        let parsed = try Parsed(
            batch(["{\"a\":1}\nno\n{\"a\":2}\n", "{\"a\":3}", "{\"a\":4}\r\n{\"a\":5}"]),
            ["type": "json", "assumeNewlineDelimited": true]
        )
        #expect(parsed.text == ["0: {\"a\":1}", "0: {\"a\":2}", "1: {\"a\":3}", "2: {\"a\":4}", "2: {\"a\":5}"])
        #expect(parsed.bad.map(\.message) == ["Unable to parse row [no] (Record: 2, Line: 2)"])
        #expect(parsed.bad.map(\.record) == [0])
    }

    @Test func delimitedAndRegexLines() throws {
        let csv = try Parsed(batch(["1,x\n2,\"y,z\"", "", nil, "3,\n"]), ["type": "csv", "columns": ["a", "b"]])
        #expect(
            csv.text == [
                "0: {\"a\":\"1\",\"b\":\"x\"}", "0: {\"a\":\"2\",\"b\":\"y,z\"}", "3: {\"a\":\"3\",\"b\":null}",
            ]
        )
        let tsv = try Parsed(
            batch(["a\tb\n1\t2", "b\ta\n3\t4", "b\ta\n5\t6"]),
            ["type": "tsv", "findColumnsFromHeader": true]
        )
        #expect(
            tsv.text == [
                "0: {\"a\":\"1\",\"b\":\"2\"}", "1: {\"a\":\"4\",\"b\":\"3\"}", "2: {\"a\":\"6\",\"b\":\"5\"}",
            ]
        )
        let twice = try Parsed(batch(["a,b\n1,2", "a,a\n3,4"]), ["type": "csv", "findColumnsFromHeader": true])
        #expect(twice.text == ["0: {\"a\":\"1\",\"b\":\"2\"}"])
        #expect(twice.bad.map(\.record) == [1] && twice.bad.map(\.beforeRow) == [1])
        let regex = try Parsed(batch(["a1\nb\nc2", "d3"]), ["type": "regex", "pattern": "([a-z])([0-9])"])
        #expect(regex.records == [0, 0, 1])
        #expect(regex.bad.map(\.message) == ["Unable to parse row [b] (Record: 2, Line: 2)"])
    }

    @Test func bytesThatAreNoUTF8AreRepaired() throws {
        let broken: [UInt8] = Array("x,".utf8) + [0xFF] + Array(",y".utf8)
        let csv = try Parsed(
            batch(bytes: [broken, Array("1,2,3".utf8)]),
            ["type": "csv", "columns": ["a", "b", "c"]]
        )
        #expect(csv.rows[0] == ["a": "x", "b": "\u{FFFD}", "c": "y"])
        #expect(csv.rows[1] == ["a": "1", "b": "2", "c": "3"])
        let json = try Parsed(
            batch(bytes: [Array("{\"a\":\"".utf8) + [0xC3] + Array("\"}".utf8), Array("{\"a\":1}".utf8)]),
            ["type": "json"]
        )
        // Druid's stream reader parses bytes, and refuses those that are no text.
        #expect(json.records == [1] && json.bad.map(\.record) == [0])
    }

    @Test func onlyWantedFields() throws {
        let parsed = try Parsed(batch(["{\"a\":1,\"b\":2}", "{\"b\":3}"]), ["type": "json"], wanted: ["b"])
        #expect(parsed.text == ["0: {\"b\":2}", "1: {\"b\":3}"])
    }

    @Test func recordsWithTooManyFieldsAreSplit() throws {
        let values = (0..<2000).map { record in
            "{" + (0..<4).map { "\"f\(record)_\($0)\":\($0)" }.joined(separator: ",") + "}"
        }
        let parser = RecordParser(try InputFormat(json: ["type": "json"], path: "inputFormat"), wanted: nil)
        let batches = try parser.parse(batch(values)).batches
        #expect(batches.count > 1)
        #expect(batches.flatMap(\.records) == (0..<2000).map { UInt32($0) })
        #expect(batches.map(\.badRecords.count).max() == 0)
        let last = try #require(batches.last)
        let field = try #require(last.fields.first { $0.name == "f1999_3" })
        #expect(field.kinds[last.rowCount - 1] == FieldKind.long && field.payloads[last.rowCount - 1] == 3)
    }

    // MARK: the kafka format

    private func blended() -> RecordBatch {
        var batch = RecordBatch()
        batch.partitions = [StreamPartition(topic: "t", number: 3)]
        func put(_ text: String) -> Range<Int> {
            let start = batch.bytes.count
            batch.bytes += Array(text.utf8)
            return start..<batch.bytes.count
        }
        batch.records.append(
            .init(
                partition: 0,
                offset: 7,
                timestamp: 1_700_000_000_000,
                value: put("{\"a\":1}{\"a\":2,\"kafka.topic\":\"own\"}"),
                key: put("k1"),
                headers: [("h", put("one")), ("h", put("two")), ("n", nil)]
            )
        )
        batch.records.append(.init(partition: 0, offset: 8, timestamp: 5, value: put("{\"a\":3}"), key: nil))
        batch.records.append(.init(partition: 0, offset: 9, timestamp: 5, value: nil, key: put("k3")))
        batch.records.append(.init(partition: 0, offset: 10, timestamp: 6, value: put("bad"), key: put("k4")))
        return batch
    }

    @Test func kafkaColumnsBesideTheValue() throws {
        let parsed = try Parsed(
            blended(),
            [
                "type": "kafka", "valueFormat": ["type": "json"], "headerFormat": ["type": "string"],
                "keyFormat": ["type": "regex", "pattern": "(.*)", "columns": ["k"]],
            ]
        )
        #expect(parsed.records == [0, 0, 1])
        #expect(
            parsed.rows[0] == [
                "a": 1, "kafka.timestamp": 1_700_000_000_000, "kafka.topic": "t", "kafka.key": "k1",
                "kafka.header.h": "two", "kafka.header.n": .null,
            ]
        )
        #expect(
            parsed.rows[1] == [
                "a": 2, "kafka.timestamp": 1_700_000_000_000, "kafka.topic": "own", "kafka.key": "k1",
                "kafka.header.h": "two", "kafka.header.n": .null,
            ]
        )
        #expect(parsed.rows[2] == ["a": 3, "kafka.timestamp": 5, "kafka.topic": "t"])
        #expect(parsed.tombstones == 1)
        #expect(parsed.bad.map(\.record) == [3])
    }

    @Test func kafkaColumnsMayBeNamed() throws {
        let parsed = try Parsed(
            blended(),
            [
                "type": "kafka", "valueFormat": ["type": "json"], "timestampColumnName": "ts", "topicColumnName": "a",
                "partitionColumnName": "p", "offsetColumnName": "o",
            ]
        )
        #expect(parsed.rows[2] == ["a": 3, "ts": 5, "p": 3, "o": 8])
    }

    @Test func aKeyThatDoesNotParseSpoilsItsRecord() throws {
        let parsed = try Parsed(
            blended(),
            [
                "type": "kafka", "valueFormat": ["type": "json"],
                "keyFormat": ["type": "regex", "pattern": "k[4-9]"],
            ]
        )
        #expect(parsed.records == [1])
        #expect(parsed.bad.map(\.record) == [0, 3])
        #expect(parsed.bad.map(\.beforeRow) == [0, 1])
    }

    @Test func headerEncodings() throws {
        var batch = RecordBatch()
        batch.partitions = [StreamPartition(topic: "t", number: 0)]
        batch.bytes = Array("{}".utf8) + [0xE9] + [0x00, 0xE9]
        for (encoding, range) in [("ISO-8859-1", 2..<3), ("UTF-16", 3..<5), ("UTF-16BE", 3..<5)] {
            batch.records = [.init(partition: 0, offset: 0, timestamp: nil, value: 0..<2, headers: [("h", range)])]
            let format: JSON = [
                "type": "kafka", "valueFormat": ["type": "json"],
                "headerFormat": ["type": "string", "encoding": .string(encoding)],
            ]
            #expect(try Parsed(batch, format).rows == [["kafka.topic": "t", "kafka.header.h": "é"]])
        }
        #expect(throws: LaminaError.self) {
            try InputFormat(
                json: [
                    "type": "kafka", "valueFormat": ["type": "json"],
                    "headerFormat": ["type": "string", "encoding": "EBCDIC"],
                ],
                path: "f"
            )
        }
    }

    @Test func filesAreNoKafkaRecords() {
        #expect(throws: LaminaError.self) {
            try ReadRows("{}", ["type": "kafka", "valueFormat": ["type": "json"]])
        }
    }
}
