/// What of a stream's record makes a row, which is what Druid's messages count in it.
///
/// Source: `IntermediateRowParsingReader.buildParseExceptionMessage`.
enum RecordUnit: Sendable {
    /// All documents of the record together.
    case record
    /// Each of its documents.
    case document
    /// Each of its lines.
    case line

    /// - Parameters:
    ///   - good: rows of the same record before it.
    ///   - bad: what did not parse of the same record before it.
    func place(good: Int, bad: Int) -> String {
        switch self {
        case .record: " (Record: 1)"
        case .document: " (Record: \(good + 1))"
        case .line: " (Record: \(good + 1), Line: \(good + bad + 1))"
        }
    }

    func place(ofRow row: Int, in batch: RowBatch) -> String {
        guard batch.records.indices.contains(row) else { return "" }
        let record = batch.records[row]
        var good = 0
        while good < row, batch.records[row - good - 1] == record { good += 1 }
        let bad = batch.badRecords.count { $0.record == record && $0.beforeRow <= row }
        return place(good: good, bad: bad)
    }
}
