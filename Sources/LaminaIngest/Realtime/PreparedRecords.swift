import LaminaBase

/// Records of a stream, parsed and coerced: what `StreamIndexer.append` takes in. Made on any thread, used by one.
///
/// `@unchecked Sendable`: handed from the thread that prepared it to the one that appends it.
package final class PreparedRecords: @unchecked Sendable {
    package enum Reason: String, Sendable {
        case unparseable, late, early, filtered
        /// The record has no value.
        case tombstone
    }

    /// A row that is not taken in, or a record that gave none.
    package struct Rejection: Sendable {
        /// Its place in `records.records`.
        package var record: Int
        package var reason: Reason
        /// A sentence that says why.
        package var message: String
        /// The row or the record as text; empty unless it is unparseable.
        package var input: String
    }

    package internal(set) var records: RecordBatch
    package let bounds: RowBounds
    package internal(set) var counts = StreamCounts()
    /// In the order of the records.
    package internal(set) var rejections: [Rejection] = []
    /// Rows that are taken in.
    package var acceptedRows: Int { parts.reduce(0) { $0 + $1.rows.count } }

    /// One for each batch that the parser made.
    struct Part {
        var parsed: RowBatch
        var rows: PreparedBatch
        var refused: [Int32: String]
    }

    var parts: [Part] = []
    /// Rows that did not parse, or were kept with an error.
    var errors: [RowError] = []

    init(_ records: RecordBatch, _ bounds: RowBounds) {
        self.records = records
        self.bounds = bounds
    }

    /// Takes over what preparing a part has found.
    func note(_ rows: PreparedBatch) {
        counts.processed += rows.counts.processed
        counts.processedWithError += rows.counts.processedWithError
        counts.unparseable += rows.counts.unparseable
        errors += rows.errors
        for error in rows.errors where error.isUnparseable {
            rejections.append(
                Rejection(
                    record: Int(error.record),
                    reason: .unparseable,
                    message: error.details.joined(separator: "; "),
                    input: error.input
                )
            )
        }
        for row in rows.thrownAway {
            let (reason, message) = Self.why(row, bounds)
            switch reason {
            case .late: counts.late += 1
            case .early: counts.early += 1
            default: counts.filtered += 1
            }
            rejections.append(Rejection(record: Int(row.record), reason: reason, message: message, input: ""))
        }
    }

    private static func why(_ row: ThrownRow, _ bounds: RowBounds) -> (Reason, String) {
        switch row.state {
        case BatchPreparation.RowState.late:
            (.late, "The time \(instantText(row.time)) is before \(instantText(bounds.min)), from which rows are taken")
        case BatchPreparation.RowState.early:
            (
                .early,
                "The time \(instantText(row.time)) is after \(instantText(bounds.max)), up to which rows are taken"
            )
        default: (.filtered, "The filter of the transformSpec does not let it pass")
        }
    }

    /// Counts records without value, and puts the rejections in order.
    func finish() {
        for (number, record) in records.records.enumerated() {
            if let value = record.value {
                counts.processedBytes += Int64(value.count)
            } else {
                counts.tombstones += 1
                rejections.append(
                    Rejection(record: number, reason: .tombstone, message: "The record has no value", input: "")
                )
            }
        }
        rejections.sort { $0.record < $1.record }
    }
}
