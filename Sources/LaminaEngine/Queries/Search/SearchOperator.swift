package import LaminaBase
package import LaminaQuery
import LaminaSegment

/// Values of dimensions that look a certain way, and how many rows have each.
///
/// - Source: `SearchQueryRunner`, `UseIndexesStrategy`, `SearchBinaryFn`.
package struct SearchOperator: QueryOperator {
    package struct Partial: SegmentPartial {
        /// Hits by bucket of the start of the segment's interval, ascending. `shown`: the time that stands for a bucket, of a single
        /// segment that of its interval.
        var buckets: [(start: Int64, shown: Int64, isMerged: Bool, hits: [SearchHit])]

        package var byteCount: Int { buckets.reduce(0) { $0 + $1.hits.reduce(0) { $0 + $1.byteCount } } }
    }

    let query: Query
    let search: SearchQuery
    let layout: TimestampLayout

    package init(_ query: Query, _ search: SearchQuery) throws(LaminaError) {
        self.query = query
        self.search = search
        layout = try TimestampLayout(query.context, search.granularity)
    }

    package func run(_ input: SegmentInput, _ run: QueryRun) throws(LaminaError) -> Partial {
        let scan = SegmentScan(input.view, run, virtualColumns: query.virtualColumns)
        let dimensions =
            search.dimensions
            ?? input.view.dimensions.map { .default(dimension: $0, outputName: $0, outputType: .string) }
        var hits: [SearchHit] = []
        for dimension in dimensions {
            if case .missing = try scan.column(dimension.dimension) { continue }
            try run.poll()
            hits += try counts(dimension, scan, input, run)
        }
        try run.memory.reserve(hits.reduce(0) { $0 + $1.byteCount }, for: "search results")
        let start = input.view.dataInterval.start
        let bucket = search.granularity.isAll ? start : search.granularity.bucketStart(start)
        return Partial(buckets: [(bucket, start, false, ordered(hits))])
    }

    /// Accepted values of one dimension with their numbers of rows.
    private func counts(
        _ dimension: DimensionSpec,
        _ scan: SegmentScan,
        _ input: SegmentInput,
        _ run: QueryRun
    ) throws(LaminaError) -> [SearchHit] {
        let walk = try RowWalk(scan, input, filter: query.filter)
        let source = try makeKeySource(dimension, in: scan)
        var counter = RowCounter(source)
        try walk.forEachBatch { (batch, rows) throws(LaminaError) in
            try counter.add(batch, rows)
            return true
        }
        let used = counter.used
        let keys = try source.emit(used)
        var hits: [SearchHit] = []
        for (index, id) in used.enumerated() {
            let value = keys.value(index).asText
            if search.search.accepts(value) {
                hits.append(SearchHit(dimension: dimension.outputName, value: value, count: counter.count(id)))
            }
        }
        return hits
    }

    /// Hits in the order asked for; those the order cannot tell apart are one, the first by its text standing for all.
    private func ordered(_ hits: [SearchHit]) -> [SearchHit] {
        let sort = search.sort
        let sorted = hits.sorted { left, right in
            let byValue = sort.compare(left.value, right.value)
            if byValue != 0 { return byValue < 0 }
            let byName = javaCompare(left.dimension, right.dimension)
            if byName != 0 { return byName < 0 }
            return StringOrdering.lexicographic.compare(left.value, right.value) < 0
        }
        var merged: [SearchHit] = []
        for hit in sorted {
            if let last = merged.last, last.dimension == hit.dimension, sort.compare(last.value, hit.value) == 0 {
                merged[merged.count - 1].count += hit.count
            } else {
                merged.append(hit)
            }
        }
        return merged
    }

    package func merge(_ partials: [Partial], _ run: QueryRun) throws(LaminaError) -> Partial {
        let all = partials.flatMap(\.buckets)
        let first = all.map(\.start).min()
        var merged: [Int64: (start: Int64, shown: Int64, isMerged: Bool, hits: [SearchHit])] = [:]
        for bucket in all {
            let start = search.granularity.isAll ? first ?? bucket.start : bucket.start
            if let known = merged[start] {
                merged[start] = (start, start, true, known.hits + bucket.hits)
            } else {
                merged[start] = bucket
            }
        }
        var buckets = merged.values.sorted { $0.start < $1.start }
        for index in buckets.indices { buckets[index].hits = ordered(buckets[index].hits) }
        return Partial(buckets: buckets)
    }

    package func finalize(_ merged: Partial, _ run: QueryRun) throws(LaminaError) -> QueryResult {
        let layout = layout
        // Druid's merge gives a bucket the granularity's zone; one that a single segment answers keeps UTC.
        let plain = layout.inUTC
        let limit = search.limit
        return QueryResult {
            IndexedElements(count: merged.buckets.count) { index, writer in
                let bucket = merged.buckets[index]
                writer.beginObject()
                writer.key("timestamp")
                (bucket.isMerged ? layout : plain).write(bucket.shown, into: &writer)
                writer.key("result")
                writer.beginArray()
                for hit in bucket.hits.prefix(limit) {
                    writer.beginObject()
                    writer.key("dimension")
                    writer.string(hit.dimension)
                    writer.key("value")
                    if let value = hit.value { writer.string(value) } else { writer.null() }
                    writer.key("count")
                    writer.int(hit.count)
                    writer.endObject()
                }
                writer.endArray()
                writer.endObject()
            }
        }
    }
}

/// One found value of a dimension.
struct SearchHit: Sendable {
    var dimension: String
    var value: String?
    /// Rows that have it.
    var count: Int64

    var byteCount: Int { 64 + dimension.utf8.count + (value?.utf8.count ?? 0) }
}

/// Counts rows by key id; a row that has a key several times counts once.
private struct RowCounter {
    private let source: KeySource
    private var counts: [Int64]

    init(_ source: KeySource) {
        self.source = source
        counts = Array(repeating: 0, count: source.cardinality ?? 0)
    }

    /// Ids that some row has, ascending.
    var used: [UInt32] { counts.indices.filter { counts[$0] > 0 }.map { UInt32($0) } }

    func count(_ id: UInt32) -> Int64 { counts[Int(id)] }

    private mutating func count(_ id: Int) {
        if id >= counts.count { counts += Array(repeating: 0, count: max(id + 1 - counts.count, counts.count)) }
        counts[id] &+= 1
    }

    mutating func add(_ batch: Batch, _ rows: SlotSet) throws(LaminaError) {
        if source.hasMultipleValues {
            let ids = try source.multiIDs(batch)
            for index in 0..<rows.count {
                let slot = rows.slots.map { Int($0[index]) } ?? index
                let range = Int(ids.offsets[slot])..<Int(ids.offsets[slot + 1])
                if range.isEmpty { count(Int(source.emptyID)) }
                for place in range where !ids.ids[range.lowerBound..<place].contains(ids.ids[place]) {
                    count(Int(ids.ids[place]))
                }
            }
        } else {
            let ids = try source.ids(batch)
            for index in 0..<rows.count { count(Int(ids[rows.slots.map { Int($0[index]) } ?? index])) }
        }
    }
}
