package import LaminaBase

/// What an indexer needs of a supervisor's spec: the schema of its datasource, the format of its records, its limits, and which times
/// it takes.
///
/// Source: Druid's `KafkaSupervisorSpec`, `SeekableStreamSupervisorIOConfig`; druid-surface 11.1.
package struct StreamSpec: Sendable {
    package var type: String
    /// The dataSchema by the rules of index tasks; it has no input of its own.
    package var schema: IndexTaskSpec
    package var inputFormat: InputFormat
    package var limits: StreamLimits
    /// After so long, the rows are handed off.
    package var taskDurationMillis: Int64
    package var lateMillis: Int64?
    package var lateStart: Int64?
    package var earlyMillis: Int64?
    let dimensions: DimensionsSpec
    let segmentGranularity: Granularity

    package var dataSource: String { schema.dataSource }

    /// - Parameters:
    ///   - json: the whole supervisor spec, with its parts in `spec` or beside `type`.
    ///   - type: `kafka` or `push`.
    /// - Errors: what is missing, malformed or unsupported, with its JSON path.
    package init(json: JSON, type: String) throws(LaminaError) {
        let root = SpecNode(json, path: "")
        let spec = root.child("spec") ?? root
        let io = try spec.required("ioConfig")
        self.type = type
        inputFormat = try InputFormat(json: io.required("inputFormat").json, path: "\(io.path).inputFormat")
        let tuning = spec.child("tuningConfig")
        limits = try StreamLimits(tuning)
        schema = try Self.schema(spec, tuning)
        guard let dimensions = schema.dimensions else {
            throw spec.error("dataSchema.dimensionsSpec must be given")
        }
        self.dimensions = dimensions
        guard let granularity = schema.granularity.segmentGranularity else {
            throw .unsupported("granularitySpec of type arbitrary in a stream")
        }
        segmentGranularity = granularity
        for metric in schema.metrics { try metric.checkStorable() }
        for projection in schema.projections {
            try projection.check(dimensions: dimensions.dimensions, metrics: schema.metrics)
        }
        taskDurationMillis = try Self.duration(io, "taskDuration") ?? 3_600_000
        guard taskDurationMillis > 0 else { throw io.error("must have a positive taskDuration") }
        lateMillis = try Self.duration(io, "lateMessageRejectionPeriod")
        earlyMillis = try Self.duration(io, "earlyMessageRejectionPeriod")
        lateStart = nil
        if let start = io.child("lateMessageRejectionStartDateTime") { lateStart = try parseInstant(start.string()) }
        if lateMillis != nil, lateStart != nil {
            throw io.error("cannot have both lateMessageRejectionPeriod and lateMessageRejectionStartDateTime")
        }
    }

    private static func schema(_ spec: SpecNode, _ tuning: SpecNode?) throws(LaminaError) -> IndexTaskSpec {
        if let dedup = tuning?.child("dedup") {
            throw .unsupported("\(dedup.path) of a stream (batch index tasks have it)")
        }
        var object = try tuning?.object() ?? JSONObject()
        // Of batch tasks alone.
        for key in ["partitionsSpec", "forceGuaranteedRollup", "maxNumConcurrentSubTasks"] { object[key] = nil }
        return try IndexTaskSpec(json: [
            "type": "index_parallel",
            "spec": [
                "dataSchema": try spec.required("dataSchema").json,
                "ioConfig": [
                    "type": "index_parallel", "inputSource": ["type": "inline", "data": ""],
                    "inputFormat": ["type": "json"],
                ],
                "tuningConfig": .object(object),
            ],
        ])
    }

    static func duration(_ node: SpecNode?, _ key: String) throws(LaminaError) -> Int64? {
        guard let child = node?.child(key) else { return nil }
        let text = try child.string()
        let period: ISOPeriod
        do throws(LaminaError) {
            period = try ISOPeriod(parsing: text)
        } catch {
            throw child.error("is no period: \(text)")
        }
        guard let milliseconds = period.fixedMilliseconds else {
            throw child.error("has months or years, whose length is not known: \(text)")
        }
        return milliseconds
    }

    /// The times that a task takes which began at an instant.
    ///
    /// Source: Druid's `SeekableStreamSupervisor.createNewTasks`.
    package func bounds(startedAt start: Int64) -> RowBounds {
        var bounds = RowBounds.all
        if let lateStart { bounds.min = lateStart }
        if let lateMillis { bounds.min = clampedSum(start, -lateMillis) }
        if let earlyMillis { bounds.max = clampedSum(clampedSum(start, taskDurationMillis), earlyMillis) }
        return bounds
    }
}

/// The sum, or the nearest number there is.
func clampedSum(_ left: Int64, _ right: Int64) -> Int64 {
    let (sum, overflows) = left.addingReportingOverflow(right)
    return overflows ? (right < 0 ? .min : .max) : sum
}
