import LaminaBase
import LaminaEngine
import LaminaQuery
import LaminaTestSupport
import Testing

/// The engine and the row-by-row oracle must agree on random queries over random data.
@Suite struct EngineAgainstOracleTests {
    @Test(arguments: [(1, 60), (4, 300), (2, 12_000)])
    func answersAgree(segments: Int, rows: Int) throws {
        let seed = randomTestSeed()
        var data = RandomData(generator: SeededGenerator(seed: seed &+ UInt64(segments)))
        var queries = RandomQueries(generator: SeededGenerator(seed: seed &* 31 &+ UInt64(rows)))
        for round in 0..<(rows > 1000 ? 1 : 5) {
            let tables = data.segments(segments, rows: rows)
            let oracle = NaiveOracle(tables)
            for number in 0..<(rows > 1000 ? 8 : 30) {
                let json = queries.query()
                let query = try Query(json: json)
                let expected = try oracle.answer(query)
                for layout in 0..<3 {
                    let views = tables.map { $0.segment(sortsDictionaries: layout != 1, hasBitmaps: layout == 0) }
                    let actual = try run(query, views, splits: layout == 2)
                    let same = agree(actual, expected)
                    #expect(
                        same,
                        "LAMINA_SEED=\(seed) round \(round) query \(number) layout \(layout): \(json.text)\n engine \(actual.text.prefix(1500))\n oracle \(expected.text.prefix(1500))"
                    )
                    if !same { return }
                }
            }
        }
    }

    /// The engine's answer; with `splits` every segment is run in two halves.
    private func run(_ query: Query, _ views: [InlineSegment], splits: Bool) throws -> JSON {
        var inputs: [SegmentInput] = []
        for (number, view) in views.enumerated() {
            let input = SegmentInput(view: view, id: "s\(number)", intervals: query.intervals)
            if splits, view.rowCount > 1 {
                for rows in [0..<view.rowCount / 2, view.rowCount / 2..<view.rowCount] {
                    var part = input
                    part.rows = rows
                    inputs.append(part)
                }
            } else {
                inputs.append(input)
            }
        }
        let result = try JSONParser.parse(try answer(query, over: inputs, QueryRun()).jsonText())
        guard case .scan = query.kind else { return result }
        return .array((result.arrayValue ?? []).flatMap { $0["events"]?.arrayValue ?? [] })
    }
}

/// Equal as data: key order aside, doubles within rounding.
func agree(_ left: JSON, _ right: JSON) -> Bool {
    switch (left, right) {
    case (.double(let one), .double(let two)): return one == two || abs(one - two) <= 1e-9 * max(abs(one), abs(two))
    case (.string(let one), .string(let two)): return Array(one.utf8) == Array(two.utf8)
    case (.array(let one), .array(let two)): return one.count == two.count && zip(one, two).allSatisfy { agree($0, $1) }
    case (.object(let one), .object(let two)):
        return one.count == two.count
            && one.entries.allSatisfy { entry in two[entry.key].map { agree(entry.value, $0) } ?? false }
    default: return left == right
    }
}
