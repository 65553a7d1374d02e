import LaminaBase
import LaminaBitmaps

/// Walks one column of every piece front to back, in the order of a merge.
final class PieceReaders<Element: BitwiseCopyable & Sendable> {
    /// What is read of one piece and not yet handed out.
    private struct Part {
        var base: UnsafePointer<Element>
        var place = 0
        var count = 0
        /// First row of the part.
        var start = 0
    }

    private static var batchRows: Int { 8192 }

    private let readers: [(any ValueReader<Element>)?]
    private let rowCounts: [Int]
    private let parts: UnsafeMutablePointer<Part>
    /// What pieces without a reader have in every row.
    private let empty: ValueMemory<Element>

    init(_ readers: [(any ValueReader<Element>)?], rowCounts: [Int], empty: Element) {
        self.readers = readers
        self.rowCounts = rowCounts
        let isComplete = readers.allSatisfy { $0 != nil }
        self.empty = ValueMemory(count: isComplete ? 1 : Self.batchRows, repeating: empty)
        parts = .allocate(capacity: max(readers.count, 1))
        guard let base = self.empty.buffer.baseAddress else { preconditionFailure("no memory for a batch") }
        parts.initialize(repeating: Part(base: UnsafePointer(base)), count: max(readers.count, 1))
    }

    deinit { parts.deallocate() }

    /// The next row's value of a piece.
    @inline(__always)
    func next(_ piece: Int) throws(LaminaError) -> Element {
        if parts[piece].place == parts[piece].count { try refill(piece) }
        let value = parts[piece].base[parts[piece].place]
        parts[piece].place &+= 1
        return value
    }

    @inline(never)
    private func refill(_ piece: Int) throws(LaminaError) {
        let start = parts[piece].start + parts[piece].count
        guard start < rowCounts[piece] else {
            throw LaminaError(.defensive, code: "mergeOverrun", "a merge asked for more rows than a piece has")
        }
        let end = min(start + Self.batchRows, rowCounts[piece])
        parts[piece].start = start
        parts[piece].place = 0
        parts[piece].count = end - start
        guard let reader = readers[piece] else { return }
        let values = try reader.read(start..<end)
        guard values.count == end - start, let base = values.baseAddress else {
            throw LaminaError(.defensive, code: "mergeOverrun", "a piece gave \(values.count) rows for \(end - start)")
        }
        parts[piece].base = base
    }
}

/// Merges numeric columns.
struct NumberMerge<Element: BitwiseCopyable & Sendable & Comparable> {
    let order: RowOrder
    /// Column and null rows by piece; nil where a piece has none: all null.
    let readers: [(any ValueReader<Element>)?]
    let nullRows: [RoaringBitmap?]
    let rowCounts: [Int]
    let zero: Element

    struct Merged {
        var values: ValueMemory<Element>
        var nullRows: RoaringBitmap?
    }

    /// One value per row of the result: the first of each group, or all of a group combined by `combine`.
    func merged(_ combine: ((Element, Element) -> Element)?) throws(LaminaError) -> Merged {
        let values = ValueMemory(count: order.resultCount, repeating: zero)
        let cursors = PieceReaders(readers, rowCounts: rowCounts, empty: zero)
        let hasNulls = readers.contains { $0 == nil } || nullRows.contains { !($0?.isEmpty ?? true) }
        if !hasNulls {
            try mergeDense(cursors, into: values.buffer, combine)
            return Merged(values: values, nullRows: nil)
        }
        let isNull = try mergeSparse(cursors, into: values.buffer, combine)
        var rows = RoaringBitmap()
        for (row, flag) in isNull.enumerated() where flag { rows.append(UInt32(row)) }
        return Merged(values: values, nullRows: rows.isEmpty ? nil : rows)
    }

    private func mergeDense(
        _ cursors: PieceReaders<Element>,
        into out: UnsafeMutableBufferPointer<Element>,
        _ combine: ((Element, Element) -> Element)?
    ) throws(LaminaError) {
        var row = -1
        for turn in order.turns {
            let value = try cursors.next(Int(turn & RowOrder.pieceMask))
            if turn & RowOrder.continues == 0 {
                row &+= 1
                out[row] = value
            } else if let combine {
                out[row] = combine(out[row], value)
            }
        }
    }

