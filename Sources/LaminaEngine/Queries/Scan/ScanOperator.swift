package import LaminaBase
package import LaminaQuery
import LaminaSegment

/// Rows as they are.
///
/// - Source: `ScanQueryEngine`, `ScanQueryRunnerFactory`.
package struct ScanOperator: QueryOperator {
    package struct Partial: SegmentPartial {
        var batches: [ScanBatch]
        /// How many segments it comes from.
        var segments: Int
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
    private var rowsMax: Int? {
        scan.limit.map { Int(clamping: $0.addingReportingOverflow(scan.offset).overflow ? .max : $0 + scan.offset) }
    }

    private var batchSize: Int { max(1, scan.batchSize) }

    package func run(_ input: SegmentInput, _ run: QueryRun) throws(LaminaError) -> Partial {
        try checkOrder(input)
        let isOrdered = scan.order != .none
        let cursor = try ScanCursor(query, scan, input, withTimes: isOrdered, run)
        var batches: [ScanBatch] = []
        if scan.order == .descending || isOrdered && !input.view.isTimeOrdered {
            // The rows wanted are the last ones (or anywhere): memory is bounded by what is kept.
            if let rowsMax, input.view.isTimeOrdered {
                batches = try cursor.lastRows(rowsMax)
            } else {
                while let batch = try cursor.next(limit: batchRowsMax) { batches.append(batch) }
            }
        } else {
            var left = rowsMax ?? .max
            while let batch = try cursor.next(limit: min(batchSize, left)) {
                try run.memory.reserve(batch.byteCount, for: "scanned rows")
                left -= batch.rowCount
                batches.append(batch)
            }
        }
        return Partial(batches: batches, segments: 1)
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
        let segments = partials.reduce(0) { $0 + $1.segments }
        let batches = partials.flatMap(\.batches)
        if scan.order == .none { return Partial(batches: batches, segments: segments) }
        if rowsMax.map({ Int64($0) > queuedRowsMax }) ?? true, Int64(segments) > segmentsInMemoryMax {
            throw .resourceLimit(
                "Time ordering is not supported for a scan query with \(segments) segments and a row limit of "
                    + "\(scan.limit.map(String.init) ?? "unlimited"). Try reducing your query limit below "
                    + "maxRowsQueuedForOrdering (currently \(queuedRowsMax)), or using compaction to reduce the number of "
                    + "segments that all can be open at once to maxSegmentPartitionsOrderedInMemory "
                    + "(currently \(segmentsInMemoryMax))."
            )
        }
        return Partial(batches: try ordered(batches, run), segments: segments)
    }

    /// All rows by time, rows of one time in the order of their segments.
    private func ordered(_ batches: [ScanBatch], _ run: QueryRun) throws(LaminaError) -> [ScanBatch] {
        var places: [(time: Int64, batch: Int32, row: Int32)] = []
        places.reserveCapacity(batches.reduce(0) { $0 + $1.rowCount })
        for (number, batch) in batches.enumerated() {
            for (row, time) in batch.times.enumerated() { places.append((time, Int32(number), Int32(row))) }
        }
        try run.poll()
        let descending = scan.order == .descending
        places.sort { left, right in
            if left.time != right.time { return descending ? left.time > right.time : left.time < right.time }
            return (left.batch, left.row) < (right.batch, right.row)
        }
        if let rowsMax { places = Array(places.prefix(rowsMax)) }
        var names: [ScanBatch.Column] = []
        var known: [String: Int] = [:]
        for batch in batches {
            for column in batch.columns where known[column.name] == nil {
                known[column.name] = names.count
                names.append(ScanBatch.Column(name: column.name, type: column.type, values: []))
            }
        }
        let slots = batches.map { batch in batch.columns.map { known[$0.name] ?? 0 } }
        var result: [ScanBatch] = []
        var start = 0
        while start < places.count {
            try run.poll()
            let end = min(start + batchSize, places.count)
            var batch = ScanBatch(segmentID: nil, columns: names, rowCount: end - start, times: [])
            for index in batch.columns.indices {
                batch.columns[index].values = Array(repeating: .null, count: end - start)
            }
            for (row, place) in places[start..<end].enumerated() {
                let source = batches[Int(place.batch)]
                for (index, slot) in slots[Int(place.batch)].enumerated() {
                    batch.columns[slot].values[row] = source.columns[index].values[Int(place.row)]
                }
            }
            result.append(batch)
            start = end
        }
        return result
    }

    /// The rows of the answer, offset and limit applied.
    func shownBatches(_ merged: Partial) -> [ScanBatch] {
        var skip = scan.offset
        var left = scan.limit ?? .max
        var shown: [ScanBatch] = []
        for batch in merged.batches {
            let start = Int(min(skip, Int64(batch.rowCount)))
            skip -= Int64(start)
            let end = start + Int(min(left, Int64(batch.rowCount - start)))
            left -= Int64(end - start)
            if start < end { shown.append(batch.slice(start..<end)) }
        }
        return shown
    }

    package func finalize(_ merged: Partial, _ run: QueryRun) throws(LaminaError) -> QueryResult {
        let compact = scan.resultFormat == .compactedList
        let batches = shownBatches(merged)
        return QueryResult {
            IndexedElements(count: batches.count) { index, writer in
                batches[index].write(compact: compact, into: &writer)
            }
        }
    }
}
