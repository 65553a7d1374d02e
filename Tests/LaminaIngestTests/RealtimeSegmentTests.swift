import Glibc
import LaminaBase
import LaminaEngine
import LaminaIngest
import LaminaQuery
import LaminaSegment
import LaminaTestSupport
import Synchronization
import Testing

/// Rows that are read while they come, pieces, and what becomes of them.
@Suite struct RealtimeSegmentTests {
    private static let day = Interval(start: 1_704_067_200_000, end: 1_704_153_600_000)

    private func task(_ dimensions: JSON, rollup: Bool, lines: String = "", query: JSON = "NONE") throws
        -> IndexTaskSpec
    {
        try IndexTaskSpec(json: taskJSON(dimensions, rollup: rollup, lines: lines, query: query))
    }

    private func taskJSON(_ dimensions: JSON, rollup: Bool, lines: String = "", query: JSON = "NONE") -> JSON {
        [
            "type": "index_parallel",
            "spec": [
                "dataSchema": [
                    "dataSource": "live", "timestampSpec": ["column": "__time", "format": "millis"],
                    "dimensionsSpec": dimensions,
                    "metricsSpec": [
                        ["type": "count", "name": "cnt"], ["type": "longSum", "name": "n", "fieldName": "n"],
                        ["type": "doubleMax", "name": "most", "fieldName": "n"],
                        ["type": "hyperUnique", "name": "users", "fieldName": "user"],
                        ["type": "longLast", "name": "last", "fieldName": "n"],
                    ],
                    "granularitySpec": [
                        "segmentGranularity": "DAY", "queryGranularity": query, "rollup": .bool(rollup),
                    ],
                ],
                "ioConfig": [
                    "inputSource": ["type": "inline", "data": .string(lines)], "inputFormat": ["type": "json"],
                ],
            ],
        ]
    }

    /// Every row has n = 3, so that sums are known from counts.
    private func batch(_ number: Int, _ count: Int) -> InlineSegment {
        var generator = SeededGenerator(seed: UInt64(number))
        var times: [Int64] = []
        var keys: [Value] = []
        var tags: [Value] = []
        var loose: [Value] = []
        for row in 0..<count {
            // Mostly later than before, as streams are.
            let late = generator.chance(0.1) ? Int64.random(in: 0..<600_000, using: &generator) : 0
            times.append(max(Self.day.start, Self.day.start + Int64(number * 1000 + row) * 20 - late))
            keys.append(.string("key \(Int.random(in: 0..<300 + number, using: &generator))"))
            tags.append(.array((0..<row % 3).map { .string("tag \(number % 17 + $0)") }))
            let object: JSONObject = ["a": ["b": .int(Int64(number % 50))]]
            loose.append(generator.chance(0.2) ? .null : .json(.object(object)))
        }
        return InlineSegment(
            times: times,
            [
                InlineSegment.Input("k", .string, keys), InlineSegment.Input("tags", .string, tags),
                InlineSegment.Input("j", .complex("json"), loose),
                InlineSegment.Input("n", .long, times.map { _ in .long(3) }),
                InlineSegment.Input("user", .string, times.map { .string("u\($0 % 40)") }),
            ]
        )
    }

    private static let dimensions: JSON = [
        "dimensions": ["k", ["type": "string", "name": "tags"], ["type": "json", "name": "j"]]
    ]

    private static func answer(_ json: JSON, over views: [any SegmentView]) throws -> JSON {
        let query = try Query(json: json)
        let inputs = views.map { SegmentInput(view: $0, id: "live", intervals: query.intervals) }
        return try JSONParser.parse(try LaminaEngine.answer(query, over: inputs, QueryRun()).jsonText())
    }

    private static let totals: JSON = [
        "queryType": "timeseries", "dataSource": "live", "intervals": "2024-01-01/2024-01-02", "granularity": "all",
        "aggregations": [
            ["type": "longSum", "name": "cnt", "fieldName": "cnt"], ["type": "longSum", "name": "n", "fieldName": "n"],
            ["type": "doubleMax", "name": "most", "fieldName": "most"],
            ["type": "hyperUnique", "name": "users", "fieldName": "users"],
        ],
    ]

    private static func total(_ views: [any SegmentView]) throws -> JSON? {
        try answer(totals, over: views).arrayValue?.first?["result"]
    }

    private static func groups(_ dimension: JSON, columns: JSON = []) -> JSON {
        [
            "queryType": "groupBy", "dataSource": "live", "intervals": "2024-01-01/2024-01-02", "granularity": "hour",
            "dimensions": [dimension], "virtualColumns": columns,
            "aggregations": [
                ["type": "longSum", "name": "cnt", "fieldName": "cnt"],
                ["type": "longSum", "name": "n", "fieldName": "n"],
            ],
        ]
    }

