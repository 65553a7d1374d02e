import LaminaBase

/// The sorted union of several columns' dictionaries, and every column's ids in it. The strings stay where they are.
///
/// `@unchecked Sendable`: never changed after it is made.
final class MergedDictionary: @unchecked Sendable {
    /// The distinct strings in order, null left out; they lie in `tables`.
    let texts: [UnsafeRawBufferPointer]
    /// New id by old id, column by column; empty for columns that are missing.
    let remaps: [ValueMemory<UInt32>?]
    /// Null is in some dictionary, or some column is missing, or a row without values may be; its id is 0.
    let hasNull: Bool
    private let tables: [StringTable]

    var cardinality: Int { texts.count + (hasNull ? 1 : 0) }

    /// nil columns are null throughout.
    init(_ columns: [(any StringColumn)?]) {
        let hasNull = columns.contains { $0 == nil || $0?.nullID != nil || $0?.hasMultipleValues == true }
        self.hasNull = hasNull
        var tables: [StringTable] = []
        var orders: [ValueMemory<UInt32>] = []
        var runs: [Run] = []
        var remaps: [ValueMemory<UInt32>?] = []
        for column in columns {
            guard let column else {
                remaps.append(nil)
                continue
            }
            let table = StringTable(dictionaryOf: column)
            let remap = ValueMemory<UInt32>(count: column.cardinality, repeating: 0)
            remaps.append(remap)
            tables.append(table)
            let nullID = column.nullID
            var order: UnsafePointer<UInt32>?
            var first = 0
            if column.isSorted {
                first = nullID == nil ? 0 : 1
            } else {
                let ids = (0..<UInt32(column.cardinality)).filter { $0 != nullID }
                let memory = ValueMemory(sortStrings(table, ids))
                orders.append(memory)
                order = memory.buffer.baseAddress.map { UnsafePointer($0) }
            }
            let count = column.cardinality - (nullID == nil ? 0 : 1)
            guard count > 0, let texts = table.values.baseAddress, let places = remap.buffer.baseAddress else {
                continue
            }
            runs.append(Run(texts: texts, order: order, remap: places, place: first, end: first + count))
        }
        self.tables = tables
        self.remaps = remaps
        texts = Self.merge(&runs, first: hasNull ? 1 : 0)
        extendLifetime(orders)
    }

    /// One dictionary while it is merged.
    private struct Run {
        let texts: UnsafePointer<UnsafeRawBufferPointer>
        /// Ids in order; nil when the ids themselves are.
        let order: UnsafePointer<UInt32>?
        let remap: UnsafeMutablePointer<UInt32>
        var place: Int
        let end: Int
        var id = 0
        var key: UInt64 = 0

        @inline(__always)
        mutating func load() {
            id = order.map { Int($0[place]) } ?? place
            key = sortKey(texts[id], 0)
        }

        @inline(__always)
        static func precedes(_ left: Run, _ right: Run) -> Bool {
            if left.key != right.key { return left.key < right.key }
            return compareDictionaryOrder(left.texts[left.id], right.texts[right.id]) < 0
        }
    }

    private static func merge(_ runs: inout [Run], first: UInt32) -> [UnsafeRawBufferPointer] {
        var texts: [UnsafeRawBufferPointer] = []
        texts.reserveCapacity(runs.map { $0.end - $0.place }.max() ?? 0)
        runs.withUnsafeMutableBufferPointer { runs in
            for place in runs.indices { runs[place].load() }
            var count = runs.count
            var place = count / 2
            while place > 0 {
                place -= 1
                sink(runs, place, count)
            }
            var lastKey: UInt64 = 0
            var last = UnsafeRawBufferPointer(start: nil, count: 0)
            var id = first &- 1
            while count > 0 {
                let text = runs[0].texts[runs[0].id]
                if texts.isEmpty || runs[0].key != lastKey || compareDictionaryOrder(last, text) != 0 {
                    texts.append(text)
                    last = text
                    lastKey = runs[0].key
                    id &+= 1
                }
                runs[0].remap[runs[0].id] = id
                runs[0].place &+= 1
                if runs[0].place == runs[0].end {
                    count &-= 1
                    runs[0] = runs[count]
                } else {
                    runs[0].load()
                }
                sink(runs, 0, count)
            }
        }
        return texts
    }

    /// Restores the heap's order from `start` down.
    @inline(__always)
    private static func sink(_ runs: UnsafeMutableBufferPointer<Run>, _ start: Int, _ count: Int) {
        guard start < count else { return }
        var place = start
        let moving = runs[place]
        while true {
            var child = place &* 2 &+ 1
            guard child < count else { break }
            if child &+ 1 < count, Run.precedes(runs[child &+ 1], runs[child]) { child &+= 1 }
            guard Run.precedes(runs[child], moving) else { break }
            runs[place] = runs[child]
            place = child
        }
        runs[place] = moving
    }
}
