package import LaminaBase
import LaminaIngest

extension SupervisorService {
    /// Reads intervals of a supervisor's datasource again from the log, into a new version that replaces just them.
    ///
    /// A batch task does it: it takes its lock, which cuts the stream, and reads the log from where records of these intervals may begin
    /// up to where the stream was cut. What the stream brings later belongs to the new version, so nothing is missing or counted twice.
    ///
    /// - Parameter json: `{"intervals": ["2024-03-10/P1D"], "margin": "P1D"}`: rows may be as much later by their own time than by
    ///   their record's.
    /// - Returns: the task's id.
    /// - Errors: the log does not reach back far enough; the gap is named.
    package func replay(_ id: String, _ json: JSON) throws(LaminaError) -> String {
        guard let entry = entries.read({ $0[id] }) else { throw Self.unknown(id) }
        guard case .kafka(let config) = entry.spec.source else {
            throw .unsupported("Replay of a supervisor of type '\(entry.spec.type)'")
        }
        if config.isPattern { throw .unsupported("Replay of a supervisor with a topicPattern") }
        let root = SpecNode(json, path: "")
        var intervals: [Interval] = []
        for node in try root.required("intervals").list() { intervals.append(try Interval(parsing: node.string())) }
        intervals = Interval.condensed(intervals.filter { $0.start < $0.end })
        guard let first = intervals.first else { throw .invalidInput("intervals must name at least one") }
        var margin = millisecondsPerDay
        if let text = try root.optionalString("margin") {
            guard let given = try ISOPeriod(parsing: text).fixedMilliseconds, given >= 0 else {
                throw .invalidInput("margin must be a period of known length, not \(text)")
            }
            margin = given
        }
        let (from, isBeyond) = first.start.subtractingReportingOverflow(margin)
        let start = try logStart(config, from: isBeyond ? .min : from)
        return try tasks.submit(task(entry.spec, config, intervals, start))
    }

    /// Where the records begin that may belong to times from an instant on.
    private func logStart(_ config: KafkaStreamConfig, from time: Int64) throws(LaminaError) -> StreamPosition {
        let source = try connector.open(
            topic: config.topic,
            isPattern: config.isPattern,
            properties: config.consumerProperties,
            keepsKeys: false
        )
        defer { source.close() }
        do throws(StreamError) {
            let partitions = try source.partitions()
            let earliest = try source.earliest(partitions)
            // No record is older than 1970: then it is the whole log that may hold such rows.
            let start = time > 0 ? try source.offsets(at: time, partitions) : earliest
            for partition in partitions {
                guard let first = earliest[partition], let begin = start[partition] else { continue }
                if first > 0, begin <= first {
                    throw .refused(
                        LaminaError(
                            .conflict,
                            code: "logGap",
                            "The log does not reach back far enough: \(partition.topic)-\(partition.number) begins at offset "
                                + "\(first), and the records before it, up to \(first) of them, may hold rows from "
                                + "\(instantText(time)) on"
                        )
                    )
                }
            }
            return start
        } catch {
            if case .refused(let inner) = error { throw inner }
            throw LaminaError(.serviceUnavailable, code: "stream", error.message)
        }
    }

    /// The task that replaces the intervals by what is read from `start` on; where it ends is known when it has its lock.
    private func task(
        _ spec: SupervisorSpec,
        _ config: KafkaStreamConfig,
        _ intervals: [Interval],
        _ start: StreamPosition
    ) -> JSON {
        var schema = spec.stream.schema.dataSchemaJSON.objectValue ?? JSONObject()
        var granularity = schema["granularitySpec"]?.objectValue ?? JSONObject()
        granularity["intervals"] = .array(intervals.map { .string($0.text) })
        // Chunks that are wider than an interval would replace more than it.
        if !intervals.allSatisfy({ Self.isWhole($0, spec.stream.schema.granularity.segmentGranularity) }) {
            granularity["type"] = "arbitrary"
            granularity["segmentGranularity"] = nil
        }
        schema["granularitySpec"] = .object(granularity)
        let starts = start.sorted { $0.key < $1.key }.map { ("\($0.key.number)", JSON.int($0.value)) }
        let source: JSONObject = [
            "type": "kafka", "topic": .string(config.topic),
            "consumerProperties": .object(config.consumerProperties), "start": .object(JSONObject(starts)),
        ]
        var tuning: JSONObject = ["type": "index_parallel"]
        for key in ["indexSpec", "maxParseExceptions", "maxSavedParseExceptions", "logParseExceptions"] {
            tuning[key] = spec.tuning.json[key]
        }
        return [
            "type": "index_parallel",
            "spec": [
                "dataSchema": .object(schema),
                "ioConfig": [
                    "type": "index_parallel", "inputSource": .object(source), "inputFormat": config.inputFormat,
                    "appendToExisting": false, "dropExisting": true,
                ],
                "tuningConfig": .object(tuning),
            ],
            "context": [TaskService.replayKey: .string(spec.id)],
        ]
    }

    private static func isWhole(_ interval: Interval, _ granularity: Granularity?) -> Bool {
        guard let granularity else { return true }
        return granularity.bucketStart(interval.start) == interval.start
            && granularity.bucketStart(interval.end) == interval.end
    }

}