    private static let path: JSON = [
        ["type": "nested-field", "columnName": "j", "outputName": "p", "path": "$.a.b", "expectedType": "LONG"]
    ]

    /// What a reader finds wrong with one moment's rows.
    private static func check(_ views: [any SegmentView], _ round: Int, seen: inout Int64) throws -> String? {
        let total = try total(views)
        let count = total?["cnt"]?.intValue ?? 0
        if count < seen { return "the count fell from \(seen) to \(count)" }
        seen = count
        if total?["n"]?.intValue ?? 0 != 3 * count { return "\(count) rows of 3 make \(total?.text ?? "")" }
        let dimension: JSON = round % 3 == 0 ? "k" : round % 3 == 1 ? "p" : "k"
        let answer = try answer(groups(dimension, columns: path), over: views)
        var sum: Int64 = 0
        for row in answer.arrayValue ?? [] {
            let event = row["event"]
            if event?["n"]?.intValue != (event?["cnt"]?.intValue ?? 0) * 3 { return "a group has \(row.text)" }
            sum += event?["cnt"]?.intValue ?? 0
        }
        // The same views, asked again: nothing of them may have changed.
        return sum == count ? nil : "groups of \(dimension.text) have \(sum) rows, not \(count)"
    }

    @Test(arguments: [true, false]) func readersSeeWholeRowsWhileOthersCome(rollup: Bool) throws {
        let folder = freshFolder()
        defer { removeTestFiles(folder) }
        let spec = try task(Self.dimensions, rollup: rollup, query: "SECOND")
        let feeder = try RowFeeder(spec, interval: Self.day)
        let segment = try feeder.open(realtimeIdentity("live", Self.day), folder: "\(folder)/live")
        let state = Shared()
        let batches = getenv("LAMINA_LONG") == nil ? 24 : 1500
        let rows = 500
        var threads: [WorkerThread] = []
        for reader in 0..<2 {
            threads.append(
                try WorkerThread(name: "reader-\(reader)") { Self.read(segment, state, first: reader) }
            )
        }
        threads.append(
            try WorkerThread(name: "persist") {
                while !state.isDone.load(ordering: .acquiring) {
                    do throws(LaminaError) { _ = try segment.persist() } catch {
                        state.fail("persist: \(error.message)")
                    }
                    usleep(20_000)
                }
            }
        )
        for number in 0..<batches {
            try feeder.append(batch(number, rows), rows: Array(0..<UInt32(rows)), to: segment)
        }
        // Slow machines still read while rows come, and have persisted some.
        #expect(
            eventually {
                state.rounds.load(ordering: .acquiring) >= 4 && !segment.pieces.isEmpty
                    || !state.failures.withLock { $0.isEmpty }
            }
        )
        state.isDone.store(true, ordering: .releasing)
        for thread in threads { thread.join() }
        #expect(state.failures.withLock { $0 } == [])
        #expect(segment.pieces.count > 0)
        let expected = Int64(batches * rows)
        #expect(try Self.total(segment.views())?["cnt"] == .int(expected))
        // A restart has what was persisted, and the published segment all of it.
        _ = try segment.persist()
        let again = try feeder.open(
            realtimeIdentity("live", Self.day),
            folder: "\(folder)/live",
            pieces: segment.pieces
        )
        #expect(again.memoryRows == 0)
        #expect(again.rowCount == segment.rowCount)
        #expect(try again.merge(into: "\(folder)/merged") != nil)
        let merged = try Segment.open(path: "\(folder)/merged")
        #expect(try Self.total([merged])?["cnt"] == .int(expected))
        for dimension: JSON in ["k", "p", "tags"] {
            let query = Self.groups(dimension, columns: Self.path)
            #expect(try Self.answer(query, over: segment.views()) == Self.answer(query, over: [merged]))
        }
    }

    private final class Shared: Sendable {
        let isDone = Atomic(false)
        let failures = Mutex<[String]>([])
        let rounds = Atomic(0)
        func fail(_ text: String) { failures.withLock { $0.append(text) } }
    }

    private static func read(_ segment: RealtimeSegment, _ state: Shared, first: Int) {
        var seen: Int64 = 0
        var round = first
        while !state.isDone.load(ordering: .acquiring) {
            do {
                let views = segment.views()
                if let wrong = try check(views, round, seen: &seen) { state.fail(wrong) }
                // An older moment's rows stay as they were.
                usleep(500)
                var same = seen
                if let wrong = try check(views, round, seen: &same) { state.fail("later: \(wrong)") }
                if same != seen { state.fail("a view went from \(seen) rows to \(same)") }
            } catch {
                state.fail("\(error)")
            }
            round += 1
            state.rounds.wrappingAdd(1, ordering: .acquiringAndReleasing)
        }
    }

    /// Rows with dimensions nobody listed, whose values change their type as they go.
    private static let mixed = (0..<200).map { row -> JSON in
        var object: JSONObject = [
            "__time": .int(day.start + Int64(row * 37 % 100) * 60_000), "n": .int(Int64(row % 7)),
        ]
        object["k"] = .string("k\(row % 5)")
        switch row / 40 {
        case 0: object["loose"] = .int(Int64(row % 4))
        case 1: object["loose"] = row % 3 == 0 ? nil : .double(Double(row % 4) / 2)
        case 2: object["loose"] = .array([.int(Int64(row % 3)), .string("x")])
        case 3: object["loose"] = .string("t\(row % 4)")
        default: object["loose"] = .array([.int(Int64(row % 12))])
        }
        if row > 90 { object["late"] = .string("l\(row % 3)") }
        return .object(object)
    }

    private func view(_ rows: ArraySlice<JSON>) -> InlineSegment {
        func values(_ name: String) -> [Value] {
            rows.map { row in
                switch row[name] {
                case .int(let number)?: .long(number)
                case .double(let number)?: .double(number)
                case .string(let text)?: .string(text)
                case .array(let items)?: .json(.array(items))
                default: .null
                }
            }
        }
        var inputs = [
            InlineSegment.Input("n", .long, values("n")), InlineSegment.Input("k", .string, values("k")),
            InlineSegment.Input("loose", .complex("json"), values("loose")),
        ]
        if rows.contains(where: { $0["late"] != nil }) {
            inputs.append(InlineSegment.Input("late", .string, values("late")))
        }
        return InlineSegment(times: rows.map { $0["__time"]?.intValue ?? 0 }, inputs)
    }

    @Test(arguments: [true, false], [[], [40, 90, 130], [10, 20, 30, 50, 170]])
    func mergedSegmentsAreThoseOfABatchTask(rollup: Bool, cuts: [Int]) throws {
        try withHost { host, folder in
            let lines = Self.mixed.map { $0.text + "\n" }.joined()
            let dimensions: JSON = ["dimensions": ["k"], "useSchemaDiscovery": true]
            let result = try runJob(taskJSON(dimensions, rollup: rollup, lines: lines), host, folder)
            let batch = try #require(result.segments.first?.folder)
            let feeder = try RowFeeder(task(dimensions, rollup: rollup), interval: Self.day)
            let segment = try feeder.open(realtimeIdentity("live", Self.day), folder: "\(folder)/live")
            try feed(view(Self.mixed[...]), Self.mixed.count, cuts, feeder, segment)
            let open = try feeder.open(
                realtimeIdentity("live", Self.day),
                folder: "\(folder)/live",
                pieces: segment.pieces
            )
            #expect(open.rowCount + segment.memoryRows == segment.rowCount)
            let written = try #require(try segment.merge(into: "\(folder)/merged"))
            let whole = try Segment.open(path: batch)
            #expect(written.rowCount == whole.rowCount)
            #expect(written.dimensions == whole.dimensions)
            let merged = try storedRows([(realtimeIdentity("live", Self.day), "\(folder)/merged")])
            let expected = try storedRows([(realtimeIdentity("live", Self.day), batch)])
            #expect(merged.map(\.text).sorted() == expected.map(\.text).sorted())
            guard cuts.isEmpty else { return }
            // One index, sorted once: the same files.
            for name in ["version.bin", "meta.smoosh", "00000.smoosh", "factory.json"] {
                let own = try readFile("\(folder)/merged/\(name)")
                let others = try readFile("\(batch)/\(name)")
                #expect(own != nil && own == others, "\(name) differs")
            }
        }
    }

    @Test func columnsHaveTheTypesOfTheBatchSegment() throws {
        try withHost { host, folder in
            let dimensions: JSON = ["dimensions": ["k"], "useSchemaDiscovery": true]
            for end in [0, 1, 40, 60, 100, 140, 200] {
                let rows = Self.mixed[..<end]
                let feeder = try RowFeeder(task(dimensions, rollup: false), interval: Self.day)
                let segment = try feeder.open(realtimeIdentity("live", Self.day), folder: "\(folder)/live\(end)")
                try feed(view(rows), end, [], feeder, segment)
                let live = try #require(segment.views().first)
                #expect(live.rowCount == end)
                guard end > 0 else { continue }
                #expect(try segment.merge(into: "\(folder)/merged\(end)") != nil)
                let stored = try Segment.open(path: "\(folder)/merged\(end)")
                #expect(Set(live.dimensions) == Set(stored.dimensions))
                for name in stored.columnNames {
                    #expect(try live.column(name)?.type == stored.column(name)?.type, "\(name) of \(end) rows")
                }
                #expect(try live.timeBounds?.min == stored.timeBounds?.min)
                #expect(try live.timeBounds?.max == stored.timeBounds?.max)
            }
        }
    }
}
