package import LaminaBase

/// What one field of one row holds, as the format saw it; the payload beside it is read accordingly.
package enum FieldKind {
    /// The row does not have the field.
    package static let missing: UInt8 = 0
    /// An explicit null.
    package static let null: UInt8 = 1
    /// UTF-8 text in `RowBatch.bytes`; payload: start in the low 32 bits, length in the high 32.
    package static let string: UInt8 = 2
    /// A whole number that fits 64 bits; payload: its bits.
    package static let long: UInt8 = 3
    /// Any other number; payload: the bits of the double.
    package static let double: UInt8 = 4
    /// true or false; payload: 1 or 0.
    package static let bool: UInt8 = 5
    /// An array or an object as JSON text in `RowBatch.bytes` (first byte `[` or `{`); payload as for `string`.
    package static let json: UInt8 = 6
    /// A number of a stored float column; payload: the bits of the float in the low half.
    package static let float: UInt8 = 7
    /// Serialized bytes in `RowBatch.bytes` of the column's `complexType`; payload as for `string`.
    package static let complex: UInt8 = 8
}

/// One field of a batch: a kind and a payload for every row. The memory belongs to the column and lives as long as it.
package final class FieldColumn: @unchecked Sendable {
    package let name: String
    /// One `FieldKind` a row, `missing` to begin with.
    package let kinds: UnsafeMutablePointer<UInt8>
    package let payloads: UnsafeMutablePointer<UInt64>
    package let capacity: Int
    /// The type of `complex` values (`hyperUnique`, …); set before the column is shared.
    package var complexType: String?

    package init(name: String, capacity: Int) {
        self.name = name
        self.capacity = capacity
        kinds = UnsafeMutablePointer<UInt8>.allocate(capacity: max(capacity, 1))
        kinds.initialize(repeating: FieldKind.missing, count: max(capacity, 1))
        payloads = UnsafeMutablePointer<UInt64>.allocate(capacity: max(capacity, 1))
        payloads.initialize(repeating: 0, count: max(capacity, 1))
    }

    deinit {
        kinds.deallocate()
        payloads.deallocate()
    }

    @inline(__always)
    package func set(_ row: Int, kind: UInt8, payload: UInt64) {
        kinds[row] = kind
        payloads[row] = payload
    }

    @inline(__always)
    package func setText(_ row: Int, kind: UInt8, start: Int, length: Int) {
        kinds[row] = kind
        payloads[row] = UInt64(UInt32(truncatingIfNeeded: start)) | UInt64(UInt32(truncatingIfNeeded: length)) &<< 32
    }
}

/// A record that could not be parsed at all.
package struct BadRecord: Sendable {
    /// How many good rows of the batch come before it.
    package var beforeRow: Int
    /// The text of the record, cut at a sensible length.
    package var input: String
    /// A full sentence, in Druid's words where it has some (`Unable to parse row [...] (Path: ..., Record: 4, Line: 4)`).
    package var message: String
    /// Its line in the entity, from 1; 0 when not known.
    package var line: Int
    /// Of a stream: which record of the `RecordBatch`.
    package var record: UInt32

    package init(beforeRow: Int, input: String, message: String, line: Int = 0, record: UInt32 = 0) {
        self.line = line
        self.record = record
        self.beforeRow = beforeRow
        self.input = input
        self.message = message
    }
}

