package import LaminaBase
package import LaminaQuery
import LaminaSegment

/// What a compaction hands over: segments of all its parts, and a report for each.
package struct CompactJobResult: Sendable {
    /// To be published together; `folder` is nil for tombstones.
    package var segments: [(segment: DataSegment, folder: String?)]
    /// Druid's `ingestionStatsAndErrors` payloads, with `segmentsPublished` where the part succeeded; and the parts' contexts.
    package var reports: [(payload: JSONObject, context: JSONObject)]
    /// Why parts failed; the task failed when there is any, though the others are published.
    package var failures: [String]
}

/// One run of a `compact` task: an index job over stored segments for each stretch of time that is cut in its own way.
///
/// - Source: Druid's `CompactionTask`, `NativeCompactionRunner`.
package struct CompactJob: Sendable {
    private let spec: CompactTaskSpec
    private let taskID: String
    private let workDirectory: String
    private let lookups: LookupResolver?
    private let threads: Int?

    package init(
        spec: CompactTaskSpec,
        taskID: String,
        workDirectory: String,
        lookups: LookupResolver? = nil,
        threads: Int? = nil
    ) {
        self.spec = spec
        self.taskID = taskID
        self.workDirectory = workDirectory
        self.lookups = lookups
        self.threads = threads
    }

    /// Runs all parts, one after the other. An error means that none of them ran, or that the task was cancelled.
    package func run(host: any IndexJobHost) throws(LaminaError) -> CompactJobResult {
        let locked = try lock(host)
        let parts = try plan(host)
        var result = CompactJobResult(segments: [], reports: [], failures: [])
        for (number, part) in parts.enumerated() {
            guard let chunks = part.granularity.chunks, locked.covers(chunks) else {
                throw LaminaError(
                    .conflict,
                    code: "segmentsChanged",
                    "The segments to compact changed while the task waited for its locks. Submit it again."
                )
            }
            let job = IndexJob(
                spec: part,
                taskID: taskID,
                workDirectory: "\(workDirectory)/\(number)",
                lookups: lookups,
                threads: threads
            )
            do throws(IndexJobFailure) {
                try makePartFolder(number)
                let built = try job.run(host: locked)
                result.segments += built.segments
                var payload = built.reportPayload
                payload["segmentsPublished"] = .int(Int64(built.segments.count))
                result.reports.append((payload, context(part)))
            } catch {
                if host.isCancelled { throw error.error }
                host.log("Part \(number + 1) of \(parts.count) failed: \(error.error.message)")
                result.failures.append(error.error.message)
                result.reports.append((error.reportPayload, context(part)))
            }
        }
        host.log("Ran \(parts.count) parts, \(result.failures.count) failed")
        return result
    }

    private func makePartFolder(_ number: Int) throws(IndexJobFailure) {
        do throws(LaminaError) {
            try makeFolders("\(workDirectory)/\(number)")
        } catch {
            throw IndexJobFailure(error: error, reportPayload: [:])
        }
    }

    /// The context as the report of a part prints it.
    private func context(_ part: IndexTaskSpec) -> JSONObject {
        var all = part.effectiveContext
        all["appenderatorTrackingTaskId"] = .string(taskID)
        if spec.filter == nil, all["lookupLoadingMode"] == nil { all["lookupLoadingMode"] = "NONE" }
        return all
    }

    // MARK: planning

    /// Locks what the segments that are there now need.
    private func lock(_ host: any IndexJobHost) throws(LaminaError) -> LockedHost {
        var intervals: [Interval] = []
        let (_, segments) = try segments(host)
        for segment in segments {
            intervals.append(segment.interval)
            if let granularity = spec.segmentGranularity {
                intervals.append(contentsOf: granularity.buckets(in: segment.interval))
            }
        }
        if spec.dropsExisting, case .interval(let interval) = spec.input { intervals.append(interval) }
        let condensed = Interval.condensed(intervals)
        return LockedHost(host, condensed, version: try host.lock(condensed, appending: false))
    }

    /// The visible segments that are to be compacted, and the interval the task names.
    private func segments(_ host: any IndexJobHost) throws(LaminaError) -> (Interval, [DataSegment]) {
        let interval: Interval
        switch spec.input {
        case .interval(let given): interval = given
        case .segments(let ids):
            var span: Interval?
            for id in ids {
                guard let segment = try host.usedSegment(id, of: spec.dataSource) else { throw differ }
                let other = segment.interval
                span = span.map { Interval(start: min($0.start, other.start), end: max($0.end, other.end)) } ?? other
            }
            interval = span ?? .eternity
        }
        var seen: Set<SegmentID> = []
        var found: [DataSegment] = []
        for entry in try host.visibleSegments(of: spec.dataSource, in: interval) {
            for segment in entry.segments where seen.insert(segment.id).inserted { found.append(segment) }
        }
        guard !found.isEmpty else {
            throw LaminaError(
                .runtimeFailure,
                code: "noSegments",
                "No segments found for compaction. Please check that datasource name and interval are correct."
            )
        }
        if case .segments(let ids) = spec.input, Set(ids) != Set(found.map(\.id.text)) { throw differ }
        return (interval, found)
    }

    private var differ: LaminaError {
        LaminaError(
            .runtimeFailure,
            code: "segmentsChanged",
            "Specified segments in the spec are different from the current used segments. Possibly new segments would"
                + " have been added or some segments have been unpublished."
        )
    }

    /// One index task for every stretch that keeps its granularity, or one for all when a granularity is given.
    private func plan(_ host: any IndexJobHost) throws(LaminaError) -> [IndexTaskSpec] {
        let (interval, segments) = try segments(host)
        if let granularity = spec.segmentGranularity {
            try checkAligned(interval, granularity)
            var span = segments[0].interval
            for segment in segments {
                let other = segment.interval
                span = Interval(start: min(span.start, other.start), end: max(span.end, other.end))
            }
            return [try part(segments, granularity, chunks: span, reading: interval, host)]
        }
        var groups: [(span: Interval, segments: [DataSegment])] = []
        for segment in segments.sorted(by: { $0.interval < $1.interval }) {
            if let last = groups.last, last.span.overlaps(segment.interval) {
                let end = max(last.span.end, segment.interval.end)
                groups[groups.count - 1].span = Interval(start: last.span.start, end: end)
                groups[groups.count - 1].segments.append(segment)
            } else {
                groups.append((segment.interval, [segment]))
            }
        }
        var parts: [IndexTaskSpec] = []
        for group in groups {
            let granularity = try standardGranularity(group.span)
            try checkAligned(group.span, granularity)
            parts.append(try part(group.segments, granularity, chunks: group.span, reading: group.span, host))
        }
        return parts
    }

    private func checkAligned(_ interval: Interval, _ granularity: Granularity) throws(LaminaError) {
        if spec.allowsNonAligned { return }
        let start = granularity.bucketStart(interval.start)
        let end = granularity.bucket(interval.end - 1).end
        guard interval == Interval(start: start, end: end) else {
            throw .invalidInput(
                "Interval[\(interval.text)] to compact is not aligned with segmentGranularity[\(granularity.json.text)]"
            )
        }
    }

    private func part(
        _ segments: [DataSegment],
        _ granularity: Granularity,
        chunks: Interval,
        reading: Interval,
        _ host: any IndexJobHost
    ) throws(LaminaError) -> IndexTaskSpec {
        var schema = CompactTaskSpec.Schema()
        let isComplete =
            spec.dimensions != nil && spec.metrics != nil && spec.queryGranularity != nil && spec.rollup != nil
        if !isComplete {
            let existing = try ExistingSchema(segments.filter { !$0.isTombstone }, host)
            schema = try existing.schema(needsMetrics: spec.metrics == nil)
        }
        schema.segmentGranularity = granularity
        return try spec.indexTask(schema, chunks: chunks, reading: reading)
    }
}