    private func mergeSparse(
        _ cursors: PieceReaders<Element>,
        into out: UnsafeMutableBufferPointer<Element>,
        _ combine: ((Element, Element) -> Element)?
    ) throws(LaminaError) -> [Bool] {
        var pieceNulls = nullRows.indices.map { piece -> [Bool] in
            guard readers[piece] != nil else { return [Bool](repeating: true, count: rowCounts[piece]) }
            var flags = [Bool](repeating: false, count: rowCounts[piece])
            nullRows[piece]?.forEach { flags[Int($0)] = true }
            return flags
        }
        var places = [Int](repeating: 0, count: readers.count)
        var isNull = [Bool](repeating: false, count: order.resultCount)
        var row = -1
        for turn in order.turns {
            let piece = Int(turn & RowOrder.pieceMask)
            let value = try cursors.next(piece)
            let null = pieceNulls[piece][places[piece]]
            places[piece] &+= 1
            if turn & RowOrder.continues == 0 {
                row &+= 1
                out[row] = null ? zero : value
                isNull[row] = null
            } else if let combine, !null {
                out[row] = isNull[row] ? value : combine(out[row], value)
                isNull[row] = false
            }
        }
        pieceNulls = []
        return isNull
    }
}

/// A string column of merged rows: ids in a merged dictionary whose strings stay in the pieces.
final class MergedStringColumn: StringColumn, StableTexts {
    let rowCount: Int
    let hasMultipleValues: Bool
    private let dictionary: MergedDictionary
    private let ids: ValueMemory<UInt32>
    private let offsets: [UInt32]

    init(
        order: RowOrder,
        columns: [(any StringColumn)?],
        dictionary: MergedDictionary,
        rowCounts: [Int]
    ) throws(LaminaError) {
        rowCount = order.resultCount
        self.dictionary = dictionary
        hasMultipleValues = columns.contains { $0?.hasMultipleValues == true }
        if hasMultipleValues {
            (ids, offsets) = try Self.mergeMulti(order, columns, dictionary, rowCounts)
        } else {
            ids = try Self.mergeSingle(order, columns, dictionary, rowCounts)
            offsets = []
        }
    }

    private static func mergeSingle(
        _ order: RowOrder,
        _ columns: [(any StringColumn)?],
        _ dictionary: MergedDictionary,
        _ rowCounts: [Int]
    ) throws(LaminaError) -> ValueMemory<UInt32> {
        let ids = ValueMemory<UInt32>(count: order.resultCount, repeating: 0)
        let cursors = PieceReaders<UInt32>(columns.map { $0?.makeIDReader() }, rowCounts: rowCounts, empty: 0)
        // A missing column's ids are all the null of the merged dictionary.
        let remaps = dictionary.remaps.map { $0 ?? ValueMemory<UInt32>([0]) }
        defer { extendLifetime(remaps) }
        let tables = remaps.map(\.buffer)
        var row = -1
        for turn in order.turns {
            let piece = Int(turn & RowOrder.pieceMask)
            let id = try cursors.next(piece)
            guard turn & RowOrder.continues == 0 else { continue }
            row &+= 1
            ids.buffer[row] = tables[piece][Int(id)]
        }
        return ids
    }

    private static func mergeMulti(
        _ order: RowOrder,
        _ columns: [(any StringColumn)?],
        _ dictionary: MergedDictionary,
        _ rowCounts: [Int]
    ) throws(LaminaError) -> (ValueMemory<UInt32>, [UInt32]) {
        var cursors = columns.indices.map { MultiCursor(columns[$0]?.makeMultiIDReader(), rowCount: rowCounts[$0]) }
        var ids: [UInt32] = []
        var offsets: [UInt32] = [0]
        offsets.reserveCapacity(order.resultCount + 1)
        for turn in order.turns {
            let piece = Int(turn & RowOrder.pieceMask)
            let isFirst = turn & RowOrder.continues == 0
            try cursors[piece].next { id in if isFirst { ids.append(dictionary.remaps[piece]?.buffer[Int(id)] ?? 0) } }
            guard isFirst else { continue }
            guard ids.count <= Int(Int32.max) else {
                throw .resourceLimit("a multi-value column has more than 2147483647 values: make smaller segments")
            }
            offsets.append(UInt32(ids.count))
        }
        return (ValueMemory(ids), offsets)
    }

    var cardinality: Int { dictionary.cardinality }
    var isSorted: Bool { true }
    var nullID: UInt32? { dictionary.hasNull ? 0 : nil }

    func value(_ id: UInt32) -> String? {
        withUTF8(id) { bytes in bytes.map { String(decoding: $0, as: UTF8.self) } }
    }

