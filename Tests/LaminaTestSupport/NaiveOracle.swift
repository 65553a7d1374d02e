package import LaminaBase
package import LaminaQuery

/// Answers queries row by row in the plainest way, for comparison with the engine. Slow on purpose.
///
/// Knows filters without extraction, expression virtual columns, counts and number folds, all four row queries.
package struct NaiveOracle {
    package let segments: [MemoryRows]

    package init(_ segments: [MemoryRows]) { self.segments = segments }

    package func answer(_ query: Query) throws(LaminaError) -> JSON {
        switch query.kind {
        case .timeseries(let timeseries): return try answer(query, timeseries)
        case .topN(let topN): return try answer(query, topN)
        case .groupBy(let groupBy): return try answer(query, groupBy)
        case .scan(let scan): return try answer(query, scan)
        default: throw .unsupported("the oracle and \(query.kind.name)")
        }
    }

    typealias Row = [String: Value]

    /// Rows of a segment in the query's intervals, virtual columns added, that pass the filter.
    func selected(_ query: Query, _ segment: MemoryRows) throws(LaminaError) -> [Row] {
        var result: [Row] = []
        for index in segment.rows.indices where query.intervals.contains(where: { $0.contains(segment.time(index)) }) {
            var row = segment.rows[index]
            for column in query.virtualColumns {
                row[column.name] = try column.expression.evaluate { (name: String) -> Value in row[name] ?? .null }
            }
            if let filter = query.filter, try truth(filter, row, segment) != true { continue }
            result.append(row)
        }
        return result
    }

    /// Time of the first stored row in the intervals.
    func firstTime(_ query: Query) -> Int64? {
        for segment in segments {
            for index in segment.rows.indices
            where query.intervals.contains(where: { $0.contains(segment.time(index)) }) {
                return segment.time(index)
            }
        }
        return nil
    }

    // MARK: Queries

    private func answer(_ query: Query, _ timeseries: TimeseriesQuery) throws(LaminaError) -> JSON {
        let granularity = timeseries.granularity
        var buckets: [Int64: [(Row, MemoryRows)]] = [:]
        let allStart = firstTime(query) ?? query.intervals[0].start
        if granularity.isAll { buckets[allStart] = [] }
        for segment in segments {
            for row in try selected(query, segment) {
                let start = granularity.isAll ? allStart : granularity.bucketStart(time(row))
                buckets[start, default: []].append((row, segment))
            }
            guard !granularity.isAll, !segment.rows.isEmpty else { continue }
            let times = segment.rows.indices.map(segment.time)
            let end = granularity.next(granularity.bucketStart(times.max() ?? 0))
            for interval in query.intervals {
                var start = granularity.bucketStart(max(interval.start, times.min() ?? 0))
                while start < min(interval.end, end), max(interval.start, times.min() ?? 0) < min(interval.end, end) {
                    if buckets[start] == nil { buckets[start] = [] }
                    start = granularity.next(start)
                }
            }
        }
        if try query.context.bool("skipEmptyBuckets", default: false) { buckets = buckets.filter { !$0.value.isEmpty } }
        var starts = buckets.keys.sorted()
        if timeseries.descending { starts.reverse() }
        if let limit = timeseries.limit { starts = Array(starts.prefix(limit)) }
        var elements: [JSON] = []
        for start in starts {
            let fields = try fold(buckets[start] ?? [], timeseries.aggregations)
            elements.append([
                "timestamp": .string(granularity.timestampText(start)), "result": .object(JSONObject(fields)),
            ])
        }
        return .array(elements)
    }

    /// Rows by bucket and keys; a row counts once for each combination of the dimensions' values.
    private func grouped(
        _ query: Query,
        _ granularity: Granularity,
        _ dimensions: [DimensionSpec],
        skipsEmptyRows: Bool = false
    ) throws(LaminaError) -> [(start: Int64, keys: [Value], rows: [(Row, MemoryRows)])] {
        var groups: [(start: Int64, keys: [Value], rows: [(Row, MemoryRows)])] = []
        var places: [String: Int] = [:]
        for segment in segments {
            for row in try selected(query, segment) {
                let start = granularity.isAll ? 0 : granularity.bucketStart(time(row))
                var tuples: [[Value]] = [[]]
                for dimension in dimensions {
                    if skipsEmptyRows, case .array([])? = row[dimension.dimension] { tuples = [] }
                    let values = values(row[dimension.dimension]).map { $0.cast(to: dimension.outputType) }
                    tuples = tuples.flatMap { tuple in values.map { tuple + [$0] } }
                }
                for tuple in tuples {
                    // Swift's strings are equal when they look alike; group keys when their bytes are.
                    let name =
                        "\(start)|"
                        + tuple.map { "\(Array(($0.asText ?? "null?").utf8))\($0.isNull)" }.joined(separator: "|")
                    if let place = places[name] {
                        groups[place].rows.append((row, segment))
                    } else {
                        places[name] = groups.count
                        groups.append((start, tuple, [(row, segment)]))
                    }
                }
            }
        }
        return groups
    }

    private func answer(_ query: Query, _ topN: TopNQuery) throws(LaminaError) -> JSON {
        let groups = try grouped(query, topN.granularity, [topN.dimension], skipsEmptyRows: true)
        var elements: [JSON] = []
        for start in Set(groups.map(\.start)).sorted() {
            var rows: [(key: Value, fields: [(String, JSON)])] = []
            for group in groups where group.start == start {
                rows.append((group.keys[0], try fold(group.rows, topN.aggregations)))
            }
            rows.sort { left, right in
                var metric = topN.metric
                var inverted = false
                while case .inverted(let inner) = metric {
                    metric = inner
                    inverted.toggle()
                }
                if case .numeric(let name) = metric {
                    let one = left.fields.first { $0.0 == name }?.1.doubleValue ?? -.infinity
                    let two = right.fields.first { $0.0 == name }?.1.doubleValue ?? -.infinity
                    if one != two { return inverted ? one < two : one > two }
                    return natural(left.key, right.key) < 0
                }
                if case .dimension(let ordering, _) = metric {
                    if left.key.isNull || right.key.isNull { return left.key.isNull && !right.key.isNull }
                    let order = ordering.compare(left.key.asText, right.key.asText)
                    return inverted ? order > 0 : order < 0
                }
                return false
            }
            let shown = rows.prefix(topN.threshold).map { row -> JSON in
                .object(JSONObject([(topN.dimension.outputName, json(row.key))] + row.fields))
            }
            let time = topN.granularity.isAll ? firstTime(query) ?? 0 : start
            elements.append([
                "timestamp": .string(topN.granularity.timestampText(time)), "result": .array(Array(shown)),
            ])
        }
        return .array(elements)
    }

    private func answer(_ query: Query, _ groupBy: GroupByQuery) throws(LaminaError) -> JSON {
        var groups = try grouped(query, groupBy.granularity, groupBy.dimensions)
        if groups.isEmpty, groupBy.dimensions.isEmpty, groupBy.granularity.isAll { groups = [(0, [], [])] }
        groups.sort { left, right in
            if left.start != right.start { return left.start < right.start }
            for (one, two) in zip(left.keys, right.keys) {
                let order = natural(one, two)
                if order != 0 { return order < 0 }
            }
            return false
        }
        var elements: [JSON] = []
        for group in groups {
            var fields = zip(groupBy.dimensions, group.keys).map { ($0.outputName, json($1)) }
            fields += try fold(group.rows, groupBy.aggregations)
            let time = groupBy.granularity.isAll ? query.intervals[0].start : group.start
            elements.append([
                "version": "v1", "timestamp": .string(groupBy.granularity.timestampText(time)),
                "event": .object(JSONObject(fields)),
            ])
        }
        if let spec = groupBy.limitSpec {
            elements = Array(elements.dropFirst(spec.offset))
            if let limit = spec.limit { elements = Array(elements.prefix(limit)) }
        }
        return .array(elements)
    }

    /// All rows in one list of arrays, segments and batches joined.
    private func answer(_ query: Query, _ scan: ScanQuery) throws(LaminaError) -> JSON {
        var rows: [Row] = []
        for segment in segments { rows += try selected(query, segment) }
        if scan.order != .none {
            let order = rows.indices.sorted { left, right in
                let one = time(rows[left])
                let two = time(rows[right])
                if one != two { return scan.order == .ascending ? one < two : one > two }
                return left < right
            }
            rows = order.map { rows[$0] }
        }
        rows = Array(rows.dropFirst(Int(scan.offset)))
        if let limit = scan.limit { rows = Array(rows.prefix(Int(limit))) }
        return .array(rows.map { row in .array(scan.columns.map { json(shown(row[$0])) }) })
    }

    private func shown(_ value: Value?) -> Value {
        guard case .array(let elements)? = value else { return value ?? .null }
        return elements.isEmpty ? .null : elements.count == 1 ? elements[0] : .array(elements)
    }

    // MARK: Values

    private func time(_ row: Row) -> Int64 {
        if case .long(let time)? = row["__time"] { time } else { 0 }
    }

    /// The values of a row's column: none counts as null.
    func values(_ value: Value?) -> [Value] {
        guard case .array(let elements)? = value else { return [value ?? .null] }
        return elements.isEmpty ? [.null] : elements
    }

    private func json(_ value: Value) -> JSON {
        var writer = JSONWriter()
        writer.value(value)
        return (try? JSONParser.parse(writer.bytes)) ?? .null
    }

    private func natural(_ left: Value, _ right: Value) -> Int {
        switch (left, right) {
        case (.null, .null): return 0
        case (.null, _): return -1
        case (_, .null): return 1
        case (.string(let one), .string(let two)): return javaCompare(one, two)
        default:
            if case .long(let one) = left, case .long(let two) = right { return one < two ? -1 : one == two ? 0 : 1 }
            return compareJava(left.asDouble ?? 0, right.asDouble ?? 0)
        }
    }

    // MARK: Aggregations

    private func fold(_ rows: [(Row, MemoryRows)], _ aggregators: [Aggregator]) throws(LaminaError) -> [(String, JSON)]
    {
        var fields: [(String, JSON)] = []
        for aggregator in aggregators { fields.append((aggregator.name, json(try fold(rows, aggregator)))) }
        return fields
    }

    private func fold(_ rows: [(Row, MemoryRows)], _ aggregator: Aggregator) throws(LaminaError) -> Value {
        switch aggregator {
        case .count: return .long(Int64(rows.count))
        case .filtered(_, let inner, let filter):
            var kept: [(Row, MemoryRows)] = []
            for row in rows where try truth(filter, row.0, row.1) == true { kept.append(row) }
            return try fold(kept, inner)
        case .number(_, let type, let kind, let input):
            var inputs: [Value] = []
            for (row, _) in rows {
                switch input {
                case .field(let name): inputs += values(row[name])
                case .expression(let expression):
                    inputs.append(try expression.evaluate { (name: String) -> Value in row[name] ?? .null })
                }
            }
            switch type {
            case .long:
                var best: Int64?
                for number in inputs.compactMap(\.asLong) {
                    best =
                        best.map { kind == .sum ? $0 &+ number : kind == .min ? min($0, number) : max($0, number) }
                        ?? number
                }
                return best.map(Value.long) ?? .null
            case .double, .float:
                var best: Double?
                for number in inputs.compactMap(\.asDouble) {
                    best =
                        best.map { kind == .sum ? $0 + number : kind == .min ? min($0, number) : max($0, number) }
                        ?? number
                }
                if type == .float { return best.map { .float(Float($0)) } ?? .null }
                return best.map(Value.double) ?? .null
            }
        default: throw .unsupported("the oracle and \(aggregator.name)")
        }
    }
}
