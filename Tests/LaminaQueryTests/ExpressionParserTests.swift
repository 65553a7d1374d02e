import LaminaBase
import LaminaQuery
import Testing

@Suite struct ExpressionParserTests {
    @Test func namesColumnsInOrderOfMention() throws {
        let expression = try Expression(parsing: "b + \"odd name\" * b + fold((x, acc) -> x + acc + z, list, 0)")
        #expect(expression.requiredColumns == ["b", "odd name", "z", "list"])
    }

    @Test func foldsConstants() throws {
        #expect(try Expression(parsing: "concat('a', 1 + 2)").constant == .string("a3"))
        #expect(try Expression(parsing: "1 / 0").constant == nil)
        #expect(try Expression(parsing: "column").identifier == "column")
    }

    @Test(arguments: [
        ("1 +", 1, 4), ("(1\n+ )", 2, 3), ("nosuch(1)", 1, 1), ("substring(s)", 1, 1), ("'abc", 1, 1), ("a b", 1, 3),
        ("regexp_like(s, '(')", 1, 1), ("1 + #", 1, 5), ("timestamp_floor(t, 'P1X')", 1, 1),
        ("99999999999999999999", 1, 1),
    ])
    func errorNamesThePlace(_ text: String, _ line: Int, _ column: Int) {
        do {
            _ = try Expression(parsing: text)
            Issue.record("\(text) was accepted")
        } catch {
            #expect(error.context["line"] == "\(line)", "\(error)")
            #expect(error.context["column"] == "\(column)", "\(error)")
        }
    }

    @Test func aBloomFilterThatIsNoneIsAMistake() {
        do {
            _ = try Expression(parsing: "bloom_filter_test(x, 'abc')")
            Issue.record("accepted")
        } catch {
            #expect(error.category == .invalidInput)
            #expect(error.message.contains("bloom_filter_test"))
        }
    }

    @Test func nestingIsBounded() {
        for text in [
            String(repeating: "(", count: 100_000), String(repeating: "-", count: 100_000) + "1",
            String(repeating: "abs(", count: 5_000) + "1" + String(repeating: ")", count: 5_000),
            "x" + String(repeating: " + x", count: 20_000),
        ] {
            #expect(throws: LaminaError.self) { try Expression(parsing: text) }
        }
        #expect(throws: Never.self) { try Expression(parsing: "x" + String(repeating: " || x", count: 900)) }
    }

    @Test func anyBytesGiveAValueOrAnError() {
        var random = SplitMix(seed: 42)
        let samples = ExpressionFunctionTests.cases.map { Array($0.0.utf8) }
        let alphabet = Array("()[]{}<>+-*/%^!&|='\"\\,.xyz019eE_$ \n\u{1F600}->ARRAYnull".utf8)
        var accepted = 0
        for round in 0..<6_000 {
            var bytes: [UInt8]
            if round % 3 == 0 {
                bytes = (0..<Int(random.next() % 40)).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] }
            } else {
                bytes = samples[Int(random.next() % UInt64(samples.count))]
                if round % 3 == 1 {
                    bytes = Array(bytes.prefix(Int(random.next() % UInt64(bytes.count + 1))))
                } else if !bytes.isEmpty {
                    bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
                }
            }
            guard let expression = try? Expression(parsing: String(decoding: bytes, as: UTF8.self)) else { continue }
            accepted += 1
            let row = ExpressionFunctionTests.row
            let value = try? expression.evaluate { (name) throws(LaminaError) in row[name] ?? .null }
            // A value is of the type foretold, where the type of its inputs is known and the value is not null.
            if expression.requiredColumns.isEmpty, let value, !value.isNull,
                let type = expression.outputType({ _ in nil })
            {
                #expect(value.cast(to: type) != .null || type.isNumeric, "\(expression)")
            }
        }
        #expect(accepted > 500)
    }
}

extension ExpressionParserTests {
    /// Names of all functions that the function tests mention.
    private static let names: [String] = {
        var names: Set<String> = []
        for (text, _) in ExpressionFunctionTests.cases {
            var name = ""
            for character in text {
                if character.isLetter || character == "_" || !name.isEmpty && character.isNumber {
                    name.append(character)
                } else {
                    if character == "(", !name.isEmpty { names.insert(name) }
                    name = ""
                }
            }
        }
        return names.sorted()
    }()

    @Test func everyFunctionTakesAnyArguments() {
        var random = SplitMix(seed: 11)
        let columns: [String: Value] = [
            "low": .long(.min), "high": .long(.max), "minus": .long(-1), "zero": .long(0), "huge": .double(1e308),
            "nan": .double(.nan), "inf": .double(-.infinity), "tiny": .double(5e-324), "n": .null, "e": .string(""),
            "t": .string("😀a\u{301}ß"), "d": .string("2024-02-29T23:59:60Z"), "none": .array([]),
            "j": .json(["a": [1, nil]]),
            "mix": .array([.null, .long(.min), .string("x")]), "bytes": .complex(type: "x", bytes: [1, 2]),
        ]
        let literals = [
            "'P1D'", "'PT0S'", "'P-1M'", "'America/New_York'", "'$.a[-1]'", "'%s%d'", "'LONG'", "'yyyy-MM'",
            "'xxxx-ww z'", "'P1M'", "'P1Y'", "'P2W'", "'Asia/Seoul'", "'('",
            "null", "''", "-1",
            "9223372036854775807", "1e400", "[null, 1]", "<STRING>[]", "'DECADE'", "'a%_'", "16", "3",
        ]
        let inputs = columns.keys.sorted() + literals
        var evaluated = 0
        for round in 0..<30_000 {
            let name = Self.names[round % Self.names.count]
            let arguments = (0..<Int(random.next() % 5)).map { _ in inputs[Int(random.next() % UInt64(inputs.count))] }
            let text = "\(name)(\(arguments.joined(separator: ", ")))"
            guard let expression = try? Expression(parsing: text) else { continue }
            _ = try? expression.evaluate { (name) throws(LaminaError) in columns[name] ?? .null }
            evaluated += 1
        }
        #expect(evaluated > 2_000)
    }

    @Test func deepTreesAreEvaluated() throws {
        let deep = try Expression(parsing: "x" + String(repeating: " + x", count: 900))
        #expect(try deep.evaluate { (_) throws(LaminaError) in .long(2) } == .long(1802))
    }
}

/// A small reproducible generator.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