/// Parsed rows of one contiguous piece of one input, column by column. Immutable once handed out.
///
/// Text lies in `bytes`: usually the piece of input itself, so that plain fields are not copied, followed by what had to be
/// unescaped. A batch holds at most 4 GiB of text; a few hundred kilobytes of input make a good batch.
package final class RowBatch: @unchecked Sendable {
    /// 0, 1, 2, … in input order over all entities, without gaps: consumers restore the order from it.
    package private(set) var sequence: Int
    package let rowCount: Int
    /// Fields in the order in which the rows first had them (columns of a CSV header in its order); names are distinct.
    package let fields: [FieldColumn]
    /// Owned; freed with the batch.
    package let bytes: UnsafeRawBufferPointer
    package let badRecords: [BadRecord]
    /// Uncompressed bytes of input this batch stands for (line ends included).
    package let inputBytes: Int64
    /// The entity as Druid names it (`file:/data/x.json`), for messages; nil where there is none (inline).
    package let path: String?
    /// Number of the first row's record in its entity, from 1; 0 when not known.
    package let firstRecord: Int
    /// Of a stream: what record of the `RecordBatch` each row is of, ascending; else empty.
    package let records: [UInt32]
    /// Of a stream: how the rows of a record are counted in messages; nil when they are not.
    let recordUnit: RecordUnit?

    package convenience init(
        sequence: Int,
        rowCount: Int,
        fields: [FieldColumn],
        owning bytes: UnsafeRawBufferPointer,
        badRecords: [BadRecord] = [],
        inputBytes: Int64,
        path: String? = nil,
        firstRecord: Int = 0
    ) {
        self.init(
            sequence: sequence,
            rowCount: rowCount,
            fields: fields,
            owning: bytes,
            badRecords: badRecords,
            inputBytes: inputBytes,
            path: path,
            firstRecord: firstRecord,
            records: [],
            unit: nil
        )
    }

    init(
        sequence: Int,
        rowCount: Int,
        fields: [FieldColumn],
        owning bytes: UnsafeRawBufferPointer,
        badRecords: [BadRecord],
        inputBytes: Int64,
        path: String?,
        firstRecord: Int,
        records: [UInt32],
        unit: RecordUnit?
    ) {
        self.sequence = sequence
        self.rowCount = rowCount
        self.fields = fields
        self.bytes = bytes
        self.badRecords = badRecords
        self.inputBytes = inputBytes
        self.path = path
        self.firstRecord = firstRecord
        self.records = records
        recordUnit = unit
    }

    /// Where a row is in its input, as Druid's messages end; empty when nothing is known.
    func place(of row: Int) -> String {
        if let recordUnit { return recordUnit.place(ofRow: row, in: self) }
        guard let path else { return "" }
        return firstRecord > 0 ? " (Path: \(path), Record: \(firstRecord + row))" : " (Path: \(path))"
    }

    deinit { bytes.deallocate() }

    /// Moves the batch behind those of sources read before; only before it is handed out.
    func shift(by batches: Int) { sequence += batches }

    /// The bytes a `string` or `json` payload points at.
    @inline(__always)
    package func text(_ payload: UInt64) -> UnsafeRawBufferPointer {
        let start = Int(UInt32(truncatingIfNeeded: payload))
        let length = Int(UInt32(truncatingIfNeeded: payload &>> 32))
        return UnsafeRawBufferPointer(rebasing: bytes[start..<start &+ length])
    }
}

/// Yields the rows of an input source in batches.
package protocol RowSource: AnyObject, Sendable {
    /// The next batch, or nil at the end. May be called from several threads at once: reading and cutting at record bounds is
    /// serialised inside, parsing happens on the calling thread, so that callers decide the parallelism. Batches may
    /// therefore come out of order; `sequence` tells. After an error every further call throws it again.
    func nextBatch() throws(LaminaError) -> RowBatch?
}

/// What the reader of rows should know of its consumer.
package struct RowSourceOptions: Sendable {
    /// Fields the consumer will ask for; others may be skipped. nil: all fields (schema discovery).
    package var wantedFields: Set<String>?
    /// `--input-root`: local files outside are refused; nil allows all.
    package var inputRoot: String?
    /// Directory for temporary files if the source needs any.
    package var temporaryDirectory: String?
    /// Where the `druid` input source finds stored segments.
    package var library: (any SegmentLibrary)?
    /// What the `kafka` input source opens its topic with.
    package var connector: (any StreamConnector)?
    /// Monotonic seconds at which rows of a stream end, read to their end or not.
    package var until: Double?
    /// Whether rows must come in the same order each time, however many partitions a stream has.
    package var readsInOrder = false

    package init(
        wantedFields: Set<String>? = nil,
        inputRoot: String? = nil,
        temporaryDirectory: String? = nil,
        library: (any SegmentLibrary)? = nil,
        connector: (any StreamConnector)? = nil,
        until: Double? = nil
    ) {
        self.wantedFields = wantedFields
        self.inputRoot = inputRoot
        self.temporaryDirectory = temporaryDirectory
        self.library = library
        self.connector = connector
        self.until = until
    }
}
