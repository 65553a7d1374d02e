import LaminaBase
import LaminaSegment

/// Starts of the buckets between the first and the last row of the segment, cut to the intervals; all buckets of the intervals
/// for rows that lie in no segment.
///
/// Source: `CursorGranularizer.create`: `Interval(max(interval start, min time), min(interval end, bucket end of max time))`.
func coveredBuckets(
    _ granularity: Granularity,
    _ input: SegmentInput,
    _ run: QueryRun
) throws(LaminaError) -> [Int64] {
    let bounds: (min: Int64, max: Int64)?
    if let extent = input.extent {
        bounds = extent.bounds
    } else {
        bounds = try input.segmentBounds()
        if bounds == nil || input.view.rowCount == 0 { return [] }
    }
    let start = bounds?.min ?? .min
    let end = bounds.map { granularity.next(granularity.bucketStart($0.max)) } ?? .max
    var starts: [Int64] = []
    for interval in input.intervals {
        let low = max(interval.start, start)
        let high = min(interval.end, end)
        if low >= high { continue }
        for bucket in granularity.buckets(in: Interval(start: low, end: high)) {
            if starts.count % batchRowsMax == 0 {
                try run.poll()
                try run.memory.reserve(batchRowsMax * 8, for: "time buckets")
            }
            if starts.last != bucket.start { starts.append(bucket.start) }
        }
    }
    return starts
}
