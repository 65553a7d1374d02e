import LaminaBase
import LaminaBitmaps
import Synchronization

/// The rows of several sorted pieces as one view. The order of rows is found when the view is made; a column is merged each time
/// it is asked for, and belongs to who asked, so that no more than one need be in memory.
final class MergedView: SegmentView {
    private let merger: SegmentMerger
    private let pieces: [any SegmentView]
    private let rowCounts: [Int]
    private let order: RowOrder
    private let dictionaries: DictionaryShelf
    let timeBounds: (min: Int64, max: Int64)?
    let dataInterval: Interval

    var rowCount: Int { order.resultCount }
    var ordering: [OrderedColumn] { merger.ordering }
    var dimensions: [String] { merger.dimensions }
    var metrics: [String] { merger.metrics }
    var metadata: JSON? { nil }
    var sizeBytes: Int64 { pieces.reduce(0) { $0 + $1.sizeBytes } }

    init(_ merger: SegmentMerger, _ pieces: [any SegmentView]) throws(LaminaError) {
        self.merger = merger
        self.pieces = pieces
        rowCounts = pieces.map(\.rowCount)
        guard let first = pieces.first else {
            throw LaminaError(.defensive, code: "nothingToMerge", "a merge needs at least one piece")
        }
        var interval = first.dataInterval
        var bounds: (min: Int64, max: Int64)?
        for piece in pieces {
            let other = piece.dataInterval
            interval = Interval(start: min(interval.start, other.start), end: max(interval.end, other.end))
            guard let part = try piece.timeBounds else { continue }
            bounds = bounds.map { (min($0.min, part.min), max($0.max, part.max)) } ?? part
        }
        dataInterval = interval
        timeBounds = bounds
        let dictionaries = DictionaryShelf()
        self.dictionaries = dictionaries
        let rowCounts = rowCounts
        func key(_ name: String, ascending: Bool) -> RowKey {
            RowKey(ascending: ascending) { () throws(LaminaError) in
                try Self.keyColumns(pieces, rowCounts, name, dictionaries)
            }
        }
        var keys = merger.ordering.map { key($0.name, ascending: $0.ascending) }
        if merger.rollup != nil {
            // Rows are equal only if all dimensions are, also those that rows are not ordered by.
            let ordered = Set(merger.ordering.map(\.name))
            for name in ["__time"] + merger.dimensions where !ordered.contains(name) {
                keys.append(key(name, ascending: true))
            }
        }
        order = try RowOrder(rowCounts: rowCounts, keys: keys, groups: merger.rollup != nil)
    }

    /// A column of every piece, brought to one kind.
    private enum Gathered {
        case missing
        case numbers(NumberKind, [Column?])
        case strings([(any StringColumn)?])
        case objects([Column?], ColumnType)
    }

    private static func gather(_ pieces: [any SegmentView], _ name: String) throws(LaminaError) -> Gathered {
        var columns: [Column?] = []
        for piece in pieces {
            let column = try piece.column(name)
            columns.append(column.flatMap { isAllNull($0) ? nil : $0 })
        }
        let present = columns.compactMap { $0 }
        guard let first = present.first else {
            // Null throughout: what one piece says of the type holds for all.
            for piece in pieces {
                if let typed = try piece.column(name) { return kind([typed], columns) }
            }
            return .missing
        }
        let types = Set(present.map(\.type))
        if types.count == 1 { return kind([first], columns) }
        return .objects(columns, .complex("json"))
    }

    private static func kind(_ sample: [Column], _ columns: [Column?]) -> Gathered {
        switch sample[0] {
        case .long: .numbers(.long, columns)
        case .float: .numbers(.float, columns)
        case .double: .numbers(.double, columns)
        case .string:
            .strings(columns.map { column in if case .string(let strings)? = column { strings } else { nil } })
        case .object(let object): .objects(columns, object.type)
        }
    }

    /// A string column without any value says nothing of the type the others have.
    private static func isAllNull(_ column: Column) -> Bool {
        guard case .string(let strings) = column else { return false }
        return strings.cardinality == 0 || (strings.cardinality == 1 && strings.nullID != nil)
    }

    private static func keyColumns(
        _ pieces: [any SegmentView],
        _ rowCounts: [Int],
        _ name: String,
        _ dictionaries: DictionaryShelf
    ) throws(LaminaError) -> RowKey.Columns {
        switch try gather(pieces, name) {
        case .missing:
            return RowKey.Columns(
                columns: rowCounts.map { KeyColumn.objects(nil, rowCount: $0) },
                kind: .objects
            )
        case .numbers(_, let columns):
            return RowKey.Columns(
                columns: columns.indices.map { KeyColumn.numbers(columns[$0], rowCount: rowCounts[$0]) },
                kind: .words
            )
        case .strings(let columns):
            let isMulti = columns.contains { $0?.hasMultipleValues == true }
            let dictionary = MergedDictionary(columns)
            dictionaries.put(name, dictionary)
            return RowKey.Columns(
                columns: columns.indices.map {
                    KeyColumn.strings(
                        columns[$0],
                        remap: dictionary.remaps[$0],
                        isMulti: isMulti,
                        rowCount: rowCounts[$0]
                    )
                },
                kind: isMulti ? .multi : .words
            )
        case .objects(let columns, _):
            return RowKey.Columns(
                columns: columns.indices.map { KeyColumn.objects(columns[$0], rowCount: rowCounts[$0]) },
                kind: .objects
            )
        }
    }

