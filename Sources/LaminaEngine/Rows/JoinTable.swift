package import LaminaBase
package import LaminaQuery
package import LaminaSegment

/// The right side of a join, hashed by the columns of its condition. Built once per query, read by all its threads.
///
/// Rows of equal keys form a list; lists lie one after the other in one array, rows ascending. Keys, their hash table and the
/// lists are growing arrays, as the columns of the right side are: what the query's memory does not hold lies in its spill space
/// and is read as memory. So the left rows need not be divided among parts of the right side (a grace hash join), and come out in
/// their order, as Druid's do; the price is a page read from the file for a left row whose keys were written out.
///
/// - Source: `RowBasedIndexedTable`, `IndexedTableJoinMatcher`.
package final class JoinTable: Sendable {
    let view: any SegmentView
    let condition: JoinCondition
    /// The types keys are compared in, one for each equality.
    let keyTypes: [ColumnType]
    /// The encoded keys; a key's number is that of its list.
    private let keys: ByteTable
    /// List l is `rows[offsets[l]..<offsets[l + 1]]`.
    private let offsets: GrowingArray<UInt32>
    private let rows: GrowingArray<UInt32>

    private static let purpose = "the right side of a join"

    /// - Parameter view: rows in memory, which can be read in any order.
    /// - Errors: a column of the condition that is not there; memory.
    package init(_ view: any SegmentView, _ condition: JoinCondition, _ run: QueryRun) throws(LaminaError) {
        self.view = view
        self.condition = condition
        let wanted = condition.isNever ? [] : condition.equalities
        var types: [ColumnType] = []
        var columns: [Column] = []
        for equality in wanted {
            let name = equality.rightColumn
            guard let column = try view.column(name) else {
                throw .invalidInput("The right side of the join has no column '\(name)', which its condition names")
            }
            types.append(view.isUntyped(name) ? .string : column.type)
            columns.append(column)
        }
        keyTypes = types
        keys = try ByteTable(run, for: Self.purpose)
        let lists = try GrowingArray<UInt32>(run, for: Self.purpose)
        var start = 0
        while !wanted.isEmpty, start < view.rowCount {
            try run.poll()
            // Some at a time: as values they are larger than in their columns.
            let part = start..<min(start + 4096, view.rowCount)
            var values: [[Value]] = []
            for column in columns { values.append(try column.values(part)) }
            rows: for row in 0..<part.count {
                var code: [UInt8] = []
                for index in wanted.indices {
                    let value = values[index][row]
                    let key: KeyValue? =
                        value.isNull ? (wanted[index].matchesNull ? .null : nil) : joinKey(value, as: types[index])
                    guard let key else {
                        try lists.append(RowList.none)
                        continue rows
                    }
                    key.appendJoinCode(to: &code)
                }
                try lists.append(try keys.insert(code))
            }
            start = part.upperBound
        }
        (offsets, rows) = try Self.collect(lists, count: keys.count, run)
    }

    /// The rows of each list, given the list of each row; a row without a key has `RowList.none`.
    private static func collect(
        _ lists: GrowingArray<UInt32>,
        count: Int,
        _ run: QueryRun
    ) throws(LaminaError) -> (offsets: GrowingArray<UInt32>, rows: GrowingArray<UInt32>) {
        let offsets = try GrowingArray<UInt32>(repeating: 0, count: count + 1, run, for: purpose)
        for list in lists.buffer where list != RowList.none { offsets[Int(list) + 1] += 1 }
        for list in 0..<count { offsets[list + 1] += offsets[list] }
        let next = try GrowingArray<UInt32>(run, for: purpose, capacity: count)
        try next.append(UnsafeBufferPointer(rebasing: UnsafeBufferPointer(offsets.buffer)[..<count]))
        let rows = try GrowingArray<UInt32>(repeating: 0, count: Int(offsets[count]), run, for: purpose)
        for (row, list) in lists.buffer.enumerated() where list != RowList.none {
            rows[Int(next[Int(list)])] = UInt32(row)
            next[Int(list)] += 1
        }
        return (offsets, rows)
    }

    var rowCount: Int { view.rowCount }
    var keyCount: Int { offsets.count - 1 }
    /// No key has more than one row.
    var isUnique: Bool { rows.count == keyCount }
    /// Keys are whole numbers, to be looked up with `list(of: Int64)`.
    var hasLongKeys: Bool { keyTypes == [.long] }

    /// Rows of a list, ascending.
    func withRows<Failure: Error>(
        _ list: UInt32,
        _ body: (UnsafeBufferPointer<UInt32>) throws(Failure) -> Void
    ) throws(Failure) {
        let range = Int(offsets[Int(list)])..<Int(offsets[Int(list) + 1])
        try body(UnsafeBufferPointer(rebasing: UnsafeBufferPointer(rows.buffer)[range]))
    }

    func list(of number: Int64) -> UInt32? {
        // As `appendJoinCode` writes it, without an array.
        withUnsafeBytes(of: (number, KeyValue.longTag)) {
            keys.find(UnsafeRawBufferPointer(rebasing: $0[..<(MemoryLayout<Int64>.size + 1)]))
        }
    }

    func list(of key: KeyValue) -> UInt32? { list(of: [key]) }

    func list(of parts: [KeyValue]) -> UInt32? {
        var code: [UInt8] = []
        for part in parts { part.appendJoinCode(to: &code) }
        return code.withUnsafeBytes { keys.find($0) }
    }
}

extension KeyValue {
    fileprivate static let longTag: UInt8 = 1

    /// Bytes that are equal when the keys are, also with others behind: the value, then what it is.
    fileprivate func appendJoinCode(to code: inout [UInt8]) {
        switch self {
        case .null: code.append(0)
        case .long(let number):
            ValueCode.appendRaw(number, to: &code)
            code.append(Self.longTag)
        case .float(let bits):
            ValueCode.appendRaw(bits, to: &code)
            code.append(2)
        case .double(let bits):
            ValueCode.appendRaw(bits, to: &code)
            code.append(3)
        case .text(let text):
            code.append(contentsOf: text.text.utf8)
            ValueCode.appendRaw(UInt32(truncatingIfNeeded: text.text.utf8.count), to: &code)
            code.append(4)
        case .other(let elements):
            for element in elements { element.appendJoinCode(to: &code) }
            ValueCode.appendRaw(UInt32(truncatingIfNeeded: elements.count), to: &code)
            code.append(5)
        }
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
