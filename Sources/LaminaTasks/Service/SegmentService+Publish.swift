package import LaminaBase
package import LaminaMetadata

/// Who publishes.
package enum Publisher: Sendable, Hashable {
    /// An import, or a tool.
    case tool
    /// A task: its allocated segments come under every id they have by now, the others as they are.
    case task(String)
    /// A stream: all its segments were allocated; those that no query may see any more are left out.
    case stream
}

extension SegmentService {
    /// Makes segments visible, all at once. What they overshadow becomes unused in the same transaction, as Druid's coordinator does
    /// later; announced segments give way to their published form in the same step.
    ///
    /// When a replacing task publishes, each segment from after its cut that overlaps a replaced chunk gets a further identity in it,
    /// behind the task's own partitions: announced ones show their rows there, published ones their files.
    ///
    /// - Parameters:
    ///   - settling: allocations that end without a segment.
    ///   - commit: what is to be committed with them; asked for under the lock, where nobody else commits.
    /// - Returns: what was published of the segments given, under every id.
    /// - Errors: `conflict` from the commit: nothing was done.
    @discardableResult
    package func publish(
        _ segments: [DataSegment],
        by publisher: Publisher = .tool,
        settling: [SegmentID] = [],
        commit: () throws(LaminaError) -> DataSourceCommit? = { () throws(LaminaError) in nil }
    ) throws(LaminaError) -> [DataSegment] {
        let now = clock()
        return try exclusively { () throws(LaminaError) in
            var change = SegmentChange()
            change.commit = try commit()
            var all: [(name: String, known: DataSourceSegments)] = []
            var published: [DataSegment] = []
            for name in Set(segments.map(\.dataSource) + settling.map(\.dataSource)).sorted() {
                var known = known(name)
                var numbers = PartitionNumbers(store: store, dataSource: name)
                let plan = try known.publish(
                    segments.filter { $0.dataSource == name },
                    by: publisher,
                    settling: settling.filter { $0.dataSource == name },
                    &numbers
                )
                change.settled += plan.settled
                for (allocation, identity) in plan.upgradedAllocations {
                    change.allocated.append(Self.record(of: identity, upgrading: allocation, now: now))
                }
                for (segment, root) in plan.published {
                    change.published.append(Self.record(of: segment, upgradedFrom: root, now: instantText(now)))
                }
                published += plan.published.prefix(plan.ownCount).map(\.segment)
                settle(&known, adding: plan.published.map(\.segment), &change)
                all.append((name, known))
            }
            if !change.isEmpty { try store.apply(change, at: instantText(now)) }
            for (name, known) in all { show(name, known) }
            return published
        }
    }

    private static func record(of segment: DataSegment, upgradedFrom root: SegmentID?, now: String) -> SegmentRecord {
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
            payload: Array(segment.json.text.utf8),
            upgradedFrom: root.flatMap { $0 == segment.id ? nil : $0.text }
        )
    }
}

extension DataSourceSegments {
    /// What a publish comes down to.
    struct Publication {
        /// First those of the publisher, then the upgraded ones; with the allocation's id where it is another.
        var published: [(segment: DataSegment, root: SegmentID?)] = []
        var ownCount = 0
        var upgradedAllocations: [(Allocation, identity: DataSegment)] = []
        var settled: [String] = []
    }

    /// Turns allocations into published segments and upgrades what came after a replacement's cut. The timelines are the caller's.
    mutating func publish(
        _ segments: [DataSegment],
        by publisher: Publisher,
        settling: [SegmentID],
        _ numbers: inout PartitionNumbers
    ) throws(LaminaError) -> Publication {
        var plan = Publication()
        if case .task(let task) = publisher, replacements[task]?.isSpoilt ?? false { throw Replacement.spoilt }
        var replacing: [DataSegment] = []
        for segment in segments {
            if let allocation = allocations[segment.id] {
                for identity in allocation.identities {
                    plan.published.append((segment.showing(as: identity), segment.id))
                }
                for (task, replacement) in replacements where replacement.later.contains(segment.id) {
                    let all = plan.published.suffix(allocation.identities.count).map(\.segment)
                    replacements[task]?.landed[segment.id] = all
                }
            } else if publisher != .stream {
                plan.published.append((segment, nil))
                replacing.append(segment)
            }
        }
        plan.ownCount = plan.published.count
        plan.settled = end(segments.map(\.id) + settling)
        switch publisher {
        case .task(let task):
            if let replacement = replacements[task], replacement.hasBegun {
                try upgrade(replacement, over: replacing, &plan, &numbers)
            }
        case .tool: plan.upgradedAllocations = try carryOver(replacing, &numbers)
        case .stream: break
        }
        return plan
    }

    /// Segments come in that no task has announced: whatever streams hold there shows beside them.
    mutating func carryOver(
        _ segments: [DataSegment],
        _ numbers: inout PartitionNumbers
    ) throws(LaminaError) -> [(Allocation, identity: DataSegment)] {
        var all = Replacement(intervals: segments.map(\.interval), readsItself: true)
        all.later = Set(allocations.keys.filter { all.overlaps($0.interval) })
        var plan = Publication()
        try upgrade(all, over: segments, &plan, &numbers)
        return plan.upgradedAllocations
    }

    /// Gives each segment from after the cut an identity in every replaced chunk that it overlaps.
    private mutating func upgrade(
        _ replacement: Replacement,
        over replacing: [DataSegment],
        _ plan: inout Publication,
        _ numbers: inout PartitionNumbers
    ) throws(LaminaError) {
        try numbers.take(replacing)
        var chunks: [Chunk] = []
        for segment in replacing {
            let core = segment.shardSpec.core
            if let place = chunks.firstIndex(where: {
                $0.interval == segment.interval && $0.version == segment.version
            }) {
                chunks[place].core = max(chunks[place].core, core)
            } else {
                chunks.append(Chunk(interval: segment.interval, version: segment.version, core: core))
            }
        }
        let used = replacement.landed.isEmpty ? [] : Set(published.segments.map(\.id))
        for root in replacement.later.sorted() {
            for chunk in chunks where chunk.interval.overlaps(root.interval) {
                if let allocation = allocations[root] {
                    let isThere = allocation.identities.contains {
                        $0.interval == chunk.interval && $0.version == chunk.version
                    }
                    if isThere { continue }
                    let identity = allocation.root.appended(to: chunk, partition: try numbers.next(in: chunk))
                    allocations[root]?.identities.append(identity)
                    plan.upgradedAllocations.append((allocation, identity))
                } else if let landed = replacement.landed[root]?.first(where: { used.contains($0.id) }) {
                    let identity = landed.appended(to: chunk, partition: try numbers.next(in: chunk))
                    plan.published.append((identity, root))
                }
            }
        }
    }
}
