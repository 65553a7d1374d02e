import LaminaBase

extension QueryDecoder {
    func timeseries(_ fields: Fields) throws(LaminaError) -> TimeseriesQuery {
        var query = TimeseriesQuery(granularity: try granularity(fields))
        query.descending = try fields.bool("descending", default: false)
        (query.aggregations, query.postAggregations) = try outputs(fields, others: [])
        let limit = try fields.int("limit", default: 0)
        guard limit >= 0 else { throw fields.fail("limit must be greater than 0") }
        query.limit = limit == 0 ? nil : Int(limit)
        return query
    }

    func topN(_ fields: Fields) throws(LaminaError) -> TopNQuery {
        let dimension = try self.dimension(try fields.required("dimension"), at: fields.place("dimension"))
        let metric = try topNMetric(try fields.required("metric"), at: fields.place("metric"))
        let threshold = try fields.int("threshold", default: 0)
        guard threshold > 0, threshold <= Int64(Int32.max) else {
            throw fields.fail("threshold must be between 1 and \(Int32.max), not \(threshold)")
        }
        var query = TopNQuery(
            granularity: try granularity(fields),
            dimension: dimension,
            metric: metric,
            threshold: Int(threshold)
        )
        (query.aggregations, query.postAggregations) = try outputs(fields, others: [dimension.outputName])
        if let name = metricName(metric) {
            let known = query.aggregations.map(\.name) + query.postAggregations.map(\.name)
            guard known.contains(name) else {
                throw fields.fail("metric '\(name)' is neither an aggregation nor a post-aggregation")
            }
        }
        return query
    }

    private func metricName(_ metric: TopNMetric) -> String? {
        switch metric {
        case .numeric(let name): name
        case .dimension: nil
        case .inverted(let inner): metricName(inner)
        }
    }

    private func topNMetric(_ json: JSON, at path: String) throws(LaminaError) -> TopNMetric {
        if case .string(let name) = json { return .numeric(metric: name) }
        let fields = try Fields(json, at: path)
        let type = try fields.requiredString("type")
        switch type {
        case "numeric": return .numeric(metric: try fields.requiredString("metric"))
        case "dimension":
            return .dimension(
                ordering: try ordering(fields, "ordering") ?? .lexicographic,
                previousStop: try fields.string("previousStop")
            )
        case "lexicographic":
            return .dimension(ordering: .lexicographic, previousStop: try fields.string("previousStop"))
        case "alphaNumeric": return .dimension(ordering: .alphanumeric, previousStop: try fields.string("previousStop"))
        case "inverted": return .inverted(try topNMetric(try fields.required("metric"), at: fields.place("metric")))
        default: throw fields.fail("unknown metric type '\(type)'")
        }
    }

    func ordering(_ fields: Fields, _ key: String) throws(LaminaError) -> StringOrdering? {
        guard let json = fields[key] else { return nil }
        return try StringOrdering(json: json)
    }

    func scan(_ fields: Fields) throws(LaminaError) -> ScanQuery {
        var query = ScanQuery()
        query.columns = try fields.names("columns") ?? []
        switch try fields.string("resultFormat") ?? "list" {
        case "list": query.resultFormat = .list
        case "compactedList": query.resultFormat = .compactedList
        case let other: throw .unsupported("Scan query result format '\(other)'")
        }
        let batch = try fields.int("batchSize", default: 0)
        guard batch >= 0, batch <= Int64(Int32.max) else { throw fields.fail("batchSize must be greater than 0") }
        query.batchSize = batch == 0 ? 20480 : Int(batch)
        query.offset = try fields.int("offset", default: 0)
        guard query.offset >= 0 else { throw fields.fail("offset must not be negative") }
        let limit = try fields.int("limit", default: 0)
        guard limit >= 0 else { throw fields.fail("limit must be greater than 0") }
        query.limit = limit == 0 ? nil : limit
        (query.order, query.orderBy) = try scanOrder(fields)
        for column in query.orderBy where !query.columns.isEmpty && !query.columns.contains(column.name) {
            throw fields.fail("column '\(column.name)' of orderBy must be among the columns")
        }
        if query.order != .none, !query.columns.isEmpty, !query.columns.contains("__time") {
            throw fields.fail("the __time column must be among the columns if the results are ordered by time")
        }
        if let names = try fields.strings("columnTypes") {
            var types: [ColumnType] = []
            for name in names {
                guard let name, let type = ColumnType(signature: name) else {
                    throw fields.fail("columnTypes holds no type")
                }
                types.append(type)
            }
            guard types.count == query.columns.count else { throw fields.fail("columnTypes must match columns") }
            query.columnTypes = types
        }
        return query
    }

