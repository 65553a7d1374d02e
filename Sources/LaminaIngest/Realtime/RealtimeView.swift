import LaminaBase
import LaminaBitmaps
import LaminaEngine
import LaminaQuery
import LaminaSegment
import Synchronization

/// The rows that a realtime segment had in memory at one moment, in order of arrival; see `TimeOrderedView` for those that did not
/// come in order of time. Columns are made when first asked for, most of them over the writer's own memory.
final class RealtimeView: SegmentView {
    private let rows: MemorySnapshot
    private let tracker: TimeTracker
    private let dimensionNumbers: [String: Int]
    private let metricNumbers: [String: Int]
    private let made = Mutex<[String: Column]>([:])
    let dataInterval: Interval
    let metadata: JSON?
    let dimensions: [String]
    let metrics: [String]

    init(_ rows: MemorySnapshot, times: TimeTracker, interval: Interval, metadata: JSON?) {
        self.rows = rows
        tracker = times
        dataInterval = interval
        self.metadata = metadata
        var numbers: [String: Int] = [:]
        var names: [String] = []
        for (number, dimension) in rows.dimensions.enumerated() where dimension.isListed || dimension.hasValues {
            numbers[dimension.schema.name] = number
            names.append(dimension.schema.name)
        }
        dimensionNumbers = numbers
        dimensions = names
        metrics = rows.metrics.map(\.name)
        numbers = [:]
        for (number, metric) in rows.metrics.enumerated() { numbers[metric.name] = number }
        metricNumbers = numbers
    }

    var rowCount: Int { rows.rowCount }
    var timeBounds: (min: Int64, max: Int64)? { tracker.bounds }
    var sizeBytes: Int64 { 0 }

    var times: SharedValues<Int64> { rows.times }

    /// That of arrival.
    var ordering: [OrderedColumn] {
        tracker.isAscending ? [OrderedColumn("__time")] : [OrderedColumn("", ascending: false)]
    }

    func column(_ name: String) throws(LaminaError) -> Column? {
        if let column = made.withLock({ $0[name] }) { return column }
        guard let column = try make(name) else { return nil }
        // Two threads may have made it at once; both use the same.
        return made.withLock { made in
            if let first = made[name] { return first }
            made[name] = column
            return column
        }
    }

    private func make(_ name: String) throws(LaminaError) -> Column? {
        if name == "__time" { return .long(SliceNumberColumn(rows.times, nullRows: nil)) }
        if let number = dimensionNumbers[name] { return try dimension(rows.dimensions[number]) }
        guard let number = metricNumbers[name] else { return nil }
        switch rows.metrics[number].values {
        case .numbers(let bits, let nulls, let type): return numberColumn(bits, nulls, type)
        case .states(let states, let rule):
            guard let type = rule.storedNumber else {
                return .object(SnapshotStateColumn(states, rule, type: rule.storedType ?? .complex("json")))
            }
            let (bits, nulls) = storedNumbers(states, rule, type)
            return numberColumn(bits.shared(states.count), nulls.shared(states.count), type)
        }
    }

    private func dimension(_ dimension: DimensionSnapshot) throws(LaminaError) -> Column? {
        if let bits = dimension.bits {
            switch dimension.schema.kind {
            case .double: return numberColumn(bits, dimension.nulls, .double)
            case .float: return numberColumn(bits, dimension.nulls, .float)
            default: return numberColumn(bits, dimension.nulls, .long)
            }
        }
        guard let codes = dimension.codes, let texts = dimension.texts else { return nil }
        if case .auto(let cast) = dimension.schema.kind {
            return dimension.facts.values.column(codes, texts, hasNulls: dimension.hasNullCode, cast: cast)
        }
        return .string(
            RealtimeStringColumn(
                codes: codes,
                texts: texts,
                lists: dimension.lists,
                hasNulls: dimension.hasNullCode,
                isEncoded: false
            )
        )
    }
}
