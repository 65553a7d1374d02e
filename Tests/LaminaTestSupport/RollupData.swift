package import LaminaBase
import LaminaQuery

/// Random rows to be rolled up by an index job, as JSON lines and as what the oracle sees of them: the same rows, one by one, with
/// their times truncated and their fields under the names that queries use.
package struct RollupData {
    package private(set) var lines = ""
    package private(set) var rowCount = 0
    /// The raw rows by time chunk.
    package private(set) var chunks: [MemoryRows] = []
    /// Rows that differ in truncated time or dimensions.
    package private(set) var groupCount = 0
    package let task: JSON
    package let maxRowsInMemory: Int64
    let dimensions: [(name: String, type: ColumnType)]

    private static let known: [(name: String, type: ColumnType)] = [
        ("color", .string), ("word", .string), ("tags", .string), ("digits", .string), ("count", .long),
        ("price", .double), ("ratio", .float),
    ]

    /// What rows bring for metrics.
    private static let inputs: [(name: String, type: ColumnType)] = [
        ("one", .long), ("at", .long), ("n", .long), ("d", .double), ("f", .float), ("s", .string),
    ]

    package init(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        dimensions = Self.known.filter { _ in generator.chance(0.45) }
        let query = generator.pick(["second", "minute", "hour", "hour", "six_hour", "day", "none"])
        let granularity = try Granularity(json: .string(query))
        let segments = generator.pick(["DAY", "DAY", "SIX_HOUR", "MONTH"])
        let chunkOf = try Granularity(json: .string(segments))
        maxRowsInMemory = generator.pick([1, 3, 10, 40, 100_000])
        task = Self.task(dimensions, query: query, segments: segments, memory: maxRowsInMemory, &generator)
        let nulls = generator.pick([0, 0.15, 0.5])
        let step: Int64 = generator.pick([1, 1000, 60_000, 3_600_000])
        var byChunk: [Int64: MemoryRows] = [:]
        var groups: Set<String> = []
        for _ in 0..<generator.pick([1, 10, 60, 150]) {
            let time = 1_700_000_000_000 + Int64.random(in: 0..<max(40, 200_000_000 / step), using: &generator) * step
            var (json, row) = Self.row(dimensions, nulls: nulls, &generator)
            json["t"] = .int(time)
            let chunk = chunkOf.bucket(time)
            // As Druid's index has it, never before the segment's own interval.
            let truncated = granularity.isNone ? time : max(granularity.bucketStart(time), chunk.start)
            row["__time"] = .long(truncated)
            row["at"] = .long(time)
            row["one"] = .long(1)
            lines += JSON.object(json).text + "\n"
            rowCount += 1
            groups.insert("\(truncated) " + dimensions.map { json[$0.name]?.text ?? "null" }.joined(separator: "|"))
            byChunk[chunk.start, default: MemoryRows(types: dimensions + Self.inputs, rows: [])].rows.append(row)
            byChunk[chunk.start]?.interval = chunk
        }
        groupCount = groups.count
        for start in byChunk.keys.sorted() {
            guard var chunk = byChunk[start] else { continue }
            chunk.rows.sort { ($0["__time"]?.asLong ?? 0) < ($1["__time"]?.asLong ?? 0) }
            chunks.append(chunk)
        }
    }

    private static func row(
        _ dimensions: [(name: String, type: ColumnType)],
        nulls: Double,
        _ generator: inout SeededGenerator
    ) -> (JSONObject, [String: Value]) {
        var json: JSONObject = [:]
        var row: [String: Value] = [:]
        func set(_ name: String, _ text: JSON, _ value: Value) {
            json[name] = text
            row[name] = value
        }
        for (name, _) in dimensions where !generator.chance(nulls) {
            switch name {
            case "count":
                let number = Int64.random(in: -2...4, using: &generator)
                set(name, .int(number), .long(number))
            case "price":
                let number = Double(Int.random(in: -3...3, using: &generator)) / 4
                set(name, .double(number), .double(number))
            case "ratio":
                let number = Float(Int.random(in: -3...3, using: &generator)) / 4
                set(name, .double(Double(number)), .float(number))
            case "tags":
                // As segments store them: sorted, one value as itself.
                let several = (0..<generator.pick([1, 1, 2, 3])).map { _ in
                    generator.pick(["a", "b", "red", "\u{E9}", ""])
                }
                let sorted = several.sorted { $0.utf16.lexicographicallyPrecedes($1.utf16) }
                if sorted.count == 1 {
                    set(name, .string(sorted[0]), .string(sorted[0]))
                } else {
                    set(name, .array(sorted.map(JSON.string)), .array(sorted.map(Value.string)))
                }
            case "digits":
                let text = generator.pick(["1", "2", "10", "2.5", "x", ""])
                set(name, .string(text), .string(text))
            default:
                let text = generator.pick(
                    name == "color" ? ["red", "green", "", "\u{E9}"] : ["w1", "abc", "zebra", "\u{1F600}"]
                )
                set(name, .string(text), .string(text))
            }
        }
        if !generator.chance(nulls) {
            let number = Int64.random(in: -50...1000, using: &generator)
            set("n", .int(number), .long(number))
        }
        if !generator.chance(nulls) {
            let number = Double(Int.random(in: -400...400, using: &generator)) / 4
            set("d", .double(number), .double(number))
        }
        if !generator.chance(nulls) {
            let number = Float(Int.random(in: -40...40, using: &generator)) / 4
            set("f", .double(Double(number)), .float(number))
        }
        if !generator.chance(nulls) {
            let text = generator.pick(RandomData.words + (0..<20).map { "user \($0)" })
            set("s", .string(text), .string(text))
        }
        return (json, row)
    }

    private static func task(
        _ dimensions: [(name: String, type: ColumnType)],
        query: String,
        segments: String,
        memory: Int64,
        _ generator: inout SeededGenerator
    ) -> JSON {
        var tuning: JSONObject = ["type": "index_parallel", "maxRowsInMemory": .int(memory)]
        switch Int.random(in: 0..<4, using: &generator) {
        case 0:
            tuning["forceGuaranteedRollup"] = true
            tuning["partitionsSpec"] = ["type": "hashed", "numShards": .int(generator.pick([1, 3]))]
        case 1 where dimensions.contains { $0.name == "color" }:
            tuning["forceGuaranteedRollup"] = true
            tuning["partitionsSpec"] = ["type": "range", "partitionDimensions": ["color"], "targetRowsPerSegment": 20]
        default: break
        }
        let specs = dimensions.map { entry -> JSON in
            [
                "type": .string(["count": "long", "price": "double", "ratio": "float"][entry.name] ?? "string"),
                "name": .string(entry.name),
            ]
        }
        return [
            "type": "index_parallel",
            "spec": [
                "dataSchema": [
                    "dataSource": "random", "timestampSpec": ["column": "t", "format": "millis"],
                    "dimensionsSpec": ["dimensions": .array(specs)],
                    "metricsSpec": .array(RollupMetric.all.map(\.metric)),
                    "granularitySpec": [
                        "segmentGranularity": .string(segments), "queryGranularity": .string(query), "rollup": true,
                    ],
                ],
                "ioConfig": [
                    "inputSource": ["type": "inline", "data": ""], "inputFormat": ["type": "json"],
                ],
                "tuningConfig": .object(tuning),
            ],
        ]
    }
}

