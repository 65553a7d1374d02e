import LaminaBase
import LaminaEngine
import LaminaQuery

/// One metric of the rows in memory: an accumulator a row. Plain numbers are folded here, everything else by a `StateStore`.
final class MetricStore {
    /// What a metric comes to.
    enum Stored {
        case numbers(GrowBuffer<UInt64>, nulls: GrowBuffer<UInt8>?, Aggregator.NumberType)
        case objects(StateStore, ColumnType)
    }

    let spec: MetricSpec
    private let states: StateStore?
    let values = GrowBuffer<UInt64>()
    /// 1 while no non-null value has come.
    let nulls = GrowBuffer<UInt8>()
    private(set) var hasNulls = false

    init(_ spec: MetricSpec) {
        self.spec = spec
        if case .states(let rule, _) = spec.operation { states = StateStore(rule) } else { states = nil }
    }

    var bytes: Int { values.bytes + nulls.bytes + (states?.bytes ?? 0) }

    /// All rows' values; no more rows come.
    var stored: Stored {
        guard let states else { return .numbers(values, nulls: hasNulls ? nulls : nil, spec.type) }
        guard let type = states.rule.storedNumber else {
            return .objects(states, states.rule.storedType ?? .complex("json"))
        }
        let (bits, nulls) = storedNumbers(states.states, states.rule, type)
        return .numbers(bits, nulls: nulls, type)
    }

    /// The first `count` rows as they are now; what is folded later copies what is still shared before it changes it.
    func snapshot(_ count: Int) -> MetricSnapshot {
        if let states {
            return MetricSnapshot(name: spec.name, values: .states(states.states, states.rule))
        }
        let flags = hasNulls ? nulls.shared(count) : nil
        return MetricSnapshot(name: spec.name, values: .numbers(values.shared(count), nulls: flags, spec.type))
    }

    /// One new row for every row of the batch.
    func append(_ column: PreparedColumn, _ rows: Range<Int>) throws(LaminaError) {
        if let states { return try states.append(column, rows) }
        guard let bits = column.bits else { return }
        values.extend(rows.count).update(from: bits + rows.lowerBound, count: rows.count)
        let flags = nulls.extend(rows.count)
        if let source = column.nulls {
            flags.update(from: source + rows.lowerBound, count: rows.count)
            hasNulls = true
        } else {
            flags.update(repeating: 0, count: rows.count)
        }
    }

    /// Folds rows of the batch into stored rows; rows from `values.count` on are new.
    func fold(_ column: PreparedColumn, _ rows: Range<Int>, targets: [UInt32], rowCount: Int) throws(LaminaError) {
        if let states { return try states.fold(column, rows, targets: targets, rowCount: rowCount) }
        guard let bits = column.bits else { return }
        values.makeUnique()
        nulls.makeUnique()
        let fresh = rowCount - values.count
        values.append(repeating: 0, count: fresh)
        nulls.append(repeating: 1, count: fresh)
        if column.nulls != nil { hasNulls = true }
        let target = values.pointer
        let flags = nulls.pointer
        for (place, row) in rows.enumerated() {
            if let source = column.nulls, source[row] != 0 { continue }
            let stored = Int(targets[place])
            let value = bits[row]
            if flags[stored] != 0 {
                flags[stored] = 0
                target[stored] = value
            } else {
                target[stored] = combine(target[stored], value)
            }
        }
    }

    @inline(__always)
    private func combine(_ left: UInt64, _ right: UInt64) -> UInt64 {
        switch spec.type {
        case .long:
            let (a, b) = (Int64(bitPattern: left), Int64(bitPattern: right))
            switch spec.fold {
            case .sum: return UInt64(bitPattern: a &+ b)
            case .min: return UInt64(bitPattern: min(a, b))
            case .max: return UInt64(bitPattern: max(a, b))
            }
        case .double: return foldNumbers(Double(bitPattern: left), Double(bitPattern: right)).bitPattern
        case .float:
            let a = Float(bitPattern: UInt32(truncatingIfNeeded: left))
            let b = Float(bitPattern: UInt32(truncatingIfNeeded: right))
            return UInt64(foldNumbers(a, b).bitPattern)
        }
    }

    @inline(__always)
    private func foldNumbers<Number: BinaryFloatingPoint>(_ left: Number, _ right: Number) -> Number {
        switch spec.fold {
        case .sum: left + right
        // Java's Math.min and max: NaN wins, -0.0 is less than 0.0.
        case .min:
            left.isNaN || right.isNaN ? .nan : left < right || left == right && left.sign == .minus ? left : right
        case .max: left.isNaN || right.isNaN ? .nan : left > right || left == right && left.sign == .plus ? left : right
        }
    }
}
