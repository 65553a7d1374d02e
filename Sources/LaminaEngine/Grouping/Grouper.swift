import LaminaBase
import LaminaSegment

/// Group numbers beyond which dense arrays are not used, whatever the number of rows.
private let denseGroupsMax = 1 << 22

/// Turns rows into group numbers: dense numbers from dictionary ids where their product is small, else a hash table.
final class Grouper {
    private let keys: [KeySource]
    private let run: QueryRun
    private let skipsEmptyRows: Bool
    /// Dense: group number = sum of id × stride.
    private let strides: [Int]?
    private let marks = Scratch<UInt8>()
    /// Number of dense groups.
    private let denseCount: Int
    /// Hash: keys packed into 64 bits in stages; every stage but the last packs its groups into the next.
    private var stages: [Stage] = []
    private let slots = Scratch<UInt32>(batchRowsMax)
    private let groups = Scratch<UInt32>(batchRowsMax)
    private let packed = Scratch<UInt64>(batchRowsMax)
    private let expanded: [Scratch<UInt32>]
    private let picked: [Scratch<UInt32>]
    private var reservedBytes = 0
    /// Whether the owner empties the table when it holds too much: then nothing is refused here.
    private let mayOverflow: Bool

    private struct Stage {
        let table: HashGroups
        /// Keys packed here, with their bit widths, lowest last; a stage after the first begins with the stage before it.
        let keys: [(index: Int, bits: Int)]
    }

    /// - Parameters:
    ///   - rowsWanted: how many rows will come, to judge whether a dense array is worth clearing.
    ///   - denseMax: how many groups a dense array may have room for; less than `Int.max`: the owner empties the table.
    ///   - skipsEmptyRows: rows whose dimension has no value at all (which is not null) count nowhere, as in topN.
    init(
        _ keys: [KeySource],
        rowsWanted: Int,
        denseMax: Int = .max,
        skipsEmptyRows: Bool = false,
        _ run: QueryRun
    ) throws(LaminaError) {
        self.keys = keys
        self.skipsEmptyRows = skipsEmptyRows
        mayOverflow = denseMax < .max
        self.run = run
        expanded = keys.map { _ in Scratch<UInt32>(batchRowsMax) }
        picked = keys.map { _ in Scratch<UInt32>(batchRowsMax) }
        var product = 1
        var strides: [Int] = []
        var isDense = true
        for key in keys {
            guard let cardinality = key.cardinality else {
                isDense = false
                break
            }
            strides.append(product)
            let (next, overflow) = product.multipliedReportingOverflow(by: max(cardinality, 1))
            product = next
            if overflow || product > min(denseMax, denseGroupsMax, max(4096, rowsWanted &* 2)) {
                isDense = false
                break
            }
        }
        if isDense {
            self.strides = strides
            denseCount = product
            try run.memory.reserve(product, for: "groups")
            reservedBytes = product
            marks.reserve(product)
            marks.pointer.initialize(repeating: 0, count: product)
        } else {
            self.strides = nil
            denseCount = 0
            stages = Self.stages(keys)
        }
    }

    deinit { run.memory.release(reservedBytes) }

    /// Roughly the bytes held by group numbers and by values that turned up.
    var byteCount: Int { reservedBytes + keys.reduce(0) { $0 + $1.byteCount } }

    /// Packs as many keys as fit into 64 bits, then goes on with the packed groups as one 32-bit key.
    private static func stages(_ keys: [KeySource]) -> [Stage] {
        var stages: [Stage] = []
        var current: [(index: Int, bits: Int)] = []
        var used = 0
        for (index, key) in keys.enumerated() {
            let bits = key.cardinality.map { max(1, Int.bitWidth - ($0 - 1).leadingZeroBitCount) } ?? 32
            if used + bits > 64 {
                stages.append(Stage(table: HashGroups(), keys: current))
                current = []
                used = 32
            }
            current.append((index, bits))
            used += bits
        }
        stages.append(Stage(table: HashGroups(), keys: current))
        return stages
    }

    /// How many group numbers are in use; accumulators must have room for them.
    var groupCount: Int { strides == nil ? stages[stages.count - 1].table.count : denseCount }

    /// The group of every selected row, rows of several values counted once for each.
    ///
    /// - Returns: which slots (repeated where values were) and the group of each.
    func assign(_ batch: Batch, _ rows: SlotSet) throws(LaminaError) -> (rows: SlotSet, groups: UnsafePointer<UInt32>) {
        var rows = rows
        var ids: [UnsafePointer<UInt32>] = []
        if keys.contains(where: \.hasMultipleValues) {
            rows = try explode(batch, rows)
            for scratch in expanded { ids.append(UnsafePointer(scratch.pointer)) }
        } else {
            for (index, key) in keys.enumerated() {
                let all = try key.ids(batch)
                guard let slots = rows.slots else {
                    ids.append(all)
                    continue
                }
                picked[index].reserve(rows.count)
                pickUInt32(all, slots: slots, picked[index].pointer, count: rows.count)
                ids.append(UnsafePointer(picked[index].pointer))
            }
        }
        groups.reserve(rows.count)
        if let strides { return (rows, dense(ids, strides, rows.count)) }
        try hash(ids, rows.count)
        return (rows, UnsafePointer(groups.pointer))
    }

