import LaminaBase
import LaminaBroker
import LaminaEngine
import LaminaQuery
import LaminaSegment
import LaminaTestSupport
import Testing

/// Random queries over unions, filters, joins, unnestings, inline rows, look-ups and queries, through the broker over stored
/// and growing segments, against the row-by-row oracle.
///
/// `LAMINA_SEED=<case> swift test --filter BrokerAgainstOracleTests` runs one case alone; see `EngineAgainstOracleTests`.
@Suite struct BrokerAgainstOracleTests {
    private static var cases: Range<Int> { oracleCases(usual: 1_000, long: 20_000) }

    @Test func answersAgree() throws {
        let cases = Self.cases
        var failures = 0
        var refused = 0
        for group in cases.lowerBound / 16...(cases.upperBound - 1) / 16 {
            let tables = try BrokerTables(group: group)
            defer { tables.remove() }
            for seed in max(group * 16, cases.lowerBound)..<min(group * 16 + 16, cases.upperBound) {
                var queries = RandomQueries(
                    generator: SeededGenerator(seed: UInt64(seed) &* 92_821 &+ 29),
                    usesSources: true
                )
                let query = queries.query()
                guard let difference = tables.difference(query) else {
                    if tables.isRefused(query) { refused += 1 }
                    continue
                }
                failures += 1
                let report = tables.report(query, difference, case: seed, suite: "BrokerAgainstOracleTests")
                Issue.record("\(report)")
                if failures == 8 { return }
            }
        }
        #expect(refused * 20 <= cases.count, "too many of the queries were errors on both sides")
    }
}

/// Random tables published to a broker.
private struct BrokerTables: OracleComparison {
    let oracle: NaiveOracle
    private let broker: Broker
    private let folder: String

    init(group: Int) throws {
        var data = RandomData(generator: SeededGenerator(seed: UInt64(group) &* 6_151 &+ 5))
        var tables = data.tables()
        for (name, parts) in tables {
            for index in parts.indices {
                let start: Int64 = 1_700_000_000_000 + Int64(index) * 86_400_000
                tables[name]?[index].interval = Interval(start: start, end: start + 86_400_000)
            }
        }
        oracle = NaiveOracle(tables: tables, lookups: RandomData.lookups)
        folder = try makeTemporaryFolder()
        broker = try Broker { $0.loadSpec["path"]?.stringValue }
        var generator = SeededGenerator(seed: UInt64(group) &* 811 &+ 13)
        for name in tables.keys.sorted() {
            let parts = tables[name] ?? []
            var segments: [DataSegment] = []
            var realtime: [SegmentID: any RealtimeRows] = [:]
            for (index, part) in parts.enumerated() {
                guard let interval = part.interval else { continue }
                let path = "\(folder)/\(name)\(index)"
                if generator.chance(0.4) {
                    let layout = generator.pick([RealtimeLayout.memory, .shuffled, .pieces])
                    let segment = realtimeIdentity(name, interval)
                    segments.append(segment)
                    realtime[segment.id] = try RealtimeTable(part, layout, path, &generator)
                    continue
                }
                var options = SegmentWriteOptions()
                options.synchronized = false
                options.interval = interval
                let written = try SegmentWriter.write(part.segment(), to: path, options: options)
                var segment = realtimeIdentity(name, interval)
                segment.loadSpec = ["type": "local", "path": .string(path)]
                segment.dimensions = part.types.map(\.name)
                segment.shardSpec = .numbered(partition: 0, core: 1)
                segment.size = written.sizeBytes
                segments.append(segment)
            }
            broker.update(dataSource: name, timeline: SegmentTimeline(segments), realtime: realtime)
        }
    }

    func remove() { removeTestFiles(folder) }

    func difference(_ json: JSON) -> String? {
        let expected: JSON
        do { expected = try oracle.answer(json) } catch let error as NaiveOracle.Unknown {
            return "the oracle: \(error)"
        } catch {
            return nil
        }
        do {
            let lookups: LookupResolver = { name in RandomData.lookups[name].map { LookupTable(map: $0) } }
            let query = try Query(json: json, lookups: lookups)
            var actual = try JSONParser.parse(try broker.run(query).jsonText())
            if case .scan = query.kind {
                actual = .array((actual.arrayValue ?? []).flatMap { $0["events"]?.arrayValue ?? [] })
            }
            return firstDifference(withoutSegmentTimes(actual, of: json), withoutSegmentTimes(expected, of: json))
        } catch let error as LaminaError {
            return "error \(error.message)"
        } catch {
            return "error \(error)"
        }
    }
}
