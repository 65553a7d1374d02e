import LaminaBase
import LaminaIngest
import Testing

@Suite struct DelimitedFormatTests {
    @Test func quotesAndEmptyFields() throws {
        let text =
            "a,b,c\n1,\"with, comma\",x\r\n2,\"say \"\"hi\"\"\",\n3,\"\",\"open\n4,in\"side,\"a\"b,\n,,\n5\n6,7,8,9\n\"\",\"\"\"\",z"
        let read = try ReadRows(text, ["type": "csv", "findColumnsFromHeader": true])
        let expected: [JSON] = [
            ["a": "1", "b": "with, comma", "c": "x"], ["a": "2", "b": "say \"hi\"", "c": nil],
            ["a": "3", "b": "", "c": "\"open"],
            ["a": "4", "b": "in\"side", "c": "a\"b,"], ["a": nil, "b": nil, "c": nil], ["a": "5"],
            ["a": "6", "b": "7", "c": "8"], ["a": "", "b": "\"", "c": "z"],
        ]
        #expect(read.rows == expected)
        #expect(read.bad.isEmpty)
        #expect(read.inputBytes == Int64(text.utf8.count))
    }

    /// Lines and fields as opencsv 4.6, which Druid 33 uses, splits them.
    @Test func oddQuotes() throws {
        let cases: [(String, [JSON?])] = [
            ("4,in\"side,\"a\"b,", ["4", "in\"side", "a\"b,", .null]), (",,", [.null, .null, .null]), ("", [.null]),
            ("\"\",\"\"\"\",z", ["", "\"", "z"]), ("a,\"b\" ,c", ["a", "b\" ,c"]), ("a,\"b\"\"", ["a", "b\""]),
            ("\"", ["\""]), ("\"\"", [""]), ("a,\"x\"\"y\",b", ["a", "x\"y", "b"]), ("a\"\"b,c", ["a\"b", "c"]),
            ("\"a,b", ["\"a,b"]), ("\"a\"b\",c\",d", ["a\"b\",c", "d"]), ("x,\"", ["x", "\""]),
            ("\"a\",", ["a", .null]),
            ("\"a\"\"b\"c,d", ["a\"b\"c,d"]),
        ]
        for (line, fields) in cases {
            let read = try ReadRows(line + "\n", ["type": "csv", "columns": ["0", "1", "2", "3", "4"]])
            #expect((0..<5).map { read.rows[0]["\($0)"] } == fields + [JSON?](repeating: nil, count: 5 - fields.count))
        }
    }

