import LaminaBase

/// The order in which the rows of several sorted pieces follow each other. Every piece's rows come in their own order, so it is
/// enough to know whose turn it is.
struct RowOrder {
    /// Piece of every row; the highest bit says that the row belongs to the group of the row before (rollup).
    private(set) var turns: [UInt16] = []
    /// Rows of the result: groups with rollup, else all rows.
    private(set) var resultCount = 0

    static let pieceMask: UInt16 = 0x7FFF
    static let continues: UInt16 = 0x8000

    /// One ordering column over all pieces.
    struct Key {
        var columns: [KeyColumn]
        var kind: KeyColumn.Kind
        var ascending: Bool
    }

    /// Merges pieces of the given sizes by `keys`. `groups`: rows that agree in all keys become one.
    init(rowCounts: [Int], keys: [Key], groups: Bool) throws(LaminaError) {
        guard rowCounts.count <= Int(Self.pieceMask) else {
            throw .resourceLimit("\(rowCounts.count) pieces cannot be merged at once, \(Self.pieceMask) can")
        }
        let total = rowCounts.reduce(0, +)
        guard total <= Int(Int32.max) else {
            throw .resourceLimit("a segment of \(total) rows; one segment holds at most 2147483647")
        }
        turns.reserveCapacity(total)
        var merge = Merge(rowCounts: rowCounts, keys: keys)
        var before: (piece: Int, row: Int)?
        var heap = try merge.makeHeap(rowCounts)
        while let piece = heap.first {
            let row = merge.rows[piece]
            var turn = UInt16(piece)
            if groups, let before, try merge.compare(before.piece, before.row, piece, row) == 0 {
                turn |= Self.continues
            } else {
                resultCount += 1
            }
            turns.append(turn)
            before = (piece, row)
            merge.rows[piece] = row + 1
            if row + 1 == rowCounts[piece] {
                heap[0] = heap[heap.count - 1]
                heap.removeLast()
            }
            try merge.sink(&heap, 0)
        }
    }

    /// The state of a merge.
    private struct Merge {
        let keys: [Key]
        /// The current row of every piece.
        var rows: [Int]

        init(rowCounts: [Int], keys: [Key]) {
            self.keys = keys
            rows = [Int](repeating: 0, count: rowCounts.count)
        }

        func makeHeap(_ rowCounts: [Int]) throws(LaminaError) -> [Int] {
            var heap = rowCounts.indices.filter { rowCounts[$0] > 0 }
            var place = heap.count / 2
            while place > 0 {
                place -= 1
                try sink(&heap, place)
            }
            return heap
        }

        func compare(_ left: Int, _ leftRow: Int, _ right: Int, _ rightRow: Int) throws(LaminaError) -> Int {
            for key in keys {
                let result = try key.columns[left].compare(leftRow, key.columns[right], rightRow, kind: key.kind)
                if result != 0 { return key.ascending ? result : -result }
            }
            return 0
        }

        /// Whether a piece's current row goes before another's; equal rows keep the order of the pieces.
        private func precedes(_ left: Int, _ right: Int) throws(LaminaError) -> Bool {
            let result = try compare(left, rows[left], right, rows[right])
            return result < 0 || (result == 0 && left < right)
        }

        func sink(_ heap: inout [Int], _ start: Int) throws(LaminaError) {
            guard start < heap.count else { return }
            var place = start
            let moving = heap[place]
            while true {
                var child = place &* 2 &+ 1
                guard child < heap.count else { break }
                if child &+ 1 < heap.count, try precedes(heap[child &+ 1], heap[child]) { child &+= 1 }
                guard try precedes(heap[child], moving) else { break }
                heap[place] = heap[child]
                place = child
            }
            heap[place] = moving
        }
    }
}
