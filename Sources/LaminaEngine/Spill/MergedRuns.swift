import Glibc
import LaminaBase
import LaminaQuery

/// Merges sorted runs: groups of equal keys become one.
final class MergedRuns: GroupStream {
    private let spill: GroupSpill
    private let cursors: [SpilledRunCursor]
    /// Cursors with groups left, the one with the least key at the root of a heap.
    private var heap: [Int]

    init(_ spill: GroupSpill, _ runs: [SpilledRun]) throws(LaminaError) {
        self.spill = spill
        var cursors: [SpilledRunCursor] = []
        for run in runs { cursors.append(try SpilledRunCursor(spill, run)) }
        self.cursors = cursors
        heap = cursors.indices.filter { !cursors[$0].isDone }
        makeHeap(&heap, precedes)
    }

    func next() throws(LaminaError) -> GroupPartial? {
        if heap.isEmpty { return nil }
        try spill.run.poll()
        var columns: [AggregateColumn] = []
        for aggregator in spill.aggregators {
            columns.append(try AggregateColumn.empty(aggregator, count: batchRowsMax))
        }
        var keys: [UInt8] = []
        var starts: [Int] = []
        while let top = heap.first {
            let cursor = cursors[top]
            let key = cursor.key
            if !Self.isLast(key, keys, starts) {
                if starts.count == batchRowsMax { break }
                starts.append(keys.count)
                keys.append(contentsOf: key)
            }
            try cursor.take(target: UInt32(starts.count - 1), into: &columns)
            if cursor.isDone {
                heap[0] = heap[heap.count - 1]
                heap.removeLast()
            }
            siftDown(&heap, from: 0, precedes)
        }
        for cursor in cursors { try cursor.fold(into: &columns) }
        return emit(keys, starts, columns)
    }

    /// Whether a key is the one that was appended last.
    private static func isLast(_ key: UnsafeBufferPointer<UInt8>, _ keys: [UInt8], _ starts: [Int]) -> Bool {
        guard let start = starts.last, keys.count - start == key.count else { return false }
        return keys.withUnsafeBufferPointer { keys in
            guard let mine = keys.baseAddress, let other = key.baseAddress else { return true }
            return memcmp(mine + start, other, key.count) == 0
        }
    }

    /// Equal keys come in the order of their runs, which is that of their segments.
    private func precedes(_ left: Int, _ right: Int) -> Bool {
        let one = cursors[left].key
        let two = cursors[right].key
        if let first = one.baseAddress, let second = two.baseAddress {
            let order = memcmp(first, second, min(one.count, two.count))
            if order != 0 { return order < 0 }
        }
        return one.count == two.count ? left < right : one.count < two.count
    }

    private func emit(_ keys: [UInt8], _ starts: [Int], _ columns: [AggregateColumn]) -> GroupPartial {
        let all = Array(0..<UInt32(starts.count))
        return GroupPartial(
            firstTime: nil,
            keys: decodeKeys(keys, starts, order: spill.keyOrder),
            states: columns.map { $0.picking(all) },
            groupCount: starts.count
        )
    }
}

/// The key columns of keys in `KeyOrderCode`, whose values stand in the given order.
func decodeKeys(_ keys: [UInt8], _ starts: [Int], order: [Int]) -> [KeyColumn] {
    var places = starts
    var decoded = [KeyColumn](repeating: KeyColumn(values: .none, ids: []), count: order.count)
    keys.withUnsafeBufferPointer { keys in
        guard let bytes = keys.baseAddress else { return }
        for key in order { decoded[key] = decodeKeys(bytes, &places) }
    }
    return decoded
}

/// The key column of values in `KeyOrderCode` that begin at `places`, which move on to what follows them.
private func decodeKeys(_ bytes: UnsafePointer<UInt8>, _ places: inout [Int]) -> KeyColumn {
    let starts = places
    for index in places.indices {
        var reader = KeyOrderReader(bytes, at: places[index])
        reader.skip()
        places[index] = reader.place
    }
    let ends = places
    // Equal bytes are equal values, and the order of bytes is the order of values.
    func compare(_ left: Int, _ right: Int) -> Int {
        let one = ends[left] - starts[left]
        let two = ends[right] - starts[right]
        let order = memcmp(bytes + starts[left], bytes + starts[right], min(one, two))
        return order != 0 ? Int(order) : one - two
    }
    var order = Array(starts.indices)
    if !zip(order, order.dropFirst()).allSatisfy({ compare($0, $1) <= 0 }) { order.sort { compare($0, $1) < 0 } }
    var ids = [UInt32](repeating: 0, count: starts.count)
    var distinct: [Int] = []
    var last: Int?
    for row in order where bytes[starts[row]] != KeyOrderCode.null {
        if last.map({ compare($0, row) != 0 }) ?? true { distinct.append(starts[row]) }
        last = row
        ids[row] = UInt32(distinct.count)
    }
    return KeyColumn(values: decodeValues(bytes, distinct), ids: ids)
}

/// Distinct ascending values, in the tightest form.
private func decodeValues(_ bytes: UnsafePointer<UInt8>, _ places: [Int]) -> KeyValues {
    guard let first = places.first else { return .none }
    let tag = bytes[first]
    guard places.allSatisfy({ bytes[$0] == tag }) else { return decodeOthers(bytes, places) }
    switch tag {
    case KeyOrderCode.long:
        return .longs(
            [0]
                + places.map { place in
                    var reader = KeyOrderReader(bytes, at: place)
                    return reader.long()
                }
        )
    case KeyOrderCode.double:
        return .doubles(
            [0]
                + places.map { place in
                    var reader = KeyOrderReader(bytes, at: place)
                    return reader.double()
                }
        )
    case KeyOrderCode.float:
        return .floats(
            [0]
                + places.map { place in
                    var reader = KeyOrderReader(bytes, at: place)
                    return reader.float()
                }
        )
    case KeyOrderCode.text:
        var builder = StringTableBuilder(capacity: places.count)
        var buffer: [UInt8] = []
        for place in places {
            var reader = KeyOrderReader(bytes, at: place)
            reader.text(into: &buffer)
            buffer.withUnsafeBufferPointer { builder.append($0) }
        }
        return .strings(builder.finish())
    default: return decodeOthers(bytes, places)
    }
}

private func decodeOthers(_ bytes: UnsafePointer<UInt8>, _ places: [Int]) -> KeyValues {
    .others(
        [.null]
            + places.map { place in
                var reader = KeyOrderReader(bytes, at: place)
                return reader.value()
            }
    )
}
