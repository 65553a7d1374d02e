import LaminaBase

/// Counts and bad rows of a job, and the report made of them.
struct IngestReport {
    var state = "NOT_STARTED"
    /// Whether Druid would have run subtasks: their report has another form.
    let isParallel: Bool
    /// Whether a pass (in Druid) determines partitions; its counts mirror the build's, metrics aside.
    var determines: Bool
    var build = RowCounts()
    /// Of the `druid` input source.
    var segmentsRead: Int?
    private var saved: [(error: RowError, at: Int64)] = []
    private let savedMax: Int

    init(_ spec: IndexTaskSpec) {
        isParallel = spec.isParallel
        savedMax = spec.tuning.maxSavedParseExceptions
        determines = spec.granularity.intervals.isEmpty
    }

    mutating func save(_ errors: [RowError]) {
        guard savedMax > 0 else { return }
        let now = wallMilliseconds()
        for error in errors.suffix(savedMax) { saved.append((error, now)) }
        if saved.count > savedMax { saved.removeFirst(saved.count - savedMax) }
    }

    /// Druid's `ingestionStatsAndErrors` payload, without `segmentsPublished`.
    func payload(error: LaminaError?) -> JSONObject {
        var payload: JSONObject = [
            "ingestionState": .string(state),
            "unparseableEvents": .object(events),
            "rowStats": rowStats,
            "errorMsg": error.map { .string($0.message) } ?? .null,
            "segmentAvailabilityConfirmed": false,
            "segmentAvailabilityWaitTimeMs": 0,
            "recordsProcessed": .object([:]),
        ]
        if let segmentsRead { payload["segmentsRead"] = .int(Int64(segmentsRead)) }
        return payload
    }

    private var rowStats: JSON {
        if isParallel { return ["totals": ["buildSegments": build.json]] }
        var determined = RowCounts()
        if determines {
            determined = build
            determined.processed += build.processedWithError
            determined.processedWithError = 0
        }
        return ["determinePartitions": determined.json, "buildSegments": build.json]
    }

    /// Newest first, as Druid's circular buffer gives them.
    private var events: JSONObject {
        let list = saved.reversed().map { entry -> JSON in
            [
                "input": .string(entry.error.input),
                "errorType": .string(entry.error.isUnparseable ? "unparseable" : "processedWithError"),
                "details": .array(entry.error.details.map { .string($0) }),
                "timeOfExceptionMillis": .int(entry.at),
            ]
        }
        if isParallel { return ["buildSegments": .array(list)] }
        return list.isEmpty ? [:] : ["determinePartitions": [], "buildSegments": .array(list)]
    }
}
