import LaminaBase
import LaminaQuery

/// Single groups as bytes, for a `RowSorter`: length of the key, key in `KeyOrderCode`, states.
struct GroupRowCodec {
    private let keyCount: Int
    private let aggregators: [Aggregator]
    private let models: [AggregateColumn]

    init(_ bound: GroupByOperator, _ run: QueryRun) throws(LaminaError) {
        keyCount = bound.task.keyCount
        aggregators = bound.groupBy.aggregations
        var models: [AggregateColumn] = []
        for aggregator in aggregators { models.append(try AggregateColumn.empty(aggregator, count: 0)) }
        self.models = models
    }

    func bytes(_ groups: GroupPartial, _ row: Int) -> [UInt8] {
        var key: [UInt8] = []
        for column in groups.keys { KeyOrderCode.append(column.values, column.ids[row], to: &key) }
        var bytes: [UInt8] = []
        ValueCode.appendRaw(UInt32(key.count), to: &bytes)
        bytes.append(contentsOf: key)
        for column in groups.states { column.picking([UInt32(row)]).appendBytes(to: &bytes) }
        return bytes
    }

    /// The key's values, time first unless the granularity is `all`.
    func keys(_ row: [UInt8]) -> [Value] {
        row.withUnsafeBufferPointer { row in
            guard let base = row.baseAddress else { return [] }
            var reader = KeyOrderReader(base, at: 4)
            return (0..<keyCount).map { _ in reader.value() }
        }
    }

    /// Groups out of rows: row i belongs to group `targets[i]`, whose key is that of its first row.
    func groups(_ rows: [[UInt8]], targets: [UInt32], count: Int) throws(LaminaError) -> GroupPartial {
        var columns: [AggregateColumn] = []
        for aggregator in aggregators { columns.append(try AggregateColumn.empty(aggregator, count: count)) }
        var keys: [UInt8] = []
        var starts: [Int] = []
        for (index, row) in rows.enumerated() {
            let keyBytes = row.withUnsafeBytes { Int($0.loadUnaligned(as: UInt32.self)) }
            if Int(targets[index]) == starts.count {
                starts.append(keys.count)
                keys.append(contentsOf: row[4..<4 + keyBytes])
            }
            try row.withBytes { (raw) throws(LaminaError) in
                guard let base = raw.baseAddress else { return }
                var reader = SpillReader(base, at: 4 + keyBytes)
                for (place, model) in models.enumerated() {
                    let state = try AggregateColumn(reading: &reader, count: 1, like: model)
                    try columns[place].merge(state, targets: [targets[index]])
                }
            }
        }
        return GroupPartial(
            firstTime: nil,
            keys: decodeKeys(keys, starts, order: Array(0..<keyCount)),
            states: columns,
            groupCount: count
        )
    }
}

/// Groups in the order of a sorter.
final class SortedGroups {
    private let rows: SortedRows
    private let codec: GroupRowCodec
    private let ties: [RowSorter.Comparison]?
    private var ahead: [UInt8]?

    /// - Parameter ties: compares the dimensions of rows that follow each other; equal ones become one group. nil: none do.
    init(_ rows: SortedRows, _ codec: GroupRowCodec, ties: [RowSorter.Comparison]?) {
        self.rows = rows
        self.codec = codec
        self.ties = ties
    }

    func next() throws(LaminaError) -> GroupPartial? {
        var batch: [[UInt8]] = []
        var targets: [UInt32] = []
        var heads = 0
        var head: [Value] = []
        while let row = try nextRow() {
            var joins = false
            if let ties {
                let keys = codec.keys(row)
                joins = heads > 0 && Self.isTie(head, keys, ties)
                if !joins { head = keys }
            }
            if !joins {
                if heads == batchRowsMax {
                    ahead = row
                    break
                }
                heads += 1
            }
            batch.append(row)
            targets.append(UInt32(heads - 1))
        }
        return heads == 0 ? nil : try codec.groups(batch, targets: targets, count: heads)
    }

    private func nextRow() throws(LaminaError) -> [UInt8]? {
        guard let row = ahead else { return try rows.next() }
        ahead = nil
        return row
    }

    /// Same time, dimensions equal to their comparators.
    private static func isTie(_ one: [Value], _ two: [Value], _ ties: [RowSorter.Comparison]) -> Bool {
        let times = one.count - ties.count
        for index in one.indices {
            let compare = index < times ? compareNatural : ties[index - times]
            if compare(one[index], two[index]) != 0 { return false }
        }
        return true
    }
}
