import LaminaBase

/// The sorted union of several columns' dictionaries, as references into them, and every column's ids in it.
final class MergedDictionary: Sendable {
    /// Which column's which id each value comes from; null, if `hasNull`, has id 0 and no entry.
    let origins: [(piece: UInt32, id: UInt32)]
    /// New id by old id, column by column.
    let remaps: [[UInt32]]
    /// Null is in some dictionary, or some column is missing, or a row without values may be.
    let hasNull: Bool

    var cardinality: Int { origins.count + (hasNull ? 1 : 0) }

    /// nil columns are null throughout.
    init(_ columns: [(any StringColumn)?]) {
        hasNull = columns.contains { $0 == nil || $0?.nullID != nil || $0?.hasMultipleValues == true }
        var runs: [Run] = []
        var remaps: [[UInt32]] = []
        for (piece, column) in columns.enumerated() {
            guard let column else {
                remaps.append([])
                continue
            }
            remaps.append([UInt32](repeating: 0, count: column.cardinality))
            let table = StringTable(dictionaryOf: column)
            let nullID = column.nullID
            let ids = (0..<UInt32(column.cardinality)).filter { $0 != nullID }
            let order = column.isSorted ? ids : sortStrings(table, ids)
            if !order.isEmpty { runs.append(Run(piece: UInt32(piece), table: table, order: order)) }
        }
        origins = Self.merge(runs, first: hasNull ? 1 : 0, &remaps)
        self.remaps = remaps
    }

    /// One dictionary while it is merged.
    private struct Run {
        let piece: UInt32
        let table: StringTable
        let order: [UInt32]
        var place = 0
        var key: UInt64

        init(piece: UInt32, table: StringTable, order: [UInt32]) {
            self.piece = piece
            self.table = table
            self.order = order
            key = sortKey(table.value(Int(order[0])), 0)
        }

        var id: UInt32 { order[place] }
        var value: UnsafeRawBufferPointer { table.value(Int(order[place])) }

        /// False at the end.
        mutating func advance() -> Bool {
            place += 1
            guard place < order.count else { return false }
            key = sortKey(value, 0)
            return true
        }

        static func compare(_ left: Run, _ right: Run) -> Int {
            if left.key != right.key { return left.key < right.key ? -1 : 1 }
            return compareDictionaryOrder(left.value, right.value)
        }
    }

    private static func merge(
        _ start: [Run],
        first: UInt32,
        _ remaps: inout [[UInt32]]
    ) -> [(piece: UInt32, id: UInt32)] {
        var runs = start
        var origins: [(piece: UInt32, id: UInt32)] = []
        // Few pieces: a heap of places in `runs`.
        var heap = MergeHeap(count: runs.count) { Run.compare(runs[$0], runs[$1]) < 0 }
        var last: (run: Int, id: UInt32)?
        while let run = heap.top {
            let id = runs[run].id
            let isNew =
                last.map { last in
                    let table = runs[last.run].table
                    return compareDictionaryOrder(table.value(Int(last.id)), runs[run].value) != 0
                } ?? true
            if isNew {
                origins.append((runs[run].piece, id))
                last = (run, id)
            }
            remaps[Int(runs[run].piece)][Int(id)] = UInt32(origins.count - 1) &+ first
            let goesOn = runs[run].advance()
            heap.replaceTop(goesOn: goesOn) { Run.compare(runs[$0], runs[$1]) < 0 }
        }
        return origins
    }
}

/// A binary heap of the places 0 ..< count; the order is asked of the caller every time, as it changes under the heap.
struct MergeHeap {
    private var places: [Int]

    init(count: Int, _ isBefore: (Int, Int) -> Bool) {
        places = Array(0..<count)
        var place = count / 2
        while place > 0 {
            place -= 1
            sink(place, isBefore)
        }
    }

    var top: Int? { places.first }

    /// After the top's key has grown, or its end was reached.
    @inline(__always)
    mutating func replaceTop(goesOn: Bool, _ isBefore: (Int, Int) -> Bool) {
        if !goesOn {
            places[0] = places[places.count - 1]
            places.removeLast()
            if places.isEmpty { return }
        }
        sink(0, isBefore)
    }

    /// Ties go to the lower place, so that merging is stable.
    @inline(__always)
    private mutating func sink(_ start: Int, _ isBefore: (Int, Int) -> Bool) {
        var place = start
        let moving = places[place]
        while true {
            var child = place &* 2 &+ 1
            guard child < places.count else { break }
            if child &+ 1 < places.count, precedes(places[child &+ 1], places[child], isBefore) { child &+= 1 }
            guard precedes(places[child], moving, isBefore) else { break }
            places[place] = places[child]
            place = child
        }
        places[place] = moving
    }

    @inline(__always)
    private func precedes(_ left: Int, _ right: Int, _ isBefore: (Int, Int) -> Bool) -> Bool {
        if isBefore(left, right) { return true }
        return left < right && !isBefore(right, left)
    }
}
