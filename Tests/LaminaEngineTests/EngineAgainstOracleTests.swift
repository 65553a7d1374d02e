import LaminaBase
import LaminaEngine
import LaminaQuery
import LaminaSegment
import LaminaTestSupport
import Testing

/// The engine and the row-by-row oracle must agree on random queries over random data.
///
/// A case is a number: it makes the data (shared by 16 cases) and the query. `LAMINA_SEED=<case> swift test --filter
/// EngineAgainstOracleTests` runs that one alone and prints what it did; `LAMINA_FIRST` and `LAMINA_CASES` choose others than
/// the first ones.
@Suite struct EngineAgainstOracleTests {
    private static let shards = 4

    private static var cases: Range<Int> { oracleCases(usual: 4_000, long: 100_000) }

    @Test(arguments: 0..<shards) func answersAgree(shard: Int) throws {
        let cases = Self.cases
        var refused = 0
        var failures = 0
        var group = cases.lowerBound / 16
        while group * 16 < cases.upperBound {
            defer { group += 1 }
            guard group % Self.shards == shard || cases.count == 1 && shard == 0 else { continue }
            let data = try CaseData(group: group)
            for seed in max(group * 16, cases.lowerBound)..<min(group * 16 + 16, cases.upperBound) {
                let query = data.query(seed)
                guard let difference = data.difference(query) else {
                    if data.isRefused(query) { refused += 1 }
                    continue
                }
                failures += 1
                let report = data.report(query, difference, case: seed, suite: "EngineAgainstOracleTests")
                Issue.record("\(report)")
                if failures == 8 { return }
            }
        }
        #expect(refused * 50 <= cases.count, "too many of the queries were errors on both sides")
    }
}

/// The rows of sixteen cases in every layout.
struct CaseData: OracleComparison {
    let oracle: NaiveOracle
    /// By table: each layout's inputs, in the order of the segments.
    private let layouts: [(name: String, views: [String: [any SegmentView]], splits: Bool)]
    /// Of views that are parts of a segment, as the broker gives them to the engine.
    private let wholeBounds: [ObjectIdentifier: (min: Int64, max: Int64)]
    private let group: Int

    init(group: Int) throws {
        self.group = group
        var data = RandomData(generator: SeededGenerator(seed: UInt64(group) &* 7919 &+ 17))
        let tables = data.tables()
        oracle = NaiveOracle(tables: tables, lookups: RandomData.lookups)
        var layouts: [(name: String, views: [String: [any SegmentView]], splits: Bool)] = []
        layouts.append(("sorted, bitmaps", tables.mapValues { $0.map { $0.segment() } }, false))
        layouts.append(
            ("unsorted", tables.mapValues { $0.map { $0.segment(sortsDictionaries: false, hasBitmaps: false) } }, false)
        )
        layouts.append(("row ranges", tables.mapValues { $0.map { $0.segment(hasBitmaps: false) } }, true))
        let stored = try StoredSegments(tables)
        layouts.append(("stored", stored.views, false))
        // Every other segment in memory.
        var mixed = stored.views
        for (name, parts) in tables {
            for index in parts.indices where index % 2 == 1 { mixed[name]?[index] = parts[index].segment() }
        }
        layouts.append(("stored and in memory", mixed, true))
        var generator = SeededGenerator(seed: UInt64(group) &* 613 &+ 7)
        let memory = try RealtimeTables(tables, .memory, generator: &generator)
        layouts.append(("realtime", memory.views, group % 2 == 1))
        let late = try RealtimeTables(tables, .shuffled, generator: &generator)
        layouts.append(("realtime, late rows", late.views, false))
        let pieces = try RealtimeTables(tables, .pieces, generator: &generator)
        layouts.append(("pieces + realtime", pieces.views, false))
        wholeBounds = pieces.bounds
        let merged = try RealtimeTables(tables, .pieces, merges: true, generator: &generator)
        layouts.append(("realtime, merged", merged.views, false))
        self.layouts = layouts
    }

    func query(_ seed: Int) -> JSON {
        var queries = RandomQueries(generator: SeededGenerator(seed: UInt64(seed) &* 104_729 &+ 3))
        return queries.query()
    }

    /// Where the engine's answers differ from the oracle's, in the first layout in which they do.
    func difference(_ json: JSON) -> String? {
        let expected: JSON
        do { expected = try oracle.answer(json) } catch let error as NaiveOracle.Unknown {
            return "the oracle: \(error)"
        } catch {
            return nil
        }
        for layout in layouts {
            do throws(LaminaError) {
                let actual = try run(json, layout.views, splits: layout.splits)
                // An answer over several inputs has its times in the zone of the granularity.
                let isParted = layout.name.hasPrefix("pieces")
                let (left, right) = isParted ? (inUTC(actual), inUTC(expected)) : (actual, expected)
                if let found = firstDifference(left, right) { return "\(layout.name): \(found)" }
            } catch {
                return "\(layout.name): error \(error.message)"
            }
        }
        return nil
    }

    /// The answer with the times of its buckets in UTC.
    private func inUTC(_ answer: JSON) -> JSON {
        .array(
            (answer.arrayValue ?? []).map { element in
                guard var object = element.objectValue, let text = object["timestamp"]?.stringValue,
                    let time = try? parseInstant(text)
                else { return element }
                object["timestamp"] = .string(instantText(time))
                return .object(object)
            }
        )
    }

    private func run(_ json: JSON, _ views: [String: [any SegmentView]], splits: Bool) throws(LaminaError) -> JSON {
        let lookups: LookupResolver = { name in RandomData.lookups[name].map { LookupTable(map: $0) } }
        let query = try Query(json: json, lookups: lookups)
        var inputs: [SegmentInput] = []
        for (number, view) in (views[query.dataSource.tables.first ?? ""] ?? []).enumerated() {
            var input = SegmentInput(view: view, id: "s\(number)", intervals: query.intervals)
            input.wholeBounds = wholeBounds[ObjectIdentifier(view)]
            // Parts of one segment have its id.
            if let bounds = input.wholeBounds { input.id = "s\(bounds.min)-\(bounds.max)" }
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
