import Glibc
import LaminaBase
import LaminaIngest
import LaminaSegment
import LaminaTestSupport
import Testing

/// `tuningConfig.dedup`: of rows with equal keys the one with the greatest `orderBy` stays.
@Suite struct DedupTests {
    private func task(
        _ inputs: [String],
        dedup: JSON?,
        tuning: JSONObject = [:],
        rollup: Bool = false,
        transforms: JSON = [:],
        dimensions: JSON = ["dimensions": ["id", "v", "x"]]
    ) -> JSON {
        var tuning = tuning
        if let dedup { tuning["dedup"] = dedup }
        return [
            "type": "index_parallel",
            "spec": [
                "dataSchema": [
                    "dataSource": "d", "timestampSpec": ["column": "t", "format": "iso"],
                    "dimensionsSpec": dimensions,
                    "metricsSpec": [
                        ["type": "count", "name": "cnt"], ["type": "longSum", "name": "n", "fieldName": "n"],
                    ],
                    "granularitySpec": [
                        "segmentGranularity": "DAY", "queryGranularity": "HOUR", "rollup": .bool(rollup),
                        "intervals": ["2024-01-01/2024-01-04"],
                    ],
                    "transformSpec": transforms,
                ],
                "ioConfig": [
                    "inputSource": [
                        "type": "combining",
                        "delegates": .array(inputs.map { ["type": "inline", "data": .string($0)] }),
                    ],
                    "inputFormat": ["type": "json"],
                ],
                "tuningConfig": .object(tuning),
            ],
        ]
    }

    private func rows(_ task: JSON, threads: Int = 2) throws -> (rows: [JSON], stats: JSON) {
        try withHost { host, folder in
            let result = try runJob(task, host, folder, threads: threads)
            let stats = result.reportPayload["rowStats"]
            // Of tasks that Druid would run as several.
            let totals = stats?["totals"]?.objectValue == nil ? stats : stats?["totals"]
            return (try storedRows(result.segments), totals?["buildSegments"] ?? .null)
        }
    }

    @Test func theGreatestStaysAndOfEqualOnesTheLast() throws {
        let inputs = [
            #"{"t":"2024-01-01","id":1,"u":5,"v":"a"}"# + "\n" + #"{"t":"2024-01-01","id":"1","u":"7","v":"b"}"#,
            #"{"t":"2024-01-02","id":"1","u":7.0,"v":"c"}"# + "\n" + #"{"t":"2024-01-01","id":1,"u":6.5,"v":"d"}"#,
            #"{"t":"2024-01-01","u":null,"v":"e"}"# + "\n" + #"{"t":"2024-01-01","id":null,"v":"f"}"#,
            #"{"t":"2024-01-01","id":"","u":"x","v":"g"}"# + "\n" + #"{"t":"2024-01-01","id":"","u":99,"v":"h"}"#,
        ]
        let found = try rows(task(inputs, dedup: ["keys": ["id"], "orderBy": "u"]))
        #expect(found.rows.compactMap { $0["v"]?.stringValue }.sorted() == ["c", "f", "g"])
        #expect(found.stats["processed"] == 3)
        #expect(found.stats["thrownAway"] == 5)
        #expect(found.stats["duplicates"] == 5)
        // Neither nulls nor one row alone are duplicates, and without dedup nothing is counted.
        #expect(try rows(task(inputs, dedup: nil)).stats.objectValue?["duplicates"] == nil)
    }

    @Test func keysMayBeTimesAndTransformedFields() throws {
        let inputs = [
            """
            {"t":"2024-01-01T00:00:01Z","id":"A","v":"1"}
            {"t":"2024-01-01T00:00:02Z","id":"a","v":"2"}
            {"t":"2024-01-01T00:00:01Z","id":"a","v":"3"}
            {"t":"2024-02-01T00:00:05Z","id":"a","v":"outside"}
            {"t":"2024-01-01T00:00:09Z","id":"a","v":"dropped"}
            {"t":"never","id":"a","v":"bad"}
            """
        ]
        let transforms: JSON = [
            "transforms": [["type": "expression", "name": "key", "expression": "lower(id)"]],
            "filter": ["type": "not", "field": ["type": "selector", "dimension": "v", "value": "dropped"]],
        ]
        let byField = try rows(
            task(inputs, dedup: ["keys": ["key"], "orderBy": "__time"], transforms: transforms)
        )
        #expect(byField.rows.map { $0["v"] } == ["2"])
        #expect(byField.stats["duplicates"] == 2)
        #expect(byField.stats["thrownAway"] == 4)
        #expect(byField.stats["unparseable"] == 1)
        let byTime = try rows(
            task(inputs, dedup: ["keys": ["__time", "key"], "orderBy": ["v"]], transforms: transforms)
        )
        #expect(byTime.rows.compactMap { $0["v"]?.stringValue }.sorted() == ["2", "3"])
    }

