import LaminaBase
import LaminaQuery

/// Which finished groupBy rows a `having` lets through.
///
/// - Source: `GreaterThanHavingSpec` and relatives, `DimensionSelectorHavingSpec`, `DimFilterHavingSpec`.
struct HavingTest {
    private let having: Having
    private let rows: GroupByRows
    private let run: QueryRun

    init(_ having: Having, _ rows: GroupByRows, _ run: QueryRun) {
        self.having = having
        self.rows = rows
        self.run = run
    }

    func passing() throws(LaminaError) -> [UInt32] {
        let flags = try flags(having)
        return flags.indices.filter { flags[$0] }.map { UInt32($0) }
    }

    private var rowCount: Int { rows.table.rowCount }

    private func flags(_ having: Having) throws(LaminaError) -> [Bool] {
        switch having {
        case .always: return Array(repeating: true, count: rowCount)
        case .never: return Array(repeating: false, count: rowCount)
        case .and(let parts):
            var result = [Bool](repeating: true, count: rowCount)
            for part in parts {
                for (row, flag) in try flags(part).enumerated() { result[row] = result[row] && flag }
            }
            return result
        case .or(let parts):
            var result = [Bool](repeating: false, count: rowCount)
            for part in parts {
                for (row, flag) in try flags(part).enumerated() { result[row] = result[row] || flag }
            }
            return result
        case .not(let inner): return try flags(inner).map { !$0 }
        case .greaterThan(let name, let value): return compare(name, value) { $0 > 0 }
        case .lessThan(let name, let value): return compare(name, value) { $0 < 0 }
        case .equalTo(let name, .null): return nulls(name)
        case .equalTo(let name, let value): return compare(name, value) { $0 == 0 }
        case .dimSelector(let dimension, let value): return select(dimension, value)
        case .filter(let filter): return try match(filter)
        }
    }

    /// Null, or no output of that name, equals null.
    private func nulls(_ name: String) -> [Bool] {
        guard let index = rows.table.index(of: name) else { return Array(repeating: true, count: rowCount) }
        return (0..<rowCount).map { rows.table.columns[index].value($0).isNull }
    }

    /// An aggregation against a number; null passes nothing.
    private func compare(_ name: String, _ wanted: JSON, _ test: (Int) -> Bool) -> [Bool] {
        guard let index = rows.table.index(of: name) else { return Array(repeating: false, count: rowCount) }
        let number: Value = if case .string(let text) = wanted { .string(text) } else { scalarValue(wanted) }
        let column = rows.table.columns[index]
        return (0..<rowCount).map { row in
            let value = column.value(row)
            if let one = exactLong(value), let two = exactLong(number) {
                return test(one < two ? -1 : one == two ? 0 : 1)
            }
            guard let one = value.asDouble, let two = number.asDouble else { return false }
            return test(compareJavaNumber(one, two))
        }
    }

    private func exactLong(_ value: Value) -> Int64? {
        switch value {
        case .long(let number): number
        case .string(let text): parseJavaLong(text)
        default: nil
        }
    }

    private func select(_ dimension: DimensionSpec, _ wanted: String?) -> [Bool] {
        let index = rows.table.index(of: dimension.dimension)
        return (0..<rowCount).map { row in
            var text = index.flatMap { rows.table.columns[$0].value(row).asText }
            if let extraction = dimension.extraction { text = extraction.apply(text) }
            // To this `having` alone null and the empty text are the same.
            return sameText(text ?? "", wanted ?? "")
        }
    }

    /// Any filter, over the rows as a segment.
    private func match(_ filter: Filter) throws(LaminaError) -> [Bool] {
        var inputs: [InlineSegment.Input] = []
        for (index, name) in rows.table.names.enumerated() {
            let column = rows.table.columns[index]
            let values = (0..<rowCount).map { column.value($0) }
            inputs.append(InlineSegment.Input(name, Self.type(values), values))
        }
        let segment = InlineSegment(times: rows.times, inputs)
        let scan = SegmentScan(segment, run, virtualColumns: [])
        let walk = try RowWalk(scan, SegmentInput(view: segment, id: "having", intervals: [.eternity]), filter: filter)
        var flags = [Bool](repeating: false, count: rowCount)
        try walk.forEachBatch { (batch, slots) throws(LaminaError) in
            for index in 0..<slots.count {
                flags[batch.row(slots.slots.map { Int($0[index]) } ?? index)] = true
            }
            return true
        }
        return flags
    }

    /// The type of a result column: that of its first value.
    private static func type(_ values: [Value]) -> ColumnType {
        for value in values {
            switch value {
            case .null: continue
            case .float: return .float
            default: return value.columnType ?? .string
            }
        }
        return .string
    }
}
