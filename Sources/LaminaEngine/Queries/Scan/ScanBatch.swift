import LaminaBase

/// Rows of a scan in columns, with the column names and types of the segment they come from.
struct ScanBatch: Sendable {
    var segmentID: String?
    var columns: [Column]
    var rowCount: Int
    /// Time of each row; empty unless rows are to be ordered by it.
    var times: [Int64]
    /// Where the values are when the columns are without; `loaded` brings them back.
    private var spilled: SpilledBytes?

    init(segmentID: String?, columns: [Column], rowCount: Int, times: [Int64]) {
        self.segmentID = segmentID
        self.columns = columns
        self.rowCount = rowCount
        self.times = times
    }

    struct Column: Sendable {
        var name: String
        /// nil: the segment knows no column of that name.
        var type: ColumnType?
        var values: [Value]
    }

    /// Roughly the bytes its values hold.
    var byteCount: Int { rowCount * columns.count * MemoryLayout<Value>.stride }

    /// The batch as part of an answer that is held: its values in the query's memory, or in its spill space when that fills up.
    func held(_ run: QueryRun) throws(LaminaError) -> ScanBatch {
        guard let space = run.spill, !run.hasRoom(byteCount) else {
            try run.memory.reserve(byteCount, for: "scanned rows")
            return self
        }
        var bytes: [UInt8] = []
        var batch = self
        for index in columns.indices {
            for value in columns[index].values { ValueCode.append(value, to: &bytes) }
            batch.columns[index].values = []
        }
        batch.spilled = try space.append(bytes)
        return batch
    }

    /// The batch with its values in memory.
    func loaded(_ run: QueryRun) throws(LaminaError) -> ScanBatch {
        guard let spilled, let space = run.spill else { return self }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(spilled.count, 1), alignment: 16)
        defer { buffer.deallocate() }
        try space.read(at: spilled.offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<spilled.count]))
        guard let base = buffer.baseAddress else { return self }
        var reader = SpillReader(base)
        var batch = self
        batch.spilled = nil
        for index in columns.indices {
            batch.columns[index].values.reserveCapacity(rowCount)
            for _ in 0..<rowCount { batch.columns[index].values.append(try reader.value()) }
        }
        return batch
    }

    /// The values of a column; nulls when the segment has none of the name.
    func values(named name: String) -> [Value] {
        columns.first { $0.name == name }?.values ?? Array(repeating: .null, count: rowCount)
    }

    /// Some of the rows.
    func slice(_ rows: Range<Int>) -> ScanBatch {
        if rows == 0..<rowCount { return self }
        var part = self
        part.rowCount = rows.count
        part.times = times.isEmpty ? [] : Array(times[rows])
        for index in part.columns.indices { part.columns[index].values = Array(columns[index].values[rows]) }
        return part
    }

    /// Druid's `ScanResultValue`.
    func write(compact: Bool, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("segmentId")
        if let segmentID { writer.string(segmentID) } else { writer.null() }
        writer.key("columns")
        writer.beginArray()
        for column in columns { writer.string(column.name) }
        writer.endArray()
        writer.key("events")
        writer.beginArray()
        for row in 0..<rowCount {
            if compact {
                writer.beginArray()
                for column in columns { writer.value(shownValue(column.values[row])) }
                writer.endArray()
            } else {
                writer.beginObject()
                for column in columns {
                    writer.key(column.name)
                    writer.value(shownValue(column.values[row]))
                }
                writer.endObject()
            }
        }
        writer.endArray()
        writer.key("rowSignature")
        writer.beginArray()
        for column in columns {
            writer.beginObject()
            writer.key("name")
            writer.string(column.name)
            if let type = column.type {
                writer.key("type")
                writer.string(type.description)
            }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }
}