/// A host whose locks are taken already.
private final class LockedHost: IndexJobHost {
    private let host: any IndexJobHost
    private let intervals: [Interval]
    private let version: String

    init(_ host: any IndexJobHost, _ intervals: [Interval], version: String) {
        self.host = host
        self.intervals = intervals
        self.version = version
    }

    func covers(_ chunks: [Interval]) -> Bool {
        chunks.allSatisfy { chunk in intervals.contains { $0.contains(chunk) } }
    }

    var isCancelled: Bool { host.isCancelled }

    func lock(_ intervals: [Interval], appending: Bool) throws(LaminaError) -> String { version }

    func allocate(_ chunk: Interval, count: Int) throws(LaminaError) -> [DataSegment] {
        try host.allocate(chunk, count: count)
    }

    func usedSegments(overlapping interval: Interval) throws(LaminaError) -> [DataSegment] {
        try host.usedSegments(overlapping: interval)
    }

    func visibleSegments(of dataSource: String, in interval: Interval) throws(LaminaError) -> [SegmentTimeline.Entry] {
        try host.visibleSegments(of: dataSource, in: interval)
    }

    func usedSegment(_ id: String, of dataSource: String) throws(LaminaError) -> DataSegment? {
        try host.usedSegment(id, of: dataSource)
    }

    func openSegment(_ segment: DataSegment) throws(LaminaError) -> Segment { try host.openSegment(segment) }

    func log(_ line: String) { host.log(line) }
    func progress(_ progress: IndexProgress) { host.progress(progress) }
}