    /// `order` by time, or `orderBy` any columns; the time alone is the same either way.
    private func scanOrder(_ fields: Fields) throws(LaminaError)
        -> (time: ScanQuery.TimeOrder, columns: [ScanQuery.ColumnOrder])
    {
        let text = (try fields.string("order") ?? "none").lowercased()
        guard let order = ScanQuery.TimeOrder(rawValue: text) else { throw fields.fail("unknown order '\(text)'") }
        guard let items = try fields.array("orderBy"), !items.isEmpty else { return (order, []) }
        var listed: [ScanQuery.ColumnOrder] = []
        for (index, item) in items.enumerated() {
            let entry = try Fields(item, at: "\(fields.place("orderBy"))[\(index)]")
            let direction = (try entry.string("order") ?? "ascending").lowercased()
            guard let direction = ScanQuery.TimeOrder(rawValue: direction), direction != .none else {
                throw entry.fail("unknown order '\(direction)'")
            }
            let name = try entry.requiredString("columnName")
            listed.append(ScanQuery.ColumnOrder(name: name, descending: direction == .descending))
        }
        let byTime: ScanQuery.TimeOrder =
            listed[0].name != "__time" ? .none : listed[0].descending ? .descending : .ascending
        guard order == .none || order == byTime else { throw fields.fail("order and orderBy contradict each other") }
        // Rows of one time are in no order of their own: what follows the time in a list of two still counts.
        return listed.count == 1 && byTime != .none ? (byTime, []) : (.none, listed)
    }

    func search(_ fields: Fields) throws(LaminaError) -> SearchQuery {
        let spec = try fields["query"].map { (json) throws(LaminaError) in
            try searchSpec(json, at: fields.place("query"))
        }
        var dimensions: [DimensionSpec] = []
        for (index, json) in (try fields.array("searchDimensions") ?? []).enumerated() {
            dimensions.append(try dimension(json, at: "\(fields.place("searchDimensions"))[\(index)]"))
        }
        let limit = try fields.int("limit", default: 0)
        guard limit >= 0 else { throw fields.fail("limit must be greater than 0") }
        return SearchQuery(
            granularity: try granularity(fields, default: .all),
            dimensions: dimensions.isEmpty ? nil : dimensions,
            search: spec ?? .all,
            sort: try ordering(fields, "sort") ?? .lexicographic,
            limit: limit == 0 ? 1000 : Int(limit)
        )
    }

    func searchSpec(_ json: JSON, at path: String) throws(LaminaError) -> SearchSpec {
        let fields = try Fields(json, at: path)
        let type = try fields.requiredString("type")
        // `case_sensitive`, as older documents spell it, is not heeded by Druid 33.
        let isCaseSensitive = try fields.bool("caseSensitive", default: false)
        switch type {
        case "insensitive_contains": return .contains(try fields.requiredString("value"), caseSensitive: false)
        case "contains": return .contains(try fields.requiredString("value"), caseSensitive: isCaseSensitive)
        case "fragment":
            _ = try fields.required("values")
            return .fragment(try fields.names("values") ?? [], caseSensitive: isCaseSensitive)
        case "regex": return .regex(try regex(try fields.requiredString("pattern"), at: fields.place("pattern")))
        case "all": return .all
        default: throw fields.fail("unknown search query type '\(type)'")
        }
    }

    func timeBoundary(_ fields: Fields) throws(LaminaError) -> TimeBoundaryQuery {
        // Any other bound is none, as in Druid.
        switch try fields.string("bound")?.lowercased() {
        case "mintime": return TimeBoundaryQuery(bound: .minTime)
        case "maxtime": return TimeBoundaryQuery(bound: .maxTime)
        default: return TimeBoundaryQuery(bound: nil)
        }
    }

    func segmentMetadata(_ fields: Fields) throws(LaminaError) -> SegmentMetadataQuery {
        var query = SegmentMetadataQuery()
        query.merge = try fields.bool("merge", default: false)
        query.usesDefaultInterval = fields["intervals"] == nil
        if let json = fields["toInclude"] { query.columns = try includedColumns(json, at: fields.place("toInclude")) }
        if let names = try fields.names("analysisTypes") {
            query.analyses = []
            for name in names {
                guard
                    let analysis = SegmentMetadataQuery.Analysis.allCases.first(where: {
                        $0.rawValue.lowercased() == name.lowercased()
                    })
                else { throw fields.fail("unknown analysis type '\(name)'") }
                query.analyses.insert(analysis)
            }
        }
        let strategy = try fields.string("aggregatorMergeStrategy")
        if let strategy {
            guard let found = SegmentMetadataQuery.MergeStrategy(rawValue: strategy.lowercased()) else {
                throw fields.fail("unknown aggregatorMergeStrategy '\(strategy)'")
            }
            query.aggregatorMergeStrategy = found
        }
        if fields["lenientAggregatorMerge"] != nil {
            guard strategy == nil else {
                throw fields.fail("aggregatorMergeStrategy and lenientAggregatorMerge cannot both be given")
            }
            query.aggregatorMergeStrategy =
                try fields.bool("lenientAggregatorMerge", default: false) ? .lenient : .strict
        }
        return query
    }

    private func includedColumns(_ json: JSON, at path: String) throws(LaminaError) -> SegmentMetadataQuery.Columns {
        let fields = try Fields(json, at: path)
        switch try fields.requiredString("type") {
        case "all": return .all
        case "none": return .none
        case "list":
            _ = try fields.required("columns")
            return .list(try fields.names("columns") ?? [])
        case let other: throw fields.fail("unknown type '\(other)'")
        }
    }
}
