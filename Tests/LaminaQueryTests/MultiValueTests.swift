import LaminaBase
import LaminaQuery
import Testing

@Suite struct MultiValueTests {
    private func mapped(_ text: String, _ columns: Set<String>, _ row: [String: Value]) throws -> Value {
        try Expression(parsing: text).mapping(overMultiValue: columns).evaluate { (name) throws(LaminaError) in
            row[name] ?? .null
        }
    }

    @Test func scalarFunctionsAreMapped() throws {
        let row: [String: Value] = [
            "tags": .array([.string("a"), .string("b")]), "k": .array([.string("1"), .string("2")]),
        ]
        #expect(try mapped("concat(tags, '!')", ["tags"], row) == .array([.string("a!"), .string("b!")]))
        #expect(
            try mapped("concat(tags, k)", ["tags", "k"], row) == .array(["a1", "a2", "b1", "b2"].map(Value.string))
        )
        #expect(try mapped("array_length(tags)", ["tags"], row) == .long(2))
        #expect(try mapped("nvl(tags, 'none')", ["tags"], [:]) == .array([.string("none")]))
        #expect(
            try mapped("array_to_string(map(x -> concat(x, k), ['q']), '')", ["k"], row)
                == .array([.string("q1"), .string("q2")])
        )
    }

    @Test func bothUsesOfOneColumnAreRefused() {
        #expect(throws: LaminaError.self) {
            try Expression(parsing: "concat(tags, array_length(tags))").mapping(overMultiValue: ["tags"])
        }
    }
}
