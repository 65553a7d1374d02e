package import LaminaBase
import LaminaIngest
import LaminaMetadata
import LaminaSegment

/// A segment that was allocated and is not published yet.
struct Allocation: Sendable {
    /// As it was allocated: its id is the allocation's name also when its rows show under other ids only.
    let root: DataSegment
    /// The task or the writer of a stream that will publish it.
    let allocator: String
    /// Its rows count from their publish on; those of a stream from the moment when they are announced.
    let isTask: Bool
    /// Under which ids its rows show, or will.
    var identities: [DataSegment]
    /// Once it is announced.
    var rows: (any RealtimeRows)?
}

/// A task that is going to replace what is stored in its intervals.
struct Replacement: Sendable {
    var intervals: [Interval]
    /// Whether it takes only what it has read, so that rows which were not published then live on.
    var readsItself: Bool
    /// After the cut: allocations since then belong to the new version.
    var hasBegun = false
    /// Where the datasource's streams were at the cut.
    var positions: StreamPosition = [:]
    /// Whether it brings the rows up to these positions itself (a replay).
    var followsStreams = false
    /// Since the cut a stream went back behind its position.
    var wasRewound = false
    /// What was published at the cut, for a task that reads it.
    var snapshot: SegmentTimeline?
    var later: Set<SegmentID> = []
    /// Those of `later` that were published meanwhile, under all their ids and with their load specs.
    var landed: [SegmentID: [DataSegment]] = [:]

    /// Its rows would be there twice.
    var isSpoilt: Bool { followsStreams && wasRewound }

    static let spoilt = LaminaError(
        .conflict,
        code: "streamRewound",
        "The stream was reset, or a task of it was dropped, while the replay ran: it reads records again that the replay has read. "
            + "Nothing was replaced; submit it again"
    )

    func overlaps(_ interval: Interval) -> Bool { intervals.contains { $0.overlaps(interval) } }
}

/// Which chunk an allocation asks for.
package enum ChunkRequest: Sendable {
    /// The chunk that holds a time, whatever its length; where there is none, a new one of the granularity, or of a finer one
    /// when that would overlap others.
    case bucket(time: Int64, Granularity)
    /// Exactly this one, or one that contains it.
    case interval(Interval)
}

/// All that is known of one datasource's segments, and the rules by which they come and go: a value without store, clock or lock.
struct DataSourceSegments: Sendable {
    /// Used segments.
    private(set) var published: SegmentTimeline
    /// These and the announced ones: what queries see.
    private(set) var visible: SegmentTimeline
    var allocations: [SegmentID: Allocation]
    /// By task.
    var replacements: [String: Replacement] = [:]

    init(published: [DataSegment] = [], allocations: [SegmentID: Allocation] = [:]) {
        self.published = SegmentTimeline(published)
        self.allocations = allocations
        visible = self.published
        refresh()
    }

    var isEmpty: Bool { published.isEmpty && allocations.isEmpty && replacements.isEmpty }

    /// Rows by every id under which they show.
    var realtime: [SegmentID: any RealtimeRows] {
        var all: [SegmentID: any RealtimeRows] = [:]
        for case let (allocation, rows?) in allocations.values.map({ ($0, $0.rows) }) {
            for identity in allocation.identities { all[identity.id] = rows }
        }
        return all
    }

    /// The greatest version of any segment, allocated ones too.
    var newestVersion: String? {
        (published.segments.map(\.version) + allocations.values.flatMap { $0.identities.map(\.version) }).max()
    }

    /// After a change of allocations.
    mutating func refresh() {
        let announced = allocations.values.filter { $0.rows != nil }.flatMap(\.identities)
        visible = announced.isEmpty ? published : published.replacing(adding: announced)
    }

    mutating func setPublished(_ timeline: SegmentTimeline) {
        published = timeline
        refresh()
    }

    // MARK: what is hidden

    /// Drops the identities that no query can see any more, and allocations without any left.
    /// - Returns: the ids of rows to settle. An allocation keeps its own row as long as it lives.
    mutating func dropHidden() -> [String] {
        if allocations.isEmpty { return [] }
        let all = published.replacing(adding: allocations.values.flatMap(\.identities))
        let hidden = all.overshadowed()
        if hidden.isEmpty { return [] }
        var settled: [String] = []
        for (id, var allocation) in allocations {
            let gone = allocation.identities.filter { hidden.contains($0.id) }
            if gone.isEmpty { continue }
            allocation.identities.removeAll { hidden.contains($0.id) }
            if allocation.identities.isEmpty {
                allocations[id] = nil
                settled += [id.text] + gone.map(\.id.text)
            } else {
                allocations[id] = allocation
                settled += gone.map(\.id).filter { $0 != id }.map(\.text)
            }
        }
        refresh()
        return settled
    }

