import LaminaBase

/// Puts rows into the order of some values, and keeps the first of them when there is a limit. Rows that tie stay in the order
/// they came in. What memory does not hold goes to the query's spill space in sorted runs.
///
/// Rows are bytes, which only who adds them understands. Used by one thread.
final class RowSorter {
    /// Compares the values at one place of two rows; descending orders are negated by the maker.
    typealias Comparison = (Value, Value) -> Int

    private struct Row {
        var keys: [Value]
        var bytes: [UInt8]
    }

    private let comparisons: [Comparison]
    private let limit: Int
    private let run: QueryRun
    private var rows: [Row] = []
    private var heldBytes = 0
    /// The last row that counts, once as many as the limit are there; later ones must come before it.
    private var bound: [Value]?
    private var runs: [[SpilledBytes]] = []

    init(_ comparisons: [Comparison], limit: Int?, _ run: QueryRun) {
        self.comparisons = comparisons
        self.limit = limit ?? .max
        self.run = run
    }

    deinit { run.memory.release(heldBytes) }

    private func compare(_ left: [Value], _ right: [Value]) -> Int {
        for (index, comparison) in comparisons.enumerated() {
            let order = comparison(left[index], right[index])
            if order != 0 { return order }
        }
        return 0
    }

    /// Adds a row whose bytes are asked for only when it may be among the first.
    func add(_ keys: [Value], _ bytes: () throws(LaminaError) -> [UInt8]) throws(LaminaError) {
        if limit == 0 { return }
        if let bound, compare(keys, bound) >= 0 { return }
        let row = Row(keys: keys, bytes: try bytes())
        let size = row.bytes.count + keys.reduce(64) { $0 + 24 + ($1.textByteCount) }
        if run.spill == nil {
            try run.memory.reserve(size, for: "rows to be ordered")
        } else {
            run.memory.take(size)
        }
        heldBytes += size
        rows.append(row)
        if limit < 1 << 20, rows.count >= limit * 2 + 1024 { try truncate() }
        if let space = run.spill, heldBytes > run.retainedBytesMax { try spill(to: space) }
    }

    /// Sorts the rows in memory and forgets those beyond the limit.
    private func truncate() throws(LaminaError) {
        try run.poll()
        rows = sorted(rows)
        guard rows.count >= limit else { return }
        rows.removeLast(rows.count - limit)
        bound = rows.last?.keys
        run.memory.release(heldBytes)
        heldBytes = rows.reduce(0) { $0 + $1.bytes.count + $1.keys.reduce(64) { $0 + 24 + $1.textByteCount } }
        run.memory.take(heldBytes)
    }

    private func sorted(_ rows: [Row]) -> [Row] {
        var order = Array(rows.indices)
        order.sort { left, right in
            let byKeys = compare(rows[left].keys, rows[right].keys)
            return byKeys != 0 ? byKeys < 0 : left < right
        }
        return order.map { rows[$0] }
    }

    private func spill(to space: any SpillSpace) throws(LaminaError) {
        try truncate()
        var pieces: [SpilledBytes] = []
        var bytes: [UInt8] = []
        for (index, row) in rows.enumerated() {
            for key in row.keys { ValueCode.append(key, to: &bytes) }
            ValueCode.appendRaw(UInt32(row.bytes.count), to: &bytes)
            bytes.append(contentsOf: row.bytes)
            if bytes.count >= 64 << 10 || index == rows.count - 1 {
                pieces.append(try space.append(bytes))
                bytes.removeAll(keepingCapacity: true)
            }
        }
        runs.append(pieces)
        rows = []
        run.memory.release(heldBytes)
        heldBytes = 0
    }

    /// The rows in order; nothing can be added any more.
    func finish() throws(LaminaError) -> SortedRows {
        try run.poll()
        let inMemory = sorted(rows).map { ($0.keys, $0.bytes) }
        rows = []
        var cursors: [SortedRows.Cursor] = []
        if let space = run.spill {
            for pieces in runs { cursors.append(try SortedRows.Cursor(space, pieces, keyCount: comparisons.count)) }
        }
        cursors.append(try SortedRows.Cursor(inMemory))
        return SortedRows(cursors, limit: limit, compare)
    }
}

extension Value {
    /// Bytes of text or of a blob that the value refers to.
    fileprivate var textByteCount: Int {
        switch self {
        case .string(let text): text.utf8.count
        case .array(let elements): elements.reduce(0) { $0 + 24 + $1.textByteCount }
        case .complex(_, let bytes): bytes.count
        default: 0
        }
    }
}

/// The rows of a sorter in order.
final class SortedRows {
    /// The rows of one sorted run.
    final class Cursor {
        private(set) var keys: [Value] = []
        private(set) var bytes: [UInt8] = []
        private(set) var isDone = false
        private var held: [([Value], [UInt8])] = []
        private var next = 0
        private var space: (any SpillSpace)?
        private var pieces: ArraySlice<SpilledBytes> = []
        private var keyCount = 0

        init(_ rows: [([Value], [UInt8])]) throws(LaminaError) {
            held = rows
            try advance()
        }

        init(_ space: any SpillSpace, _ pieces: [SpilledBytes], keyCount: Int) throws(LaminaError) {
            self.space = space
            self.pieces = pieces[...]
            self.keyCount = keyCount
            try advance()
        }

        func advance() throws(LaminaError) {
            if next == held.count, let space, let piece = pieces.popFirst() {
                held = try Self.rows(space, piece, keyCount)
                next = 0
            }
            guard next < held.count else {
                isDone = true
                return
            }
            (keys, bytes) = held[next]
            next += 1
        }

        private static func rows(
            _ space: any SpillSpace,
            _ piece: SpilledBytes,
            _ keyCount: Int
        ) throws(LaminaError) -> [([Value], [UInt8])] {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: piece.count + 8, alignment: 16)
            defer { buffer.deallocate() }
            try space.read(at: piece.offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<piece.count]))
            guard let base = buffer.baseAddress else { return [] }
            var reader = SpillReader(base)
            var rows: [([Value], [UInt8])] = []
            while reader.place < piece.count {
                var keys: [Value] = []
                for _ in 0..<keyCount { keys.append(try reader.value()) }
                rows.append((keys, reader.raws(UInt8.self, count: Int(reader.raw(UInt32.self)))))
            }
            return rows
        }
    }

    private let cursors: [Cursor]
    private let compare: ([Value], [Value]) -> Int
    private var heap: [Int]
    private var left: Int

    fileprivate init(_ cursors: [Cursor], limit: Int, _ compare: @escaping ([Value], [Value]) -> Int) {
        self.cursors = cursors
        self.compare = compare
        left = limit
        heap = cursors.indices.filter { !cursors[$0].isDone }
        makeHeap(&heap, precedes)
    }

    /// The next row; nil at the end.
    func next() throws(LaminaError) -> [UInt8]? {
        guard left > 0, let top = heap.first else { return nil }
        let bytes = cursors[top].bytes
        try cursors[top].advance()
        if cursors[top].isDone {
            heap[0] = heap[heap.count - 1]
            heap.removeLast()
        }
        siftDown(&heap, from: 0, precedes)
        left -= 1
        return bytes
    }

    /// Earlier runs hold rows that came earlier.
    private func precedes(_ one: Int, _ two: Int) -> Bool {
        let order = compare(cursors[one].keys, cursors[two].keys)
        return order != 0 ? order < 0 : one < two
    }
}
