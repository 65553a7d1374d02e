package import LaminaBase
package import LaminaQuery
package import LaminaSegment

/// The right side of a join, hashed by the columns of its condition. Built once per query, read by all its threads.
///
/// Rows of equal keys form a list; lists lie one after the other in one array, rows ascending.
///
/// - Source: `RowBasedIndexedTable`, `IndexedTableJoinMatcher`.
package final class JoinTable: Sendable {
    let view: any SegmentView
    let condition: JoinCondition
    /// The types keys are compared in, one for each equality.
    let keyTypes: [ColumnType]
    private let lists: Lists
    /// List l is `rows[offsets[l]..<offsets[l + 1]]`.
    private let offsets: [UInt32]
    private let rows: [UInt32]
    private let hold: MemoryHold

    private enum Lists: Sendable {
        case none
        case longs([Int64: UInt32])
        case single([KeyValue: UInt32])
        case several([[KeyValue]: UInt32])
    }

    /// - Parameter view: rows in memory, which can be read in any order.
    /// - Errors: a column of the condition that is not there; memory.
    package init(_ view: any SegmentView, _ condition: JoinCondition, _ run: QueryRun) throws(LaminaError) {
        self.view = view
        self.condition = condition
        var types: [ColumnType] = []
        var columns: [[KeyValue?]] = []
        let rowCount = view.rowCount
        let wanted = condition.isNever ? [] : condition.equalities
        // Keys, their hash entries and the lists.
        let bytes = rowCount * (wanted.isEmpty ? 0 : wanted.count * 48 + 48)
        hold = try MemoryHold(bytes, of: run.memory, for: "the right side of a join")
        for equality in wanted {
            let name = equality.rightColumn
            guard let column = try view.column(name) else {
                throw .invalidInput("The right side of the join has no column '\(name)', which its condition names")
            }
            let type = view.isUntyped(name) ? .string : column.type
            var keys: [KeyValue?] = []
            keys.reserveCapacity(rowCount)
            for (row, value) in try column.values(0..<rowCount).enumerated() {
                if row & 8191 == 0 { try run.poll() }
                let isNull = value.isNull
                keys.append(isNull ? (equality.matchesNull ? .null : nil) : joinKey(value, as: type))
            }
            types.append(type)
            columns.append(keys)
        }
        keyTypes = types
        let coded = Self.encode(columns, types, rowCount)
        lists = coded.lists
        (offsets, rows) = Self.collect(coded.ids, count: coded.count)
    }

    /// Numbers the distinct keys; a row without a key gets `RowList.none`.
    private static func encode(
        _ columns: [[KeyValue?]],
        _ types: [ColumnType],
        _ rowCount: Int
    ) -> (lists: Lists, ids: [UInt32], count: Int) {
        var ids = [UInt32](repeating: RowList.none, count: columns.isEmpty ? 0 : rowCount)
        if columns.isEmpty { return (.none, ids, 0) }
        if columns.count == 1 {
            var known: [KeyValue: UInt32] = [:]
            var longs: [Int64: UInt32] = [:]
            var count = 0
            for (row, key) in columns[0].enumerated() {
                guard let key else { continue }
                if let id = known[key] {
                    ids[row] = id
                    continue
                }
                known[key] = UInt32(count)
                ids[row] = UInt32(count)
                if case .long(let number) = key { longs[number] = UInt32(count) }
                count += 1
            }
            return (longs.count == count && types[0] == .long ? .longs(longs) : .single(known), ids, count)
        }
        var known: [[KeyValue]: UInt32] = [:]
        rows: for row in 0..<rowCount {
            var key: [KeyValue] = []
            for column in columns {
                guard let part = column[row] else { continue rows }
                key.append(part)
            }
            let id = known[key] ?? UInt32(known.count)
            known[key] = id
            ids[row] = id
        }
        return (.several(known), ids, known.count)
    }

    private static func collect(_ ids: [UInt32], count: Int) -> (offsets: [UInt32], rows: [UInt32]) {
        var offsets = [UInt32](repeating: 0, count: count + 1)
        for id in ids where id != RowList.none { offsets[Int(id) + 1] += 1 }
        for list in 0..<count { offsets[list + 1] += offsets[list] }
        var next = offsets
        var rows = [UInt32](repeating: 0, count: Int(offsets[count]))
        for (row, id) in ids.enumerated() where id != RowList.none {
            rows[Int(next[Int(id)])] = UInt32(row)
            next[Int(id)] += 1
        }
        return (offsets, rows)
    }

    var rowCount: Int { view.rowCount }
    var keyCount: Int { offsets.count - 1 }
    /// No key has more than one row.
    var isUnique: Bool { rows.count == keyCount }
    /// Keys are whole numbers, to be looked up with `list(of: Int64)`.
    var hasLongKeys: Bool { if case .longs = lists { true } else { false } }

    /// Rows of a list, ascending.
    func withRows<Failure: Error>(
        _ list: UInt32,
        _ body: (UnsafeBufferPointer<UInt32>) throws(Failure) -> Void
    ) throws(Failure) {
        let range = Int(offsets[Int(list)])..<Int(offsets[Int(list) + 1])
        try rows.withUnsafeBufferPointer { (all) throws(Failure) in
            try body(UnsafeBufferPointer(rebasing: all[range]))
        }
    }

    func list(of number: Int64) -> UInt32? {
        if case .longs(let lists) = lists { lists[number] } else { nil }
    }

    func list(of key: KeyValue) -> UInt32? {
        switch lists {
        case .single(let lists): return lists[key]
        case .longs(let lists): if case .long(let number) = key { return lists[number] } else { return nil }
        case .none, .several: return nil
        }
    }

    func list(of keys: [KeyValue]) -> UInt32? {
        if case .several(let lists) = lists { lists[keys] } else { nil }
    }
}

/// Bytes of a query's memory that something holds as long as it lives.
package final class MemoryHold: Sendable {
    private let bytes: Int
    private let memory: MemoryBudget

    package init(_ bytes: Int, of memory: MemoryBudget, for purpose: String) throws(LaminaError) {
        try memory.reserve(bytes, for: purpose)
        self.bytes = bytes
        self.memory = memory
    }

    deinit { memory.release(bytes) }
}
