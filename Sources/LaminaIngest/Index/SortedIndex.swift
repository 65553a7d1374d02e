import LaminaBase
import LaminaSegment

/// A memory index cut into places, dictionaries ranked; hands out one view a place. Nothing is added any more.
///
/// `@unchecked Sendable`: read by several threads, changed by none.
final class SortedIndex: @unchecked Sendable {
    let index: MemoryIndex
    /// By dimension; nil for numbers.
    let orders: [DictionaryOrder?]
    /// Rows of every place in order of arrival, by place number.
    private let rowsOfPlace: [[UInt32]]
    private let ordering: [OrderedColumn]

    /// - Parameters:
    ///   - placeCount: places known to the job.
    ///   - ordering: the spec's; discovered dimensions break its ties.
    init(
        _ index: MemoryIndex,
        placeCount: Int,
        ordering: [OrderedColumn],
        threads: Int
    ) throws(LaminaError) {
        self.index = index
        self.ordering = ordering
        let boxes = ResultSlots<DictionaryOrder>(count: index.dimensions.count)
        let shared = UncheckedIndex(index)
        try runParallel(count: index.dimensions.count, threads: threads) { number throws(LaminaError) in
            let store = shared.index.dimensions[number]
            if store.codes != nil { boxes.set(number, DictionaryOrder(store)) }
        }
        orders = boxes.values
        var counts = [Int](repeating: 0, count: placeCount)
        for place in index.placeOfRow.buffer { counts[Int(place)] += 1 }
        var rows = counts.map { count -> [UInt32] in
            var list: [UInt32] = []
            list.reserveCapacity(count)
            return list
        }
        for (row, place) in index.placeOfRow.buffer.enumerated() { rows[Int(place)].append(UInt32(row)) }
        rowsOfPlace = rows
    }

    /// Places that have rows.
    var places: [Int] { rowsOfPlace.indices.filter { !rowsOfPlace[$0].isEmpty } }

    func rowCount(of place: Int) -> Int { rowsOfPlace[place].count }

    /// The rows of a place in segment order.
    /// - Parameter arrivalOrder: whether dimensions that rows brought along stand in their order of arrival at this place, as
    ///   Druid's do, or in that of the whole job, as pieces to be merged must.
    /// - Parameter isForMerging: whether columns keep the one form that all spilled pieces have; unless told otherwise, with the
    ///   order of the whole job.
    func view(of place: Int, interval: Interval, arrivalOrder: Bool, isForMerging: Bool? = nil) -> SliceView {
        let (rows, dimensions) = order(of: place, arrivalOrder: arrivalOrder)
        return SliceView(
            self,
            rows: rows,
            interval: interval,
            ordering: ordering,
            dimensions: dimensions,
            isForMerging: isForMerging ?? !arrivalOrder
        )
    }

    /// The order of a place's rows, and its dimensions by number; see `view`.
    func order(of place: Int, arrivalOrder: Bool) -> (rows: [UInt32], dimensions: [Int]) {
        var rows = rowsOfPlace[place]
        let ordered = dimensionsInOrder(rows, arrivalOrder: arrivalOrder)
        RowSorter(keys: sortKeys(ordered)).sort(&rows)
        return (rows, ordered.map(\.number))
    }

    /// Listed dimensions as listed; then those that rows of this place brought along, in order of their arrival here.
    private func dimensionsInOrder(_ rows: [UInt32], arrivalOrder: Bool) -> [(number: Int, store: DimensionStore)] {
        var listed: [(number: Int, store: DimensionStore)] = []
        var found: [(first: Int, number: Int, store: DimensionStore)] = []
        for (number, store) in index.dimensions.enumerated() {
            if store.isListed {
                listed.append((number, store))
            } else if let first = rows.firstIndex(where: { !isNull(store, Int($0)) }) {
                found.append((first, number, store))
            }
        }
        if arrivalOrder { found.sort { ($0.first, $0.number) < ($1.first, $1.number) } }
        return listed + found.map { ($0.number, $0.store) }
    }

    private func isNull(_ store: DimensionStore, _ row: Int) -> Bool {
        store.codes.map { $0[row] == 0 } ?? (store.nulls.map { $0[row] != 0 } ?? false)
    }

    private func sortKeys(_ dimensions: [(number: Int, store: DimensionStore)]) -> [RowSorter.Key] {
        var keys: [RowSorter.Key] = []
        var used: Set<String> = []
        for column in ordering {
            if column.name == "__time" {
                keys.append(.time(UnsafePointer(index.times.pointer)))
            } else if let entry = dimensions.first(where: { $0.store.schema.name == column.name }) {
                keys.append(sortKey(entry.number, entry.store))
                used.insert(column.name)
            }
        }
        for entry in dimensions where !used.contains(entry.store.schema.name) {
            keys.append(sortKey(entry.number, entry.store))
        }
        return keys
    }

    private func sortKey(_ number: Int, _ store: DimensionStore) -> RowSorter.Key {
        if let codes = store.codes, let order = orders[number] { return .codes(UnsafePointer(codes.pointer), order) }
        let bits = UnsafePointer((store.bits ?? GrowBuffer()).pointer)
        let nulls = store.nulls.map { UnsafePointer($0.pointer) }
        switch store.schema.kind {
        case .double: return .doubles(bits, nulls: nulls)
        case .float: return .floats(bits, nulls: nulls)
        default: return .longs(bits, nulls: nulls)
        }
    }

    /// Dimensions of a merged segment: the listed ones, then those that some piece has, in order of arrival.
    func dimensionNames(among views: [any SegmentView]) -> [String] {
        var present: Set<String> = []
        for view in views { present.formUnion(view.dimensions) }
        return index.dimensions.filter { $0.isListed || present.contains($0.schema.name) }.map(\.schema.name)
    }

    /// The order in which all pieces are really sorted.
    func fullOrdering(_ dimensions: [String]) -> [OrderedColumn] {
        ordering + dimensions.filter { name in !ordering.contains { $0.name == name } }.map { OrderedColumn($0) }
    }
}

/// Lets threads read an index that nobody changes meanwhile.
private struct UncheckedIndex: @unchecked Sendable {
    let index: MemoryIndex
    init(_ index: MemoryIndex) { self.index = index }
}
