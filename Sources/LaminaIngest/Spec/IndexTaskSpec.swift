package import LaminaBase
package import LaminaSegment

/// A batch index task as submitted: `index_parallel`, `index`, and `index_hadoop` mapped onto the same machinery.
///
/// Decoding refuses what Druid refuses at submission; the message names the JSON path.
package struct IndexTaskSpec: Sendable {
    package var type: String
    /// As submitted; the task service sets it when it was not.
    package var id: String?
    package var groupID: String?
    package var context: JSONObject
    package var dataSource: String
    package var timestamp: TimestampSpec
    /// nil: the spec has none, which Druid accepts and fails on when the task starts.
    package var dimensions: DimensionsSpec?
    package var metrics: [MetricSpec]
    package var granularity: GranularitySpec
    package var projections: [ProjectionSpec]
    package var transform: TransformSpec
    package var inputSource: InputSource
    package var inputFormat: InputFormat?
    package var appendsToExisting: Bool
    package var dropsExisting: Bool
    package var tuning: TuningConfig
    /// `context.storeEmptyColumns`.
    package var storesEmptyColumns: Bool

    package init(json: JSON) throws(LaminaError) {
        let root = SpecNode(json, path: "")
        guard case .object = json else { throw .invalidInput("a task must be a JSON object") }
        type = try root.required("type").string()
        guard ["index_parallel", "index", "index_hadoop"].contains(type) else {
            throw .invalidInput(
                "type \"\(type)\" is no batch index task; known are index_parallel, index, index_hadoop",
                context: ["path": "type"]
            )
        }
        id = try root.optionalString("id")
        groupID = try root.optionalString("groupId")
        context = try root.child("context")?.object() ?? JSONObject()
        let spec = try root.required("spec")
        let schema = try spec.required("dataSchema")
        _ = try schema.object()
        dataSource = try Self.dataSource(schema)
        for old in ["parser", "parseSpec"] {
            if let child = schema.child(old) {
                throw .unsupported("\(child.path) (write timestampSpec and dimensionsSpec)")
            }
        }
        projections = try [ProjectionSpec](schema.child("projections"))
        timestamp = try TimestampSpec(schema.required("timestampSpec"))
        dimensions = nil
        if let child = schema.child("dimensionsSpec") { dimensions = try DimensionsSpec(child) }
        metrics = []
        for node in try schema.child("metricsSpec")?.list() ?? [] { metrics.append(try MetricSpec(node)) }
        granularity = try GranularitySpec(schema.child("granularitySpec"))
        transform = try TransformSpec(schema.child("transformSpec"))

        let io = try spec.required("ioConfig")
        guard case .object(let ioObject) = io.json, !ioObject.isEmpty else { throw io.error("must be given") }
        for old in ["firehose"] {
            if let child = io.child(old) { throw .unsupported("\(child.path) (write inputSource and inputFormat)") }
        }
        (inputSource, inputFormat) = try Self.input(io, type: type)
        appendsToExisting = try io.bool("appendToExisting", default: false)
        dropsExisting = try io.bool("dropExisting", default: false)
        tuning = try TuningConfig(spec.child("tuningConfig"), isHadoop: type == "index_hadoop")
        storesEmptyColumns = try root.child("context")?.bool("storeEmptyColumns", default: true) ?? true
        try check(schema, io)
    }

    private static func dataSource(_ schema: SpecNode) throws(LaminaError) -> String {
        let node = try schema.required("dataSource")
        let name = try node.string()
        guard !name.isEmpty else { throw node.error("must not be empty") }
        guard !name.contains("/") else { throw node.error("cannot contain the '/' character: \(name)") }
        guard !name.hasPrefix(".") else { throw node.error("cannot start with the '.' character: \(name)") }
        for scalar in name.unicodeScalars
        where scalar.value < 0x20 || scalar.value == 0x7F || scalar != " " && scalar.properties.isWhitespace {
            throw node.error("cannot contain control characters or white space other than a space")
        }
        return name
    }

    private static func input(
        _ io: SpecNode,
        type: String
    ) throws(LaminaError) -> (InputSource, InputFormat?) {
        var source = io.child("inputSource")
        if source == nil, type == "index_hadoop", let inner = io.child("inputSpec") {
            // Hadoop's `static` input names files; everything else of it needs a cluster.
            let kind = try inner.string("type", default: "")
            guard kind == "static" else { throw .unsupported("\(inner.path) of type \"\(kind)\"") }
            let files = try inner.required("paths").string().split(separator: ",").map { JSON.string(String($0)) }
            source = SpecNode(["type": "local", "files": .array(files)], path: inner.path)
        }
        guard let source else { throw io.error("must have an inputSource") }
        let decoded = try InputSource(json: source.json, path: source.path)
        guard let format = io.child("inputFormat") else {
            if decoded.needsFormat { throw io.error("must have an inputFormat") }
            return (decoded, nil)
        }
        // Druid 33's index tasks lose `tryParseNumbers` on the way to the task: its columns come out as strings (gold fmt_csv_numbers).
        var object = try format.object()
        if !decoded.isStream { object["tryParseNumbers"] = nil }
        return (decoded, try InputFormat(json: .object(object), path: format.path))
    }

    private func check(_ schema: SpecNode, _ io: SpecNode) throws(LaminaError) {
        var places: [String: String] = ["__time": "the row's time"]
        for dimension in dimensions?.dimensions ?? [] { places[dimension.name] = "dimensions list" }
        for metric in metrics {
            guard !metric.name.isEmpty else { throw schema.error("has a metric without a name") }
            if let place = places[metric.name] {
                throw schema.error(
                    "cannot specify a column more than once: [\(metric.name)] seen in \(place), metricsSpec list"
                )
            }
            places[metric.name] = "metricsSpec list"
        }
        if appendsToExisting, dropsExisting {
            throw io.error(
                "cannot simultaneously replace and append to existing segments: either dropExisting or appendToExisting"
                    + " should be set to false"
            )
        }
        if appendsToExisting, tuning.forcesGuaranteedRollup {
            throw io.error("has appendToExisting: perfect rollup cannot be guaranteed when appending")
        }
    }
}

