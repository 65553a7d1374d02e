import Glibc
import LaminaBase
import LaminaEngine
import LaminaQuery
import LaminaTestSupport
import Testing

/// Broken queries and expressions by the million: each gives a query or an error, soon and in little memory.
///
/// Inputs come in blocks of 1,000; a block's number makes them. `LAMINA_SEED=<block> swift test --filter DecoderFuzzTests` runs
/// one again. Should the process die, the files `/tmp/lamina-fuzz-<process>-*` hold the numbers of the blocks it was at.
@Suite struct DecoderFuzzTests {
    private static let shards = 2
    private static let corpus = FuzzCorpus()

    private static func setting(_ name: String) -> Int? { getenv(name).flatMap { Int(String(cString: $0)) } }

    /// 10 million inputs in the long form.
    private static var blocks: Range<Int> {
        if let only = setting("LAMINA_SEED") { return only..<only + 1 }
        let first = setting("LAMINA_FIRST") ?? 0
        return first..<first + (setting("LAMINA_BLOCKS") ?? (getenv("LAMINA_LONG") == nil ? 100 : 10_000))
    }

    /// A few rows under names that queries of the corpus use.
    private static let segment = InlineSegment(
        times: [1_709_942_400_000, 1_709_950_000_000, 1_710_050_000_000],
        [
            .init("country", .string, [.string("KR"), .null, .string("")]),
            .init("tags", .string, [.array([.string("a"), .string("b")]), .array([]), .string("c")]),
            .init("clicks", .long, [.long(.max), .null, .long(-3)]),
            .init("id", .string, [.string("1"), .string("x"), .null]),
            .init("revenue", .double, [.double(.nan), .double(1.5), .null]),
            .init("l1", .long, [.long(1), .long(0), .null]),
            .init("attrs", .complex("json"), [.json(["a": ["b": 1]]), .null, .json([:])]),
            .init("arr_l", .array(.long), [.array([.long(1), .null]), .array([]), .null]),
        ],
        isTimeOrdered: true,
        hasBitmaps: true
    )

    private struct Tally {
        var inputs = 0
        var decoded = 0
        var parsed = 0
        var ran = 0
        var slowest: (nanos: UInt64, block: Int, input: String) = (0, 0, "")
    }

    @Test(arguments: 0..<shards) func everyInputIsAQueryOrAnError(shard: Int) {
        let memoryBefore = Self.peakKilobytes()
        let note = "/tmp/lamina-fuzz-\(getpid())-\(shard)"
        defer { unlink(note) }
        var tally = Tally()
        for block in Self.blocks where block % Self.shards == shard || Self.blocks.count == 1 && shard == 0 {
            if let file = fopen(note, "w") {
                fputs("\(block)\n", file)
                fclose(file)
            }
            run(block, &tally)
        }
        guard tally.inputs > 0 else { return }
        #expect(tally.decoded * 100 > tally.inputs, "hardly any input is a query: the mutations are too wild")
        #expect(tally.parsed * 50 > tally.inputs)
        #expect(tally.slowest.nanos < 5_000_000_000, "block \(tally.slowest.block): \(tally.slowest.input)")
        // Other suites may run beside, hence the room.
        #expect(Self.peakKilobytes() - memoryBefore < 3 << 20, "memory grew without bound")
        if getenv("LAMINA_LONG") != nil {
            print(
                "fuzz \(shard): \(tally.inputs) inputs, \(tally.decoded) queries, \(tally.ran) of them run, \(tally.parsed) "
                    + "expressions, slowest \(tally.slowest.nanos / 1000) µs in block \(tally.slowest.block)"
            )
        }
    }

    private static func peakKilobytes() -> Int {
        var usage = rusage()
        getrusage(0, &usage)  // RUSAGE_SELF
        return usage.ru_maxrss
    }

    private func run(_ block: Int, _ tally: inout Tally) {
        var mutator = Mutator(random: SeededGenerator(seed: UInt64(block) &* 2_654_435_761 &+ 11), corpus: Self.corpus)
        for number in 0..<1000 {
            tally.inputs += 1
            let start = threadNanos()
            var input: [UInt8] = []
            switch number % 10 {
            case 0:
                let json = mutator.tree()
                input = Array(json.text.utf8)
                decode(json, number, &tally)
            case 1...4:
                input = mutator.queryBytes()
                if let json = try? JSONParser.parse(input) { decode(json, number, &tally) }
            default:
                input = mutator.expressionBytes()
                parse(String(decoding: input, as: UTF8.self), &tally)
            }
            let nanos = threadNanos() - start
            if nanos > tally.slowest.nanos {
                tally.slowest = (nanos, block, String(decoding: input.prefix(2000), as: UTF8.self))
            }
        }
    }

