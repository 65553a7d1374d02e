import LaminaBase

/// A byte string for each row as the columns of first and last values keep them: LZ4 blocks of cells behind an index.
///
/// Source: `segment.serde.cell.CellReader`. Everything in it is little-endian.
struct CellStore: Sendable {
    let count: Int
    private let starts: BlockStream
    private let cells: BlockStream

    init(_ cursor: inout ByteCursor, rowCount: Int, reader: ColumnReading) throws(LaminaError) {
        starts = try BlockStream(cells: &cursor, byteCount: 8 * (rowCount + 1), reader: reader)
        cells = try BlockStream(cells: &cursor, byteCount: nil, reader: reader)
        count = rowCount
        let total = try starts.long(8 * rowCount)
        guard total == Int64(cells.byteCount) else {
            throw cursor.corrupt("cells end at \(total) of \(cells.byteCount) bytes")
        }
    }

    func value(_ row: Int) throws(LaminaError) -> [UInt8] {
        precondition(row >= 0 && row < count, "row out of range")
        let start = try starts.long(8 * row)
        let end = try starts.long(8 * (row + 1))
        guard start >= 0, start <= end, end <= Int64(cells.byteCount) else {
            throw .corrupt(
                "row \(row)'s cell spans \(start)..\(end) of \(cells.byteCount) bytes",
                at: starts.store.place
            )
        }
        return try cells.read(Int(start)..<Int(end))
    }
}
