package import LaminaBase
package import LaminaMetadata
package import LaminaSegment
import Synchronization

/// The segments of a data directory: the store's rows kept in memory as timelines, beside them the segments of streams that still
/// grow, and every change to both.
///
/// A change goes to the store first, in one transaction, then to the timelines, then to `onChange`, all under one lock: whoever
/// listens sees changes in the order in which they were made durable, and what belongs together in one step.
///
/// - Source: Druid's `SegmentsMetadataManager`, `DataSourcesResource`; druid-surface 10.10.
package final class SegmentService: Sendable {
    /// Told of a datasource: all segments that count, and the rows of those that still grow.
    package typealias Listener =
        @Sendable (_ dataSource: String, _ timeline: SegmentTimeline, _ realtime: [SegmentID: any RealtimeRows]) -> Void

    let store: MetadataStore
    let clock: @Sendable () -> Int64
    private let onChange: Listener
    private let state: Monitor<[String: DataSourceSegments]>
    /// Orders changes; readers of `state` never wait for a transaction.
    private let changing = Mutex(())
    let writers = Mutex<[ObjectIdentifier: RegisteredWriter]>([:])

    /// - Parameter onChange: told of every datasource at the start, then of every change.
    package init(
        store: MetadataStore,
        clock: @escaping @Sendable () -> Int64,
        onChange: @escaping Listener
    ) throws(LaminaError) {
        self.store = store
        self.clock = clock
        self.onChange = onChange
        var segments: [String: [DataSegment]] = [:]
        for record in try store.segments() {
            let segment = try DataSegment(json: try JSONParser.parse(record.payload))
            segments[segment.dataSource, default: []].append(segment)
        }
        let allocations = try Self.storedAllocations(store)
        var all: [String: DataSourceSegments] = [:]
        for dataSource in Set(segments.keys).union(allocations.keys) {
            all[dataSource] = DataSourceSegments(
                published: segments[dataSource] ?? [],
                allocations: allocations[dataSource] ?? [:]
            )
            _ = all[dataSource]?.dropHidden()
        }
        state = Monitor(all)
        for (dataSource, known) in all { onChange(dataSource, known.visible, known.realtime) }
    }

    // MARK: looking

    /// Datasources with used segments, sorted.
    package var dataSources: [String] { state.read { $0.filter { !$0.value.published.isEmpty }.keys.sorted() } }

    /// Datasources that queries find something in: with used segments or announced ones, sorted.
    package var visibleDataSources: [String] { state.read { $0.filter { !$0.value.visible.isEmpty }.keys.sorted() } }

    /// The used segments of a datasource; nil when it has none.
    package func timeline(_ dataSource: String) -> SegmentTimeline? {
        known(dataSource).published.isEmpty ? nil : known(dataSource).published
    }

    package var timelines: [String: SegmentTimeline] {
        state.read { $0.mapValues(\.published).filter { !$0.value.isEmpty } }
    }

    /// The used and the announced segments of a datasource.
    package func visibleTimeline(_ dataSource: String) -> SegmentTimeline { known(dataSource).visible }

    /// The announced segments of a datasource under all their ids, with their rows.
    package func realtime(_ dataSource: String) -> [SegmentID: any RealtimeRows] { known(dataSource).realtime }

    /// How many rows the announced segments hold now.
    package func realtimeRowCounts(_ dataSource: String) -> [SegmentID: Int] {
        realtime(dataSource).mapValues(\.rowCount)
    }

    func known(_ dataSource: String) -> DataSourceSegments { state.read { $0[dataSource] } ?? DataSourceSegments() }

    /// Used segments of a datasource that are not overshadowed and overlap the interval.
    package func visibleSegments(dataSource: String, in interval: Interval) -> [DataSegment] {
        known(dataSource).published.distinctSegments(in: interval)
    }

    /// The greatest version among a datasource's segments, allocated ones included.
    package func newestVersion(dataSource: String) -> String? { known(dataSource).newestVersion }

    // MARK: marking

    /// Marks used segments unused; they leave every query that starts from now on.
    /// - Returns: how many changed.
    package func markUnused(dataSource: String, where matches: (DataSegment) -> Bool) throws(LaminaError) -> Int {
        let now = instantText(clock())
        return try exclusively { () throws(LaminaError) in
            var known = known(dataSource)
            let chosen = known.published.segments.filter(matches).map(\.id)
            let changed = try store.mark(ids: chosen.map(\.text), used: false, at: now)
            known.setPublished(known.published.replacing(removing: Set(chosen), adding: []))
            show(dataSource, known)
            return changed
        }
    }

    /// Marks unused segments used again, but for those that would be overshadowed.
    /// - Returns: how many changed.
    package func markUsed(dataSource: String, where matches: (DataSegment) -> Bool) throws(LaminaError) -> Int {
        let now = clock()
        return try exclusively { () throws(LaminaError) in
            var known = known(dataSource)
            var chosen: [DataSegment] = []
            for segment in try unusedSegments(dataSource: dataSource) where matches(segment) { chosen.append(segment) }
            // Streams go on: nobody told them of a cut.
            let hidden = known.published.replacing(adding: chosen).overshadowed()
            chosen.removeAll { hidden.contains($0.id) }
            var numbers = PartitionNumbers(store: store, dataSource: dataSource)
            var change = SegmentChange()
            change.used = chosen.map(\.id.text)
            for (allocation, identity) in try known.carryOver(chosen, &numbers) {
                change.allocated.append(Self.record(of: identity, upgrading: allocation, now: now))
            }
            settle(&known, adding: chosen, &change)
            if !change.isEmpty { try store.apply(change, at: instantText(now)) }
            show(dataSource, known)
            return chosen.count
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

    // MARK: changing

    /// Takes used segments in; what they overshadow becomes unused, as Druid's coordinator does, and what streams hold there ends.
    func settle(_ known: inout DataSourceSegments, adding: [DataSegment], _ change: inout SegmentChange) {
        var timeline = known.published.replacing(adding: adding)
        let hidden = timeline.overshadowed()
        if !hidden.isEmpty { timeline = timeline.replacing(removing: hidden, adding: []) }
        change.unused += hidden.map(\.text)
        known.setPublished(timeline)
        change.settled += known.dropHidden()
    }

    /// Lets everybody see a datasource's new state.
    func show(_ dataSource: String, _ known: DataSourceSegments) {
        state.update { $0[dataSource] = known.isEmpty ? nil : known }
        onChange(dataSource, known.visible, known.realtime)
    }

    /// Keeps what changes nothing for queries.
    func note(_ dataSource: String, _ known: DataSourceSegments) {
        state.update { $0[dataSource] = known.isEmpty ? nil : known }
    }

    /// `Mutex.withLock` would demand that all that crosses it is sent; nothing here leaves the thread.
    func exclusively<Result>(_ body: () throws(LaminaError) -> Result) throws(LaminaError) -> Result {
        changing._unsafeLock()
        defer { changing._unsafeUnlock() }
        return try body()
    }
}

extension SegmentTimeline {
    /// The visible segments that overlap an interval, each once.
    package func distinctSegments(in interval: Interval) -> [DataSegment] {
        var seen: Set<SegmentID> = []
        return lookup(interval).flatMap(\.segments).filter { seen.insert($0.id).inserted }
    }
}
