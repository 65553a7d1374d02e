import LaminaBase
import LaminaBroker
import LaminaEngine
import LaminaQuery
import LaminaSegment
import LaminaTestSupport
import Testing

/// Random trees of joins, unnestings, filters and inner queries over stored and growing segments and inline rows, against nested
/// loops. A growing segment answers as a stored one, in however many parts its rows lie.
///
/// `LAMINA_SEED=… swift test --filter RandomSourceTests` repeats a run.
@Suite struct RandomSourceTests {
    private static let columns: [(name: String, kind: ReferenceRows.Kind, type: ColumnType)] = [
        ("k", .stored, .string), ("n", .long, .long), ("d", .double, .double), ("m", .stored, .string),
    ]

    private struct Table {
        var segments: [DataSegment] = []
        /// Those that still grow.
        var realtime: [SegmentID: any RealtimeRows] = [:]
        var rows: ReferenceRows
    }

    /// A table of three days, some of them growing ones, and its rows.
    private func table(_ random: inout SeededGenerator, _ store: SegmentStore) throws -> Table {
        var table = Table(
            rows: ReferenceRows(kinds: [("__time", .long)] + Self.columns.map { ($0.name, $0.kind) }, segments: [])
        )
        for day in 0..<3 {
            let start = try parseInstant("2024-05-01") + Int64(day) * 86_400_000
            var own: [ReferenceRows.Row] = []
            for number in 0..<Int.random(in: 1...8, using: &random) {
                var row = SourceGenerator.row(&random, time: start + Int64(number) * 3_600_000)
                row["a"] = nil
                // An empty list is stored as null.
                if row["m"] == .array([]) { row["m"] = .null }
                own.append(row)
            }
            // A column without any value is not stored, and then its rows have no lists either.
            let isNull: (Value?) -> Bool = { value in
                if case .array(let list) = value { list.allSatisfy(\.isNull) } else { value?.isNull ?? true }
            }
            let grows = random.chance(0.5)
            // The same of a part of a growing segment, wherever it is cut.
            for number in own.indices where grows || own.allSatisfy({ isNull($0["m"]) }) {
                if isNull(own[number]["m"]) { own[number]["m"] = .null }
            }
            table.rows.segments.append(own)
            if grows {
                let (segment, grown) = try growing(own, day, &random)
                table.segments.append(segment)
                table.realtime[segment.id] = grown
                continue
            }
            let view = InlineSegment(
                times: own.map { if case .long(let time)? = $0["__time"] { time } else { 0 } },
                Self.columns.map { column in
                    InlineSegment.Input(column.name, column.type, own.map { $0[column.name] ?? .null })
                },
                isTimeOrdered: true,
                hasBitmaps: true
            )
            table.segments.append(try store.segment(day: day, version: "v1", view, of: "t"))
        }
        return table
    }

    /// The rows of a day as they come, mostly in several parts.
    private func growing(
        _ rows: [ReferenceRows.Row],
        _ day: Int,
        _ random: inout SeededGenerator
    ) throws -> (DataSegment, RealtimeTable) {
        let start = try parseInstant("2024-05-01") + Int64(day) * 86_400_000
        let folder = try makeTemporaryFolder()
        // Mapped files stay readable when their names are gone.
        defer { removeTestFiles(folder) }
        var part = MemoryRows(types: Self.columns.map { ($0.name, $0.type) }, rows: rows)
        part.interval = Interval(start: start, end: start + 86_400_000)
        let layout = random.pick([RealtimeLayout.memory, .shuffled, .pieces, .pieces, .pieces])
        let segment = realtimeIdentity("t", Interval(start: start, end: start + 86_400_000))
        return (segment, try RealtimeTable(part, layout, folder, &random))
    }

