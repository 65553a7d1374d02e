import LaminaBase
import LaminaQuery

/// Groups of one segment (or of several, merged): keys and states in columns.
///
/// With a granularity other than `all` the first key column is the start of the time bucket.
package struct GroupPartial: SegmentPartial {
    /// Time of the first stored row in the query's intervals, filter aside.
    package var firstTime: Int64?
    package var keys: [KeyColumn]
    package var states: [AggregateColumn]
    package var groupCount: Int

    /// No groups.
    static func empty(keys: Int, _ aggregators: [Aggregator]) throws(LaminaError) -> GroupPartial {
        var states: [AggregateColumn] = []
        for aggregator in aggregators { states.append(try AggregateColumn.empty(aggregator, count: 0)) }
        let column = KeyColumn(values: .none, ids: [])
        return GroupPartial(firstTime: nil, keys: Array(repeating: column, count: keys), states: states, groupCount: 0)
    }

    /// The groups in another order, or some of them.
    func picking(_ groups: [UInt32]) -> GroupPartial {
        GroupPartial(
            firstTime: firstTime,
            keys: keys.map { KeyColumn(values: $0.values, ids: pick($0.ids, groups)) },
            states: states.map { $0.picking(groups) },
            groupCount: groups.count
        )
    }

    /// Roughly the bytes it holds.
    package var byteCount: Int {
        groupCount * (keys.count * 4 + states.reduce(0) { $0 + $1.bytesPerGroup })
            + keys.reduce(0) { $0 + $1.values.byteCount }
    }
}

/// Merges the groups of partials: equal keys become one group.
///
/// Every key column's values are merged as sorted lists; then groups are integer tuples.
func mergeGroups(
    _ partials: [GroupPartial],
    keyCount: Int,
    _ aggregators: [Aggregator],
    _ run: QueryRun
) throws(LaminaError) -> GroupPartial {
    if partials.count == 1 { return partials[0] }
    var firstTime: Int64?
    for time in partials.compactMap(\.firstTime) { firstTime = firstTime.map { min($0, time) } ?? time }
    let full = partials.filter { $0.groupCount > 0 }
    if full.count <= 1 {
        var result: GroupPartial =
            if let only = full.first { only } else { try GroupPartial.empty(keys: keyCount, aggregators) }
        result.firstTime = firstTime
        return result
    }
    var values: [KeyValues] = []
    var ids: [[[UInt32]]] = Array(repeating: [], count: full.count)
    for key in 0..<keyCount {
        try run.poll()
        let union = mergeKeyValues(full.map { $0.keys[key].values })
        values.append(union.values)
        for (index, partial) in full.enumerated() {
            ids[index].append(pick(union.places[index], partial.keys[key].ids))
        }
    }
    let numbering = try numberGroups(ids, values.map(\.count), full.map(\.groupCount), run)
    var states: [AggregateColumn] = []
    let bytes = numbering.count * (keyCount * 4 + (try AggregateColumn.bytesPerGroup(aggregators)))
    try run.memory.reserve(bytes, for: "merged groups")
    // From here on who takes the groups counts them.
    defer { run.memory.release(bytes) }
    for (index, aggregator) in aggregators.enumerated() {
        try run.poll()
        var column = try AggregateColumn.empty(aggregator, count: numbering.count)
        for (number, partial) in full.enumerated() {
            try column.merge(partial.states[index], targets: numbering.targets[number])
        }
        states.append(column)
    }
    var keys: [KeyColumn] = []
    for key in 0..<keyCount { keys.append(KeyColumn(values: values[key], ids: numbering.keys[key])) }
    return GroupPartial(firstTime: firstTime, keys: keys, states: states, groupCount: numbering.count)
}

/// Group numbers of merged keys.
private struct Numbering {
    var count: Int
    /// By partial: the merged group of each of its groups.
    var targets: [[UInt32]]
    /// By key: the id of each merged group.
    var keys: [[UInt32]]
}

/// Numbers distinct id tuples in order of arrival.
private func numberGroups(
    _ ids: [[[UInt32]]],
    _ cardinalities: [Int],
    _ counts: [Int],
    _ run: QueryRun
) throws(LaminaError) -> Numbering {
    let keyCount = cardinalities.count
    if keyCount == 0 {
        return Numbering(count: 1, targets: counts.map { Array(repeating: 0, count: $0) }, keys: [])
    }
    var targets: [[UInt32]] = []
    if keyCount == 1, cardinalities[0] <= counts.reduce(0, +) * 4 + 1024 {
        return denseNumbering(ids, cardinalities[0])
    }
    // As in Grouper: ids packed into 64 bits, in stages when they do not fit.
    var current = ids.map { $0[0].map(UInt64.init) }
    var used = 32
    var table = HashGroups()
    for key in 1..<max(keyCount, 1) {
        let bits = max(1, Int.bitWidth - (cardinalities[key] - 1).leadingZeroBitCount)
        if used + bits > 64 {
            table = HashGroups()
            for index in current.indices { current[index] = numbered(current[index], table).map(UInt64.init) }
            used = 32
        }
        for index in current.indices {
            let column = ids[index][key]
            for group in column.indices {
                current[index][group] = current[index][group] << UInt64(bits) | UInt64(column[group])
            }
        }
        used += bits
        try run.poll()
    }
    table = HashGroups()
    for words in current { targets.append(numbered(words, table)) }
    var keys: [[UInt32]] = []
    for key in 0..<keyCount {
        var column = [UInt32](repeating: 0, count: table.count)
        for (index, target) in targets.enumerated() {
            let source = ids[index][key]
            for group in target.indices { column[Int(target[group])] = source[group] }
        }
        keys.append(column)
    }
    return Numbering(count: table.count, targets: targets, keys: keys)
}

private func numbered(_ words: [UInt64], _ table: HashGroups) -> [UInt32] {
    [UInt32](unsafeUninitializedCapacity: words.count) { buffer, count in
        words.withUnsafeBufferPointer { words in
            if let from = words.baseAddress, let into = buffer.baseAddress {
                table.map(from, count: words.count, into: into)
            }
        }
        count = words.count
    }
}

/// One key: its id is the group, once the unused ones are squeezed out.
private func denseNumbering(_ ids: [[[UInt32]]], _ cardinality: Int) -> Numbering {
    var places = [UInt32](repeating: 0, count: cardinality)
    for columns in ids {
        for id in columns[0] { places[Int(id)] = 1 }
    }
    var used: [UInt32] = []
    for id in places.indices where places[id] != 0 {
        places[id] = UInt32(used.count)
        used.append(UInt32(id))
    }
    return Numbering(count: used.count, targets: ids.map { pick(places, $0[0]) }, keys: [used])
}