    private func dense(_ ids: [UnsafePointer<UInt32>], _ strides: [Int], _ count: Int) -> UnsafePointer<UInt32> {
        var result = UnsafePointer(groups.pointer)
        if ids.isEmpty {
            for index in 0..<count { groups.pointer[index] = 0 }
        } else if ids.count == 1 {
            result = ids[0]
        } else {
            combine(ids[0], ids[1], stride: UInt32(strides[1]), count)
            for key in 2..<max(ids.count, 2) { add(ids[key], stride: UInt32(strides[key]), count) }
        }
        markGroups(result, count: count, into: marks.pointer)
        return result
    }

    private func combine(_ first: UnsafePointer<UInt32>, _ second: UnsafePointer<UInt32>, stride: UInt32, _ count: Int)
    {
        let groups = groups.pointer
        for index in 0..<count { groups[index] = first[index] &+ second[index] &* stride }
    }

    private func add(_ ids: UnsafePointer<UInt32>, stride: UInt32, _ count: Int) {
        let groups = groups.pointer
        for index in 0..<count { groups[index] = groups[index] &+ ids[index] &* stride }
    }

    private func hash(_ ids: [UnsafePointer<UInt32>], _ count: Int) throws(LaminaError) {
        packed.reserve(count)
        let packed = packed.pointer
        var bytes = 0
        for (number, stage) in stages.enumerated() {
            for index in 0..<count { packed[index] = number == 0 ? 0 : UInt64(groups.pointer[index]) }
            for key in stage.keys {
                let shift = UInt64(key.bits)
                let values = ids[key.index]
                for index in 0..<count { packed[index] = packed[index] &<< shift | UInt64(values[index]) }
            }
            stage.table.map(packed, count: count, into: groups.pointer)
            bytes += stage.table.byteCount
        }
        if bytes > reservedBytes {
            if mayOverflow {
                run.memory.take(bytes - reservedBytes)
            } else {
                try run.memory.reserve(bytes - reservedBytes, for: "groups")
            }
            reservedBytes = bytes
        }
    }

    /// Writes one entry per combination of values of each row into `slots` and `expanded`.
    private func explode(_ batch: Batch, _ rows: SlotSet) throws(LaminaError) -> SlotSet {
        var singles: [UnsafePointer<UInt32>?] = []
        var multis: [MultiIDs?] = []
        for key in keys {
            singles.append(key.hasMultipleValues ? nil : try key.ids(batch))
            multis.append(key.hasMultipleValues ? try key.multiIDs(batch) : nil)
        }
        var count = 0
        for index in 0..<rows.count {
            let slot = rows.slots.map { Int($0[index]) } ?? index
            var copies = 1
            for multi in multis {
                guard let multi else { continue }
                copies *= max(skipsEmptyRows ? 0 : 1, Int(multi.offsets[slot + 1] - multi.offsets[slot]))
            }
            if copies == 0 { continue }
            reserve(count + copies, keeping: count)
            // Combination number c has value (c / repeat) % n of a key with n values.
            var every = 1
            for (key, multi) in multis.enumerated() {
                let target = expanded[key].pointer + count
                if let multi {
                    let low = Int(multi.offsets[slot])
                    let values = Int(multi.offsets[slot + 1]) - low
                    for copy in 0..<copies {
                        target[copy] = values == 0 ? keys[key].emptyID : multi.ids[low + copy / every % values]
                    }
                    every *= max(1, values)
                } else if let single = singles[key] {
                    for copy in 0..<copies { target[copy] = single[slot] }
                }
            }
            for copy in 0..<copies { slots.pointer[count + copy] = UInt32(slot) }
            count += copies
        }
        return SlotSet(slots: slots.pointer, count: count)
    }

    private func reserve(_ count: Int, keeping used: Int) {
        slots.grow(to: count, keeping: used)
        for scratch in expanded { scratch.grow(to: count, keeping: used) }
    }

    /// The group numbers that occurred, ascending.
    func occupied() -> [UInt32] {
        if strides == nil { return Array(0..<UInt32(groupCount)) }
        if keys.isEmpty { return marks.pointer[0] == 0 ? [] : [0] }
        var found: [UInt32] = []
        for group in 0..<denseCount where marks.pointer[group] != 0 { found.append(UInt32(group)) }
        return found
    }

    /// The key columns of some groups.
    func emit(_ groups: [UInt32]) throws(LaminaError) -> [KeyColumn] {
        var columns: [KeyColumn] = []
        for (index, ids) in ids(groups).enumerated() { columns.append(try keys[index].emit(ids)) }
        return columns
    }

    /// The ids of each key for some groups.
    private func ids(_ groups: [UInt32]) -> [[UInt32]] {
        if let strides {
            return keys.indices.map { index in
                if keys.count == 1 { return groups }
                let stride = UInt32(strides[index])
                let cardinality = UInt32(max(keys[index].cardinality ?? 1, 1))
                return groups.map { $0 / stride % cardinality }
            }
        }
        var ids = [[UInt32]](repeating: [], count: keys.count)
        var current = groups
        for (number, stage) in stages.enumerated().reversed() {
            var words = pick(stage.table.keys, current)
            for key in stage.keys.reversed() {
                let low: UInt64 = (1 << UInt64(key.bits)) &- 1
                ids[key.index] = words.map { UInt32(truncatingIfNeeded: $0 & low) }
                for index in words.indices { words[index] = key.bits == 64 ? 0 : words[index] >> UInt64(key.bits) }
            }
            if number > 0 { current = words.map { UInt32(truncatingIfNeeded: $0) } }
        }
        return ids
    }
}