    @Test(
        arguments: [
            ("spec.tuningConfig.dedup ", "id"), ("spec.tuningConfig.dedup.keys", ["orderBy": "u"]),
            ("spec.tuningConfig.dedup.keys ", ["keys": [], "orderBy": "u"]),
            ("spec.tuningConfig.dedup.keys[1] ", ["keys": ["a", 7], "orderBy": "u"]),
            ("spec.tuningConfig.dedup.keys[1] ", ["keys": ["a", "a"], "orderBy": "u"]),
            ("spec.tuningConfig.dedup.orderBy", ["keys": ["a"]]),
            ("spec.tuningConfig.dedup.orderBy ", ["keys": ["a"], "orderBy": ""]),
            ("spec.tuningConfig.dedup.order ", ["keys": ["a"], "orderBy": "u", "order": "desc"]),
        ] as [(String, JSON)]
    )
    func malformedSpecsAreRefusedByPath(_ path: String, _ dedup: JSON) throws {
        let error = #expect(throws: LaminaError.self) { try IndexTaskSpec(json: task([""], dedup: dedup)) }
        #expect(error?.message.hasPrefix(path) == true, "\(error?.message ?? "")")
    }

    @Test func keysThatNoRowHasFailTheTask() throws {
        let row = #"{"t":"2024-01-01","id":1}"#
        let failing = task([row, row], dedup: ["keys": ["ident"], "orderBy": "u"])
        let error = #expect(throws: IndexJobFailure.self) { try rows(failing) }
        #expect(error?.error.message.contains("spec.tuningConfig.dedup.keys") == true)
        // No rows, no complaint.
        #expect(try rows(task(["\n"], dedup: ["keys": ["ident"], "orderBy": "u"])).rows.isEmpty)
        let compaction: JSON = [
            "type": "compact", "dataSource": "d", "interval": "2024/2025",
            "tuningConfig": ["type": "index_parallel", "dedup": ["keys": ["id"], "orderBy": "u"]],
        ]
        #expect(throws: LaminaError.self) { try CompactTaskSpec(json: compaction) }
    }

    // MARK: random rows

    private static let values: [JSON] = [
        .null, "", "a", "A", "b", 1, "1", 2.5, "2.5", -3, true, "true", 9_007_199_254_740_993,
        9_007_199_254_740_992.0, "10", "9", ["a"], ["a": [1]], "\u{FFFD}", "\u{1F600}", "a\u{0}b", 1e300, "1e300",
    ]

    private func randomRow(_ generator: inout SeededGenerator, keys: Int) -> JSONObject {
        let second = Int.random(in: 0..<60, using: &generator)
        var row: JSONObject = [
            "t": .string(
                "2024-01-0\(Int.random(in: 1...4, using: &generator))T00:00:\(second < 10 ? "0" : "")\(second)Z"
            ),
            "n": .int(Int64.random(in: 0..<1000, using: &generator)), "v": generator.pick(["p", "q", nil]),
        ]
        if generator.chance(0.02) { row["t"] = "tomorrow" }
        if generator.chance(0.9) {
            row["id"] =
                generator.chance(0.3)
                ? generator.pick(Self.values) : .string("k\(Int.random(in: 0..<keys, using: &generator))")
        }
        if generator.chance(0.9) {
            row["u"] =
                generator.chance(0.5) ? generator.pick(Self.values) : .int(Int64.random(in: 0..<9, using: &generator))
        }
        return row
    }

    /// What stays of rows in input order, in the plainest way.
    private func survivors(_ rows: [JSONObject], keys: [String], order: String) -> (rows: [JSONObject], lost: Int) {
        let inside = rows.filter { $0["t"]?.stringValue.map { $0 < "2024-01-04" } == true }
        var best: [[String]: Int] = [:]
        for (place, row) in inside.enumerated() {
            let key = keys.map { keyText(row[$0]) }
            guard let old = best[key] else {
                best[key] = place
                continue
            }
            if compare(row[order], inside[old][order]) >= 0 { best[key] = place }
        }
        return (best.values.sorted().map { inside[$0] }, inside.count - best.count)
    }

    private func keyText(_ value: JSON?) -> String {
        switch value ?? .null {
        case .null: "null"
        case .string(let text): "text \(text)"
        case .array, .object: "nested \((value ?? .null).text)"
        case .bool(let flag): "text \(flag)"
        case .int(let number): "text \(number)"
        case .double(let number): "text \(javaText(number))"
        }
    }

