import LaminaBase

/// One column of a prepared batch, dense over its kept rows.
final class PreparedColumn {
    /// Numbers: bits of a long or a double, a float's in the low half; nil for texts.
    let bits: UnsafeMutablePointer<UInt64>?
    /// 1 where the number is null, or the row does not count; nil when none is.
    private(set) var nulls: UnsafeMutablePointer<UInt8>?
    /// Texts (strings, and encoded values of `auto` columns); nil for numbers.
    let texts: UnsafeMutablePointer<TextRef>?
    /// Rows with several values: `lists[n]` is the range of the n-th such row in `elements`.
    var lists: [Range<Int>] = []
    var elements: [TextRef] = []
    /// What metrics with states fold: `width` values a row.
    var values: [Value] = []
    private let count: Int

    init(values count: Int, width: Int) {
        self.count = count
        bits = nil
        texts = nil
        values.reserveCapacity(count * width)
    }

    init(numbers count: Int) {
        self.count = count
        let pointer = UnsafeMutablePointer<UInt64>.allocate(capacity: max(count, 1))
        pointer.initialize(repeating: 0, count: max(count, 1))
        bits = pointer
        texts = nil
    }

    init(texts count: Int) {
        self.count = count
        let pointer = UnsafeMutablePointer<TextRef>.allocate(capacity: max(count, 1))
        pointer.initialize(repeating: .null, count: max(count, 1))
        texts = pointer
        bits = nil
    }

    deinit {
        bits?.deallocate()
        texts?.deallocate()
        nulls?.deallocate()
    }

    /// Marks a number as null.
    func setNull(_ row: Int) {
        if nulls == nil {
            let pointer = UnsafeMutablePointer<UInt8>.allocate(capacity: max(count, 1))
            pointer.initialize(repeating: 0, count: max(count, 1))
            nulls = pointer
        }
        nulls?[row] = 1
    }
}

/// A dimension that a batch brought along without the spec listing it.
struct DiscoveredColumn {
    let name: String
    let kind: DimensionSchema.Kind
    let column: PreparedColumn
}

/// A row that was dropped or kept with an error.
struct RowError {
    var isUnparseable: Bool
    /// The row, or the text of the record.
    var input: String
    var details: [String]
    /// Of a stream: which record of the `RecordBatch`.
    var record: UInt32 = 0
}

/// A row of a stream that a filter dropped, or whose time is not taken.
struct ThrownRow {
    var record: UInt32
    /// A `BatchPreparation.RowState`.
    var state: UInt8
    var time: Int64
}

/// Rows of one batch after time, transforms, filter and coercion: what the index takes in. Made on any thread, used by one.
final class PreparedBatch: @unchecked Sendable {
    let sequence: Int
    let inputBytes: Int64
    /// Kept rows.
    var count = 0
    /// Truncated to the query granularity.
    var times: [Int64] = []
    /// Distinct places of this batch, and each row's number among them.
    var places: [RowPlace] = []
    var placeOfRow: [UInt32] = []
    /// Of a stream: the rows of each place lie together.
    var rangeOfPlace: [Range<Int>] = []
    /// Of a stream: the time of a row of each place, as it came.
    var timeOfPlace: [Int64] = []
    /// In the order of the spec's dimensions, then metrics.
    var dimensions: [PreparedColumn] = []
    var metrics: [PreparedColumn] = []
    var discovered: [DiscoveredColumn] = []

    /// What a first pass collects.
    var observation = Observation()

    /// Counts of the report; `processed` are rows without any error.
    var counts = RowCounts()
    /// In row order; only as many of the last ones as the report can hold, unless all are logged.
    var errors: [RowError] = []
    /// Of a stream.
    var thrownAway: [ThrownRow] = []
    /// An error that fails the task.
    var failure: LaminaError?
    /// Of a stream: how many items the stored sketches of batch rows stand for, where sketches can count only so many.
    var sketchItems: [(row: Int32, items: UInt64)] = []
    /// Of a stream: batch rows that something failed on, with the message.
    var failedRows: [Int32: String] = [:]

    /// Keeps the memory that texts point into.
    var owners: [AnyObject] = []

    init(sequence: Int, inputBytes: Int64) {
        self.sequence = sequence
        self.inputBytes = inputBytes
    }
}

/// Row counts of a task report (druid-surface 10.6).
struct RowCounts: Sendable, Hashable {
    var processed: Int64 = 0
    var processedBytes: Int64 = 0
    var processedWithError: Int64 = 0
    var thrownAway: Int64 = 0
    var unparseable: Int64 = 0
    /// Of those thrown away: what dedup left out. nil where there is none; Lamina's own.
    var duplicates: Int64?

    init() {}

    mutating func add(_ other: RowCounts) {
        processed += other.processed
        processedBytes += other.processedBytes
        processedWithError += other.processedWithError
        thrownAway += other.thrownAway
        unparseable += other.unparseable
        if let more = other.duplicates { duplicates = (duplicates ?? 0) + more }
    }

    var json: JSON {
        var counts: JSONObject = [
            "processed": .int(processed), "processedBytes": .int(processedBytes),
            "processedWithError": .int(processedWithError), "thrownAway": .int(thrownAway),
            "unparseable": .int(unparseable),
        ]
        if let duplicates { counts["duplicates"] = .int(duplicates) }
        return .object(counts)
    }
}
