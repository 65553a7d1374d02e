import LaminaBase
import LaminaQuery

/// The `druid` input source: rows of stored segments.
///
/// - Source: Druid's `DruidInputSource`, `DruidSegmentReader`.
struct DruidSource: Sendable {
    enum Selection: Sendable {
        case interval(Interval)
        /// Segments by id, each with the stretches to read of it (none: all of it).
        case segments([(id: String, intervals: [Interval])])
    }

    /// One segment and the stretch of time in which its rows are read.
    struct Part: Sendable {
        var segment: DataSegment
        var interval: Interval
    }

    let dataSource: String
    let selection: Selection
    let filter: RowFilter?
    /// Columns to read; nil: all of their kind.
    let dimensions: Set<String>?
    let metrics: Set<String>?

    init(dataSource: String, interval: Interval) {
        self.dataSource = dataSource
        selection = .interval(interval)
        filter = nil
        dimensions = nil
        metrics = nil
    }

    init(_ fields: SpecFields) throws(LaminaError) {
        guard let dataSource = try fields.string("dataSource") else { throw fields.missing("dataSource") }
        self.dataSource = dataSource
        let interval = try fields.string("interval")
        let segments = fields["segments"].flatMap { $0.isNull ? nil : $0 }
        switch (interval, segments) {
        case (let interval?, nil):
            do throws(LaminaError) {
                selection = .interval(try Interval(parsing: interval))
            } catch {
                throw fields.error("interval", "is no interval: \(error.message)")
            }
        case (nil, _?): selection = .segments(try Self.segments(fields))
        default: throw fields.error("", "must specify exactly one of 'interval' and 'segments'")
        }
        filter = try fields["filter"].flatMap { $0.isNull ? nil : $0 }.map { json throws(LaminaError) in
            try RowFilter(try QueryDecoder().filter(json, at: "\(fields.path).filter"))
        }
        dimensions = try Self.names(fields, "dimensions")
        metrics = try Self.names(fields, "metrics")
    }

    private static func names(_ fields: SpecFields, _ key: String) throws(LaminaError) -> Set<String>? {
        guard let given = fields[key], !given.isNull else { return nil }
        return Set(try fields.strings(key))
    }

    private static func segments(_ fields: SpecFields) throws(LaminaError) -> [(id: String, intervals: [Interval])] {
        var out: [(id: String, intervals: [Interval])] = []
        for (index, item) in try fields.required("segments").elements.enumerated() {
            if let id = item.stringValue {
                out.append((id, []))
                continue
            }
            let entry = try SpecFields(item, path: "\(fields.path).segments[\(index)]")
            guard let id = try entry.string("segmentId") else { throw entry.missing("segmentId") }
            var intervals: [Interval] = []
            for text in try entry.strings("intervals") { intervals.append(try Interval(parsing: text)) }
            out.append((id, intervals))
        }
        return out
    }

    /// What is to be read, in order of time and partition.
    func parts(_ library: any SegmentLibrary) throws(LaminaError) -> [Part] {
        var parts: [Part] = []
        switch selection {
        case .interval(let interval):
            for entry in try library.visibleSegments(of: dataSource, in: interval) {
                for segment in entry.segments { parts.append(Part(segment: segment, interval: entry.interval)) }
            }
        case .segments(let list):
            for (id, intervals) in list {
                guard let segment = try library.usedSegment(id, of: dataSource) else {
                    throw .invalidInput("The segment \(id) of \(dataSource) is not there or not used")
                }
                let stretches = intervals.isEmpty ? [segment.interval] : intervals
                for interval in stretches { parts.append(Part(segment: segment, interval: interval)) }
            }
            parts.sort { left, right in
                (left.interval, left.segment.shardSpec.partition) < (right.interval, right.segment.shardSpec.partition)
            }
        }
        return parts.filter { !$0.segment.isTombstone }
    }

    /// Whether a column of a segment may be read.
    func reads(_ name: String, isMetric: Bool) -> Bool { (isMetric ? metrics : dimensions)?.contains(name) ?? true }
}
