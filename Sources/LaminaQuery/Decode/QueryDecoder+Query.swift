package import LaminaBase

extension QueryDecoder {
    /// Decodes a native query of any kind.
    package func query(_ json: JSON, at path: String = "query") throws(LaminaError) -> Query {
        let fields = try Fields(json, at: path)
        let type = try fields.requiredString("queryType")
        let kind: Query.Kind
        switch type {
        case "timeseries": kind = .timeseries(try timeseries(fields))
        case "topN": kind = .topN(try topN(fields))
        case "groupBy": kind = .groupBy(try groupBy(fields))
        case "scan": kind = .scan(try scan(fields))
        case "search": kind = .search(try search(fields))
        case "timeBoundary": kind = .timeBoundary(try timeBoundary(fields))
        case "segmentMetadata": kind = .segmentMetadata(try segmentMetadata(fields))
        case "dataSourceMetadata": kind = .dataSourceMetadata
        case "windowOperator", "movingAverage", "materializedView": throw .unsupported("Query type '\(type)'")
        default: throw fields.fail("unknown queryType '\(type)'")
        }
        let filter: Filter?
        if let json = fields["filter"] {
            filter = try self.filter(json, at: fields.place("filter"))
        } else {
            filter = nil
        }
        let source = try dataSource(try fields.required("dataSource"), at: fields.place("dataSource"))
        if case .segmentMetadata = kind {
            switch source {
            case .table, .union: break
            default: throw fields.fail("a segmentMetadata query reads tables and unions of tables only")
            }
        }
        return Query(
            kind: kind,
            dataSource: source,
            intervals: try intervals(of: kind, fields),
            filter: filter,
            virtualColumns: try virtualColumns(fields),
            context: try context(fields),
            json: json
        )
    }

    private func context(_ fields: Fields) throws(LaminaError) -> QueryContext {
        guard let json = fields["context"] else { return QueryContext() }
        let context = QueryContext(try Fields(json, at: fields.place("context")).object)
        // Read once here, so that a malformed value is told before anything runs.
        for key in ["timeout", "priority", "maxScatterGatherBytes", "maxQueuedBytes"] { _ = try context.int(key) }
        for key in ["useCache", "populateCache", "bySegment", "finalize", "skipEmptyBuckets", "grandTotal"] {
            _ = try context.bool(key, default: false)
        }
        return context
    }

    private func intervals(of kind: Query.Kind, _ fields: Fields) throws(LaminaError) -> [Interval] {
        if let json = fields["intervals"] { return try intervals(json, at: fields.place("intervals")) }
        switch kind {
        case .timeBoundary, .dataSourceMetadata, .segmentMetadata: return [.eternity]
        default:
            _ = try fields.required("intervals")
            return []
        }
    }

    /// One interval text or several with commas between them, a list of them, or `{"type": "intervals", "intervals": …}`;
    /// overlapping ones are joined.
    package func intervals(_ json: JSON, at path: String) throws(LaminaError) -> [Interval] {
        switch json {
        case .string(let text):
            let parts = text.split(separator: ",", omittingEmptySubsequences: false)
            return try intervals(.array(parts.map { .string(String($0)) }), at: path)
        case .array(let items):
            var found: [Interval] = []
            for (index, item) in items.enumerated() {
                guard let text = item.stringValue else {
                    throw .invalidInput("\(path)[\(index)] must be an interval text, not \(Fields.shown(item))")
                }
                found.append(try interval(text, at: "\(path)[\(index)]"))
            }
            return Interval.condensed(found)
        default:
            let fields = try Fields(json, at: path)
            if let type = try fields.string("type"), type != "intervals", type != "LegacySegmentSpec" {
                if type == "segments" { throw .unsupported("Intervals of type 'segments'") }
                throw fields.fail("unknown type '\(type)'")
            }
            return try intervals(try fields.required("intervals"), at: fields.place("intervals"))
        }
    }

    private func interval(_ text: String, at path: String) throws(LaminaError) -> Interval {
        do throws(LaminaError) {
            return try Interval(parsing: text)
        } catch {
            throw .invalidInput("\(path): \(error.message)", context: ["path": path])
        }
    }

    func granularity(_ fields: Fields, default standard: Granularity? = nil) throws(LaminaError) -> Granularity {
        if fields["granularity"] == nil, let standard { return standard }
        let json = try fields.required("granularity")
        do throws(LaminaError) {
            return try Granularity(json: json)
        } catch {
            throw .invalidInput(
                "\(fields.place("granularity")): \(error.message)",
                context: ["path": fields.place("granularity")]
            )
        }
    }

    /// Virtual columns of a query: names are unique, and none reads itself, not even through others.
    func virtualColumns(_ fields: Fields) throws(LaminaError) -> [VirtualColumn] {
        var columns: [VirtualColumn] = []
        for (index, json) in (try fields.array("virtualColumns") ?? []).enumerated() {
            let place = "\(fields.place("virtualColumns"))[\(index)]"
            let column = try virtualColumn(json, at: place)
            guard column.name != "__time" else {
                throw .invalidInput("\(place): a virtual column cannot be named __time")
            }
            guard !columns.contains(where: { $0.name == column.name }) else {
                throw .invalidInput(
                    "\(place): virtual column '\(column.name)' is defined twice",
                    context: ["path": place]
                )
            }
            columns.append(column)
        }
        for column in columns { try refuseCycles(column, in: columns, path: fields.place("virtualColumns")) }
        return columns
    }

    private func refuseCycles(_ column: VirtualColumn, in columns: [VirtualColumn], path: String) throws(LaminaError) {
        var reached: Set<String> = []
        var pending = column.expression.requiredColumns
        while let name = pending.popLast() {
            guard name != column.name else {
                throw .invalidInput("\(path): virtual column '\(column.name)' reads itself", context: ["path": path])
            }
            guard reached.insert(name).inserted, let next = columns.first(where: { $0.name == name }) else { continue }
            pending += next.expression.requiredColumns
        }
    }
}
