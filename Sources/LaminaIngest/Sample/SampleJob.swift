package import LaminaBase
package import LaminaQuery
import LaminaSegment

/// Reads the first rows of an input and shows what an index task would make of each.
///
/// - Source: Druid's `InputSourceSampler`, `SamplerResponse`.
package struct SampleJob: Sendable {
    private let spec: SampleSpec
    private let inputRoot: String?
    private let lookups: LookupResolver?
    private let library: (any SegmentLibrary)?
    private let connector: (any StreamConnector)?

    /// One row of the answer.
    private struct Row {
        var input: JSON?
        var parsed: JSON?
        var error: String?

        var json: JSON {
            var object = JSONObject()
            if let input { object["input"] = input }
            if let parsed { object["parsed"] = parsed }
            if let error {
                object["unparseable"] = true
                object["error"] = .string(error)
            }
            return .object(object)
        }
    }

    /// The number of a row in the answer, kept through rollup.
    private static let orderName = "__internal_sampler_order"

    package init(
        json: JSON,
        inputRoot: String? = nil,
        lookups: LookupResolver? = nil,
        library: (any SegmentLibrary)? = nil,
        connector: (any StreamConnector)? = nil
    ) throws(LaminaError) {
        spec = try SampleSpec(json: json)
        self.inputRoot = inputRoot
        self.lookups = lookups
        self.library = library
        self.connector = connector
    }

    /// Runs on the calling thread until there are enough rows or the time is over.
    package func run() throws(LaminaError) -> JSON {
        let preparer = try RowPreparer(
            spec.task,
            dimensions: spec.dimensions,
            chunks: ChunkFinder.Rule(fixed: nil, granularity: .all, existing: []),
            partitioner: .none,
            lookups: lookups,
            namesPlaces: false
        )
        for metric in spec.task.metrics { try metric.checkStorable() }
        let deadline = monotonicSeconds() + Double(spec.milliseconds) / 1000
        let options = RowSourceOptions(inputRoot: inputRoot, library: library, connector: connector, until: deadline)
        let source = try openRows(spec.task.inputSource, spec.task.inputFormat, options)
        let order = try MetricSpec(
            SpecNode(["type": "longMin", "name": .string(Self.orderName), "fieldName": "n"], path: "sampler")
        )
        let index = MemoryIndex(
            dimensions: spec.dimensions.dimensions,
            metrics: preparer.metrics + [order],
            rollsUp: spec.task.granularity.rollup
        )
        var rows: [Row] = []
        var indexed = 0
        var lines = LineCounter()
        while indexed < spec.rowsMax, monotonicSeconds() < deadline, let batch = try source.nextBatch() {
            indexed += try take(batch, preparer, index, &rows, &lines, atMost: spec.rowsMax - indexed)
        }
        return try answer(rows, indexed, index, spec.task.metrics.map(\.name))
    }

    /// Takes in one batch; returns how many rows were indexed.
    private func take(
        _ batch: RowBatch,
        _ preparer: RowPreparer,
        _ index: MemoryIndex,
        _ rows: inout [Row],
        _ lines: inout LineCounter,
        atMost most: Int
    ) throws(LaminaError) -> Int {
        let out = PreparedBatch(sequence: batch.sequence, inputBytes: batch.inputBytes)
        var work = BatchPreparation(preparer, batch, out)
        work.run()
        if let failure = out.failure { throw failure }
        let views = batch.fields.map { FieldView($0, base: batch.bytes.baseAddress) }
        let order = PreparedColumn(numbers: out.count)
        var kept = 0
        var bad = 0
        lines.begin(batch.path)
        // Druid names lines of files, and of a stream's records only where they are read by lines.
        let namesLines = batch.recordUnit == .line || batch.records.isEmpty
        var place: String { namesLines ? lines.text : "" }
        func addBad(before row: Int) {
            while bad < batch.badRecords.count, batch.badRecords[bad].beforeRow <= row, kept < most {
                let record = batch.badRecords[bad]
                lines.jump(to: record.line)
                rows.append(Row(error: "Unable to parse row [\(record.input)] into JSON\(place)"))
                bad += 1
            }
        }
        for row in 0..<batch.rowCount where kept < most {
            addBad(before: row)
            lines.step()
            switch work.states[row] {
            case BatchPreparation.RowState.thrownAway, BatchPreparation.RowState.duplicate: continue
            case BatchPreparation.RowState.unparseable:
                let message = work.details[row]?.joined(separator: "; ") ?? ""
                rows.append(Row(input: input(views, row), error: message + place))
            default:
                order.bits?[kept] = UInt64(rows.count)
                kept += 1
                let message = work.details[row]?.joined(separator: "; ")
                rows.append(Row(input: input(views, row), error: message))
            }
        }
        addBad(before: batch.rowCount)
        out.count = kept
        out.metrics.append(order)
        var first = 0
        var counts = [0]
        var total = 0
        while first < kept {
            first = try index.append(
                out,
                from: first,
                places: out.places.map { _ in 0 },
                rowsOfPlace: &counts,
                total: &total,
                limits: MemoryIndex.Limits()
            )
        }
        return kept
    }

    /// The row as it came.
    private func input(_ views: [FieldView], _ row: Int) -> JSON {
        var object = JSONObject()
        for view in views where view.kinds[row] != FieldKind.missing {
            object[view.name] =
                switch view.kinds[row] {
                case FieldKind.json: view.json(row)
                case FieldKind.bool: .bool(view.payloads[row] != 0)
                default: jsonValue(view.value(row))
                }
        }
        return .object(object)
    }

    // MARK: answer

    private func answer(
        _ given: [Row],
        _ indexed: Int,
        _ index: MemoryIndex,
        _ metrics: [String]
    ) throws(LaminaError) -> JSON {
        var rows = given
        let sorted = try SortedIndex(index, placeCount: 1, ordering: spec.task.ordering, threads: 1)
        let view = sorted.view(of: 0, interval: .eternity, arrivalOrder: true)
        var columns: [(name: String, values: [Value])] = []
        var types: [String: ColumnType] = [:]
        for name in ["__time"] + view.dimensions + metrics {
            let column = try view.column(name)
            columns.append((name, try column?.values(0..<view.rowCount) ?? []))
            types[name] = column?.type
        }
        let order = try view.column(Self.orderName)?.values(0..<view.rowCount) ?? []
        for row in 0..<view.rowCount {
            var parsed = JSONObject()
            for column in columns { parsed[column.name] = shown(column.values[row]) }
            if case .long(let place) = order[row], rows.indices.contains(Int(place)) {
                rows[Int(place)].parsed = .object(parsed)
            }
        }
        var logical: [JSON] = []
        var physical: [JSON] = []
        var signature: [JSON] = [["name": "__time", "type": "LONG"]]
        for name in view.dimensions {
            let schema = index.dimensions.first { $0.schema.name == name }?.schema
            let own = schema ?? DimensionSchema(name: name, kind: .string(.sortedArray))
            let values = columns.first { $0.name == name }?.values ?? []
            let type = logicalType(own, values)
            logical.append(DimensionSchema.standard(name, type).json)
            physical.append(own.json)
            signature.append(["name": .string(name), "type": .string("\(type)")])
        }
        for name in metrics {
            signature.append(["name": .string(name), "type": .string("\(types[name] ?? .string)")])
        }
        return [
            "numRowsRead": .int(Int64(rows.count)), "numRowsIndexed": .int(Int64(indexed)),
            "logicalDimensions": .array(logical), "physicalDimensions": .array(physical),
            "logicalSegmentSchema": .array(signature), "data": .array(rows.map(\.json)),
        ]
    }

    private func shown(_ value: Value) -> JSON {
        if case .complex(let type, let bytes) = value, let kind = SerializedPair.Kind(rawValue: type),
            let pair = SerializedPair(bytes, kind: kind)
        {
            return pair.json
        }
        return jsonValue(value)
    }

    /// The type that a query sees.
    private func logicalType(_ schema: DimensionSchema, _ values: [Value]) -> ColumnType {
        switch schema.kind {
        case .string: return .string
        case .long: return .long
        case .float: return .float
        case .double: return .double
        case .auto(let cast):
            if let cast { return cast }
            var common: ColumnType?
            for value in values {
                guard let type = Self.type(of: value) else { continue }
                common = common.map { Self.leastRestrictive($0, type) } ?? type
            }
            return common ?? .string
        }
    }

    private static func type(of value: Value) -> ColumnType? {
        switch value {
        case .null: return nil
        case .long: return .long
        case .float, .double: return .double
        case .string: return .string
        case .array(let elements):
            var common: ColumnType?
            for element in elements {
                guard let type = type(of: element) else { continue }
                common = common.map { leastRestrictive($0, type) } ?? type
            }
            return .array(common ?? .long)
        case .json, .complex: return .complex("json")
        }
    }

    /// Source: Druid's `ColumnType.leastRestrictiveType`.
    private static func leastRestrictive(_ left: ColumnType, _ right: ColumnType) -> ColumnType {
        if left == right { return left }
        switch (left, right) {
        case (.complex, _), (_, .complex): return .complex("json")
        case (.array(let a), .array(let b)): return .array(leastRestrictive(a, b))
        case (.array(let a), let b), (let b, .array(let a)): return .array(leastRestrictive(a, b))
        case (.string, _), (_, .string): return .string
        default: return .double
        }
    }
}

extension DimensionSchema {
    /// The schema Druid takes for a column of a type when nothing else is said.
    fileprivate static func standard(_ name: String, _ type: ColumnType) -> DimensionSchema {
        switch type {
        case .string: DimensionSchema(name: name, kind: .string(.sortedArray))
        case .long: DimensionSchema(name: name, kind: .long)
        case .float: DimensionSchema(name: name, kind: .float)
        case .double: DimensionSchema(name: name, kind: .double)
        default: DimensionSchema(name: name, kind: .auto(cast: nil))
        }
    }
}

/// Which line of its file a row is on.
private struct LineCounter {
    private var path: String?
    private var line = 0

    mutating func begin(_ path: String?) {
        if path != self.path { line = 0 }
        self.path = path
    }

    mutating func step() { line += 1 }
    mutating func jump(to known: Int) { line = known > 0 ? known : line + 1 }

    var text: String { path.map { " (Path: \($0), Line: \(line))" } ?? " (Line: \(line))" }
}
