import LaminaBase

/// Finds the rows that have to go: of each key all but the one with the greatest order, of equal ones the last.
///
/// The best row of each key is kept in memory up to the limits; then all leave as a sorted run on disk. At the end the runs, which
/// are mapped, are merged.
final class DuplicateFinder {
    private let marks: DuplicateMarks
    private let runs: PieceFile
    private var places: [PieceFile.Place] = []
    private var table = KeyTable()
    private let rowsMax: Int
    private let bytesMax: Int
    private(set) var hasKeys = false
    private(set) var rowCount = 0

    var spillCount: Int { places.count }

    /// - Parameter directory: where files without names are made.
    init(directory: String, rowsMax: Int, bytesMax: Int) throws(LaminaError) {
        marks = try DuplicateMarks(path: "\(directory)/duplicates")
        runs = try PieceFile(path: "\(directory)/keys")
        self.rowsMax = rowsMax
        self.bytesMax = bytesMax
    }

    /// Takes in the next rows of the input.
    func add(_ batch: KeyedRows) throws(LaminaError) {
        guard let last = batch.rows.last else { return }
        try marks.grow(to: last.number + 1)
        marks.checksum &+= batch.checksum
        hasKeys = hasKeys || batch.hasKeys
        rowCount += batch.rows.count
        var next = 0
        while next < batch.rows.count {
            next = batch.bytes.withUnsafeBytes { take(batch.rows, from: next, $0) }
            if isFull { try spill() }
        }
    }

    private var isFull: Bool { table.count >= rowsMax || table.byteCount >= bytesMax }

    /// Takes rows until the table is full; the first that is left.
    private func take(_ rows: [KeyedRows.Row], from first: Int, _ bytes: UnsafeRawBufferPointer) -> Int {
        var next = first
        repeat {
            if let loser = table.insert(rows[next], bytes) { marks.mark(loser) }
            next += 1
        } while next < rows.count && !isFull
        return next
    }

    private func spill() throws(LaminaError) {
        places.append(try runs.append { writer throws(LaminaError) in try table.write(to: &writer) })
        table = KeyTable()
    }

    /// All rows that have to go.
    func finish() throws(LaminaError) -> DuplicateMarks {
        if places.isEmpty { return marks }
        if table.count > 0 { try spill() }
        try runs.map()
        var cursors = places.map { place in
            KeyTableCursor(
                UnsafeRawBufferPointer(start: runs.pointer(place, as: UInt8.self), count: place.count)
            )
        }
        // Descending, so that the least key is last; most often a cursor that steps stays where it is.
        cursors.sort { $0.comparesKey(to: $1) > 0 }
        var best: KeyTableCursor?
        while var cursor = cursors.popLast() {
            if let winner = best, winner.comparesKey(to: cursor) == 0 {
                let order = compareBytes(winner.order, cursor.order)
                let stays = order != 0 ? order > 0 : winner.number > cursor.number
                marks.mark(stays ? cursor.number : winner.number)
                if !stays { best = cursor }
            } else {
                best = cursor
            }
            cursor.step()
            if !cursor.isDone { insert(cursor, into: &cursors) }
        }
        return marks
    }

    private func insert(_ cursor: KeyTableCursor, into cursors: inout [KeyTableCursor]) {
        var low = 0
        var high = cursors.count
        while low < high {
            let middle = (low + high) / 2
            if cursors[middle].comparesKey(to: cursor) > 0 { low = middle + 1 } else { high = middle }
        }
        cursors.insert(cursor, at: low)
    }
}
