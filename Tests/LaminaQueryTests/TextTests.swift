import LaminaBase
import LaminaQuery
import Testing

@Suite struct TextTests {
    @Test(arguments: [
        ("", "", true), ("%", "", true), ("_", "", false), ("a%", "abc", true), ("%c", "abc", true),
        ("%b%", "abc", true),
        ("a_c", "abc", true), ("a_c", "a😀c", true), ("a%b%c", "aXbYbZc", true), ("a%b%c", "aXbYbZ", false),
        ("abc", "abcd", false),
        ("%%", "x", true), ("%a_", "aab", true), ("_%_", "x", false), ("_%_", "xy", true), ("a.c", "abc", false),
        ("A%", "abc", false),
    ])
    func like(_ pattern: String, _ value: String, _ matches: Bool) {
        #expect(LikePattern(pattern).matches(value) == matches)
    }

    @Test func likeKnowsItsPrefix() {
        #expect(LikePattern("ab%c").prefix == "ab")
        #expect(LikePattern("ab").exactValue == "ab")
        #expect(LikePattern("a_").exactValue == nil)
        #expect(LikePattern("100\\%", escape: "\\").exactValue == "100%")
    }

    @Test func likeAgreesWithARegex() throws {
        var random = SplitMix(seed: 7)
        let letters: [Character] = ["a", "b", "%", "_"]
        for _ in 0..<2_000 {
            let pattern = String((0..<Int(random.next() % 7)).map { _ in letters[Int(random.next() % 4)] })
            let value = String((0..<Int(random.next() % 7)).map { _ in letters[Int(random.next() % 2)] })
            let regex = try Regex(pattern.map { $0 == "%" ? ".*" : $0 == "_" ? "." : String($0) }.joined())
            #expect(LikePattern(pattern).matches(value) == regex.matchesWhole(value), "\(pattern) on \(value)")
        }
    }

    @Test func regexFindsGroupsAndReplaces() throws {
        let regex = try Regex("(?<year>\\d{4})-(\\d\\d)?")
        #expect(regex.groupCount == 2)
        #expect(regex.firstMatch(in: "on 2024-03", group: 2) == .some(.some("03")))
        #expect(regex.firstMatch(in: "on 2024-", group: 2) == .some(.none))
        #expect(regex.firstMatch(in: "never", group: 0) == nil)
        let replacement = try RegexReplacement("${year}/$2\\$", for: regex)
        #expect(regex.replacingAll(in: "2024-03, 1999-12", with: replacement) == "2024/03$, 1999/12$")
        #expect(try Regex("").replacingAll(in: "añb", with: try RegexReplacement("-", for: Regex(""))) == "-a-ñ-b-")
        #expect(throws: LaminaError.self) { try RegexReplacement("$7", for: regex) }
        #expect(throws: LaminaError.self) { try Regex("a(") }
    }

    @Test func regexSpeaksJava() throws {
        #expect(try Regex("\\p{Alpha}+").matchesWhole("abc"))
        #expect(try Regex("[\\p{Digit}x]+").matchesWhole("12x"))
        #expect(try Regex("\\u00e9").isFound(in: "café"))
        #expect(try Regex("\\p{IsCyrillic}").isFound(in: "да"))
        #expect(try Regex("\\Qa.b\\E").isFound(in: "a.b") && !Regex("\\Qa.b\\E").isFound(in: "axb"))
        #expect(try !Regex("a.b").isFound(in: "a\nb"))
    }

    @Test func hopelessBacktrackingEnds() throws {
        let regex = try Regex("(a+)+$")
        #expect(!regex.isFound(in: String(repeating: "a", count: 40) + "b"))
    }

    @Test func invalidBytesDoNotMatchAndDoNotCrash() throws {
        let regex = try Regex("b")
        let bytes: [UInt8] = [0xFF, 0x62, 0xC3]
        #expect(bytes.withUnsafeBufferPointer { regex.isFound(in: $0) })
    }

    @Test(arguments: [
        ("%s|%5s|%-5s|%.2s", [Value.string("abc"), .string("d"), .string("e"), .string("xyz")], "abc|    d|e    |xy"),
        (
            "%d %,d %+d %05d %(d", [.long(5), .long(1_234_567), .long(5), .long(-42), .long(-7)],
            "5 1,234,567 +5 -0042 (7)"
        ),
        ("%x %X %o %c", [.long(255), .long(255), .long(8), .long(65)], "ff FF 10 A"),
        (
            "%.2f %8.3f %e %.0f", [.double(2.345), .double(-1.5), .double(12345.678), .double(0.5)],
            "2.35   -1.500 1.234568e+04 1"
        ),
        ("%2$s %1$s %%%n", [.string("a"), .string("b")], "b a %\n"),
        ("%d", [.string("x")], "%d; x"), ("%s %s", [.string("one")], "%s %s; one"), ("%d", [.null], "null"),
        ("%g", [.double(0.0001)], "0.000100000"),
    ])
    func javaFormatting(_ pattern: String, _ arguments: [Value], _ expected: String) {
        #expect(javaFormat(pattern, arguments) == expected)
    }

    @Test func numbersAreReadAsJavaDoes() {
        for (text, value) in [
            ("1", 1.0), ("-1.5e3", -1500), (".5", 0.5), ("5.", 5), ("1e5", 1e5), ("+2", 2), ("1d", 1), ("0x1p3", 8),
        ] {
            #expect(parseJavaDouble(text) == value, "\(text)")
        }
        for text in ["", " 1", "1 ", "abc", "1e", "nan", "inf", "0x10", "--1", ".", "1_000"] {
            #expect(parseJavaDouble(text) == nil, "\(text)")
        }
        #expect(parseJavaDouble("-Infinity") == -.infinity)
    }

    @Test func searchSpecs() throws {
        #expect(SearchSpec.contains("KE", caseSensitive: false).accepts("Ke$ha"))
        #expect(!SearchSpec.contains("KE", caseSensitive: true).accepts("Ke$ha"))
        #expect(SearchSpec.contains("çiğ", caseSensitive: false).accepts("ÇİĞDEM"))
        #expect(SearchSpec.fragment(["a", "K"], caseSensitive: false).accepts("Ke$ha"))
        #expect(!SearchSpec.fragment(["a", "z"], caseSensitive: false).accepts("Ke$ha"))
        #expect(SearchSpec.all.accepts(nil) && !SearchSpec.contains("", caseSensitive: false).accepts(nil))
        #expect(try SearchSpec.regex(Regex("^K")).accepts("Ke$ha"))
    }

    @Test func pathsIntoJSON() throws {
        let json: JSON = ["a": ["b.c": [10, ["d": "e"]]], "n": nil]
        #expect(try JSONPath(parsing: "$.a['b.c'][1].d").find(in: json) == "e")
        #expect(try JSONPath(parsingJQ: ".a.\"b.c\"[0]").find(in: json) == 10)
        #expect(try JSONPath(parsing: "$.a['b.c'][-2]").find(in: json) == 10)
        #expect(try JSONPath(parsing: "$").literal(in: "x") == .string("x"))
        #expect(try JSONPath(parsing: "$.a['b.c'][1].d").text == "$.a['b.c'][1].d")
        for text in ["", "a", "$a", "$.", "$[", "$[x]", "$['a", "$.a[1"] {
            #expect(throws: LaminaError.self) { try JSONPath(parsing: text) }
        }
    }
}
