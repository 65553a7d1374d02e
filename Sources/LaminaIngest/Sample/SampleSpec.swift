import LaminaBase

/// What a sampler request asks for: an index task's spec of which much may be missing, and how many rows to look at.
///
/// Source: Druid's `IndexTaskSamplerSpec`, `KafkaSamplerSpec`, `SamplerConfig`.
struct SampleSpec: Sendable {
    let task: IndexTaskSpec
    let dimensions: DimensionsSpec
    let rowsMax: Int
    let milliseconds: Int64

    init(json: JSON) throws(LaminaError) {
        let root = SpecNode(json, path: "")
        let type = try root.required("type").string()
        guard ["index", "index_parallel", "kafka", "push"].contains(type) else {
            if ["kinesis", "rabbit"].contains(type) { throw .unsupported("A sampler of type '\(type)'") }
            throw root.error("type: a sampler of type \"\(type)\" is not known")
        }
        var spec = try root.required("spec")
        // A supervisor's spec, which has a spec of its own or not.
        if type == "kafka" || type == "push", let inner = spec.child("spec") { spec = inner }
        var schema = try spec.child("dataSchema")?.object() ?? JSONObject()
        if schema["dataSource"]?.isNull ?? true { schema["dataSource"] = "sampler" }
        if schema["timestampSpec"]?.isNull ?? true { schema["timestampSpec"] = [:] }
        if schema["dimensionsSpec"]?.isNull ?? true { schema["dimensionsSpec"] = [:] }
        // All rows count, in one chunk; they are rolled up as the task would.
        var granularity = schema["granularitySpec"]?.objectValue ?? JSONObject()
        granularity["type"] = "uniform"
        granularity["segmentGranularity"] = "ALL"
        granularity["intervals"] = nil
        schema["granularitySpec"] = .object(granularity)
        let io = try spec.required("ioConfig")
        if type == "push", io.child("inputSource") == nil {
            throw io.error(
                "needs an inputSource to sample, as {\"type\": \"inline\", \"data\": \"rows as they would be pushed\"}: "
                    + "a push stream has no rows of its own to look at"
            )
        }
        let source = try type == "kafka" ? Self.topic(io) : io.required("inputSource").json
        let task = try IndexTaskSpec(json: [
            "type": "index_parallel",
            "spec": [
                "dataSchema": .object(schema),
                "ioConfig": [
                    "inputSource": source,
                    "inputFormat": io.child("inputFormat")?.json ?? .null,
                ],
            ],
        ])
        guard let dimensions = task.dimensions else { throw spec.error("has no dimensionsSpec") }
        self.task = task
        self.dimensions = dimensions
        let config = root.child("samplerConfig")
        rowsMax = Int(min(max(1, try config?.int("numRows", default: 200) ?? 200), 5000))
        let limit = try config?.int("timeoutMs", default: 10_000) ?? 10_000
        milliseconds = limit > 0 ? min(limit, 60_000) : 60_000
    }

    /// What a supervisor would read first.
    private static func topic(_ io: SpecNode) throws(LaminaError) -> JSON {
        var source: JSONObject = ["type": "kafka"]
        for name in ["topic", "topicPattern", "consumerProperties"] { source[name] = io.child(name)?.json }
        if !(try io.bool("useEarliestOffset", default: false)) { source["start"] = "latest" }
        return .object(source)
    }
}
