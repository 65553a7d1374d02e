package import LaminaBase

/// A `compact` task as submitted: which segments to rewrite, and what of their schema to change. What is not given is theirs.
///
/// - Source: Druid's `CompactionTask`, `CompactionIOConfig`; druid-surface 10.9.
package struct CompactTaskSpec: Sendable {
    enum Input: Sendable {
        case interval(Interval)
        /// Ids; they must be all the used segments of their span.
        case segments([String])
    }

    package var id: String?
    package var groupID: String?
    package var context: JSONObject
    package var dataSource: String
    let input: Input
    let dropsExisting: Bool
    let allowsNonAligned: Bool
    let segmentGranularity: Granularity?
    let queryGranularity: Granularity?
    let rollup: Bool?
    /// Parts of the index tasks this becomes, as written; nil: the segments' own.
    let dimensions: JSON?
    let metrics: JSON?
    let projections: JSON?
    let filter: JSON?
    private let tuning: JSONObject

    package init(json: JSON) throws(LaminaError) {
        let root = SpecNode(json, path: "")
        id = try root.optionalString("id")
        groupID = try root.optionalString("groupId")
        context = try root.child("context")?.object() ?? JSONObject()
        dataSource = try root.required("dataSource").string()
        let io = root.child("ioConfig")
        input = try Self.input(root, io)
        dropsExisting = try io?.bool("dropExisting", default: false) ?? false
        allowsNonAligned = try io?.bool("allowNonAlignedInterval", default: false) ?? false
        let granularity = root.child("granularitySpec")
        let given = try granularity?.child("segmentGranularity").map { (node) throws(LaminaError) in
            try Granularity(json: node.json)
        }
        let old = try root.child("segmentGranularity").map { (node) throws(LaminaError) in
            try Granularity(json: node.json)
        }
        if let old, granularity != nil, old != given {
            throw .invalidInput(
                "Conflicting segment granularities found \(old.json.text)(segmentGranularity) and"
                    + " \(given?.json.text ?? "null")(granularitySpec.segmentGranularity)",
                context: ["path": "segmentGranularity"]
            )
        }
        segmentGranularity = given ?? old
        queryGranularity = try granularity?.child("queryGranularity").map { (node) throws(LaminaError) in
            try Granularity(json: node.json)
        }
        rollup = try granularity?.child("rollup").map { (node) throws(LaminaError) in try node.bool() }
        dimensions = (root.child("dimensionsSpec") ?? root.child("dimensions"))?.json
        metrics = root.child("metricsSpec")?.json
        projections = root.child("projections")?.json
        filter = root.child("transformSpec")?.child("filter")?.json
        if let engine = root.child("compactionRunner") {
            guard try engine.string("type", default: "native") == "native" else {
                throw .unsupported("\(engine.path) \(engine.json.text)")
            }
        }
        tuning = try root.child("tuningConfig")?.object() ?? JSONObject()
        if let dedup = root.child("tuningConfig")?.child("dedup") {
            // A compaction runs as several jobs, each over its own stretch of time, but dedup spans a task.
            throw .unsupported("\(dedup.path) of a compact task (index tasks with the druid input source have it)")
        }
        // What is wrong in the parts must be refused now, not when the task runs.
        _ = try indexTask(Schema(), chunks: .eternity, reading: .eternity)
    }

    private static func input(_ root: SpecNode, _ io: SpecNode?) throws(LaminaError) -> Input {
        let interval = root.child("interval")
        let segments = root.child("segments")
        guard [io, interval, segments].count(where: { $0 != nil }) == 1 else {
            throw .invalidInput("Exactly one of ioConfig, interval and segments must be given")
        }
        if let interval { return .interval(try parse(interval)) }
        if let segments { return .segments(try ids(segments)) }
        guard let spec = try io?.required("inputSpec") else { return .segments([]) }
        switch try spec.required("type").string() {
        case "interval":
            if let hash = spec.child("sha256OfSortedSegmentIds") { throw .unsupported(hash.path) }
            return .interval(try parse(try spec.required("interval")))
        case "segments": return .segments(try ids(try spec.required("segments")))
        case let other:
            throw spec.error("has the unknown type \"\(other)\"; known are interval, segments")
        }
    }

    private static func parse(_ node: SpecNode) throws(LaminaError) -> Interval {
        let interval: Interval
        do throws(LaminaError) {
            interval = try Interval(parsing: node.string())
        } catch {
            throw node.error("is no interval: \(error.message)")
        }
        guard !interval.isEmpty else { throw node.error("is empty: an empty interval cannot be compacted") }
        return interval
    }

    /// Ids, or whole segments as the oldest form has them.
    private static func ids(_ node: SpecNode) throws(LaminaError) -> [String] {
        var out: [String] = []
        for entry in try node.list() {
            if case .object = entry.json {
                out.append(try DataSegment(json: entry.json).id.text)
            } else {
                out.append(try entry.string())
            }
        }
        guard !out.isEmpty else { throw node.error("must name at least one segment") }
        return out
    }

    /// Of its locks. Source: Druid's `Tasks.DEFAULT_MERGE_TASK_PRIORITY`.
    package var priority: Int { context["priority"]?.intValue.map { Int(clamping: $0) } ?? 25 }

    // MARK: the index tasks this becomes

    /// What the segments themselves say, for the parts the task leaves open.
    struct Schema {
        var dimensions: JSON = ["dimensions": []]
        var metrics: JSON = []
        var projections: JSON?
        var queryGranularity = Granularity.none
        var rollup = false
        var segmentGranularity = Granularity.day
    }

    /// The index task that rewrites the rows of one stretch.
    func indexTask(_ own: Schema, chunks: Interval, reading: Interval) throws(LaminaError) -> IndexTaskSpec {
        var schema: JSONObject = [
            "dataSource": .string(dataSource),
            "timestampSpec": ["column": "__time", "format": "millis"],
            "dimensionsSpec": dimensions ?? own.dimensions,
            "metricsSpec": metrics ?? own.metrics,
            "granularitySpec": [
                "type": "uniform", "segmentGranularity": (segmentGranularity ?? own.segmentGranularity).json,
                "queryGranularity": (queryGranularity ?? own.queryGranularity).json,
                "rollup": .bool(rollup ?? own.rollup), "intervals": [.string(chunks.text)],
            ],
        ]
        if let filter { schema["transformSpec"] = ["filter": filter] }
        if let projections = projections ?? own.projections { schema["projections"] = projections }
        var context = context
        if context["storeCompactionState"] == nil { context["storeCompactionState"] = true }
        context["priority"] = .int(Int64(priority))
        return try IndexTaskSpec(json: [
            "type": "index_parallel", "context": .object(context),
            "spec": [
                "dataSchema": .object(schema),
                "ioConfig": [
                    "type": "index_parallel", "dropExisting": .bool(dropsExisting),
                    "inputSource": [
                        "type": "druid", "dataSource": .string(dataSource), "interval": .string(reading.text),
                    ],
                ],
                "tuningConfig": .object(tuningConfig),
            ],
        ])
    }

    /// Segments that stay below the rows of one are never cut by the total of all, which would depend on how many there are.
    private var tuningConfig: JSONObject {
        var tuning = tuning
        tuning["type"] = "index_parallel"
        if tuning["forceGuaranteedRollup"]?.boolValue == true { return tuning }
        let unlimited = JSON.int(Int64.max)
        guard case .object(var partitions)? = tuning["partitionsSpec"] else {
            if tuning["maxTotalRows"]?.isNull ?? true { tuning["maxTotalRows"] = unlimited }
            return tuning
        }
        if partitions["type"] == "dynamic", partitions["maxTotalRows"]?.isNull ?? true {
            partitions["maxTotalRows"] = unlimited
            tuning["partitionsSpec"] = .object(partitions)
        }
        return tuning
    }
}