    @Test func treesOfSourcesHoldTheRowsOfNestedLoops() throws {
        let seed = randomTestSeed()
        for turn in 0..<40 {
            var random = SeededGenerator(seed: seed &+ UInt64(turn))
            let store = try SegmentStore()
            var options = Broker.Options()
            // Every other time so little memory that what inner queries give goes to disk.
            if turn % 2 == 1 { options.queryBytesMax = 128 << 10 }
            let broker = try store.broker(options)
            let table = try table(&random, store)
            broker.update(dataSource: "t", timeline: SegmentTimeline(table.segments), realtime: table.realtime)
            for number in 0..<15 {
                var generator = SourceGenerator(random, table: table.rows)
                let (json, wanted) = generator.source(depth: number % 4)
                try check(&generator, json, wanted, broker, "LAMINA_SEED=\(seed), turn \(turn), query \(number)")
                random = generator.random
            }
        }
    }

    private func check(
        _ generator: inout SourceGenerator,
        _ source: JSON,
        _ rows: ReferenceRows,
        _ broker: Broker,
        _ place: String
    ) throws {
        var rows = rows
        var interval = "1000/3000"
        var filter: JSON = .null
        if !generator.keepsRight {
            if generator.random.chance(0.3) {
                interval = "2024-05-02/2024-05-03T12"
                let range = try Interval(parsing: interval)
                rows = SourceReference.filter(rows) { row in
                    if case .long(let time)? = row["__time"] { range.contains(time) } else { false }
                }
            }
            if generator.random.chance(0.5), let (json, test) = generator.filter(rows) {
                filter = json
                rows = SourceReference.filter(rows, test)
            }
        }
        let names = rows.kinds.map(\.name)
        let scan: JSON = [
            "queryType": "scan", "dataSource": source, "intervals": [.string(interval)], "filter": filter,
            "columns": .array(names.map { .string($0) }), "resultFormat": "compactedList",
        ]
        var found: [String] = []
        for batch in try answer(scan, broker).arrayValue ?? [] {
            for row in batch["events"]?.arrayValue ?? [] { found.append(row.text) }
        }
        let all = rows.segments.flatMap { $0 }
        let wanted = all.map { row in
            JSON.array(names.map { SourceGenerator.json(row[$0] ?? .null) }).text
        }
        #expect(found.sorted() == wanted.sorted(), "\(place): \(scan.text)")
        try checkGroups(source, all, rows, interval, filter, broker, place)
    }

    /// The same rows counted and summed by a column.
    private func checkGroups(
        _ source: JSON,
        _ all: [ReferenceRows.Row],
        _ rows: ReferenceRows,
        _ interval: String,
        _ filter: JSON,
        _ broker: Broker,
        _ place: String
    ) throws {
        guard let key = rows.keys.first(where: { $0.kind == .text || $0.kind == .stored })?.name,
            let number = rows.names(.long).last, key != number
        else { return }
        let query: JSON = [
            "queryType": "groupBy", "dataSource": source, "intervals": [.string(interval)], "filter": filter,
            "granularity": "all", "dimensions": [.string(key)],
            "aggregations": [
                ["type": "count", "name": "#"], ["type": "longSum", "name": "+", "fieldName": .string(number)],
            ],
        ]
        var found: [String: [JSON?]] = [:]
        for row in try answer(query, broker).arrayValue ?? [] {
            found[(row["event"]?[key] ?? .null).text] = [row["event"]?["#"], row["event"]?["+"]]
        }
        var counts: [String: Int64] = [:]
        var sums: [String: Int64] = [:]
        for row in all {
            let group = SourceGenerator.json(row[key] ?? .null).text
            counts[group, default: 0] += 1
            if case .long(let value)? = row[number] { sums[group, default: 0] += value }
        }
        #expect(found.count == counts.count, "\(place): \(query.text)")
        for (group, count) in counts {
            let wanted: [JSON?] = [.int(count), sums[group].map { .int($0) } ?? .null]
            #expect(found[group] == wanted, "\(place), group \(group): \(query.text)")
        }
    }

    private func answer(_ query: JSON, _ broker: Broker) throws -> JSON {
        try JSONParser.parse(try broker.run(try Query(json: query)).jsonText())
    }
}