    private func decode(_ json: JSON, _ number: Int, _ tally: inout Tally) {
        do throws(LaminaError) {
            let query = try Query(json: json) { name in name == "country" ? LookupTable(map: ["KR": "Korea"]) : nil }
            tally.decoded += 1
            guard number % 50 == 0, case .table = query.dataSource else { return }
            tally.ran += 1
            let input = SegmentInput(view: Self.segment, id: "fuzz", intervals: query.intervals)
            let run = QueryRun(timeoutMillis: 1000, memory: MemoryBudget(limitBytes: 32 << 20))
            _ = try answer(query, over: [input, input], run).jsonText()
        } catch {
            if error.category == .defensive || error.message.isEmpty {
                Issue.record("\(json.text) gives \(error.category): \(error.message)")
            }
        }
    }

    private func parse(_ text: String, _ tally: inout Tally) {
        guard let expression = try? Expression(parsing: text) else { return }
        tally.parsed += 1
        _ = expression.outputType { $0 == "x" ? .long : $0 == "tags" ? .array(.string) : nil }
        _ = try? expression.evaluate { (name: String) -> Value in
            name == "x" ? .long(7) : name == "tags" ? .array([.string("a"), .null]) : .null
        }
    }

    // MARK: Depth

    /// Nesting far beyond any stack is an error, in whatever way it is written.
    @Test func depthIsRefused() throws {
        let depth = 100_000
        func nested(_ open: String, _ middle: String, _ close: String) -> String {
            String(repeating: open, count: depth) + middle + String(repeating: close, count: depth)
        }
        for text in [
            nested("[", "1", "]"), nested(#"{"a":"#, "1", "}"), String(repeating: "[", count: depth),
            String(repeating: #"{"a":["#, count: depth),
        ] {
            #expect(throws: LaminaError.self) { try JSONParser.parse(text) }
        }
        for text in [
            nested("(", "x", ")"), nested("abs(", "x", ")"), String(repeating: "-", count: depth) + "x",
            String(repeating: "!", count: depth) + "x", String(repeating: "x ^ ", count: depth) + "x",
            nested("map((x) -> ", "x", ", y)"), nested("array(", "1", ")"), nested("[", "1", "]"),
            nested("if(1, ", "x", ", 2)"),
            String(repeating: "(x) -> ", count: depth) + "x", String(repeating: "- (", count: depth),
        ] {
            #expect(throws: LaminaError.self, "\(text.prefix(20))") { try Expression(parsing: text) }
        }
        // Chains of one precedence are no nesting; they are answered or refused.
        for sign in ["+", "*", "&&", "||", "<", "==", "-", "%"] {
            let text = Array(repeating: "x", count: depth).joined(separator: " \(sign) ")
            if let chain = try? Expression(parsing: text) {
                _ = try? chain.evaluate { (_: String) -> Value in .long(1) }
                _ = chain.outputType { _ in .long }
            }
        }
    }

    /// What JSON lets through is not too deep for the decoder.
    @Test func deepQueriesAreDecodedOrRefused() {
        func nested(_ depth: Int, _ inner: JSON, _ wrap: (JSON) -> JSON) -> JSON {
            (0..<depth).reduce(inner) { json, _ in wrap(json) }
        }
        func query(_ key: String, _ value: JSON) -> JSON {
            var object: JSONObject = [
                "queryType": "groupBy", "dataSource": "d", "intervals": "2024/2025", "granularity": "all",
                "dimensions": [],
            ]
            object[key] = value
            return .object(object)
        }
        let not = nested(500, ["type": "null", "column": "x"]) { ["type": "not", "field": $0] }
        let and = nested(240, ["type": "null", "column": "x"]) { ["type": "and", "fields": [$0, ["type": "true"]]] }
        let having = nested(500, ["type": "always"]) { ["type": "not", "havingSpec": $0] }
        let post = nested(240, ["type": "constant", "name": "c", "value": 1]) {
            [
                "type": "arithmetic", "name": "p", "fn": "+",
                "fields": [$0, ["type": "constant", "name": "c", "value": 1]],
            ]
        }
        let filtered = nested(250, ["type": "count", "name": "n"]) {
            ["type": "filtered", "aggregator": $0, "filter": ["type": "true"]]
        }
        let cascade = nested(240, ["type": "upper"]) { ["type": "cascade", "extractionFns": [$0]] }
        let queries: [JSON] = [
            query("filter", not), query("filter", and), query("having", having), query("postAggregations", [post]),
            query("aggregations", [filtered]),
            query(
                "dimensions",
                [["type": "extraction", "dimension": "x", "outputName": "y", "extractionFn": cascade]]
            ),
            nested(240, query("dimensions", [])) { query("dataSource", ["type": "query", "query": $0]) },
            nested(500, "d") { ["type": "filter", "base": $0, "filter": ["type": "true"]] },
        ]
        for json in queries {
            guard let query = try? Query(json: json), case .table = query.dataSource else { continue }
            let input = SegmentInput(view: Self.segment, id: "deep", intervals: query.intervals)
            _ = try? answer(query, over: [input], QueryRun()).jsonText()
        }
    }
}
