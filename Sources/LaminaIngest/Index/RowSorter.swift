import LaminaBase

/// Brings rows of one place into segment order: by the listed columns, ties in order of arrival.
struct RowSorter {
    /// One column of the order.
    enum Key {
        case time(UnsafePointer<Int64>)
        case codes(UnsafePointer<UInt32>, DictionaryOrder)
        case longs(UnsafePointer<UInt64>, nulls: UnsafePointer<UInt8>?)
        case doubles(UnsafePointer<UInt64>, nulls: UnsafePointer<UInt8>?)
        case floats(UnsafePointer<UInt64>, nulls: UnsafePointer<UInt8>?)
    }

    let keys: [Key]

    /// A row while it is sorted.
    private struct Entry {
        var key: UInt64
        var row: UInt32
    }

    /// Sorts `rows`, which come in order of arrival.
    func sort(_ rows: inout [UInt32]) {
        guard rows.count > 1 else { return }
        var entries = rows.map { Entry(key: 0, row: $0) }
        var spare = entries
        entries.withUnsafeMutableBufferPointer { entries in
            spare.withUnsafeMutableBufferPointer { spare in sort(entries, spare, 0) }
        }
        for place in rows.indices { rows[place] = entries[place].row }
    }

    private func sort(
        _ entries: UnsafeMutableBufferPointer<Entry>,
        _ spare: UnsafeMutableBufferPointer<Entry>,
        _ level: Int
    ) {
        guard level < keys.count, entries.count > 1 else { return }
        let nullCount = load(entries, spare, keys[level])
        if nullCount > 1 {
            sort(
                UnsafeMutableBufferPointer(rebasing: entries[..<nullCount]),
                UnsafeMutableBufferPointer(rebasing: spare[..<nullCount]),
                level + 1
            )
        }
        guard entries.count - nullCount > 1 else { return }
        let rest = UnsafeMutableBufferPointer(rebasing: entries[nullCount...])
        let room = UnsafeMutableBufferPointer(rebasing: spare[nullCount...])
        sortByKey(rest, room)
        var start = 0
        while start < rest.count {
            var end = start &+ 1
            let key = rest[start].key
            while end < rest.count, rest[end].key == key { end &+= 1 }
            if end &- start > 1 {
                sort(
                    UnsafeMutableBufferPointer(rebasing: rest[start..<end]),
                    UnsafeMutableBufferPointer(rebasing: room[start..<end]),
                    level + 1
                )
            }
            start = end
        }
    }

    /// Loads every row's key and moves the null rows to the front, in their order; returns their number.
    private func load(
        _ entries: UnsafeMutableBufferPointer<Entry>,
        _ spare: UnsafeMutableBufferPointer<Entry>,
        _ key: Key
    ) -> Int {
        let count = entries.count
        switch key {
        case .time(let times):
            for place in 0..<count {
                entries[place].key = UInt64(bitPattern: times[Int(entries[place].row)]) ^ (1 &<< 63)
            }
            return 0
        case .codes(let codes, let order):
            order.rowRank.withUnsafeBufferPointer { ranks in
                order.listRank.withUnsafeBufferPointer { lists in
                    for place in 0..<count {
                        let code = codes[Int(entries[place].row)]
                        let isList = code & DimensionStore.listBit != 0
                        entries[place].key = UInt64(
                            isList ? lists[Int(code & ~DimensionStore.listBit)] : ranks[Int(code)]
                        )
                    }
                }
            }
            return 0
        case .longs(let bits, let nulls):
            for place in 0..<count { entries[place].key = bits[Int(entries[place].row)] ^ (1 &<< 63) }
            return nulls.map { nullsFirst(entries, spare, $0) } ?? 0
        case .doubles(let bits, let nulls):
            for place in 0..<count { entries[place].key = ordered(Double(bitPattern: bits[Int(entries[place].row)])) }
            return nulls.map { nullsFirst(entries, spare, $0) } ?? 0
        case .floats(let bits, let nulls):
            for place in 0..<count {
                let value = Float(bitPattern: UInt32(truncatingIfNeeded: bits[Int(entries[place].row)]))
                entries[place].key = ordered(Double(value))
            }
            return nulls.map { nullsFirst(entries, spare, $0) } ?? 0
        }
    }

    /// Java's order of doubles: -0.0 before 0.0, NaN last.
    @inline(__always)
    private func ordered(_ value: Double) -> UInt64 {
        let bits = value.isNaN ? 0x7FF8_0000_0000_0000 : value.bitPattern
        return bits &>> 63 != 0 ? ~bits : bits | (1 &<< 63)
    }

    private func nullsFirst(
        _ entries: UnsafeMutableBufferPointer<Entry>,
        _ spare: UnsafeMutableBufferPointer<Entry>,
        _ nulls: UnsafePointer<UInt8>
    ) -> Int {
        var nullCount = 0
        var others = 0
        for place in 0..<entries.count {
            let entry = entries[place]
            if nulls[Int(entry.row)] != 0 {
                entries[nullCount] = entry
                nullCount &+= 1
            } else {
                spare[others] = entry
                others &+= 1
            }
        }
        for place in 0..<others { entries[nullCount &+ place] = spare[place] }
        return nullCount
    }

    /// Stable: nothing to do when ascending already, insertion for few, else radix over the bytes that differ.
    private func sortByKey(_ entries: UnsafeMutableBufferPointer<Entry>, _ spare: UnsafeMutableBufferPointer<Entry>) {
        let count = entries.count
        var isAscending = true
        var differing: UInt64 = 0
        let first = entries[0].key
        for place in 1..<count {
            differing |= entries[place].key ^ first
            if entries[place &- 1].key > entries[place].key { isAscending = false }
        }
        if isAscending { return }
        if count <= 48 {
            insertionSort(entries)
            return
        }
        radixSort(entries, spare, differing)
    }

    private func insertionSort(_ entries: UnsafeMutableBufferPointer<Entry>) {
        for place in 1..<entries.count {
            let entry = entries[place]
            var hole = place
            while hole > 0, entries[hole &- 1].key > entry.key {
                entries[hole] = entries[hole &- 1]
                hole &-= 1
            }
            entries[hole] = entry
        }
    }

    private func radixSort(
        _ entries: UnsafeMutableBufferPointer<Entry>,
        _ spare: UnsafeMutableBufferPointer<Entry>,
        _ differing: UInt64
    ) {
        var source = entries
        var target = spare
        withUnsafeTemporaryAllocation(of: Int.self, capacity: 256) { starts in
            var shift: UInt64 = 0
            while shift < 64 {
                defer { shift &+= 8 }
                if (differing &>> shift) & 0xFF == 0 { continue }
                starts.update(repeating: 0)
                for place in 0..<source.count { starts[Int((source[place].key &>> shift) & 0xFF)] &+= 1 }
                var total = 0
                for digit in 0..<256 {
                    let here = starts[digit]
                    starts[digit] = total
                    total &+= here
                }
                for place in 0..<source.count {
                    let entry = source[place]
                    let digit = Int((entry.key &>> shift) & 0xFF)
                    target[starts[digit]] = entry
                    starts[digit] &+= 1
                }
                swap(&source, &target)
            }
        }
        if source.baseAddress != entries.baseAddress {
            for place in 0..<entries.count { entries[place] = source[place] }
        }
    }
}