    private func compare(_ one: JSON?, _ two: JSON?) -> Int {
        func rank(_ value: JSON?) -> Int {
            switch value ?? .null {
            case .null: 0
            case .bool, .int, .double: 1
            case .string(let text): Double(text) != nil ? 1 : 2
            default: 3
            }
        }
        let (left, right) = (rank(one), rank(two))
        if left != right || left == 0 { return left - right }
        if left == 1 {
            // The only numbers that a double does not tell apart.
            if case .int(let a)? = one, case .int(let b)? = two { return a < b ? -1 : a > b ? 1 : 0 }
            let (a, b) = (number(one), number(two))
            if a == b {
                let big: JSON = 9_007_199_254_740_993
                return (one == big ? 1 : 0) - (two == big ? 1 : 0)
            }
            return a < b ? -1 : 1
        }
        let (a, b) = (one?.stringValue ?? one?.text ?? "", two?.stringValue ?? two?.text ?? "")
        return a.utf16.lexicographicallyPrecedes(b.utf16) ? -1 : b.utf16.lexicographicallyPrecedes(a.utf16) ? 1 : 0
    }

    private func number(_ value: JSON?) -> Double {
        switch value ?? .null {
        case .bool(let flag): flag ? 1 : 0
        case .string(let text): Double(text) ?? 0
        default: value?.doubleValue ?? 0
        }
    }

    /// Rows in several inputs, few in memory, in every way of partitioning, against a task over the survivors alone.
    @Test(arguments: 0..<60) func randomRowsAgreeWithTheOracle(_ number: Int) throws {
        var generator = SeededGenerator(seed: UInt64(number) &* 7919 &+ 5)
        let count = generator.pick([1, 20, 300, 1500])
        let distinct = generator.pick([1, 5, 100, 1000])
        let all = (0..<count).map { _ in randomRow(&generator, keys: distinct) }
        var inputs: [[JSONObject]] = [[]]
        for row in all {
            if generator.chance(0.01) { inputs.append([]) }
            inputs[inputs.count - 1].append(row)
        }
        let keys = generator.pick([["id"], ["id", "v"], ["v", "id", "none"]])
        let order = generator.pick(["u", "u", "n", "t", "none"])
        let rollup = generator.chance(0.5)
        var tuning: JSONObject = ["maxRowsInMemory": .int(generator.pick([1, 2, 10, 100, 100_000]))]
        switch Int.random(in: 0..<4, using: &generator) {
        case 0:
            tuning["forceGuaranteedRollup"] = true
            tuning["partitionsSpec"] = ["type": "hashed", "targetRowsPerSegment": 50]
        case 1:
            tuning["forceGuaranteedRollup"] = true
            tuning["partitionsSpec"] = ["type": "range", "partitionDimensions": ["v"], "targetRowsPerSegment": 50]
        case 2: tuning["partitionsSpec"] = ["type": "dynamic", "maxRowsPerSegment": 70]
        default: break
        }
        let (kept, lost) = survivors(all, keys: keys, order: order)
        func lines(_ rows: [JSONObject]) -> String { rows.map { JSON.object($0).text + "\n" }.joined() }
        let dimensions: JSON = ["dimensions": ["id", "v"]]
        let dedup: JSON = ["keys": .array(keys.map(JSON.string)), "orderBy": .string(order)]
        let found = try rows(
            task(inputs.map(lines), dedup: dedup, tuning: tuning, rollup: rollup, dimensions: dimensions),
            threads: generator.pick([1, 2, 3])
        )
        let wanted = try rows(task([lines(kept)], dedup: nil, tuning: tuning, rollup: rollup, dimensions: dimensions))
        #expect(found.rows.map(\.text).sorted() == wanted.rows.map(\.text).sorted(), "\(number)")
        #expect(found.stats["duplicates"] == .int(Int64(lost)))
        #expect(found.stats["processed"] == wanted.stats["processed"])
        let outside = all.count { $0["t"]?.stringValue.map { $0 >= "2024-01-04" && $0 != "tomorrow" } == true }
        #expect(found.stats["thrownAway"] == .int(Int64(lost + outside)))
    }

    /// An input that is another when it is read again must not lose rows in silence.
    @Test func aChangedInputFailsTheTask() throws {
        try withHost { host, folder in
            let path = "\(folder)-input.json"
            defer { unlink(path) }
            try append(#"{"t":"2024-01-01","id":1}"# + "\n", to: path)
            var spec = try IndexTaskSpec(json: task([""], dedup: ["keys": ["id"], "orderBy": "u"]))
            spec.inputSource = try InputSource(json: ["type": "local", "files": [.string(path)]], path: "inputSource")
            host.watchLog { line in
                if line.hasPrefix("Looked for duplicates") {
                    try? append(#"{"t":"2024-01-01","id":1,"u":1}"# + "\n", to: path)
                }
            }
            let job = IndexJob(spec: spec, taskID: "t", workDirectory: folder, threads: 2)
            let error = #expect(throws: IndexJobFailure.self) { try job.run(host: host) }
            #expect(error?.error.code == "inputChanged")
        }
    }
}

private func append(_ text: String, to path: String) throws {
    guard let file = fopen(path, "a") else { throw LaminaError.io("open", path: path, errno: errno) }
    fputs(text, file)
    fclose(file)
}