extension IndexTaskSpec {
    /// Of its locks. Source: Druid's `Tasks.DEFAULT_BATCH_INDEX_TASK_PRIORITY`.
    package var priority: Int { context["priority"]?.intValue.map { Int(clamping: $0) } ?? 50 }

    /// The context with what Druid adds to every task, as its report prints it.
    package var effectiveContext: JSONObject {
        var all = context
        if all["forceTimeChunkLock"] == nil { all["forceTimeChunkLock"] = true }
        if all["useLineageBasedSegmentAllocation"] == nil { all["useLineageBasedSegmentAllocation"] = true }
        return all
    }

    /// Whether Druid would run it as several subtasks, which changes the form of its report.
    package var isParallel: Bool {
        guard type == "index_parallel" else { return false }
        if case .range = tuning.partitions { return true }
        return tuning.maxConcurrentSubTasks > 1 && inputSource.isSplittable
    }

    /// Order of the stored rows by the listed columns; discovered dimensions break ties behind them.
    package var ordering: [OrderedColumn] {
        (dimensions?.ordering ?? ["__time"]).map { OrderedColumn($0) }
    }

    /// `metadata.drd` of its segments.
    package var segmentMetadata: JSON {
        [
            "container": .object([:]),
            "aggregators": .array(metrics.sorted { javaCompare($0.name, $1.name) < 0 }.map(\.combiningJSON)),
            "timestampSpec": timestamp.json,
            "queryGranularity": granularity.queryGranularity.json,
            "rollup": .bool(granularity.rollup),
            "ordering": .array(
                ordering.map { ["columnName": .string($0.name), "order": "ascending"] }
            ),
        ]
    }
}
