import LaminaBase
import LaminaQuery
import LaminaSegment

/// Finds the right rows of left rows, for one segment and thread.
final class JoinProbe {
    private let table: JoinTable
    private let parts: [Part]
    private let fast: Fast
    /// The left rows of a join that keeps them only when they match have passed an `in` filter of the right keys, which knows no
    /// numbers cut to whole ones.
    private let isExact: Bool
    /// One of several values of a row may match, once.
    private let takesAnyValue: Bool
    private let dropsUnmatched: Bool

    /// One equality.
    private struct Part {
        var input: ValueInput
        var type: ColumnType
        var matchesNull: Bool
    }

    private enum Fast {
        case none
        /// Ids of a dictionary; lists by id: -1 none, -2 not looked up.
        case ids(IDInput, LookedUp, MappedValues?)
        case longs(NumericInput<Int64>)
    }

    private final class LookedUp {
        var lists: [Int64]
        var ids: UnsafePointer<UInt32>?
        init(count: Int) { lists = Array(repeating: -2, count: count) }
    }

    private var vector: Vector<Int64>?

    /// - Parameters:
    ///   - isInner: the join keeps neither side's unmatched rows.
    ///   - readsRight: the query looks at right columns.
    init(
        _ table: JoinTable,
        _ scan: SegmentScan,
        isInner: Bool,
        rewritesToFilter: Bool,
        readsRight: Bool
    ) throws(LaminaError) {
        self.table = table
        let equalities = table.condition.equalities
        var parts: [Part] = []
        var columns: [ScanColumn] = []
        for (index, equality) in equalities.enumerated() {
            let column = try scan.bind(equality.left)
            if case .array? = column.type, case .object = column {
                throw LaminaError.unsupported("Joining on '\(equality.left)', which is an array,")
            }
            columns.append(column)
            parts.append(
                Part(
                    input: try makeValueInput(column, in: scan),
                    type: table.keyTypes[index],
                    matchesNull: equality.matchesNull
                )
            )
        }
        self.parts = parts
        let isFiltered =
            isInner && rewritesToFilter && table.keyCount <= Self.filterValuesMax
            && equalities.allSatisfy { $0.left.identifier != nil && !$0.matchesNull }
        isExact = isFiltered
        dropsUnmatched = isInner
        takesAnyValue = isFiltered && parts.count == 1 && table.isUnique && !readsRight
        fast = try Self.fastPath(columns, table, scan, isSimple: parts.count == 1 && !parts[0].matchesNull)
    }

    /// `joinFilterRewriteMaxSize`.
    private static let filterValuesMax = 10_000

    private static func fastPath(
        _ columns: [ScanColumn],
        _ table: JoinTable,
        _ scan: SegmentScan,
        isSimple: Bool
    ) throws(LaminaError) -> Fast {
        guard isSimple, let column = columns.first else { return .none }
        switch column {
        case .string(let strings) where !strings.hasMultipleValues:
            return .ids(scan.idInput(strings), LookedUp(count: strings.cardinality), nil)
        case .mapped(let strings, let values):
            return .ids(scan.idInput(strings), LookedUp(count: strings.cardinality), values)
        case .long where table.hasLongKeys, .numbers(.long) where table.hasLongKeys:
            return .longs(try makeNumericInput(column, in: scan))
        default: return .none
        }
    }

    /// Must be called once per batch before `list`.
    func load(_ batch: Batch) throws(LaminaError) {
        switch fast {
        case .ids(let input, let known, _): known.ids = try input.ids(batch)
        case .longs(let input): vector = try input.vector(batch)
        case .none:
            for part in parts { try part.input.load(batch) }
        }
    }

    /// The list of right rows that match a left row; nil: none.
    func list(_ slot: Int) throws(LaminaError) -> UInt32? {
        switch fast {
        case .ids(let input, let known, let mapped):
            guard let ids = known.ids else { return nil }
            let id = Int(ids[slot])
            if known.lists[id] == -2 {
                let value = try mapped?.value(ids[slot]) ?? input.column.value(ids[slot]).map(Value.string) ?? .null
                let one = try oneValue(value) ?? .null
                known.lists[id] = key(one, parts[0]).flatMap { table.list(of: $0) }.map { Int64($0) } ?? -1
            }
            return known.lists[id] < 0 ? nil : UInt32(known.lists[id])
        case .longs:
            guard let vector, !vector.isNull(slot) else { return nil }
            return table.list(of: vector.values[slot])
        case .none: return try generalList(slot)
        }
    }

    private func generalList(_ slot: Int) throws(LaminaError) -> UInt32? {
        if parts.count == 1 { return try singleList(try parts[0].input.value(slot), parts[0]) }
        var keys: [KeyValue] = []
        for part in parts {
            let value = try part.input.value(slot)
            guard let one = try oneValue(value), let key = key(one, part) else { return nil }
            keys.append(key)
        }
        return table.list(of: keys)
    }

    private func singleList(_ value: Value, _ part: Part) throws(LaminaError) -> UInt32? {
        if case .array(let elements) = value, elements.count > 1, dropsUnmatched {
            var found: UInt32?
            for element in elements {
                if found == nil { found = key(element, part).flatMap { table.list(of: $0) } }
            }
            if found == nil || takesAnyValue { return found }
        }
        guard let one = try oneValue(value), let key = key(one, part) else { return nil }
        return table.list(of: key)
    }

    private func key(_ value: Value, _ part: Part) -> KeyValue? {
        if value.isNull { return part.matchesNull ? .null : nil }
        return joinKey(value, as: part.type, isExact: isExact)
    }

    /// The value of a row; nil: an empty list, which matches nothing.
    private func oneValue(_ value: Value) throws(LaminaError) -> Value? {
        guard case .array(let elements) = value else { return value }
        if elements.count > 1 { throw .unsupported("Joining against a multi-value dimension") }
        return elements.first
    }
}
