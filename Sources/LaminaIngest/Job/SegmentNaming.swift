import LaminaBase
import LaminaSegment

/// Gives finished segments their version, partition numbers and shard specs, and adds tombstones.
struct SegmentNaming {
    let spec: IndexTaskSpec
    let version: String
    let host: any IndexJobHost
    let partitioner: RowPartitioner

    func name(_ finished: [FinishedSegment]) throws(LaminaError) -> [(segment: DataSegment, folder: String?)] {
        var byChunk: [Interval: [FinishedSegment]] = [:]
        for segment in finished { byChunk[segment.place.chunk, default: []].append(segment) }
        var out: [(segment: DataSegment, folder: String?)] = []
        for chunk in byChunk.keys.sorted() {
            // Stable: segments of one bucket stay in the order in which they were closed.
            let siblings = (byChunk[chunk] ?? []).enumerated().sorted {
                ($0.element.place.bucket, $0.offset) < ($1.element.place.bucket, $1.offset)
            }.map(\.element)
            if spec.appendsToExisting {
                out.append(contentsOf: try append(siblings, to: chunk))
            } else {
                for (number, segment) in siblings.enumerated() {
                    let shard = shardSpec(segment, chunk, number, siblings.count)
                    out.append((describe(segment, chunk, version, shard), segment.folder))
                }
            }
        }
        if spec.dropsExisting {
            for interval in try tombstones(covered: Array(byChunk.keys)) {
                var tombstone = DataSegment.tombstone(
                    dataSource: spec.dataSource,
                    interval: interval,
                    version: version
                )
                tombstone.lastCompactionState = spec.compactionState
                out.append((tombstone, nil))
            }
        }
        return out
    }

    private func describe(
        _ segment: FinishedSegment,
        _ chunk: Interval,
        _ version: String,
        _ shard: ShardSpec
    ) -> DataSegment {
        DataSegment(
            dataSource: spec.dataSource,
            interval: chunk,
            version: version,
            loadSpec: .null,
            dimensions: segment.written.dimensions,
            metrics: spec.metrics.map(\.name),
            shardSpec: shard,
            lastCompactionState: spec.compactionState,
            size: segment.written.sizeBytes
        )
    }

    private func shardSpec(_ segment: FinishedSegment, _ chunk: Interval, _ number: Int, _ count: Int) -> ShardSpec {
        let bucket = segment.place.bucket
        switch (partitioner, spec.tuning.partitions) {
        case (.hashed(let dimensions, let buckets), _):
            return .hashed(
                ShardSpec.HashedShardSpec(
                    partition: number,
                    core: count,
                    bucket: bucket,
                    buckets: buckets.count(chunk),
                    dimensions: dimensions
                )
            )
        case (.range(let dimensions, let boundaries), .range(_, _, _, let isSingle)):
            let bounds = boundaries[chunk]
            return .range(
                ShardSpec.RangeShardSpec(
                    dimensions: dimensions,
                    start: bounds?.start(of: bucket),
                    end: bounds?.end(of: bucket),
                    partition: number,
                    core: count,
                    isSingle: isSingle
                )
            )
        default: return .numbered(partition: number, core: count)
        }
    }

    /// New partitions behind the stored ones, in their version.
    private func append(
        _ segments: [FinishedSegment],
        to chunk: Interval
    ) throws(LaminaError) -> [(segment: DataSegment, folder: String?)] {
        let places = try host.allocate(chunk, count: segments.count)
        return zip(segments, places).map { segment, place in
            (describe(segment, place.interval, place.version, place.shardSpec), segment.folder)
        }
    }

    /// Stored chunks inside the spec's intervals that get no new rows.
    ///
    /// Source: Druid's `TombstoneHelper.computeTombstoneIntervalsForReplace`.
    private func tombstones(covered: [Interval]) throws(LaminaError) -> [Interval] {
        var out: Set<Interval> = []
        for interval in spec.granularity.intervals {
            for stored in try host.usedSegments(overlapping: interval) {
                guard let overlap = stored.interval.intersection(interval) else { continue }
                guard let granularity = spec.granularity.segmentGranularity, !granularity.isAll else {
                    if !covered.contains(where: { $0.overlaps(overlap) }) { out.insert(overlap) }
                    continue
                }
                for bucket in granularity.buckets(in: overlap) where !covered.contains(where: { $0.overlaps(bucket) }) {
                    out.insert(bucket)
                }
            }
        }
        return out.sorted()
    }
}
