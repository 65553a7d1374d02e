package import LaminaBase
import LaminaIngest

/// The `ioConfig` of a Kafka supervisor.
///
/// - Source: Druid's `KafkaSupervisorIOConfig`, `SeekableStreamSupervisorIOConfig`.
package struct KafkaStreamConfig: Sendable {
    /// A name, or a pattern that matches whole names.
    package var topic: String
    package var isPattern: Bool
    package var inputFormat: JSON
    package var consumerProperties: JSONObject
    package var pollTimeout: Int64
    package var replicas: Int
    package var taskCount: Int
    /// Milliseconds, as all of these.
    package var taskDuration: Int64
    package var startDelay: Int64
    package var period: Int64
    package var completionTimeout: Int64
    package var usesEarliestOffset: Bool
    package var latePeriod: Int64?
    package var lateStart: Int64?
    package var earlyPeriod: Int64?
    /// Without a new record for so long, a supervisor becomes idle; nil: never.
    package var idleAfter: Int64?
    /// Read and shown, without effect: auto-scaling, configOverrides, stopTaskCount, …
    private var shown: JSONObject

    init(_ node: SpecNode, problem: (String) -> LaminaError) throws(LaminaError) {
        let name = try node.optionalString("topic")
        let pattern = try node.optionalString("topicPattern")
        switch (name, pattern) {
        case (nil, nil): throw problem("Either topic or topicPattern must be specified")
        case (_?, _?): throw problem("Only one of topic or topicPattern can be specified")
        case (let name?, nil): (topic, isPattern) = (name, false)
        case (nil, let pattern?): (topic, isPattern) = (pattern, true)
        }
        guard let properties = node.child("consumerProperties") else { throw problem("consumerProperties") }
        consumerProperties = try properties.object()
        guard consumerProperties["bootstrap.servers"].map({ !$0.isNull }) ?? false else {
            throw problem("consumerProperties must contain entry for [bootstrap.servers]")
        }
        inputFormat = node.child("inputFormat")?.json ?? .null
        pollTimeout = try node.int("pollTimeout", default: 100)
        // A negative one would wait for ever, for librdkafka.
        guard (0...600_000).contains(pollTimeout) else { throw problem("pollTimeout must be from 0 to 600000") }
        replicas = Int(clamping: try node.int("replicas", default: 1))
        taskDuration = try Self.duration(node, "taskDuration") ?? 3_600_000
        startDelay = try Self.duration(node, "startDelay") ?? 5000
        period = try Self.duration(node, "period") ?? 30_000
        completionTimeout = try Self.duration(node, "completionTimeout") ?? 1_800_000
        usesEarliestOffset = try node.bool("useEarliestOffset", default: false)
        latePeriod = try Self.duration(node, "lateMessageRejectionPeriod")
        earlyPeriod = try Self.duration(node, "earlyMessageRejectionPeriod")
        lateStart = nil
        if let start = node.child("lateMessageRejectionStartDateTime") { lateStart = try parseInstant(start.string()) }
        if latePeriod != nil, lateStart != nil {
            throw problem(
                "SeekableStreamSupervisorIOConfig does not support both properties lateMessageRejectionStartDateTime "
                    + "and lateMessageRejectionPeriod."
            )
        }
        shown = JSONObject()
        for key in ["autoScalerConfig", "configOverrides", "idleConfig", "stopTaskCount"] {
            shown[key] = node.child(key)?.json ?? .null
        }
        if let most = try node.optionalInt("stopTaskCount"), most <= 0 {
            throw problem("stopTaskCount must be greater than 0")
        }
        shown["emitTimeLagMetrics"] = .bool(try node.bool("emitTimeLagMetrics", default: false))
        taskCount = try Self.taskCount(node, problem)
        idleAfter = nil
        if let idle = node.child("idleConfig"), try idle.bool("enabled", default: false) {
            let after = try idle.int("inactiveAfterMillis", default: 600_000)
            guard after > 0 else { throw problem("inactiveAfterMillis should be a postive number") }
            // Clocks are added to it.
            idleAfter = min(after, 1 << 53)
        }
        for (key, value) in [("taskDuration", taskDuration), ("period", period)] where value <= 0 {
            throw problem("\(key) must be positive")
        }
    }

    /// The task group that reads a partition.
    func group(of partition: StreamPartition) -> Int {
        SupervisorMachine.group(of: partition, taskCount: taskCount, isPattern: isPattern)
    }

    /// With the auto-scaler on, it says how many tasks there are at first; Lamina stays at that.
    private static func taskCount(_ node: SpecNode, _ problem: (String) -> LaminaError) throws(LaminaError) -> Int {
        var count = try node.int("taskCount", default: 1)
        if let scaler = node.child("autoScalerConfig"), try scaler.bool("enableTaskAutoScaler", default: false) {
            guard let least = try scaler.optionalInt("taskCountMin"), let most = try scaler.optionalInt("taskCountMax")
            else { throw problem("taskCountMax or taskCountMin can't be null!") }
            guard least <= most else { throw problem("taskCountMax must be greater than or equal to taskCountMin") }
            count = try scaler.optionalInt("taskCountStart") ?? least
        }
        guard count > 0 else { throw problem("taskCount must be greater than 0") }
        return Int(clamping: count)
    }

    private static func duration(_ node: SpecNode, _ key: String) throws(LaminaError) -> Int64? {
        guard let child = node.child(key) else { return nil }
        let text = try child.string()
        guard let milliseconds = try ISOPeriod(parsing: text).fixedMilliseconds else {
            throw child.error("has months or years, whose length is not known: \(text)")
        }
        return milliseconds
    }

    /// With every default filled in.
    var json: JSON {
        func text(_ milliseconds: Int64?) -> JSON { milliseconds.map { .string(durationText($0)) } ?? .null }
        return [
            "topic": isPattern ? .null : .string(topic), "topicPattern": isPattern ? .string(topic) : .null,
            "inputFormat": inputFormat, "replicas": .int(Int64(replicas)), "taskCount": .int(Int64(taskCount)),
            "taskDuration": text(taskDuration), "consumerProperties": .object(consumerProperties),
            "autoScalerConfig": shown["autoScalerConfig"] ?? .null, "pollTimeout": .int(pollTimeout),
            "startDelay": text(startDelay), "period": text(period), "useEarliestOffset": .bool(usesEarliestOffset),
            "completionTimeout": text(completionTimeout), "lateMessageRejectionPeriod": text(latePeriod),
            "earlyMessageRejectionPeriod": text(earlyPeriod),
            "lateMessageRejectionStartDateTime": lateStart.map { .string(instantText($0)) } ?? .null,
            "configOverrides": shown["configOverrides"] ?? .null, "idleConfig": shown["idleConfig"] ?? .null,
            "stopTaskCount": shown["stopTaskCount"] ?? .null,
            "emitTimeLagMetrics": shown["emitTimeLagMetrics"] ?? .null, "stream": .string(topic),
            "useEarliestSequenceNumber": .bool(usesEarliestOffset),
        ]
    }
}

/// A duration as Joda prints it: `PT3600S`, `PT0.500S`.
func durationText(_ milliseconds: Int64) -> String {
    guard milliseconds % 1000 != 0 else { return "PT\(milliseconds / 1000)S" }
    let digits = String(milliseconds.magnitude % 1000 + 1000).dropFirst()
    return "PT\(milliseconds < 0 ? "-" : "")\(milliseconds.magnitude / 1000).\(digits)S"
}