    @Test func headersAndSkippedRows() throws {
        let text = "# one\n# two\nx,,z\n1,2,3\n"
        let read = try ReadRows(text, ["type": "csv", "hasHeaderRow": true, "skipHeaderRows": 2])
        #expect(read.rows == [["x": "1", "column_2": "2", "z": "3"]])
        #expect(read.firstRecords == [1])
        let columns = try ReadRows(text, ["type": "csv", "columns": ["p", "q"], "skipHeaderRows": 3])
        #expect(columns.rows == [["p": "1", "q": "2"]])
        #expect(try ReadRows("a,b\n", ["type": "csv", "findColumnsFromHeader": true]).rows.isEmpty)
        #expect(throws: LaminaError.self) {
            try ReadRows("a,a\n1,2\n", ["type": "csv", "findColumnsFromHeader": true])
        }
    }

    @Test func lists() throws {
        let read = try ReadRows("x|y,|\n\"p|q\",z\n", ["type": "csv", "columns": ["a", "b"], "listDelimiter": "|"])
        #expect(read.rows == [["a": ["x", "y"], "b": ["", ""]], ["a": ["p", "q"], "b": "z"]])
        let long = try ReadRows("x::y:z", ["type": "tsv", "columns": ["a"], "listDelimiter": "::"])
        #expect(long.rows == [["a": ["x", "y:z"]]])
    }

    @Test func numbersAsJavaReadsThem() throws {
        let columns = (0..<19).map { JSON.string("c\($0)") }
        let text = "7,-1,2e2,1.5,,007,08,0x1F,1f,+5,.5,1.,NaN,9223372036854775808,1L,0e5,1e400,-.5e-3,00.5"
        let read = try ReadRows(text, ["type": "csv", "columns": .array(columns), "tryParseNumbers": true])
        let expected: [JSON] = [
            7, -1, .double(200), 1.5, nil, 7, "08", "0x1F", .double(1), .double(5), 0.5, .double(1), "NaN",
            .double(9223372036854775808), "1L", .double(0), .double(.infinity), .double(-0.0005), .double(0.5),
        ]
        for (index, value) in expected.enumerated() { #expect(read.rows[0]["c\(index)"] == value) }
        let list = try ReadRows(
            "1|x|2.5",
            ["type": "csv", "columns": ["a"], "listDelimiter": "|", "tryParseNumbers": true]
        )
        #expect(list.rows == [["a": [1, "x", 2.5]]])
    }

    @Test func tabsAndOtherDelimiters() throws {
        let tabs = try ReadRows("a\t\"b\"\t\n\t\tc", ["type": "tsv", "columns": ["x", "y", "z"]])
        #expect(tabs.rows == [["x": "a", "y": "\"b\"", "z": nil], ["x": nil, "y": nil, "z": "c"]])
        let caret = try ReadRows("1^2^", ["type": "tsv", "delimiter": "^", "columns": ["x", "y", "z"]])
        #expect(caret.rows == [["x": "1", "y": "2", "z": nil]])
        let long = try ReadRows("1||2|3||", ["type": "tsv", "delimiter": "||", "columns": ["x", "y", "z"]])
        #expect(long.rows == [["x": "1", "y": "2|3", "z": nil]])
    }

    @Test func onlyWantedColumns() throws {
        let read = try ReadRows("1,2,3\n4,5,6", ["type": "csv", "columns": ["a", "b", "c"]], wanted: ["b"])
        #expect(read.rows == [["b": "2"], ["b": "5"]])
        #expect(read.fields == ["b"])
    }

    @Test func invalidUTF8IsRepaired() throws {
        let path = try temporaryFile(Array("a,b\nx".utf8) + [0xFF] + Array(",y\nz,é\n".utf8))
        let read = try ReadRows(
            source: ["type": "local", "files": [.string(path)]],
            format: ["type": "csv", "findColumnsFromHeader": true]
        )
        #expect(read.rows == [["a": "x\u{FFFD}", "b": "y"], ["a": "z", "b": "é"]])
    }

    @Test func regexLines() throws {
        let format: JSON = [
            "type": "regex", "pattern": "^(\\S+) \"(\\w+)?\" (\\d+)$", "columns": ["host", "word", "size"],
        ]
        let read = try ReadRows("h1 \"GET\" 5\nbroken\nh2 \"\" 7\r\n", format)
        #expect(read.rows == [["host": "h1", "word": "GET", "size": "5"], ["host": "h2", "word": nil, "size": "7"]])
        #expect(read.bad.map(\.message) == ["Unable to parse row [broken] (Record: 2, Line: 2)"])
        let unnamed = try ReadRows("1-2", ["type": "regex", "pattern": "(.)-(.)"])
        #expect(unnamed.rows == [["column_1": "1", "column_2": "2"]])
        #expect(throws: LaminaError.self) { try ReadRows("", ["type": "regex", "pattern": "("]) }
    }

    @Test func specsThatDruidRefuses() {
        let specs: [JSON] = [
            ["type": "csv"], ["type": "csv", "findColumnsFromHeader": false],
            ["type": "csv", "hasHeaderRow": true, "findColumnsFromHeader": true],
            ["type": "csv", "columns": ["a,b"]], ["type": "csv", "columns": ["a"], "listDelimiter": ","],
            ["type": "tsv", "columns": ["a"], "delimiter": ""], ["type": "lines"], ["columns": ["a"]], "csv",
            ["type": "regex"],
            ["type": "json", "useJsonNodeReader": true, "assumeNewlineDelimited": true],
        ]
        for spec in specs {
            let error = #expect(throws: LaminaError.self) { try InputFormat(json: spec, path: "inputFormat") }
            #expect(error?.category == .invalidInput)
            #expect(error?.message.contains("inputFormat") == true)
        }
        let error = #expect(throws: LaminaError.self) {
            try InputFormat(json: ["type": "parquet"], path: "inputFormat")
        }
        #expect(error?.category == .unsupported)
    }
}
