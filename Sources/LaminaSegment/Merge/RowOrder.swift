import LaminaBase

/// One ordering column over all pieces; made when first asked for, as few columns ever decide between two rows.
final class RowKey {
    struct Columns {
        var columns: [KeyColumn]
        var kind: KeyColumn.Kind
    }

    let ascending: Bool
    private let make: () throws(LaminaError) -> Columns
    private var made: Columns?

    init(ascending: Bool, _ make: @escaping () throws(LaminaError) -> Columns) {
        self.ascending = ascending
        self.make = make
    }

    func columns() throws(LaminaError) -> Columns {
        if let made { return made }
        let columns = try make()
        made = columns
        return columns
    }

    @inline(__always)
    func compare(_ left: Int, _ leftRow: Int, _ right: Int, _ rightRow: Int) throws(LaminaError) -> Int {
        if made == nil { made = try make() }
        guard let made else { return 0 }
        let result = try made.columns[left].compare(leftRow, made.columns[right], rightRow, kind: made.kind)
        return ascending ? result : -result
    }
}

/// The order in which the rows of several sorted pieces follow each other. Every piece's rows come in their own order, so it is
/// enough to know whose turn it is.
struct RowOrder {
    /// Piece of every row; the highest bit says that the row belongs to the group of the row before (rollup).
    let turns: [UInt16]
    /// Rows of the result: groups with rollup, else all rows.
    let resultCount: Int

    static let pieceMask: UInt16 = 0x7FFF
    static let continues: UInt16 = 0x8000

    /// Merges pieces of the given sizes by `keys`. `groups`: rows that agree in all keys become one.
    init(rowCounts: [Int], keys: [RowKey], groups: Bool) throws(LaminaError) {
        guard rowCounts.count <= Int(Self.pieceMask) else {
            throw .resourceLimit("\(rowCounts.count) pieces cannot be merged at once, \(Self.pieceMask) can")
        }
        let total = rowCounts.reduce(0, +)
        guard total <= Int(Int32.max) else {
            throw .resourceLimit("a segment of \(total) rows; one segment holds at most 2147483647")
        }
        let merge = try RowMerge(rowCounts: rowCounts, keys: keys)
        var turns: [UInt16] = []
        turns.reserveCapacity(total)
        var count = 0
        var before: (piece: Int, row: Int)?
        while let piece = merge.top {
            let row = merge.rows[piece]
            var turn = UInt16(truncatingIfNeeded: piece)
            if groups, let before, try merge.isSame(before.piece, before.row, piece, row) {
                turn |= Self.continues
            } else {
                count &+= 1
            }
            turns.append(turn)
            before = (piece, row)
            try merge.advance()
        }
        self.turns = turns
        resultCount = count
    }
}

/// The state of a merge: a heap of pieces by their current rows.
private final class RowMerge {
    private let keys: [RowKey]
    private let rowCounts: [Int]
    /// The current row of every piece.
    let rows: UnsafeMutablePointer<Int>
    /// The first key of the current rows as numbers that compare alike, if the first column allows it.
    private let heads: UnsafeMutablePointer<UInt64>
    private let heap: UnsafeMutablePointer<Int>
    private var count = 0
    private let headColumns: [KeyColumn]
    private let tailKeys: ArraySlice<RowKey>

    init(rowCounts: [Int], keys: [RowKey]) throws(LaminaError) {
        self.keys = keys
        self.rowCounts = rowCounts
        rows = .allocate(capacity: max(rowCounts.count, 1))
        rows.initialize(repeating: 0, count: max(rowCounts.count, 1))
        heads = .allocate(capacity: max(rowCounts.count, 1))
        heads.initialize(repeating: 0, count: max(rowCounts.count, 1))
        heap = .allocate(capacity: max(rowCounts.count, 1))
        if let first = keys.first, first.ascending, rowCounts.contains(where: { $0 > 0 }) {
            let columns = try first.columns()
            headColumns = columns.kind == .words && columns.columns.allSatisfy { !$0.hasNulls } ? columns.columns : []
        } else {
            headColumns = []
        }
        tailKeys = headColumns.isEmpty ? keys[...] : keys.dropFirst()
        for piece in rowCounts.indices where rowCounts[piece] > 0 {
            if !headColumns.isEmpty { heads[piece] = try headColumns[piece].word(0) }
            heap[count] = piece
            count += 1
        }
        var place = count / 2
        while place > 0 {
            place -= 1
            try sink(place)
        }
    }

    deinit {
        rows.deallocate()
        heads.deallocate()
        heap.deallocate()
    }

    var top: Int? { count == 0 ? nil : heap[0] }

    /// Moves on from the top piece's current row.
    func advance() throws(LaminaError) {
        let piece = heap[0]
        rows[piece] &+= 1
        if rows[piece] == rowCounts[piece] {
            count &-= 1
            heap[0] = heap[count]
            if count == 0 { return }
        } else if !headColumns.isEmpty {
            heads[piece] = try headColumns[piece].word(rows[piece])
        }
        if count > 1 { try sink(0) }
    }

    /// Whether two rows agree in every key.
    func isSame(_ left: Int, _ leftRow: Int, _ right: Int, _ rightRow: Int) throws(LaminaError) -> Bool {
        for key in keys where try key.compare(left, leftRow, right, rightRow) != 0 { return false }
        return true
    }

    /// Whether a piece's current row goes before another's; equal rows keep the order of the pieces.
    @inline(__always)
    private func precedes(_ left: Int, _ right: Int) throws(LaminaError) -> Bool {
        if heads[left] != heads[right] { return heads[left] < heads[right] }
        return try precedesByTail(left, right)
    }

    @inline(never)
    private func precedesByTail(_ left: Int, _ right: Int) throws(LaminaError) -> Bool {
        for key in tailKeys {
            let result = try key.compare(left, rows[left], right, rows[right])
            if result != 0 { return result < 0 }
        }
        return left < right
    }

    private func sink(_ start: Int) throws(LaminaError) {
        var place = start
        let moving = heap[place]
        while true {
            var child = place &* 2 &+ 1
            guard child < count else { break }
            if child &+ 1 < count, try precedes(heap[child &+ 1], heap[child]) { child &+= 1 }
            guard try precedes(heap[child], moving) else { break }
            heap[place] = heap[child]
            place = child
        }
        heap[place] = moving
    }
}
