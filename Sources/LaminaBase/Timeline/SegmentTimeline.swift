/// Which segments of one datasource answer for which time: an immutable snapshot.
///
/// At every instant the newest version counts whose core partitions are complete, and it counts as a whole; an older
/// version stays visible where no newer complete one lies. Tombstones hide as other segments do. Building takes
/// O(n log n), looking up O(log n) and the answer. Source: Druid's `VersionedIntervalTimeline`.
package struct SegmentTimeline: Sendable {
    /// A stretch of time and the segments that answer for it.
    package struct Entry: Sendable {
        /// Where they are visible; in a look-up clipped to what was asked for.
        package var interval: Interval
        /// The segments' own interval, of which a newer version may hide a part.
        package var segmentInterval: Interval
        package var version: String
        /// By partition; all of them, none alone.
        package var segments: [DataSegment]
    }

    /// The visible stretches in ascending order, never overlapping.
    package let entries: [Entry]
    private let holders: [PartitionHolder]

    private struct Chunk: Hashable {
        var interval: Interval
        var version: String
    }

    package init() {
        entries = []
        holders = []
    }

    /// Builds the snapshot of the used segments of one datasource; of equal ids the last counts.
    package init(_ segments: some Sequence<DataSegment>) {
        var chunks: [Chunk: [Int: DataSegment]] = [:]
        for segment in segments {
            let chunk = Chunk(interval: segment.interval, version: segment.version)
            chunks[chunk, default: [:]][segment.shardSpec.partition] = segment
        }
        holders = chunks.map { chunk, members in
            PartitionHolder(interval: chunk.interval, version: chunk.version, segments: Array(members.values))
        }
        entries = Self.sweep(holders.filter(\.isComplete)).map { interval, holder in
            Entry(
                interval: interval,
                segmentInterval: holder.interval,
                version: holder.version,
                segments: holder.visible
            )
        }
    }

    /// The snapshot after some segments went and others came.
    package func replacing(removing: Set<SegmentID> = [], adding: [DataSegment]) -> SegmentTimeline {
        SegmentTimeline(segments.filter { !removing.contains($0.id) } + adding)
    }

    /// All segments, hidden ones too, in no order.
    package var segments: [DataSegment] {
        var all: [DataSegment] = []
        for holder in holders { all += holder.visible + holder.hidden }
        return all
    }

    package var isEmpty: Bool { holders.isEmpty }

    /// From the first visible instant to the last; nil when nothing is visible.
    package var span: Interval? {
        guard let first = entries.first, let last = entries.last else { return nil }
        return Interval(start: first.interval.start, end: last.interval.end)
    }

    /// The visible stretches within an interval, clipped to it, in ascending order.
    package func lookup(_ interval: Interval) -> [Entry] {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].interval.end <= interval.start { low = middle + 1 } else { high = middle }
        }
        var found: [Entry] = []
        while low < entries.count, entries[low].interval.start < interval.end {
            if let clipped = entries[low].interval.intersection(interval) {
                var entry = entries[low]
                entry.interval = clipped
                found.append(entry)
            }
            low += 1
        }
        return found
    }

    /// The ids of segments that no query can see and none will once more segments arrive: hidden by newer complete
    /// versions, or replaced inside their version.
    ///
    /// Source: Druid's `VersionedIntervalTimeline.findFullyOvershadowed`; versions still incomplete do not count as hidden.
    package func overshadowed() -> Set<SegmentID> {
        var shown: Set<Int> = []
        for complete in [true, false] {
            let chosen = holders.indices.filter { !complete || holders[$0].isComplete }
            for (_, place) in Self.sweepPlaces(chosen.map { holders[$0] }) { shown.insert(chosen[place]) }
        }
        var hidden: Set<SegmentID> = []
        for (place, holder) in holders.enumerated() {
            let isShown = shown.contains(place)
            if !isShown { for segment in holder.visible { hidden.insert(segment.id) } }
            // Part of a group that is not full yet is waiting, not hidden.
            for segment in holder.hidden where !isShown || Self.isReplaced(segment.shardSpec, by: holder.visible) {
                hidden.insert(segment.id)
            }
        }
        return hidden
    }

    private static func isReplaced(_ spec: ShardSpec, by visible: [DataSegment]) -> Bool {
        visible.contains { other in
            let range = other.shardSpec.rootRange
            return other.shardSpec.minorVersion > spec.minorVersion && range.lowerBound <= spec.rootRange.lowerBound
                && spec.rootRange.upperBound <= range.upperBound
        }
    }

    private static func sweep(_ holders: [PartitionHolder]) -> [(Interval, PartitionHolder)] {
        sweepPlaces(holders).map { ($0, holders[$1]) }
    }

    /// Walks the boundaries of all intervals in order, with a heap of those open at the moment, the newest on top.
    private static func sweepPlaces(_ holders: [PartitionHolder]) -> [(Interval, Int)] {
        let byRank = holders.indices.sorted { one, other in
            let order = javaCompare(holders[one].version, holders[other].version)
            return order != 0 ? order < 0 : holders[one].interval > holders[other].interval
        }
        var rank = [Int](repeating: 0, count: holders.count)
        for (place, index) in byRank.enumerated() { rank[index] = place }
        let starts = holders.indices.filter { !holders[$0].interval.isEmpty }
            .sorted { holders[$0].interval.start < holders[$1].interval.start }
        var boundaries = Set<Int64>()
        for index in starts {
            boundaries.insert(holders[index].interval.start)
            boundaries.insert(holders[index].interval.end)
        }
        let moments = boundaries.sorted()
        var open = RankHeap()
        var nextStart = 0
        var result: [(Interval, Int)] = []
        for (moment, following) in zip(moments, moments.dropFirst()) {
            while nextStart < starts.count, holders[starts[nextStart]].interval.start == moment {
                open.insert(rank[starts[nextStart]])
                nextStart += 1
            }
            while let top = open.top, holders[byRank[top]].interval.end <= moment { open.removeTop() }
            guard let top = open.top else { continue }
            let winner = byRank[top]
            if let last = result.last, last.1 == winner, last.0.end == moment {
                result[result.count - 1].0 = Interval(start: last.0.start, end: following)
            } else {
                result.append((Interval(start: moment, end: following), winner))
            }
        }
        return result
    }
}

/// A binary heap with the greatest rank on top.
private struct RankHeap {
    private var ranks: [Int] = []

    var top: Int? { ranks.first }

    mutating func insert(_ rank: Int) {
        ranks.append(rank)
        var place = ranks.count - 1
        while place > 0, ranks[(place - 1) / 2] < ranks[place] {
            ranks.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    mutating func removeTop() {
        guard let last = ranks.popLast(), !ranks.isEmpty else { return }
        ranks[0] = last
        var place = 0
        while true {
            var largest = place
            for child in [place * 2 + 1, place * 2 + 2] where child < ranks.count && ranks[child] > ranks[largest] {
                largest = child
            }
            if largest == place { return }
            ranks.swapAt(place, largest)
            place = largest
        }
    }
}
