import Glibc
import LaminaBase

/// The best row of each key seen so far: open addressing over the bytes of keys. Used by one thread.
final class KeyTable {
    private let bytes = GrowBuffer<UInt8>(capacity: 4096)
    private var rows: [KeyedRows.Row] = []
    /// One more than the place in `rows`; 0 is free.
    private var slots = [UInt32](repeating: 0, count: 256)

    var count: Int { rows.count }

    /// What it takes in memory, with the room that growing arrays keep.
    var byteCount: Int { bytes.bytes + rows.capacity * MemoryLayout<KeyedRows.Row>.stride + slots.count * 4 }

    /// Takes in a row that comes after all before it; the number of the row that has to go, when its key was there.
    func insert(_ row: KeyedRows.Row, _ source: UnsafeRawBufferPointer) -> Int64? {
        let key = UnsafeRawBufferPointer(rebasing: source[row.start..<row.start + row.keyCount])
        let end = row.start + row.keyCount + row.orderCount
        let order = UnsafeRawBufferPointer(rebasing: source[row.start + row.keyCount..<end])
        var slot = Int(truncatingIfNeeded: row.hash) & (slots.count &- 1)
        while slots[slot] != 0 {
            let place = Int(slots[slot]) &- 1
            let known = rows[place]
            if known.hash == row.hash, compareBytes(part(known.start, known.keyCount), key) == 0 {
                let best = part(known.start + known.keyCount, known.orderCount)
                if compareBytes(best, order) > 0 { return row.number }
                replace(place, by: row, key, order)
                return known.number
            }
            slot = (slot &+ 1) & (slots.count &- 1)
        }
        rows.append(row)
        rows[rows.count - 1].start = append(key, order)
        slots[slot] = UInt32(rows.count)
        if rows.count * 2 > slots.count { growSlots() }
        return nil
    }

    /// An order that is no longer than the one before takes its place; else the key is written once more.
    private func replace(
        _ place: Int,
        by row: KeyedRows.Row,
        _ key: UnsafeRawBufferPointer,
        _ order: UnsafeRawBufferPointer
    ) {
        var start = rows[place].start
        if order.count <= rows[place].orderCount {
            UnsafeMutableRawBufferPointer(start: bytes.pointer + start + key.count, count: order.count)
                .copyMemory(from: order)
        } else {
            start = append(key, order)
        }
        rows[place] = row
        rows[place].start = start
    }

    private func append(_ key: UnsafeRawBufferPointer, _ order: UnsafeRawBufferPointer) -> Int {
        let start = bytes.count
        let target = UnsafeMutableRawBufferPointer(
            start: bytes.extend(key.count + order.count),
            count: key.count + order.count
        )
        target.copyMemory(from: key)
        UnsafeMutableRawBufferPointer(rebasing: target[key.count...]).copyMemory(from: order)
        return start
    }

    private func growSlots() {
        slots = [UInt32](repeating: 0, count: slots.count * 4)
        for (place, row) in rows.enumerated() {
            var slot = Int(truncatingIfNeeded: row.hash) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = UInt32(place + 1)
        }
    }

    private func part(_ start: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: bytes.pointer + start, count: count)
    }

    /// Writes all rows by hash and key: hash, number (64 bit), lengths of key and order (32 bit), key, order.
    func write(to writer: inout PieceWriter<UInt8>) throws(LaminaError) {
        rows.sort { one, two in
            if one.hash != two.hash { return one.hash < two.hash }
            return compareBytes(part(one.start, one.keyCount), part(two.start, two.keyCount)) < 0
        }
        for row in rows {
            var head = (row.hash, row.number, UInt32(row.keyCount), UInt32(row.orderCount))
            try withUnsafeBytes(of: &head) { (head) throws(LaminaError) in try writer.append(contentsOf: head) }
            try writer.append(contentsOf: part(row.start, row.keyCount + row.orderCount))
        }
    }
}

/// Walks over the rows that a table wrote.
struct KeyTableCursor {
    private var place: UnsafeRawPointer
    private let end: UnsafeRawPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { preconditionFailure("a run without rows") }
        place = base
        end = base + bytes.count
    }

    private var keyCount: Int { Int(place.loadUnaligned(fromByteOffset: 16, as: UInt32.self)) }
    private var orderCount: Int { Int(place.loadUnaligned(fromByteOffset: 20, as: UInt32.self)) }

    var isDone: Bool { place >= end }
    var hash: UInt64 { place.loadUnaligned(as: UInt64.self) }
    var number: Int64 { place.loadUnaligned(fromByteOffset: 8, as: Int64.self) }
    var key: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: place + 24, count: keyCount) }
    var order: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: place + 24 + keyCount, count: orderCount) }

    mutating func step() { place += 24 + keyCount + orderCount }

    /// By hash and key, as they are written.
    func comparesKey(to other: KeyTableCursor) -> Int {
        if hash != other.hash { return hash < other.hash ? -1 : 1 }
        return compareBytes(key, other.key)
    }
}

/// As unsigned bytes, the shorter first.
func compareBytes(_ one: UnsafeRawBufferPointer, _ two: UnsafeRawBufferPointer) -> Int {
    if let left = one.baseAddress, let right = two.baseAddress {
        let order = memcmp(left, right, min(one.count, two.count))
        if order != 0 { return Int(order) }
    }
    return one.count - two.count
}
