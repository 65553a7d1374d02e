import LaminaBase
import LaminaBroker
import LaminaEngine
import LaminaQuery
import LaminaTestSupport
import Synchronization
import Testing

/// Joins whose right side the query's memory does not hold answer as those whose right side it does.
@Suite(.serialized) struct JoinSpillTests {
    private static let intervals = JSON.array([.string("2024-01-01/2025-01-01")])

    /// Table `d` has a long `v` and a text `s`; table `r` texts, lists and numbers with nulls.
    private func tables(_ store: SegmentStore, days: Int, rowsPerDay: Int) throws -> [String: [DataSegment]] {
        var tables: [String: [DataSegment]] = [:]
        for day in 0..<days {
            let low = day * rowsPerDay
            let keys = (low..<low + rowsPerDay).map { $0 * 7919 % 100_003 }
            tables["d", default: []].append(
                try store.segment(
                    day: day,
                    version: "v1",
                    values: keys.map { Int64($0) },
                    words: keys.map { Self.word($0) }
                )
            )
            let start = try parseInstant("2024-05-01") + Int64(day) * 86_400_000
            let view = InlineSegment(
                times: keys.map { _ in start },
                [
                    InlineSegment.Input("w", .string, keys.map { $0 % 11 == 0 ? .null : .string(Self.word($0)) }),
                    InlineSegment.Input(
                        "m",
                        .string,
                        keys.map { $0 % 3 == 0 ? .array([.string("a"), .string(Self.word($0))]) : .string("b") }
                    ),
                    InlineSegment.Input("n", .long, keys.map { $0 % 13 == 0 ? .null : .long(Int64($0)) }),
                    InlineSegment.Input("x", .double, keys.map { $0 % 5 == 0 ? .null : .double(Double($0) / 4) }),
                ],
                isTimeOrdered: true
            )
            tables["r", default: []].append(try store.segment(day: day, version: "v1", view, of: "r"))
        }
        return tables
    }

    private static func word(_ number: Int) -> String { "user-\(number)-of-a-name-that-is-as-long-as-names-are" }

    private func broker(_ store: SegmentStore, _ tables: [String: [DataSegment]], budget: Int) throws -> Broker {
        var options = Broker.Options()
        options.queryBytesMax = budget
        options.cacheBytes = 0
        let broker = try store.broker(options)
        for (name, segments) in tables { broker.update(dataSource: name, timeline: SegmentTimeline(segments)) }
        return broker
    }

    private static let scanned: JSON = [
        "queryType": "scan", "dataSource": "r", "intervals": intervals, "columns": ["w", "m", "n", "x", "e", "l"],
        "virtualColumns": [
            // A type that is open, and lists.
            ["type": "expression", "name": "e", "expression": "if(n % 2 == 0, n, x)"],
            ["type": "expression", "name": "l", "expression": "array(n, 1)", "outputType": "ARRAY<LONG>"],
        ],
    ]

    private static let grouped: JSON = [
        "queryType": "groupBy", "dataSource": "r", "intervals": intervals, "granularity": "all",
        "dimensions": ["w", ["type": "default", "dimension": "n", "outputName": "n", "outputType": "LONG"]],
        "aggregations": [
            ["type": "doubleSum", "name": "x", "fieldName": "x"], ["type": "count", "name": "m"],
            ["type": "doubleMean", "name": "e", "fieldName": "x"],
        ],
        "postAggregations": [["type": "expression", "name": "l", "expression": "m * 3"]],
    ]

    private func join(_ right: JSON, _ condition: String, _ type: String) -> JSON {
        [
            "type": "join", "left": "d", "right": ["type": "query", "query": right], "rightPrefix": "j.",
            "condition": .string(condition), "joinType": .string(type),
        ]
    }

