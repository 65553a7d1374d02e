package import LaminaBase
package import LaminaMetadata
import Synchronization

/// The used segments of a data directory: the store's rows kept in memory as timelines, and every change to them.
///
/// A change goes to the store first, in one transaction, then to the timelines, then to `onChange`, all under one lock: whoever
/// listens sees changes in the order in which they were made durable.
///
/// - Source: Druid's `SegmentsMetadataManager`, `DataSourcesResource`; druid-surface 10.10.
package final class SegmentService: Sendable {
    private let store: MetadataStore
    private let clock: @Sendable () -> Int64
    private let onChange: @Sendable (_ dataSource: String, _ timeline: SegmentTimeline) -> Void
    private let state: Monitor<[String: SegmentTimeline]>
    /// Orders changes; readers of `state` never wait for a transaction.
    private let changing = Mutex(())

    /// - Parameter onChange: told of every datasource at the start, then of every change.
    package init(
        store: MetadataStore,
        clock: @escaping @Sendable () -> Int64,
        onChange: @escaping @Sendable (_ dataSource: String, _ timeline: SegmentTimeline) -> Void
    ) throws(LaminaError) {
        self.store = store
        self.clock = clock
        self.onChange = onChange
        var segments: [String: [DataSegment]] = [:]
        for record in try store.segments() {
            let segment = try DataSegment(json: try JSONParser.parse(record.payload))
            segments[segment.dataSource, default: []].append(segment)
        }
        let timelines = segments.mapValues { SegmentTimeline($0) }
        state = Monitor(timelines)
        for (dataSource, timeline) in timelines { onChange(dataSource, timeline) }
    }

    /// Datasources with used segments, sorted.
    package var dataSources: [String] { state.read { $0.keys.sorted() } }

    /// The timeline of a datasource; nil when it has no used segment.
    package func timeline(_ dataSource: String) -> SegmentTimeline? { state.read { $0[dataSource] } }

    package var timelines: [String: SegmentTimeline] { state.read { $0 } }

    /// Used segments of a datasource that are not overshadowed and overlap the interval.
    package func visibleSegments(dataSource: String, in interval: Interval) -> [DataSegment] {
        var seen: Set<SegmentID> = []
        return (timeline(dataSource)?.lookup(interval) ?? []).flatMap(\.segments).filter { seen.insert($0.id).inserted }
    }

    /// The greatest version among a datasource's used segments.
    package func newestVersion(dataSource: String) -> String? {
        timeline(dataSource)?.segments.map(\.version).max()
    }

    /// Makes segments visible, all at once. What they overshadow is marked unused right after, as Druid's coordinator does.
    package func publish(_ segments: [DataSegment]) throws(LaminaError) {
        let now = instantText(clock())
        let records = segments.map { Self.record(of: $0, now: now) }
        try exclusively { () throws(LaminaError) in
            try store.publish(records, at: now)
            try apply(removing: [], adding: segments, now: now)
        }
    }

    private static func record(of segment: DataSegment, now: String) -> SegmentRecord {
        SegmentRecord(
            id: segment.id.text,
            dataSource: segment.dataSource,
            start: instantText(segment.interval.start),
            end: instantText(segment.interval.end),
            partitioned: true,
            version: segment.version,
            used: true,
            createdDate: now,
            usedStatusLastUpdated: now,
            payload: Array(segment.json.text.utf8)
        )
    }

    /// Marks used segments unused; they leave every query that starts from now on.
    /// - Returns: how many changed.
    package func markUnused(dataSource: String, where matches: (DataSegment) -> Bool) throws(LaminaError) -> Int {
        let now = instantText(clock())
        return try exclusively { () throws(LaminaError) in
            let chosen = (timeline(dataSource)?.segments ?? []).filter(matches).map(\.id)
            let changed = try store.mark(ids: chosen.map(\.text), used: false, at: now)
            try apply(removing: Set(chosen), adding: [], of: dataSource, now: now)
            return changed
        }
    }

    /// Marks unused segments used again, but for those that would be overshadowed.
    /// - Returns: how many changed.
    package func markUsed(dataSource: String, where matches: (DataSegment) -> Bool) throws(LaminaError) -> Int {
        let now = instantText(clock())
        return try exclusively { () throws(LaminaError) in
            var chosen: [DataSegment] = []
            for segment in try unusedSegments(dataSource: dataSource) where matches(segment) { chosen.append(segment) }
            let would = (timeline(dataSource) ?? SegmentTimeline()).replacing(adding: chosen)
            let hidden = would.overshadowed()
            chosen.removeAll { hidden.contains($0.id) }
            let changed = try store.mark(ids: chosen.map(\.id.text), used: true, at: now)
            try apply(removing: [], adding: chosen, of: dataSource, now: now)
            return changed
        }
    }

    /// Segments of a datasource that are stored but not used.
    package func unusedSegments(dataSource: String) throws(LaminaError) -> [DataSegment] {
        var segments: [DataSegment] = []
        for record in try store.segments(dataSource: dataSource, used: false) {
            segments.append(try DataSegment(json: try JSONParser.parse(record.payload)))
        }
        return segments
    }

    /// Forgets unused segments for good; one that became used meanwhile stays.
    /// - Returns: the ids that are gone.
    func forgetUnused(_ ids: [SegmentID]) throws(LaminaError) -> [String] {
        try exclusively { () throws(LaminaError) in try store.deleteUnusedSegments(ids: ids.map(\.text)) }
    }

    private func apply(
        removing: Set<SegmentID>,
        adding: [DataSegment],
        of only: String? = nil,
        now: String
    ) throws(LaminaError) {
        let dataSources = only.map { [$0] } ?? Array(Set(adding.map(\.dataSource))).sorted()
        for dataSource in dataSources {
            let added = adding.filter { $0.dataSource == dataSource }
            var timeline = (timeline(dataSource) ?? SegmentTimeline()).replacing(removing: removing, adding: added)
            let hidden = timeline.overshadowed()
            if !hidden.isEmpty {
                _ = try store.mark(ids: hidden.map(\.text), used: false, at: now)
                timeline = timeline.replacing(removing: hidden, adding: [])
            }
            let current = timeline
            state.update { $0[dataSource] = current.isEmpty ? nil : current }
            onChange(dataSource, current)
        }
    }

    /// `Mutex.withLock` would demand that all that crosses it is sent; nothing here leaves the thread.
    private func exclusively<Result>(_ body: () throws(LaminaError) -> Result) throws(LaminaError) -> Result {
        changing._unsafeLock()
        defer { changing._unsafeUnlock() }
        return try body()
    }
}
