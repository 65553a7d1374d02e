import LaminaBase
import Testing

@Suite struct StringOrderingTests {
    /// Each list is in ascending order by its ordering.
    @Test(
        arguments: [
            (.lexicographic, [nil, "", "A", "B", "a", "b", "é", "\u{10000}", "\u{E000}", "\u{FFFF}"]),
            (.strlen, [nil, "", "z", "aa", "\u{10000}", "aaa"]),
            (
                .numeric,
                [
                    nil, "", "abc", "abd", "-10.5", "-1", "0", "1e-3", "0.01", "1", "1.5", "9", "10", "1e2",
                    "12345678901234567890",
                ]
            ),
            (.alphanumeric, [nil, "", "1", "01", "2", "10", "10a", "A1", "a2", "a10", "b"]),
            (
                .version,
                [
                    nil, "1.0-alpha1", "1.0-alpha-2", "1.0-beta", "1.0-milestone", "1.0-rc1", "1.0-SNAPSHOT", "1.0",
                    "1.0-sp",
                    "1.0-xyz", "1.0-1", "1.0.1", "1.9", "1.10", "2",
                ]
            ),
        ] as [(StringOrdering, [String?])]
    )
    func ascends(_ ordering: StringOrdering, _ values: [String?]) {
        for (place, value) in values.enumerated() {
            #expect(ordering.compare(value, value) == 0)
            for later in values[(place + 1)...] {
                #expect(ordering.compare(value, later) < 0, "\(value ?? "nil") before \(later ?? "nil")")
                #expect(ordering.compare(later, value) > 0, "\(later ?? "nil") after \(value ?? "nil")")
            }
        }
    }

    @Test func equalNumbersAndVersions() {
        #expect(StringOrdering.numeric.compare("1.0", "1") == 0)
        #expect(StringOrdering.numeric.compare("1e2", "100") == 0)
        #expect(StringOrdering.version.compare("1.0.0", "1") == 0)
        #expect(StringOrdering.version.compare("1.0-final", "1.0") == 0)
        #expect(StringOrdering.alphanumeric.compare("ABC1", "abc1") == 0)
    }

    /// Against the definition itself, over strings of all the lengths of encodings.
    @Test func utf16OrderIsThatOfUnits() {
        let alphabet: [Character] = [
            "a", "b", "é", "\u{7FF}", "\u{800}", "\u{D7FF}", "\u{E000}", "\u{FFFD}", "\u{10000}", "\u{10FFFF}",
        ]
        var generator = SplitMix(state: 7)
        func word() -> String {
            String((0..<generator.below(12)).map { _ in alphabet[generator.below(alphabet.count)] })
        }
        for _ in 0..<20_000 {
            let prefix = word()
            let (left, right) = (prefix + word(), prefix + word())
            let expected =
                Array(left.utf16) == Array(right.utf16)
                ? 0 : (left.utf16.lexicographicallyPrecedes(right.utf16) ? -1 : 1)
            #expect(javaCompare(left, right).signum() == expected)
        }
    }

    @Test func decodes() throws {
        #expect(try StringOrdering(json: "numeric") == .numeric)
        #expect(try StringOrdering(json: ["type": "strlen"]) == .strlen)
        #expect(throws: LaminaError.self) { try StringOrdering(json: "loud") }
    }
}

/// A small seeded generator, so that random tests repeat.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