    @Test(arguments: ["INNER", "LEFT", "RIGHT", "FULL"])
    func joinsOfAllTypesAnswerAsInMemory(type: String) throws {
        let store = try SegmentStore()
        let tables = try tables(store, days: 3, rowsPerDay: 700)
        let roomy = try broker(store, tables, budget: 1 << 30)
        let small = try broker(store, tables, budget: 256 << 10)
        for right in [Self.scanned, Self.grouped] {
            let alone = try peak(of: right, small)
            for condition in [
                #"v == "j.n""#, #"s == "j.w""#, #"s == "j.w" && v == "j.n""#, #"v == "j.x""#, #""j.n" == v * 2"#,
                #"notdistinctfrom(nvl(s, null), "j.w")"#, "0",
            ] {
                let query: JSON = [
                    "queryType": "scan", "dataSource": join(right, condition, type), "intervals": Self.intervals,
                    "columns": ["v", "s", "j.w", "j.m", "j.n", "j.x", "j.e", "j.l"],
                ]
                let expected = try roomy.run(try Query(json: query)).jsonText()
                let runs = Mutex<[QueryRun]>([])
                let result = try small.run(try Query(json: query)) { run in runs.withLock { $0.append(run) } }
                let isSame = try result.jsonText() == expected
                #expect(isSame, "\(type) \(condition)")
                let run = try #require(runs.withLock { $0.first })
                #expect(run.memory.peakBytes <= alone + run.memory.limitBytes, "\(type) \(condition)")
                // Without a disk the right side does not fit.
                let context = try with(query, ["maxOnDiskStorage": 0])
                let refused = #expect(throws: LaminaError.self) { try small.run(try Query(json: context)).jsonText() }
                #expect(refused?.code == "resourceLimitExceeded")
            }
        }
    }

    private func with(_ query: JSON, _ context: JSONObject) throws -> JSON {
        guard case .object(var object) = query else { throw LaminaError.invalidInput("no query") }
        object["context"] = .object(context)
        return .object(object)
    }

    /// The most that a query by itself held.
    private func peak(of query: JSON, _ broker: Broker) throws -> Int {
        let runs = Mutex<[QueryRun]>([])
        _ = try broker.run(try Query(json: query)) { run in runs.withLock { $0.append(run) } }.jsonText()
        return try #require(runs.withLock { $0.first }).memory.peakBytes
    }

    @Test func aRightSideOfTenTimesTheBudgetIsJoined() throws {
        let store = try SegmentStore()
        let rowsPerDay = 15_000
        let tables = try tables(store, days: 4, rowsPerDay: rowsPerDay)
        // Of a row a text of 50 bytes, twice as it is a key too, and three numbers.
        let budget = 512 << 10
        #expect(rowsPerDay * 4 * 100 > 10 * budget)
        let broker = try broker(store, tables, budget: budget)
        var found = (count: 0, sum: 0)
        for number in 0..<4 * rowsPerDay {
            let key = number * 7919 % 100_003
            if key % 11 != 0 { found = (found.count + 1, found.sum + (key % 13 == 0 ? 0 : key)) }
        }
        for right in [Self.scanned, Self.grouped] {
            let query: JSON = [
                "queryType": "timeseries", "dataSource": join(right, #"s == "j.w""#, "INNER"),
                "intervals": Self.intervals, "granularity": "all",
                "aggregations": [
                    ["type": "count", "name": "rows"], ["type": "longSum", "name": "sum", "fieldName": "j.n"],
                ],
            ]
            let raised = try with(query, ["maxSubqueryRows": 1_000_000])
            let runs = Mutex<[QueryRun]>([])
            let result = try broker.run(try Query(json: raised)) { run in runs.withLock { $0.append(run) } }
            let answer = try JSONParser.parse(try result.jsonText()).arrayValue?.first?["result"]
            #expect(answer?["rows"] == .int(Int64(found.count)))
            #expect(answer?["sum"] == .int(Int64(found.sum)))
            let run = try #require(runs.withLock { $0.first })
            // A groupBy holds the tables it merges whatever the limit, more or less by the order its threads finish
            // in. Joining its rows adds at most the budget; holding them would add ten of it.
            let alone = right == Self.grouped ? try peak(of: right, broker) : 0
            #expect(run.memory.peakBytes <= alone + 5 * budget)
            for bytes in [0, 1_000_000] as [JSON] {
                let bounded = try with(query, ["maxSubqueryRows": 1_000_000, "maxOnDiskStorage": bytes])
                let refused = #expect(throws: LaminaError.self) {
                    try broker.run(try Query(json: bounded)).jsonText()
                }
                #expect(refused?.code == "resourceLimitExceeded")
            }
        }
    }
}