    func withUTF8<Result>(_ id: UInt32, _ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result {
        if dictionary.hasNull, id == 0 { return body(nil) }
        let text = dictionary.texts[Int(id) - (dictionary.hasNull ? 1 : 0)]
        return body(text.assumingMemoryBound(to: UInt8.self))
    }

    var textsAreStable: Bool { true }

    func copyTexts(into target: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>) {
        let first = dictionary.hasNull ? 1 : 0
        for place in dictionary.texts.indices { target[place + first] = dictionary.texts[place] }
    }

    func id(of value: String?) -> UInt32? {
        guard let value else { return nullID }
        let place = lowerBound(value)
        return place < UInt32(cardinality) && self.value(place) == value ? place : nil
    }

    func lowerBound(_ value: String) -> UInt32 {
        var value = value
        return value.withUTF8 { wanted in
            var low: UInt32 = dictionary.hasNull ? 1 : 0
            var high = UInt32(cardinality)
            while low < high {
                let middle = low + (high - low) / 2
                let isBefore = withUTF8(middle) { found in
                    found.map {
                        compareDictionaryOrder(UnsafeRawBufferPointer($0), UnsafeRawBufferPointer(wanted)) < 0
                    } ?? true
                }
                if isBefore { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    var hasBitmaps: Bool { false }
    func rows(_ id: UInt32) throws(LaminaError) -> RoaringBitmap {
        preconditionFailure("the column has no bitmaps")
    }
    func makeIDReader() -> any ValueReader<UInt32> {
        precondition(!hasMultipleValues, "a multi-value column has no single ids")
        return MemoryReader(ids)
    }
    func makeMultiIDReader() -> any MultiIDReader {
        let offsets = hasMultipleValues ? offsets : Array(0...UInt32(rowCount))
        return ArrayMultiReader(offsets: offsets, ids: Array(ids.buffer))
    }
}

/// Walks the multi-value rows of one piece.
private struct MultiCursor {
    private let reader: (any MultiIDReader)?
    private let rowCount: Int
    private var part: MultiIDs?
    private var start = 0
    private var end = 0
    private var row = 0

    /// Without a reader every row is null: one value, as rows of one value have it.
    init(_ reader: (any MultiIDReader)?, rowCount: Int) {
        self.reader = reader
        self.rowCount = rowCount
    }

    mutating func next(_ body: (UInt32) -> Void) throws(LaminaError) {
        guard let reader else { return body(0) }
        if row == end {
            start = end
            end = min(start + 4096, rowCount)
            guard start < end else {
                throw LaminaError(.defensive, code: "mergeOverrun", "a merge asked for more rows than a piece has")
            }
            part = try reader.read(start..<end)
        }
        if let part {
            let place = row - start
            for index in Int(part.offsets[place])..<Int(part.offsets[place + 1]) { body(part.ids[index]) }
        }
        row += 1
    }
}

/// Values of merged rows, fetched from the pieces.
final class MergedObjectColumn: ObjectColumn {
    let type: ColumnType
    private let columns: [(any ObjectColumn)?]
    private let pieces: [UInt16]
    private let rows: [UInt32]

    /// The first row of every group stands for it.
    init(order: RowOrder, columns: [(any ObjectColumn)?], type: ColumnType) {
        self.type = type
        self.columns = columns
        var next = [UInt32](repeating: 0, count: columns.count)
        var pieces: [UInt16] = []
        var rows: [UInt32] = []
        pieces.reserveCapacity(order.resultCount)
        rows.reserveCapacity(order.resultCount)
        for turn in order.turns {
            let piece = turn & RowOrder.pieceMask
            if turn & RowOrder.continues == 0 {
                pieces.append(piece)
                rows.append(next[Int(piece)])
            }
            next[Int(piece)] += 1
        }
        self.pieces = pieces
        self.rows = rows
    }

    var rowCount: Int { rows.count }
    var hasNulls: Bool { columns.contains { $0?.hasNulls ?? true } }

    func value(row: Int) throws(LaminaError) -> Value {
        guard let column = columns[Int(pieces[row])] else { return .null }
        return try column.value(row: Int(rows[row]))
    }

    /// Groups of values made one by a combiner.
    static func combined(
        order: RowOrder,
        columns: [(any ObjectColumn)?],
        type: ColumnType,
        _ combiner: any ObjectCombiner
    ) throws(LaminaError) -> MemoryObjectColumn {
        var next = [Int](repeating: 0, count: columns.count)
        var results: [Value] = []
        results.reserveCapacity(order.resultCount)
        var group: [Value] = []
        for turn in order.turns {
            let piece = Int(turn & RowOrder.pieceMask)
            if turn & RowOrder.continues == 0, !group.isEmpty {
                results.append(group.count == 1 ? group[0] : try combiner.combine(group))
                group.removeAll(keepingCapacity: true)
            }
            group.append(try columns[piece]?.value(row: next[piece]) ?? .null)
            next[piece] += 1
        }
        if !group.isEmpty { results.append(group.count == 1 ? group[0] : try combiner.combine(group)) }
        return MemoryObjectColumn(results, type: type)
    }
}
