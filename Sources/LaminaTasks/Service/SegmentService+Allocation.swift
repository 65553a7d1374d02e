package import LaminaBase
import LaminaMetadata

extension SegmentService {
    /// Allocates segments, one behind the other in one chunk, that nobody else will get: remembered by the store before it returns.
    ///
    /// Where newer chunks hide parts of the chunk the segment gets an identity in each of these, too, so that none of its rows is
    /// hidden wherever in the chunk it lies.
    ///
    /// - Parameters:
    ///   - allocator: who will publish or withdraw it: the id of the task, or the name of a stream's writer.
    ///   - isTask: rows count from their publish on, so that a replacement which begins before it does not hide them.
    /// - Returns: `numbered` segments without load specs.
    /// - Errors: `conflict` or `invalidInput` when no chunk fits between those that are there.
    package func allocate(
        dataSource: String,
        _ request: ChunkRequest,
        count: Int = 1,
        sequence: String,
        allocator: String,
        isTask: Bool
    ) throws(LaminaError) -> [DataSegment] {
        let now = clock()
        return try exclusively { () throws(LaminaError) in
            var known = known(dataSource)
            let chunk = try known.chunk(for: request, now: now)
            var numbers = PartitionNumbers(store: store, dataSource: dataSource)
            let empty = DataSegment(
                dataSource: dataSource,
                interval: chunk.interval,
                version: chunk.version,
                loadSpec: .null,
                dimensions: [],
                metrics: [],
                shardSpec: .none,
                size: 0
            )
            let others = known.chunks(within: chunk)
            var change = SegmentChange()
            var roots: [DataSegment] = []
            for _ in 0..<count {
                let root = empty.appended(to: chunk, partition: try numbers.next(in: chunk))
                var allocation = Allocation(root: root, allocator: allocator, isTask: isTask, identities: [root])
                change.allocated.append(
                    Self.record(of: root, sequence: sequence, after: roots.last, allocator: allocator, now: now)
                )
                for other in others {
                    let identity = empty.appended(to: other, partition: try numbers.next(in: other))
                    allocation.identities.append(identity)
                    change.allocated.append(Self.record(of: identity, upgrading: allocation, now: now))
                }
                known.add(allocation)
                roots.append(root)
            }
            try store.apply(change, at: instantText(now))
            note(dataSource, known)
            return roots
        }
    }

    /// Takes allocations back that will not be published; announced ones leave the queries.
    package func withdraw(dataSource: String, _ roots: [SegmentID]) throws(LaminaError) {
        try exclusively { () throws(LaminaError) in
            var known = known(dataSource)
            let isSeen = roots.contains { known.allocations[$0]?.rows != nil }
            var change = SegmentChange()
            change.settled = known.end(roots)
            if change.isEmpty { return }
            try store.apply(change, at: instantText(clock()))
            if isSeen { show(dataSource, known) } else { note(dataSource, known) }
        }
    }

    /// Takes back what an allocator has allocated.
    /// - Parameter unclaimed: only what was never announced, or not again since the start.
    package func withdraw(dataSource: String, allocator: String, unclaimed: Bool = false) throws(LaminaError) {
        let roots = known(dataSource).allocations.values.filter {
            $0.allocator == allocator && !(unclaimed && $0.rows != nil)
        }
        if !roots.isEmpty { try withdraw(dataSource: dataSource, roots.map(\.root.id)) }
    }

    /// Forgets allocations of tasks that died with the last process. Called once, before tasks run.
    func forgetDeadAllocations() throws(LaminaError) {
        var change = SegmentChange()
        for record in try store.pendingSegments() where try store.task(id: record.allocator) != nil {
            change.settled.append(record.id)
        }
        if !change.isEmpty { try store.apply(change, at: instantText(clock())) }
    }

    /// What is allocated by streams, as the store remembers it; by datasource.
    static func storedAllocations(_ store: MetadataStore) throws(LaminaError) -> [String: [SegmentID: Allocation]] {
        var found: [String: [SegmentID: Allocation]] = [:]
        var upgrades: [(record: PendingSegmentRecord, segment: DataSegment)] = []
        var roots: [String: SegmentID] = [:]
        for record in try store.pendingSegments() {
            if try store.task(id: record.allocator) != nil { continue }
            let segment = try DataSegment(json: try JSONParser.parse(record.payload))
            if record.upgradedFrom != nil {
                upgrades.append((record, segment))
            } else {
                roots[record.id] = segment.id
                found[record.dataSource, default: [:]][segment.id] = Allocation(
                    root: segment,
                    allocator: record.allocator,
                    isTask: false,
                    identities: [segment]
                )
            }
        }
        for upgrade in upgrades {
            guard let root = upgrade.record.upgradedFrom.flatMap({ roots[$0] }) else { continue }
            found[upgrade.record.dataSource]?[root]?.identities.append(upgrade.segment)
        }
        return found
    }

