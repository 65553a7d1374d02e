package import LaminaBase
package import LaminaQuery
import LaminaSegment

/// Rows as they are.
///
/// - Source: `ScanQueryEngine`, `ScanQueryRunnerFactory`.
package struct ScanOperator: QueryOperator {
    package struct Partial: SegmentPartial {
        var batches: [ScanBatch]
        /// How many segments of each interval it comes from.
        var segments: [Interval: Int]
    }

    let query: Query
    let scan: ScanQuery
    let queuedRowsMax: Int64
    let segmentsInMemoryMax: Int64

    package init(_ query: Query, _ scan: ScanQuery) throws(LaminaError) {
        self.query = query
        self.scan = scan
        queuedRowsMax = try query.context.int("maxRowsQueuedForOrdering", default: 100_000)
        segmentsInMemoryMax = try query.context.int("maxSegmentPartitionsOrderedInMemory", default: 50)
        if scan.order != .none, !scan.columns.isEmpty, !scan.columns.contains("__time") {
            throw .invalidInput("The __time column must be selected if the results are time-ordered.")
        }
    }

    /// Rows of any one segment that can be part of the answer; nil: all.
    var rowsMax: Int? {
        scan.limit.map { Int(clamping: $0.addingReportingOverflow(scan.offset).overflow ? .max : $0 + scan.offset) }
    }

    var batchSize: Int { max(1, scan.batchSize) }

    package func run(_ input: SegmentInput, _ run: QueryRun) throws(LaminaError) -> Partial {
        try checkOrder(input)
        let isOrdered = scan.order != .none
        let cursor = try ScanCursor(query, scan, input, withTimes: isOrdered, run)
        // Parts of one segment that still grows are few and small.
        let segments = [input.view.dataInterval: input.isRealtime ? 0 : 1]
        if !scan.orderBy.isEmpty { return Partial(batches: try firstRows(cursor, run), segments: segments) }
        var batches: [ScanBatch] = []
        if scan.order == .descending || isOrdered && !input.view.isTimeOrdered {
            // The rows wanted are the last ones (or anywhere): memory is bounded by what is kept.
            if let rowsMax, input.view.isTimeOrdered {
                batches = try cursor.lastRows(rowsMax)
            } else {
                while let batch = try cursor.next(limit: batchRowsMax) {
                    batches.append(try kept(batch, run))
                }
            }
        } else {
            var left = rowsMax ?? .max
            while let batch = try cursor.next(limit: min(batchSize, left)) {
                left -= batch.rowCount
                batches.append(isOrdered ? try kept(batch, run) : try batch.held(run))
            }
        }
        return Partial(batches: batches, segments: segments)
    }

    /// Rows that are ordered stay in memory.
    func kept(_ batch: ScanBatch, _ run: QueryRun) throws(LaminaError) -> ScanBatch {
        try run.memory.reserve(batch.byteCount, for: "rows to be ordered")
        return batch
    }

    private func checkOrder(_ input: SegmentInput) throws(LaminaError) {
        if scan.order == .none || input.view.isTimeOrdered { return }
        throw LaminaError(
            .unsupported,
            code: "unsupported",
            "Cannot execute query with order \(scan.order.rawValue) on segment [\(input.id)], whose rows are not ordered by __time"
        )
    }

    package func merge(_ partials: [Partial], _ run: QueryRun) throws(LaminaError) -> Partial {
        var segments: [Interval: Int] = [:]
        for partial in partials { segments.merge(partial.segments, uniquingKeysWith: +) }
        let batches = partials.flatMap(\.batches)
        if scan.order == .none, scan.orderBy.isEmpty { return Partial(batches: batches, segments: segments) }
        let most = segments.values.max() ?? 0
        if rowsMax.map({ Int64($0) > queuedRowsMax }) ?? true, Int64(most) > segmentsInMemoryMax {
            throw .resourceLimit(
                "Ordering is not supported for a scan query with \(most) segments per time chunk and a row limit of "
                    + "\(scan.limit.map(String.init) ?? "unlimited"). Try reducing your query limit below "
                    + "maxRowsQueuedForOrdering (currently \(queuedRowsMax)), or using compaction to reduce the number of "
                    + "segments that all can be open at once to maxSegmentPartitionsOrderedInMemory "
                    + "(currently \(segmentsInMemoryMax))."
            )
        }
        return Partial(batches: try ordered(batches, run), segments: segments)
    }

    /// The batches of the answer, each with the rows of it that are shown: offset and limit applied.
    func shown(_ merged: Partial) -> [(batch: ScanBatch, rows: Range<Int>)] {
        var skip = scan.offset
        var left = scan.limit ?? .max
        var shown: [(batch: ScanBatch, rows: Range<Int>)] = []
        for batch in merged.batches {
            let start = Int(min(skip, Int64(batch.rowCount)))
            skip -= Int64(start)
            let end = start + Int(min(left, Int64(batch.rowCount - start)))
            left -= Int64(end - start)
            if start < end { shown.append((batch, start..<end)) }
        }
        return shown
    }

    package func finalize(_ merged: Partial, _ run: QueryRun) throws(LaminaError) -> QueryResult {
        let compact = scan.resultFormat == .compactedList
        var batches: [ScanBatch] = []
        for (batch, rows) in shown(merged) { batches.append(try batch.loaded(run).slice(rows)) }
        return QueryResult { [batches] in
            IndexedElements(count: batches.count) { index, writer in
                batches[index].write(compact: compact, into: &writer)
            }
        }
    }
}