/// A metric of the job, how the raw rows are asked for the same, and how what is stored is.
struct RollupMetric: Sendable {
    /// Without names.
    var raw: JSONObject
    var stored: JSONObject
    /// As the spec has it.
    var metric: JSON
    var isNumber: Bool

    init(_ name: String, _ metric: JSONObject, raw: JSONObject? = nil, stored: String? = nil, isNumber: Bool = false) {
        self.raw = raw ?? metric
        var metric = metric
        let type = stored.map(JSON.string) ?? metric["type"] ?? .null
        self.stored = ["type": type, "fieldName": .string(name)]
        for key in ["maxStringBytes", "estimator", "round"] { self.stored[key] = metric[key] }
        metric["name"] = .string(name)
        self.metric = .object(metric)
        self.isNumber = isNumber
    }

    static let all: [RollupMetric] = {
        var list = [
            RollupMetric(
                "m_rows",
                ["type": "count"],
                raw: ["type": "longSum", "fieldName": "one"],
                stored: "longSum",
                isNumber: true
            )
        ]
        for (type, field) in [("long", "n"), ("double", "d"), ("float", "f")] {
            for fold in ["Sum", "Min", "Max"] {
                let metric: JSONObject = ["type": .string(type + fold), "fieldName": .string(field)]
                list.append(RollupMetric("m_\(type)\(fold)", metric, isNumber: true))
            }
        }
        for type in ["long", "double", "float", "string"] {
            for side in ["First", "Last"] {
                let field = ["long": "n", "double": "d", "float": "f"][type] ?? "s"
                var metric: JSONObject = ["type": .string(type + side), "fieldName": .string(field)]
                if side == "Last", type == "string" { metric["maxStringBytes"] = 4 }
                // Rows remember their own time though it is truncated.
                var raw = metric
                raw["timeColumn"] = "at"
                list.append(RollupMetric("m_\(type)\(side)", metric, raw: raw))
            }
        }
        list.append(RollupMetric("m_longAny", ["type": "longAny", "fieldName": "n"]))
        list.append(RollupMetric("m_doubleAny", ["type": "doubleAny", "fieldName": "d"]))
        list.append(
            RollupMetric(
                "m_unique",
                ["type": "hyperUnique", "fieldName": "s"],
                raw: ["type": "cardinality", "fields": ["s"], "byRow": false]
            )
        )
        list.append(
            RollupMetric(
                "m_pairs",
                ["type": "cardinality", "fields": ["s", "n"], "byRow": true],
                stored: "hyperUnique"
            )
        )
        list.append(
            RollupMetric("m_hll", ["type": "HLLSketchBuild", "fieldName": "s"], stored: "HLLSketchMerge")
        )
        for type in ["thetaSketch", "quantilesDoublesSketch", "KllDoublesSketch"] {
            let field: JSON = type == "thetaSketch" ? "s" : "d"
            list.append(RollupMetric("m_\(type)", ["type": .string(type), "fieldName": field]))
        }
        list.append(
            RollupMetric(
                "m_variance",
                ["type": "variance", "fieldName": "d", "inputType": "double"],
                stored: "varianceFold"
            )
        )
        let filter: JSON = ["type": "selector", "dimension": "color", "value": "red"]
        let filtered: JSONObject = [
            "type": "filtered", "filter": filter, "aggregator": ["type": "longSum", "name": "m_red", "fieldName": "n"],
        ]
        list.append(RollupMetric("m_red", filtered, stored: "longSum", isNumber: true))
        return list
    }()
}

