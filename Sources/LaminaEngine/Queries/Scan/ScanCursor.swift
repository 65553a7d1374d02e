import LaminaBase
import LaminaQuery
import LaminaSegment

/// Reads the wanted rows of one segment step by step, so that an unordered scan never holds more than one batch.
final class ScanCursor {
    private let scan: SegmentScan
    private let walk: RowWalk
    private let segmentID: String
    private let names: [String]
    private let types: [ColumnType?]
    private let shapes: [ListShape]
    private let inputs: [ValueInput]
    private let times: NumericInput<Int64>?
    /// Selected rows of the current batch that were not read yet.
    private var pending: (slots: SlotSet, next: Int)?

    init(
        _ query: Query,
        _ wanted: ScanQuery,
        _ input: SegmentInput,
        withTimes: Bool,
        _ run: QueryRun
    ) throws(LaminaError) {
        try ProjectionPolicy(query.context).checkRowQuery(on: input.view)
        scan = SegmentScan(input.view, run, virtualColumns: query.virtualColumns)
        walk = try RowWalk(scan, input, filter: query.filter)
        segmentID = input.id
        var names = wanted.columns
        if names.isEmpty {
            let virtual = query.virtualColumns.map(\.name)
            let stored = input.view.columnNames
            names = (stored.first == "__time" ? ["__time"] : []) + virtual
            for name in stored where !names.contains(name) { names.append(name) }
        }
        self.names = names
        var types: [ColumnType?] = []
        var shapes: [ListShape] = []
        var inputs: [ValueInput] = []
        for name in names {
            let type = input.view.isUntyped(name) ? nil : try scan.announcedType(name)
            types.append(type)
            shapes.append(try Self.shape(name, type, input.view, scan))
            inputs.append(try Self.input(name, type, scan))
        }
        self.shapes = shapes
        self.types = types
        self.inputs = inputs
        times = withTimes ? try scan.longInput("__time") : nil
    }

    /// Rows that come from no segment stay as they were given, and a path's arrays are arrays whatever the column says it is.
    private static func shape(
        _ name: String,
        _ type: ColumnType?,
        _ view: any SegmentView,
        _ scan: SegmentScan
    ) throws(LaminaError) -> ListShape {
        if type != .string || view is RowTable || scan.readsPath(name) { return .list }
        switch try scan.column(name) {
        case .string(let strings): return strings.isRowBased ? .list : .dimensionRow
        case .rows(let bound): return bound.givesMultipleValues ? .dimensionRow : .listBesideOne
        default: return .dimensionRow
        }
    }

    private static func input(_ name: String, _ type: ColumnType?, _ scan: SegmentScan) throws(LaminaError)
        -> ValueInput
    {
        if case .rows(let bound) = try scan.column(name), bound.isMapped {
            return MappedExpressionInput(bound, isText: type == .string)
        }
        return try scan.valueInput(name)
    }

    /// The next rows, at most `limit`; nil at the end.
    func next(limit: Int) throws(LaminaError) -> ScanBatch? {
        guard limit > 0 else { return nil }
        var batch = emptyBatch()
        while batch.rowCount < limit {
            if pending == nil {
                guard let slots = try walk.next() else { break }
                for input in inputs { try input.load(scan.batch) }
                pending = (slots, 0)
            }
            guard let (slots, start) = pending else { break }
            let end = min(slots.count, start + limit - batch.rowCount)
            try read(slots, start..<end, into: &batch)
            pending = end < slots.count ? (slots, end) : nil
        }
        return batch.rowCount == 0 ? nil : batch
    }

    private func emptyBatch() -> ScanBatch {
        var columns: [ScanBatch.Column] = []
        for (index, name) in names.enumerated() {
            columns.append(ScanBatch.Column(name: name, type: types[index], values: []))
        }
        return ScanBatch(segmentID: segmentID, columns: columns, rowCount: 0, times: [])
    }

    private func read(_ rows: SlotSet, _ range: Range<Int>, into batch: inout ScanBatch) throws(LaminaError) {
        for (index, input) in inputs.enumerated() {
            for place in range {
                let value = try input.value(rows.slots.map { Int($0[place]) } ?? place)
                batch.columns[index].values.append(shapes[index].shown(value))
            }
        }
        if let times {
            let values = try times.vector(scan.batch).values
            for place in range { batch.times.append(values[rows.slots.map { Int($0[place]) } ?? place]) }
        }
        batch.rowCount += range.count
    }

    /// The last `count` of all selected rows, which must be read in ascending order to be found.
    func lastRows(_ count: Int) throws(LaminaError) -> [ScanBatch] {
        var batches: [ScanBatch] = []
        var held = 0
        while let batch = try next(limit: batchRowsMax) {
            batches.append(batch)
            held += batch.rowCount
            while let first = batches.first, held - first.rowCount >= count {
                held -= first.rowCount
                batches.removeFirst()
            }
        }
        return batches
    }
}

/// How the lists of a column are shown.
///
/// - Source: `DimensionSelector.rowToObject`, `ExpressionSelectors.coerceEvalToObjectOrList`.
private enum ListShape {
    case list
    /// One value as itself: an expression's.
    case listBesideOne
    /// One value as itself, none as null: a row of a string dimension.
    case dimensionRow

    func shown(_ value: Value) -> Value {
        guard self != .list, case .array(let elements) = value, elements.count < 2 else { return value }
        return elements.first ?? (self == .dimensionRow ? .null : value)
    }
}
