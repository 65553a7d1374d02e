import LaminaBase
import Synchronization

/// The `kafka` input source: a stretch of a topic's log as a batch input.
///
/// `{"type":"kafka","topic":…,"consumerProperties":{…},"start":{partition: offset},"end":{…}}` or `"interval"` in place of start and
/// end, by the log's own times. Partitions that neither names are not read when one is named; start defaults to the beginning,
/// end (exclusive) to where the log ends when the task first asks. A log that no longer reaches back to the start is an error that
/// names the gap. Lamina's own: Druid has no such source.
struct KafkaInput: Sendable {
    enum Selection: Sendable {
        case offsets(start: [Int32: Int64], end: [Int32: Int64])
        case interval(Interval)
        /// What comes from now on, for ever: for samples, which end by time.
        case following
    }

    /// What is read: all of it lies in the log when it is decided.
    struct Stretch: Sendable {
        var start: StreamPosition
        /// nil: without end.
        var end: StreamPosition?
    }

    let topic: String
    let isPattern: Bool
    let properties: JSONObject
    let selection: Selection
    /// Decided once, so that all passes of a job read the same.
    private let decided = Decided()

    private final class Decided: Sendable {
        let stretch = Mutex<Stretch?>(nil)
    }

    init(_ fields: SpecFields) throws(LaminaError) {
        let topic = try fields.string("topic")
        let pattern = try fields.string("topicPattern")
        guard let name = topic ?? pattern, topic == nil || pattern == nil else {
            throw fields.error("", "must have either a topic or a topicPattern")
        }
        self.topic = name
        isPattern = topic == nil
        guard let properties = fields["consumerProperties"]?.objectValue else {
            throw fields.missing("consumerProperties")
        }
        self.properties = properties
        if fields["start"]?.stringValue == "latest" {
            selection = .following
        } else if let interval = try fields.string("interval") {
            guard fields["start"]?.isNull ?? true, fields["end"]?.isNull ?? true else {
                throw fields.error("", "can have either an interval or start and end")
            }
            do throws(LaminaError) {
                selection = .interval(try Interval(parsing: interval))
            } catch {
                throw fields.error("interval", "is no interval: \(error.message)")
            }
        } else {
            let start = try Self.offsets(fields, "start")
            let end = try Self.offsets(fields, "end")
            if isPattern, !start.isEmpty || !end.isEmpty {
                throw fields.error("topicPattern", "cannot be had with start and end: they name one topic's partitions")
            }
            selection = .offsets(start: start, end: end)
        }
    }

    private static func offsets(_ fields: SpecFields, _ name: String) throws(LaminaError) -> [Int32: Int64] {
        guard let given = fields[name], !given.isNull else { return [:] }
        guard let object = given.objectValue else {
            throw fields.error(name, "must map partitions to offsets")
        }
        let inner = SpecFields(object: object, path: "\(fields.path).\(name)")
        var offsets: [Int32: Int64] = [:]
        for key in object.keys {
            guard let number = Int32(key), number >= 0 else { throw inner.error(key, "is no number of a partition") }
            guard let offset = try inner.int(key), offset >= 0 else { throw inner.error(key, "must be an offset") }
            offsets[number] = offset
        }
        return offsets
    }

    /// What is to be read; asked of the log the first time.
    func stretch(_ source: any StreamSource) throws(LaminaError) -> Stretch {
        if let known = decided.stretch.withLock({ $0 }) { return known }
        let found: Stretch
        do throws(StreamError) {
            let all = try source.partitions()
            switch selection {
            case .following: found = Stretch(start: try source.latest(all), end: nil)
            case .interval(let interval): found = try stretch(source, all, interval)
            case .offsets(let start, let end): found = try stretch(source, all, start, end)
            }
        } catch {
            throw error.laminaError
        }
        decided.stretch.withLock { $0 = found }
        return found
    }

    private func stretch(
        _ source: any StreamSource,
        _ all: [StreamPartition],
        _ start: [Int32: Int64],
        _ end: [Int32: Int64]
    ) throws(StreamError) -> Stretch {
        let named = Set(start.keys).union(end.keys)
        let partitions = named.isEmpty ? all : all.filter { named.contains($0.number) }
        if let missing = named.subtracting(all.map(\.number)).min() {
            throw .partitionGone(StreamPartition(topic: topic, number: missing))
        }
        let earliest = try source.earliest(partitions)
        let latest = try source.latest(partitions)
        var stretch = Stretch(start: [:], end: [:])
        for partition in partitions {
            let first = earliest[partition] ?? 0
            let last = latest[partition] ?? 0
            let from = start[partition.number] ?? first
            let to = end[partition.number] ?? last
            guard from >= first else { throw .refused(Self.gap(partition, "offsets \(from) to \(first - 1)", first)) }
            guard from <= to, to <= last else {
                throw .refused(
                    .invalidInput(
                        "The log of \(partition.topic)-\(partition.number) holds offsets \(first) up to \(last):"
                            + " \(from) up to \(to) do not lie in it"
                    )
                )
            }
            stretch.start[partition] = from
            stretch.end?[partition] = to
        }
        return stretch
    }

    /// By the times that the log keeps. A log that lost records may have lost some of the interval's, unless one that is older than
    /// the interval is still there.
    private func stretch(
        _ source: any StreamSource,
        _ all: [StreamPartition],
        _ interval: Interval
    ) throws(StreamError) -> Stretch {
        let earliest = try source.earliest(all)
        let start = try source.offsets(at: interval.start, all)
        let end = try source.offsets(at: interval.end, all)
        for partition in all {
            guard let first = earliest[partition], first > 0, let from = start[partition], from <= first else {
                continue
            }
            throw .refused(
                Self.gap(partition, "offsets 0 to \(first - 1), of which some may be of \(interval),", first)
            )
        }
        return Stretch(start: start, end: end)
    }

    private static func gap(_ partition: StreamPartition, _ gone: String, _ first: Int64) -> LaminaError {
        LaminaError(
            .runtimeFailure,
            code: "streamGap",
            "The log of \(partition.topic)-\(partition.number) begins at offset \(first): \(gone) are gone",
            context: ["topic": partition.topic, "partition": "\(partition.number)"]
        )
    }
}