extension RandomQueries {
    /// A query over the raw rows, and the one over what was stored that must have the same answer.
    package mutating func rollupQuery(_ data: RollupData) -> (raw: JSON, stored: JSON) {
        rollupMetrics = RollupMetric.all
        columns = data.dimensions.map { entry in
            let kind: Kind =
                switch entry.type {
                case .long: .long
                case .double: .double
                case .float: .float
                default: entry.name == "tags" ? .texts : .text
                }
            return (entry.name, kind)
        }
        columns.append(("nothing", .text))
        let query = aggregatingQuery()
        return (query, stored(query))
    }

    /// The same query with every aggregation of raw rows replaced by that of the metric.
    private func stored(_ query: JSON) -> JSON {
        guard var object = query.objectValue else { return query }
        object["aggregations"] = (object["aggregations"]?.arrayValue).map { .array($0.map(storedAggregation)) }
        return .object(object)
    }

    private func storedAggregation(_ json: JSON) -> JSON {
        guard var object = json.objectValue else { return json }
        if let stored = object["stored"]?.objectValue {
            var aggregation = stored
            aggregation["name"] = object["name"]
            return .object(aggregation)
        }
        if let inner = object["aggregator"] { object["aggregator"] = storedAggregation(inner) }
        return .object(object)
    }

    /// One aggregation of raw rows, with what replaces it.
    mutating func rollupAggregation(_ name: String, _ metrics: [RollupMetric]) -> (JSON, Bool) {
        let metric = generator.pick(metrics)
        return (Self.named(name, metric), metric.isNumber)
    }

    static func named(_ name: String, _ metric: RollupMetric) -> JSON {
        var object = metric.raw
        object["name"] = .string(name)
        object["stored"] = .object(metric.stored)
        return .object(object)
    }
}
