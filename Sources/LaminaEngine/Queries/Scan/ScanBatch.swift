import LaminaBase

/// Rows of a scan in columns, with the column names and types of the segment they come from.
struct ScanBatch: Sendable {
    var segmentID: String?
    var columns: [Column]
    var rowCount: Int
    /// Time of each row; empty unless rows are to be ordered by it.
    var times: [Int64]

    struct Column: Sendable {
        var name: String
        /// nil: the segment knows no column of that name.
        var type: ColumnType?
        var values: [Value]
    }

    /// Roughly the bytes its values hold.
    var byteCount: Int { rowCount * columns.count * MemoryLayout<Value>.stride }

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