    // MARK: allocation

    /// A chunk and version to which segments are added.
    struct Chunk: Hashable {
        var interval: Interval
        var version: String
        /// The core partitions of the chunk; 0 when it began with appended ones.
        var core: Int
    }

    static let oldestVersion = instantText(0)

    /// The chunk that a request is served from.
    ///
    /// - Source: Druid's `SegmentAllocateAction`, `IndexerSQLMetadataStorageCoordinator.allocatePendingSegment`.
    func chunk(for request: ChunkRequest, now: Int64) throws(LaminaError) -> Chunk {
        switch request {
        case .interval(let wanted):
            let joined = existing(overlapping: wanted)
            if let same = joined.first(where: { $0.interval == wanted }) { return same }
            if let wider = joined.first(where: { $0.interval.contains(wanted) }) { return wider }
            guard joined.isEmpty else {
                throw .invalidInput(
                    "Cannot append to \(wanted.text): it overlaps the stored chunk \(joined[0].interval.text) of another interval"
                )
            }
            return Chunk(interval: wanted, version: newVersion(for: wanted, now: now), core: 0)
        case .bucket(let time, let granularity):
            guard Interval.eternity.contains(time) else {
                throw .invalidInput("There is no chunk for the time \(time) ms: it is out of range")
            }
            let instant = Interval(start: time, end: time + 1)
            if let chunk = existing(overlapping: instant).first { return chunk }
            let whole = granularity.bucket(time)
            for candidate in [whole] + Self.finer(than: granularity).map({ $0.bucket(time) })
            where whole.contains(candidate) && existing(overlapping: candidate).isEmpty {
                return Chunk(interval: candidate, version: newVersion(for: candidate, now: now), core: 0)
            }
            throw LaminaError(
                .conflict,
                code: "allocation",
                "Cannot allocate a segment for \(instantText(time)): every chunk that holds it overlaps others"
            )
        }
    }

    /// Chunks that are visible, by time, then those that are allocated only.
    private func existing(overlapping interval: Interval) -> [Chunk] {
        var found: [Chunk] = visible.lookup(interval).map(Self.chunk)
        var known = Set(found.map(\.interval))
        for allocation in allocations.values where allocation.rows == nil {
            for identity in allocation.identities
            where identity.interval.overlaps(interval) && known.insert(identity.interval).inserted {
                found.append(
                    Chunk(interval: identity.interval, version: identity.version, core: identity.shardSpec.core)
                )
            }
        }
        return found
    }

    static func chunk(of entry: SegmentTimeline.Entry) -> Chunk {
        Chunk(
            interval: entry.segmentInterval,
            version: entry.version,
            core: entry.segments.map(\.shardSpec.core).max() ?? 0
        )
    }

    /// Other chunks that show within a chunk's interval: rows of a new segment of it may lie there.
    func chunks(within chunk: Chunk) -> [Chunk] {
        var found: [Chunk] = []
        for entry in visible.lookup(chunk.interval) {
            let other = Self.chunk(of: entry)
            if other.interval == chunk.interval && other.version == chunk.version || found.contains(other) { continue }
            found.append(other)
        }
        return found
    }

    /// Greater than what is stored there, but never than the version of a task that replaces this interval.
    private func newVersion(for interval: Interval, now: Int64) -> String {
        if replacements.values.contains(where: { $0.overlaps(interval) }) { return Self.oldestVersion }
        var newest = now
        for segment in published.segments where segment.interval.overlaps(interval) {
            // A version from elsewhere need not be a time; then any time is greater, or none.
            if let time = try? parseInstant(segment.version), time >= newest, time < .max { newest = time + 1 }
        }
        return instantText(newest)
    }

    private static let granularityNames = [
        "YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "EIGHT_HOUR", "SIX_HOUR", "HOUR", "THIRTY_MINUTE", "FIFTEEN_MINUTE",
        "TEN_MINUTE", "FIVE_MINUTE", "MINUTE", "SECOND",
    ]

    /// From coarse to fine.
    private static func finer(than granularity: Granularity) -> [Granularity] {
        granularityNames.compactMap { Granularity(named: $0) }.filter { $0.isFiner(than: granularity) }
    }
}

extension DataSegment {
    /// The same rows and files under another id.
    func showing(as other: DataSegment) -> DataSegment {
        var copy = self
        copy.interval = other.interval
        copy.version = other.version
        copy.shardSpec = other.shardSpec
        return copy
    }

    /// An appended segment of a chunk.
    func appended(to chunk: DataSourceSegments.Chunk, partition: Int) -> DataSegment {
        var copy = self
        copy.interval = chunk.interval
        copy.version = chunk.version
        copy.shardSpec = .numbered(partition: partition, core: chunk.core)
        return copy
    }
}
