import LaminaBase
import LaminaIngest
import Testing

private func flatten(_ fields: JSON, _ text: String, discovery: Bool = true) throws(LaminaError) -> ReadRows {
    try ReadRows(
        text,
        ["type": "json", "flattenSpec": ["useFieldDiscovery": .bool(discovery), "fields": fields]]
    )
}

private func path(_ expression: String, _ text: String) throws(LaminaError) -> JSON? {
    try flatten([["type": "path", "name": "out", "expr": .string(expression)]], text).rows[0]["out"]
}

@Suite struct FlattenTests {
    /// The fields and values of Druid's fmt_flatten.
    @Test func everyKindOfField() throws {
        let text = #"""
            {"when":{"at":1712003600000},"a":{"b":{"c":"v1"},"list":[{"n":1},{"n":2}]},"root":"r1","nums":[1,2],"odd.key":1,"empty":{},"s":"text"}
            """#
        let fields: JSON = [
            ["type": "path", "name": "c", "expr": "$.a.b.c"],
            ["type": "path", "name": "first", "expr": "$.a.list[0].n"],
            ["type": "path", "name": "all_n", "expr": "$.a.list[*].n"],
            ["type": "jq", "name": "jq_sum", "expr": ".nums | add"],
            ["type": "tree", "name": "tree_c", "nodes": ["a", "b", "c"]], ["type": "root", "name": "odd.key"],
            ["type": "path", "name": "at", "expr": "$.when.at"],
            ["type": "path", "name": "total", "expr": "$.nums.sum()"],
            ["type": "path", "name": "gone", "expr": "$.no.such"], "root",
        ]
        let read = try flatten(fields, text)
        let expected: JSON = [
            "c": "v1", "first": 1, "all_n": [1, 2], "jq_sum": 3, "tree_c": "v1", "odd.key": 1, "at": 1_712_003_600_000,
            "total": .double(3), "gone": nil, "root": "r1", "when": ["at": 1_712_003_600_000],
            "a": ["b": ["c": "v1"], "list": [["n": 1], ["n": 2]]], "nums": [1, 2], "empty": [:], "s": "text",
        ]
        #expect(read.rows == [expected])
        #expect(read.fields.prefix(3) == ["c", "first", "all_n"])
    }

    @Test func pathsOfEveryForm() throws {
        let text =
            #"{"store":{"book":[{"t":"A","p":5},{"t":"B","p":12.5},{"t":"C","p":8}]},"k y":{"x":[1,2,3,4]},"n":-2,"s":"héllo"}"#
        #expect(try path("$.store.book[-1].t", text) == "C")
        #expect(try path("$['k y']['x'][1:3]", text) == [2, 3])
        #expect(try path("$.store.book[0,2].t", text) == ["A", "C"])
        #expect(try path("$..t", text) == ["A", "B", "C"])
        #expect(try path("$.store.book[?(@.p > 6)].t", text) == ["B", "C"])
        #expect(try path("$.store.book[?(@.p > 6 && @.t != 'C' || @.t == \"A\")].t", text) == ["A", "B"])
        // With Druid's JSON provider every key of an object is there.
        #expect(try path("$.store.book[?(@.q)].p", text) == [5, 12.5, 8])
        #expect(try path("$.store.book[?(!(@.q))].p", text) == [])
        #expect(try path("$.store.book[?(@.t in ['A','C'])].p", text) == [5, 8])
        #expect(try path("$.store.book[?(@.t nin ['A','C'])].p", text) == [12.5])
        #expect(try path("$.store.*[0].t", text) == ["A"])
        #expect(try path("store.book[1].p", text) == 12.5)
        #expect(try path("$.store.book[7].t", text) == .null)
        #expect(try path("$.nothing[*].t", text) == [])
        #expect(try path("$.store.book[*].p.max()", text) == .double(12.5))
        #expect(try path("$.store.book.length()", text) == 3)
        #expect(try path("$.s.length()", text) == .null)
        #expect(try path("$['n','s','none']", text) == ["n": -2, "s": "héllo"])
        #expect(
            try path("$.store.book[*]['t','p']", text) == [
                ["t": "A", "p": 5], ["t": "B", "p": 12.5], ["t": "C", "p": 8],
            ]
        )
        #expect(try path("$['k y'].x.avg()", text) == .double(2.5))
        #expect(try path("$", #"{"a":1}"#) == ["a": 1])
    }

    @Test func mistakesAreNamed() {
        for expression in ["$.", "$..", "$[", "$['a", "$.a[?(@.x >)]", "$.a.nope()", "$.a[x]", "$.a b"] {
            let error = #expect(throws: LaminaError.self) { try path(expression, "{}") }
            #expect(error?.message.contains("fields[0].expr") == true)
        }
        #expect(throws: LaminaError.self) { try flatten([["type": "jq", "name": "x", "expr": ".a |"]], "{}") }
        #expect(throws: LaminaError.self) { try flatten([["type": "path", "name": "x"]], "{}") }
        #expect(throws: LaminaError.self) { try flatten(["x", "x"], "{}") }
        #expect(throws: LaminaError.self) { try flatten([["type": "other", "name": "x", "expr": "$"]], "{}") }
    }

    @Test func programsThatFailMakeBadRecords() throws {
        let read = try flatten(
            [["type": "jq", "name": "x", "expr": ".a | tonumber"]],
            "{\"a\":\"7\"}\n{\"a\":\"no\"}\n{\"a\":1}"
        )
        #expect(read.rows.map { $0["x"] } == [7, 1])
        #expect(read.bad.map(\.input) == ["{\"a\":\"no\"}"])
    }

    @Test func discoveryIsDeclared() throws {
        let format = try InputFormat(
            json: ["type": "json", "flattenSpec": ["useFieldDiscovery": false, "fields": ["a"]]],
            path: "inputFormat"
        )
        #expect(format.flattenedFields == ["a"])
        #expect(!format.discoversRootFields)
        #expect(!format.keepsNullColumns)
        let discovering = try InputFormat(
            json: ["type": "json", "flattenSpec": ["fields": ["a"]]],
            path: "inputFormat"
        )
        #expect(discovering.keepsNullColumns)
    }
}
