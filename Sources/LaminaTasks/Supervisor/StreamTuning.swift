package import LaminaBase
import LaminaIngest
import LaminaSegment

/// The `tuningConfig` of a supervisor: what supervising needs of it, and how Druid prints it.
///
/// - Source: Druid's `KafkaSupervisorTuningConfig`, `SeekableStreamIndexTaskTuningConfig`.
package struct StreamTuning: Sendable {
    package var resetsOffsetAutomatically: Bool
    /// How often the newest offsets are asked for; milliseconds.
    package var offsetFetchPeriod: Int64
    package var maxParseExceptions: Int
    package var maxSavedParseExceptions: Int
    /// With every default filled in.
    package var json: JSON

    private static let periods: [(key: String, fallback: String)] = [
        ("intermediatePersistPeriod", "PT10M"), ("intermediateHandoffPeriod", "P2147483647D"),
    ]
    private static let durations: [(key: String, fallback: Int64)] = [
        ("httpTimeout", 10_000), ("shutdownTimeout", 80_000), ("offsetFetchPeriod", 30_000),
        ("repartitionTransitionDuration", 120_000),
    ]
    private static let numbers: [(key: String, fallback: Int64)] = [
        ("maxRowsInMemory", 150_000), ("maxBytesInMemory", 0), ("maxRowsPerSegment", 5_000_000),
        ("maxPendingPersists", 0), ("handoffConditionTimeout", 900_000), ("chatRetries", 8), ("numPersistThreads", 1),
        ("maxColumnsToMerge", -1),
    ]
    private static let flags = [
        "skipBytesInMemoryOverheadCheck", "reportParseExceptions", "resetOffsetAutomatically", "logParseExceptions",
        "skipSequenceNumberAvailabilityCheck",
    ]

    init(_ node: SpecNode?, type: String) throws(LaminaError) {
        let node = node ?? SpecNode(.object([:]), path: "spec.tuningConfig")
        // What is not named below is kept as given: push has keys of its own.
        var object = try node.object()
        object["type"] = .string(try node.string("type", default: type))
        object["appendableIndexSpec"] =
            node.child("appendableIndexSpec")?.json ?? ["type": "onheap", "preserveExistingMetrics": false]
        for (key, fallback) in Self.numbers { object[key] = .int(try node.int(key, default: fallback)) }
        for key in Self.flags { object[key] = .bool(try node.bool(key, default: false)) }
        for key in ["maxTotalRows", "segmentWriteOutMediumFactory", "workerThreads"] {
            object[key] = node.child(key)?.json ?? .null
        }
        for (key, fallback) in Self.periods {
            object[key] = .string(try ISOPeriod(parsing: node.string(key, default: fallback)).text)
        }
        var lengths: [String: Int64] = [:]
        for (key, fallback) in Self.durations {
            var length = fallback
            if let text = try node.optionalString(key) {
                guard let given = try ISOPeriod(parsing: text).fixedMilliseconds else {
                    throw node.error("has \(key) with months or years, whose length is not known: \(text)")
                }
                length = given
            }
            // Druid asks a stream at most every five seconds.
            if key == "offsetFetchPeriod" { length = max(length, 5000) }
            lengths[key] = length
            object[key] = .string(durationText(length))
        }
        let indexSpec = try IndexSpec(json: node.child("indexSpec")?.json ?? .null)
        object["indexSpec"] = indexSpec.json
        let passing = try node.child("indexSpecForIntermediatePersists").map { child throws(LaminaError) in
            try IndexSpec(json: child.json)
        }
        object["indexSpecForIntermediatePersists"] = (passing ?? indexSpec).json
        let reports = try node.bool("reportParseExceptions", default: false)
        let limit = try node.int("maxParseExceptions", default: Int64(Int32.max))
        maxParseExceptions = reports ? 0 : Int(clamping: limit)
        let saved = Int(clamping: try node.int("maxSavedParseExceptions", default: 0))
        maxSavedParseExceptions = reports ? max(saved, 1) : saved
        object["maxParseExceptions"] = .int(Int64(maxParseExceptions))
        object["maxSavedParseExceptions"] = .int(Int64(maxSavedParseExceptions))
        resetsOffsetAutomatically = try node.bool("resetOffsetAutomatically", default: false)
        offsetFetchPeriod = lengths["offsetFetchPeriod"] ?? 30_000
        json = .object(object)
    }
}