    /// The row of an allocation's own id.
    private static func record(
        of root: DataSegment,
        sequence: String,
        after previous: DataSegment?,
        allocator: String,
        now: Int64
    ) -> PendingSegmentRecord {
        record(root, sequence: sequence, previous: previous?.id.text ?? "", nil, allocator, now)
    }

    /// The row of a further id of an allocation.
    static func record(of identity: DataSegment, upgrading allocation: Allocation, now: Int64) -> PendingSegmentRecord {
        let root = allocation.root.id.text
        return record(identity, sequence: root, previous: root, root, allocation.allocator, now)
    }

    private static func record(
        _ segment: DataSegment,
        sequence: String,
        previous: String,
        _ upgradedFrom: String?,
        _ allocator: String,
        _ now: Int64
    ) -> PendingSegmentRecord {
        let payload: JSON = [
            "dataSource": .string(segment.dataSource), "interval": .string(segment.interval.text),
            "version": .string(segment.version), "shardSpec": segment.shardSpec.json,
        ]
        // The id is in it, so that one sequence may allocate as often as it likes.
        let place = Array(sequence.utf8) + [0xFF] + Array(previous.utf8) + [0xFF] + Array(segment.id.text.utf8)
        return PendingSegmentRecord(
            id: segment.id.text,
            dataSource: segment.dataSource,
            start: instantText(segment.interval.start),
            end: instantText(segment.interval.end),
            createdDate: instantText(now),
            sequenceName: sequence,
            sequencePrevID: previous,
            sequenceSHA1: sha1Text(place),
            payload: Array(payload.text.utf8),
            upgradedFrom: upgradedFrom,
            allocator: allocator
        )
    }
}

/// The next free partition numbers of chunks: behind all segments that are known in any state.
struct PartitionNumbers {
    let store: MetadataStore
    let dataSource: String
    private var greatest: [SegmentID: Int] = [:]

    init(store: MetadataStore, dataSource: String) {
        self.store = store
        self.dataSource = dataSource
    }

    /// Counts segments that the same transaction is going to add.
    mutating func take(_ segments: [DataSegment]) throws(LaminaError) {
        for segment in segments where segment.dataSource == dataSource {
            let key = SegmentID(
                dataSource: dataSource,
                interval: segment.interval,
                version: segment.version,
                partition: 0
            )
            greatest[key] = max(try known(key), segment.shardSpec.partition)
        }
    }

    mutating func next(in chunk: DataSourceSegments.Chunk) throws(LaminaError) -> Int {
        let key = SegmentID(dataSource: dataSource, interval: chunk.interval, version: chunk.version, partition: 0)
        let next = try known(key) + 1
        greatest[key] = next
        return next
    }

    /// -1 without any.
    private mutating func known(_ key: SegmentID) throws(LaminaError) -> Int {
        if let known = greatest[key] { return known }
        let ids = try store.knownIDs(
            dataSource: dataSource,
            start: instantText(key.interval.start),
            end: instantText(key.interval.end),
            version: key.version
        )
        var result = -1
        for id in ids {
            // Overwriting segments count in a range of their own.
            guard let number = id == key.text ? 0 : Int(id.dropFirst(key.text.count + 1)),
                number < ShardSpec.firstOverwritingPartition
            else { continue }
            result = max(result, number)
        }
        return result
    }
}

extension DataSourceSegments {
    /// Adds an allocation; replacements that run already count it as later than their cut.
    mutating func add(_ allocation: Allocation) {
        allocations[allocation.root.id] = allocation
        for (task, replacement) in replacements
        where replacement.hasBegun && replacement.overlaps(allocation.root.interval) {
            replacements[task]?.later.insert(allocation.root.id)
        }
    }

    /// Forgets allocations.
    /// - Returns: the ids of their rows.
    mutating func end(_ roots: [SegmentID]) -> [String] {
        var settled: [String] = []
        for root in roots {
            guard let allocation = allocations.removeValue(forKey: root) else { continue }
            settled += [root.text] + allocation.identities.map(\.id).filter { $0 != root }.map(\.text)
        }
        refresh()
        return settled
    }
}
