import LaminaBase

/// What a first pass over the input collects, by time chunk.
struct Observation: Sendable {
    enum Kind: Sendable {
        /// Hashes of distinct group keys (empty dimensions: time and all dimensions).
        case distinctRows([String])
        /// Rows by range key; rows that roll up into one count once when `distinct`.
        case rangeKeys([String], distinct: Bool)
        /// What dedup compares.
        case keys(DedupSpec)
    }

    var distinct: [Interval: DistinctCounter] = [:]
    var keys: [Interval: KeyCounts] = [:]
    /// Of this batch alone.
    var keyed = KeyedRows()

    mutating func add(_ other: Observation) {
        for (chunk, counter) in other.distinct { distinct[chunk, default: DistinctCounter()].add(counter) }
        for (chunk, counts) in other.keys { keys[chunk, default: KeyCounts()].add(counts) }
    }
}

/// How many rows have each key; thinned out when there are too many keys, so that memory is bounded and quantiles stay near.
struct KeyCounts: Sendable {
    private(set) var rows: [RangeBoundaries.Key: Int] = [:]
    /// Hashes of group keys seen, to count equal rows once.
    private var seen: Set<UInt64> = []

    static let keysMax = 500_000
    static let seenMax = 8_000_000

    mutating func add(_ key: RangeBoundaries.Key, count: Int = 1) {
        rows[key, default: 0] += count
        if rows.count > Self.keysMax { thin() }
    }

    mutating func addDistinct(_ key: RangeBoundaries.Key, hash: UInt64) {
        if seen.count < Self.seenMax, !seen.insert(hash).inserted { return }
        add(key)
    }

    mutating func add(_ other: KeyCounts) {
        for (key, count) in other.rows { add(key, count: count) }
    }

    /// Every second key takes over the rows of the one before it; the least stays, for it bounds the first range.
    private mutating func thin() {
        let sorted = rows.sorted { RangeBoundaries.precedes($0.key, $1.key) }
        rows.removeAll(keepingCapacity: true)
        var place = 0
        while place < sorted.count {
            if place == 0 || place + 1 == sorted.count {
                rows[sorted[place].key, default: 0] += sorted[place].value
                place += 1
            } else {
                rows[sorted[place + 1].key, default: 0] += sorted[place].value + sorted[place + 1].value
                place += 2
            }
        }
    }

    var list: [(key: RangeBoundaries.Key, rows: Int)] { rows.map { ($0.key, $0.value) } }
}

/// Counts distinct 64-bit hashes: exactly while few, then by HyperLogLog with 2^14 registers.
struct DistinctCounter: Sendable {
    private var exact: Set<UInt64> = []
    private var registers: [UInt8] = []

    private static let exactMax = 1 << 17

    mutating func insert(_ hash: UInt64) {
        if registers.isEmpty {
            exact.insert(hash)
            if exact.count > Self.exactMax { spill() }
        } else {
            note(hash)
        }
    }

    mutating func add(_ other: DistinctCounter) {
        if !other.registers.isEmpty {
            if registers.isEmpty { spill() }
            for place in registers.indices { registers[place] = max(registers[place], other.registers[place]) }
        }
        for hash in other.exact { insert(hash) }
    }

    private mutating func spill() {
        registers = [UInt8](repeating: 0, count: 1 << 14)
        for hash in exact { note(hash) }
        exact = []
    }

    private mutating func note(_ hash: UInt64) {
        let place = Int(hash &>> 50)
        let rank = UInt8(truncatingIfNeeded: min((hash &<< 14).leadingZeroBitCount, 50) + 1)
        registers[place] = max(registers[place], rank)
    }

    var estimate: Double {
        if registers.isEmpty { return Double(exact.count) }
        let count = Double(registers.count)
        var sum = 0.0
        var zeros = 0
        for register in registers {
            sum += 1 / Double(UInt64(1) &<< UInt64(register))
            if register == 0 { zeros += 1 }
        }
        let raw = 0.7213 / (1 + 1.079 / count) * count * count / sum
        // Few hashes for the registers: empty ones tell more.
        if raw <= 2.5 * count, zeros > 0 { return count * logarithm(count / Double(zeros)) }
        return raw
    }
}
