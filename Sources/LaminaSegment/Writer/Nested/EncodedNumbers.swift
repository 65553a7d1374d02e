import LaminaBase
import LaminaBitmaps

/// Rows of a numeric `auto` column as ids into the sorted distinct values; id 0 is null.
final class EncodedNumbers {
    private let ids: UnsafeMutableBufferPointer<UInt32>
    /// Distinct values by order of arrival.
    private var keys: [UInt64] = []
    let hasNullRows: Bool

    var idBuffer: UnsafeBufferPointer<UInt32> { UnsafeBufferPointer(ids) }

    init<Element: BitwiseCopyable>(
        _ reader: any ValueReader<Element>,
        nullRows: RoaringBitmap?,
        count: Int,
        key: (Element) -> UInt64
    ) throws(LaminaError) {
        ids = .allocate(capacity: count)
        ids.initialize(repeating: 0)
        hasNullRows = !(nullRows?.isEmpty ?? true)
        var table = KeyTable()
        var isNull = [Bool](repeating: false, count: hasNullRows ? count : 0)
        nullRows?.forEach { isNull[Int($0)] = true }
        var start = 0
        while start < count {
            let end = min(start + 8192, count)
            let values = try reader.read(start..<end)
            for place in 0..<values.count where !hasNullRows || !isNull[start &+ place] {
                ids[start &+ place] = table.place(of: key(values[place])) &+ 1
            }
            start = end
        }
        keys = table.keys
    }

    deinit { ids.deallocate() }

    /// Sorts the values and renumbers the rows; answers the values in order. To be called once.
    func sort(by isBefore: (UInt64, UInt64) -> Bool) -> [UInt64] {
        let order = keys.indices.sorted { isBefore(keys[$0], keys[$1]) }
        var renumbered = [UInt32](repeating: 0, count: keys.count + 1)
        for (place, index) in order.enumerated() { renumbered[index + 1] = UInt32(place + 1) }
        for place in ids.indices { ids[place] = renumbered[Int(ids[place])] }
        return order.map { keys[$0] }
    }
}

/// Numbers 64-bit keys in order of arrival, by open addressing.
struct KeyTable {
    private(set) var keys: [UInt64] = []
    private var slots = [UInt32](repeating: 0, count: 1024)
    private var shift: UInt64 = 54

    @inline(__always)
    private func slot(_ key: UInt64) -> Int { Int((key &* 0x9E37_79B9_7F4A_7C15) >> shift) }

    mutating func place(of key: UInt64) -> UInt32 {
        var slot = slot(key)
        while slots[slot] != 0 {
            let place = slots[slot] &- 1
            if keys[Int(place)] == key { return place }
            slot = (slot &+ 1) & (slots.count &- 1)
        }
        keys.append(key)
        slots[slot] = UInt32(keys.count)
        if keys.count * 2 > slots.count { grow() }
        return UInt32(keys.count - 1)
    }

    private mutating func grow() {
        shift -= 1
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        for (place, key) in keys.enumerated() {
            var slot = slot(key)
            while slots[slot] != 0 { slot = (slot &+ 1) & (slots.count &- 1) }
            slots[slot] = UInt32(place + 1)
        }
    }
}
