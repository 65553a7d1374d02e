import LaminaBase
import LaminaBitmaps
import LaminaQuery
import LaminaSegment

/// One thread's pass over one segment for one query: resolves names to columns and shares what is loaded per batch.
final class SegmentScan {
    let view: any SegmentView
    let run: QueryRun
    let batch: Batch
    private let virtualColumns: [String: VirtualColumn]
    private var columns: [String: ScanColumn] = [:]
    private var resolving: Set<String> = []
    private var longs: [String: NumericInput<Int64>] = [:]
    private var doubles: [String: NumericInput<Double>] = [:]
    private var floats: [String: NumericInput<Float>] = [:]
    private var values: [String: ValueInput] = [:]
    private var ids: [ObjectIdentifier: IDInput] = [:]

    init(_ view: any SegmentView, _ run: QueryRun, virtualColumns: [VirtualColumn], batch: Batch = Batch()) {
        self.view = view
        self.run = run
        self.batch = batch
        var byName: [String: VirtualColumn] = [:]
        for column in virtualColumns { byName[column.name] = column }
        self.virtualColumns = byName
    }

    /// A scan of the same segment and batch with further virtual columns (those of an expression filter).
    func nested(virtualColumns more: [VirtualColumn]) -> SegmentScan {
        if more.isEmpty { return self }
        return SegmentScan(view, run, virtualColumns: Array(virtualColumns.values) + more, batch: batch)
    }

    /// The column of a name: a virtual one before a stored one.
    func column(_ name: String) throws(LaminaError) -> ScanColumn {
        if let known = columns[name] { return known }
        let column: ScanColumn
        if let virtual = virtualColumns[name] {
            guard resolving.insert(name).inserted else {
                throw .invalidInput("Virtual column [\(name)] refers to itself")
            }
            column = try bind(virtual.expression, declared: virtual.outputType)
            resolving.remove(name)
        } else {
            column = try stored(name)
        }
        columns[name] = column
        return column
    }

    /// The type by which a column is announced: a virtual column's inferred or declared one, a stored column's own; nil when there
    /// is none of that name.
    func announcedType(_ name: String) throws(LaminaError) -> ColumnType? {
        guard let virtual = virtualColumns[name] else { return try column(name).type }
        // However the path is stored here, and whether it is there at all.
        if let access = virtual.expression.jsonValueAccess { return virtual.outputType ?? access.type ?? .string }
        var types: [String: ColumnType] = [:]
        for name in virtual.expression.requiredColumns { types[name] = try announcedType(name) }
        return virtual.expression.announcedType(declared: virtual.outputType) { types[$0] }
    }

    /// Whether a virtual column reads a path of a nested column and nothing else.
    func readsPath(_ name: String) -> Bool { virtualColumns[name]?.expression.jsonValueAccess != nil }

    private func stored(_ name: String) throws(LaminaError) -> ScanColumn {
        switch try view.column(name) {
        case nil: .missing
        case .long(let column): .long(column)
        case .float(let column): .float(column)
        case .double(let column): .double(column)
        case .string(let column): .string(column)
        case .object(let column): dictionaryColumn(column)
        }
    }

    /// Chooses how an expression is computed here: on vectors, per dictionary value, or row by row.
    ///
    /// - Parameter declared: the type a virtual column says it has; arrays declared as strings are rows of several values.
    func bind(_ expression: Expression, declared: ColumnType? = nil) throws(LaminaError) -> ScanColumn {
        if let name = expression.identifier { return try column(name) }
        var types: [String: ColumnType] = [:]
        for name in expression.requiredColumns { types[name] = try column(name).type }
        let type = expression.outputType { types[$0] }
        if declared == .string, case .array? = type {
            return .rows(try BoundExpression(expression, type: .string, givesSeveral: true, in: self))
        }
        if let path = try nestedPath(expression, type: type) { return path }
        if let vectors = try compileVectors(expression, in: self) { return .numbers(vectors) }
        if expression.requiredColumns.count == 1, case .string(let column) = try column(expression.requiredColumns[0]),
            !column.hasMultipleValues
        {
            return .mapped(column, values: MappedValues(expression, type: type, over: column))
        }
        return .rows(try BoundExpression(expression, type: type, in: self))
    }

    // MARK: Inputs, one per column and type

    func longInput(_ name: String) throws(LaminaError) -> NumericInput<Int64> {
        if let known = longs[name] { return known }
        let input: NumericInput<Int64> = try makeNumericInput(try column(name), in: self)
        longs[name] = input
        return input
    }

    func doubleInput(_ name: String) throws(LaminaError) -> NumericInput<Double> {
        if let known = doubles[name] { return known }
        let input: NumericInput<Double> = try makeNumericInput(try column(name), in: self)
        doubles[name] = input
        return input
    }

    func floatInput(_ name: String) throws(LaminaError) -> NumericInput<Float> {
        if let known = floats[name] { return known }
        let input: NumericInput<Float> = try makeNumericInput(try column(name), in: self)
        floats[name] = input
        return input
    }

    /// Row values of any column, for interpreters and results.
    func valueInput(_ name: String) throws(LaminaError) -> ValueInput {
        if let known = values[name] { return known }
        let input = try makeValueInput(try column(name), in: self)
        values[name] = input
        return input
    }

    /// The ids of a string column, loaded once per batch whoever asks.
    func idInput(_ column: any StringColumn) -> IDInput {
        let key = ObjectIdentifier(column)
        if let known = ids[key] { return known }
        let input = IDInput(column)
        ids[key] = input
        return input
    }
}