    func column(_ name: String) throws(LaminaError) -> Column? {
        let combiner = merger.metrics.contains(name) ? merger.rollup?[name] : nil
        if merger.rollup != nil, merger.metrics.contains(name), combiner == nil {
            throw LaminaError(.defensive, code: "noCombiner", "metric \(name) has no combiner for rollup")
        }
        switch try Self.gather(pieces, name) {
        case .missing: return nil
        case .numbers(let kind, let columns):
            if case .objects(let combiner)? = combiner { return try combinedNumbers(kind, columns, combiner) }
            return try numbers(kind, columns, combiner)
        case .strings(let columns):
            return .string(
                try MergedStringColumn(
                    order: order,
                    columns: columns,
                    dictionary: dictionaries.take(name) ?? MergedDictionary(columns),
                    rowCounts: rowCounts
                )
            )
        case .objects(let columns, let type):
            let objects = columns.indices.map { piece -> (any ObjectColumn)? in
                switch columns[piece] {
                case .object(let object)?: object
                case .some(let other): ValuesOfColumn(other, count: rowCounts[piece])
                case nil: nil
                }
            }
            if case .objects(let combiner)? = combiner {
                return .object(try MergedObjectColumn.combined(order: order, columns: objects, type: type, combiner))
            }
            return .object(MergedObjectColumn(order: order, columns: objects, type: type))
        }
    }

    /// Numbers whose groups are joined value by value.
    private func combinedNumbers(
        _ kind: NumberKind,
        _ columns: [Column?],
        _ combiner: any ObjectCombiner
    ) throws(LaminaError) -> Column {
        let objects = columns.indices.map { piece in
            columns[piece].map { ValuesOfColumn($0, count: rowCounts[piece]) as any ObjectColumn }
        }
        let joined = try MergedObjectColumn.combined(order: order, columns: objects, type: .double, combiner)
        var nullRows = RoaringBitmap()
        var values: [Value] = []
        values.reserveCapacity(order.resultCount)
        for row in 0..<order.resultCount {
            values.append(try joined.value(row: row))
            if case .null = values[row] { nullRows.append(UInt32(row)) }
        }
        let nulls = nullRows.isEmpty ? nil : nullRows
        func number(_ value: Value) -> Double {
            switch value {
            case .long(let number): Double(number)
            case .float(let number): Double(number)
            case .double(let number): number
            default: 0
            }
        }
        switch kind {
        case .long:
            let longs = values.map { if case .long(let number) = $0 { number } else { Int64(0) } }
            return .long(MemoryLongColumn(longs, nullRows: nulls))
        case .float: return .float(MemoryFloatColumn(ValueMemory(values.map { Float(number($0)) }), nullRows: nulls))
        case .double: return .double(MemoryDoubleColumn(ValueMemory(values.map(number)), nullRows: nulls))
        }
    }

    private func numbers(
        _ kind: NumberKind,
        _ columns: [Column?],
        _ combiner: MetricCombiner?
    ) throws(LaminaError) -> Column {
        switch kind {
        case .long:
            let longs = columns.map { column in
                if case .long(let found)? = column { found } else { nil as (any LongColumn)? }
            }
            let merge = NumberMerge<Int64>(
                order: order,
                readers: longs.map { $0?.makeReader() },
                nullRows: longs.map { $0?.nullRows },
                rowCounts: rowCounts,
                zero: 0
            )
            let merged = try merge.merged(combiner.flatMap { $0.function(adding: { $0 &+ $1 }) })
            return .long(MemoryLongColumn(merged.values, nullRows: merged.nullRows))
        case .float:
            let floats = columns.map { column in
                if case .float(let found)? = column { found } else { nil as (any FloatColumn)? }
            }
            let merge = NumberMerge<Float>(
                order: order,
                readers: floats.map { $0?.makeReader() },
                nullRows: floats.map { $0?.nullRows },
                rowCounts: rowCounts,
                zero: 0
            )
            let merged = try merge.merged(combiner.flatMap { $0.function(adding: { $0 + $1 }) })
            return .float(MemoryFloatColumn(merged.values, nullRows: merged.nullRows))
        case .double:
            let doubles = columns.map { column in
                if case .double(let found)? = column { found } else { nil as (any DoubleColumn)? }
            }
            let merge = NumberMerge<Double>(
                order: order,
                readers: doubles.map { $0?.makeReader() },
                nullRows: doubles.map { $0?.nullRows },
                rowCounts: rowCounts,
                zero: 0
            )
            let merged = try merge.merged(combiner.flatMap { $0.function(adding: { $0 + $1 }) })
            return .double(MemoryDoubleColumn(merged.values, nullRows: merged.nullRows))
        }
    }
}

/// Dictionaries merged for the order of rows, kept until their columns are asked for.
private final class DictionaryShelf: Sendable {
    private let kept = Mutex<[String: MergedDictionary]>([:])

    func put(_ name: String, _ dictionary: MergedDictionary) { kept.withLock { $0[name] = dictionary } }
    func take(_ name: String) -> MergedDictionary? { kept.withLock { $0.removeValue(forKey: name) } }
}

extension MetricCombiner {
    /// The combiner of two numbers; nil when it is none for numbers (the first of a group then stands).
    fileprivate func function<Number: Comparable>(
        adding: @escaping (Number, Number) -> Number
    ) -> ((Number, Number) -> Number)? {
        switch self {
        case .sum: adding
        // Java's `Math.min` and `max`: NaN wins over every number.
        case .min: { left, right in left != left ? left : right != right ? right : Swift.min(left, right) }
        case .max: { left, right in left != left ? left : right != right ? right : Swift.max(left, right) }
        case .objects: nil
        }
    }
}
