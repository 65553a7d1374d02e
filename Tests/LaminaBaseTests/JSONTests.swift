import LaminaBase
import Testing

@Suite struct JSONTests {
    @Test(arguments: [
        "null", "true", "[]", "{}", "[1,-2,9223372036854775807,-9223372036854775808]",
        #"{"a":{"b":[null,false,"x"]},"c":1.5}"#,
        #""\"\\\b\f\n\r\t\u0001é😀""#, "[0.0,-0.0,1.0E10,1.0E-5,123456.789,1.7976931348623157E308,4.9E-324]",
    ])
    func printsAsRead(_ text: String) throws {
        #expect(try JSONParser.parse(text).text == text)
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\"}", "{\"a\":}", "01", "1.", ".5", "1e", "+1", "nul", "\"", "\"\\x\"", "\"\\u12\"",
        "[1 2]",
        "\"\u{1}\"", "{a:1}", "1 2", "'a'", "-", "[", "{\"a\":1,}", "tru", "\"\\",
    ])
    func refusesOthers(_ text: String) {
        #expect(throws: LaminaError.self) { try JSONParser.parse(text) }
    }

    @Test func surrogatesAndRepeatedKeys() throws {
        #expect(try JSONParser.parse(#""\ud83d\ude00""#) == .string("😀"))
        let object = try #require(try JSONParser.parse(#"{"a":1,"b":2,"a":3}"#).objectValue)
        #expect(object.keys == ["a", "b"])
        #expect(object["a"] == 3)
        let many = "{" + (0..<40).map { "\"k\($0 % 20)\":\($0)" }.joined(separator: ",") + "}"
        let folded = try #require(try JSONParser.parse(many).objectValue)
        #expect(folded.count == 20)
        #expect(folded["k3"] == 23)
    }

    @Test func depthIsBounded() throws {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: LaminaError.self) { try JSONParser.parse(deep) }
        let fine = String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
        #expect(try JSONParser.parse(fine).text == fine)
    }

    @Test(arguments: [
        "1.1", "0.1", "123.456", "1e22", "9007199254740993", "18446744073709551616", "0.30000000000000004", "-2.5e-3",
        "1234567890.12345678901234567890",
    ])
    func numbersAreThoseOfTheLibrary(_ text: String) throws {
        let parsed = try JSONParser.parse(text)
        if let whole = Int64(text) {
            #expect(parsed == .int(whole))
        } else {
            #expect(parsed == .double(try #require(Double(text))))
        }
    }

    @Test(
        arguments: [
            (0.001, "0.001"), (0.0009, "9.0E-4"), (9_999_999.0, "9999999.0"), (1e7, "1.0E7"),
            (12_345_678.5, "1.23456785E7"),
            (100.0, "100.0"), (-0.5, "-0.5"), (1.0 / 3, "0.3333333333333333"), (1e21, "1.0E21"), (-1e-10, "-1.0E-10"),
            (123.0, "123.0"),
        ] as [(Double, String)]
    )
    func doublesPrintAsJava(_ value: Double, _ text: String) {
        #expect(javaText(value) == text)
    }

    @Test func floatsAndSpecials() {
        #expect(javaText(Float(0.1)) == "0.1")
        #expect(javaText(Float(16_777_216)) == "1.6777216E7")
        #expect(javaText(-Double.infinity) == "-Infinity")
        #expect(JSON.array([.double(.nan), .double(.infinity)]).text == #"["NaN","Infinity"]"#)
    }

    @Test func randomDoublesReturn() throws {
        var generator = SplitMix(state: 3)
        for _ in 0..<20_000 {
            let value = Double(bitPattern: generator.next())
            guard value.isFinite else { continue }
            #expect(try JSONParser.parse(JSON.double(value).text) == .double(value))
        }
    }

    @Test func base64Returns() {
        for count in 0..<20 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 97) }
            #expect(base64Decoded(base64Encoded(bytes)) == bytes)
        }
        #expect(base64Decoded("a*b") == nil)
    }
}
