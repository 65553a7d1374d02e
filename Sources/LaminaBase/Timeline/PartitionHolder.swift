/// The segments of one interval and version, and which of them count.
///
/// Source: Druid's `PartitionHolder` and `OvershadowableManager`.
struct PartitionHolder: Sendable {
    let interval: Interval
    let version: String
    /// What answers queries once the holder is complete, by partition.
    let visible: [DataSegment]
    /// Replaced inside this version by a full atomic update group, or part of one that is not yet full.
    let hidden: [DataSegment]
    let isComplete: Bool

    init(interval: Interval, version: String, segments: [DataSegment]) {
        self.interval = interval
        self.version = version
        let ordered = segments.sorted { $0.shardSpec.partition < $1.shardSpec.partition }
        if ordered.contains(where: { $0.shardSpec.isNumberedOverwrite }) {
            (visible, hidden) = Self.resolve(ordered)
        } else {
            visible = ordered
            hidden = []
        }
        isComplete = Self.isComplete(visible.map(\.shardSpec))
    }

    private struct GroupKey: Hashable {
        var range: Range<Int>
        var minorVersion: Int
    }

    /// Of the full groups, those whose root range no full group of a higher minor version contains.
    private static func resolve(_ segments: [DataSegment]) -> (visible: [DataSegment], hidden: [DataSegment]) {
        var groups: [GroupKey: [DataSegment]] = [:]
        for segment in segments {
            let spec = segment.shardSpec
            groups[GroupKey(range: spec.rootRange, minorVersion: spec.minorVersion), default: []].append(segment)
        }
        let full = groups.filter { $0.value.count >= ($0.value.first?.shardSpec.groupSize ?? 1) }
        var visible: [DataSegment] = []
        var hidden: [DataSegment] = []
        for (key, members) in groups {
            let isHidden = full.keys.contains { other in
                other.minorVersion > key.minorVersion && other.range.lowerBound <= key.range.lowerBound
                    && key.range.upperBound <= other.range.upperBound
            }
            if full[key] != nil, !isHidden { visible += members } else { hidden += members }
        }
        let byRootThenPartition = { (left: DataSegment, right: DataSegment) in
            let (one, other) = (left.shardSpec, right.shardSpec)
            return (one.rootRange.lowerBound, one.partition) < (other.rootRange.lowerBound, other.partition)
        }
        return (visible.sorted(by: byRootThenPartition), hidden.sorted(by: byRootThenPartition))
    }

    /// Whether the partitions from the first one on follow each other without a gap until one that ends the core.
    static func isComplete(_ specs: [ShardSpec]) -> Bool {
        guard var current = specs.first, isStart(current) else { return false }
        var isEndSeen = isEnd(current)
        for next in specs.dropFirst() {
            guard isEndSeen || abuts(current, next) else { return false }
            if isEndSeen { return true }
            isEndSeen = isEnd(next)
            current = next
        }
        return isEndSeen
    }

    private static func isStart(_ spec: ShardSpec) -> Bool {
        switch spec {
        case .none, .linear, .tombstone: return true
        case .range(let range) where range.core == nil: return range.start == nil
        case .numberedOverwrite(let overwrite): return overwrite.rootStart == 0
        default: return spec.core == 0 || spec.partition == 0
        }
    }

    private static func isEnd(_ spec: ShardSpec) -> Bool {
        switch spec {
        case .none, .linear, .tombstone, .numberedOverwrite: return true
        case .range(let range) where range.core == nil: return range.end == nil
        default: return spec.core == 0 || spec.partition == spec.core - 1
        }
    }

    private static func abuts(_ left: ShardSpec, _ right: ShardSpec) -> Bool {
        if case .range(let one) = left, one.core == nil {
            guard case .range(let other) = right, other.core == nil else { return false }
            return one.end == other.start
        }
        return left.rootRange.upperBound == right.rootRange.lowerBound
    }
}
