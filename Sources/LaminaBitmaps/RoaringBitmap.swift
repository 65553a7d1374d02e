/// A compressed set of row numbers (RoaringBitmap).
///
/// Sorted chunks of 65,536 rows, each in the shape that suits it. A value type: copies share their chunks until one changes.
package struct RoaringBitmap: Sendable {
    /// High 16 bits of the rows of each container, ascending.
    var keys: [UInt16] = []
    var containers: [Container] = []

    /// The empty set.
    package init() {}

    /// The rows of an ascending sequence; repeated rows count once. Traps when it descends.
    package init(sorted rows: some Sequence<UInt32>) {
        var last: UInt32?
        for row in rows {
            if row == last { continue }
            append(row)
            last = row
        }
    }

    /// All rows of a range.
    package init(range: Range<UInt32>) {
        append(contentsOf: range)
    }

    /// Adds a row greater than every row of the set; traps otherwise. This is how indexes are built, so it is fast.
    @inline(__always)
    package mutating func append(_ row: UInt32) {
        let key = UInt16(truncatingIfNeeded: row >> 16)
        let low = UInt16(truncatingIfNeeded: row)
        let last = keys.count - 1
        if last >= 0, keys[last] == key {
            precondition(containers[last].max(isBelow: low), "rows must be appended in ascending order")
            containers[last].append(low)
        } else {
            precondition(last < 0 || keys[last] < key, "rows must be appended in ascending order")
            keys.append(key)
            containers.append(Container(array: [low]))
        }
    }

    /// Adds a range of rows, all greater than every row of the set; traps otherwise.
    package mutating func append(contentsOf range: Range<UInt32>) {
        var first = range.lowerBound
        while first < range.upperBound {
            let key = UInt16(truncatingIfNeeded: first >> 16)
            let last = Swift.min(range.upperBound - 1, UInt32(key) << 16 | 0xFFFF)
            let low = UInt16(truncatingIfNeeded: first)
            let high = UInt16(truncatingIfNeeded: last)
            if let tail = keys.last, tail == key {
                let place = containers.count - 1
                precondition(containers[place].max(isBelow: low), "rows must be appended in ascending order")
                containers[place].append(first: low, last: high)
            } else {
                precondition(keys.last.map { $0 < key } ?? true, "rows must be appended in ascending order")
                keys.append(key)
                containers.append(Container(first: low, last: high))
            }
            if last == .max { return }
            first = last + 1
        }
    }

    mutating func append(key: UInt16, _ container: Container?) {
        guard let container else { return }
        keys.append(key)
        containers.append(container)
    }

    package var isEmpty: Bool { keys.isEmpty }

    /// How many rows the set has.
    package var cardinality: Int {
        var count = 0
        for container in containers { count &+= container.cardinality }
        return count
    }

    /// The lowest row; nil when empty.
    package var min: UInt32? {
        guard let key = keys.first, let container = containers.first else { return nil }
        return UInt32(key) << 16 | UInt32(container.min)
    }

    /// The highest row; nil when empty.
    package var max: UInt32? {
        guard let key = keys.last, let container = containers.last else { return nil }
        return UInt32(key) << 16 | UInt32(container.max)
    }

    package func contains(_ row: UInt32) -> Bool {
        guard let place = place(of: UInt16(truncatingIfNeeded: row >> 16)) else { return false }
        return containers[place].contains(UInt16(truncatingIfNeeded: row))
    }

    private func place(of key: UInt16) -> Int? {
        let place = lowerBound(key)
        return place < keys.count && keys[place] == key ? place : nil
    }

    /// The place of the first container whose key is not less than `key`.
    func lowerBound(_ key: UInt16) -> Int {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low &+ high) >> 1
            if keys[middle] < key { low = middle &+ 1 } else { high = middle }
        }
        return low
    }

    /// Calls `body` with every row, ascending.
    package func forEach(_ body: (UInt32) -> Void) {
        for (key, container) in zip(keys, containers) {
            let high = UInt32(key) << 16
            container.forEachRow { body(high | UInt32($0)) }
        }
    }

    /// All rows, ascending: 4 bytes each.
    package var rows: [UInt32] {
        let count = cardinality
        return [UInt32](unsafeUninitializedCapacity: count) { buffer, initialized in
            var place = 0
            forEach { row in
                buffer[place] = row
                place &+= 1
            }
            initialized = place
        }
    }

    /// Bytes of memory the set takes, for caches and budgets.
    package var memoryBytes: Int {
        var bytes = MemoryLayout<RoaringBitmap>.size + keys.count * 2
        for container in containers {
            bytes += MemoryLayout<Container>.size + container.values.count * 2 + container.words.count * 8 + 32
        }
        return bytes
    }
}

extension RoaringBitmap: Equatable {
    /// Equal when the same rows are in both, whatever the shape of the chunks.
    package static func == (left: RoaringBitmap, right: RoaringBitmap) -> Bool {
        guard left.keys == right.keys else { return false }
        for index in left.containers.indices where !left.containers[index].isSame(as: right.containers[index]) {
            return false
        }
        return true
    }
}

extension Container {
    /// Whether every row is below `row`; cheap, for appending. A bitset only looks at the words from `row` on.
    @inline(__always)
    func max(isBelow row: UInt16) -> Bool {
        switch shape {
        case .array: return values[values.count &- 1] < row
        case .run: return values[values.count - 2] &+ values[values.count - 1] < row
        case .bitset: return words[Int(row >> 6)] >> UInt64(row & 63) == 0
        }
    }
}
