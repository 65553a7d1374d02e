package import LaminaBase
package import LaminaQuery

/// The answer of an unordered scan that reads its segments only while it is written: one batch in memory at a time.
///
/// The inputs must stay open until the answer is written. Errors of a segment surface in `writeNext`.
///
/// - Returns: nil when the query is no scan or wants an order; run those segment by segment.
package func streamScan(_ query: Query, over inputs: [SegmentInput], _ run: QueryRun) throws(LaminaError)
    -> QueryResult?
{
    guard case .scan(let scan) = query.kind, scan.order == .none, scan.orderBy.isEmpty else { return nil }
    _ = try ScanOperator(query, scan)
    return QueryResult { ScanStream(query, scan, inputs, run) }
}

/// Batches of one segment after the other.
private final class ScanStream: ResultElements {
    private let query: Query
    private let scan: ScanQuery
    private let inputs: [SegmentInput]
    private let run: QueryRun
    private var nextInput = 0
    private var cursor: ScanCursor?
    private var skip: Int64
    private var left: Int64

    init(_ query: Query, _ scan: ScanQuery, _ inputs: [SegmentInput], _ run: QueryRun) {
        self.query = query
        self.scan = scan
        self.inputs = inputs
        self.run = run
        skip = scan.offset
        left = scan.limit ?? .max
    }

    func writeNext(into writer: inout JSONWriter) throws(LaminaError) -> Bool {
        while left > 0 {
            guard let cursor else {
                guard nextInput < inputs.count else { return false }
                cursor = try ScanCursor(query, scan, try inputs[nextInput].opened(run), withTimes: false, run)
                nextInput += 1
                continue
            }
            let wanted = skip > 0 ? skip : left
            guard let batch = try cursor.next(limit: Int(min(wanted, Int64(max(1, scan.batchSize))))) else {
                self.cursor = nil
                continue
            }
            if skip > 0 {
                skip -= Int64(batch.rowCount)
                continue
            }
            left -= Int64(batch.rowCount)
            batch.write(compact: scan.resultFormat == .compactedList, into: &writer)
            return true
        }
        return false
    }
}
