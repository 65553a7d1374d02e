package import LaminaBase

/// Random queries over `RandomData`, as JSON.
package struct RandomQueries {
    var generator: SeededGenerator
    /// Whether data sources other than tables come up.
    var usesSources: Bool

    package init(generator: SeededGenerator, usesSources: Bool = false) {
        self.generator = generator
        self.usesSources = usesSources
    }

    /// What a column holds, as far as it matters where a query may use it.
    enum Kind { case text, texts, long, double, float, array(String) }

    /// Columns of the query being made, virtual ones too.
    var columns: [(name: String, kind: Kind)] = []
    var virtual: [JSON] = []
    /// Whether the query being made reads another one.
    var readsQuery = false
    /// Metrics to ask for in place of the columns of `RandomData`.
    var rollupMetrics: [RollupMetric]?

    mutating func pickColumn(where test: (Kind) -> Bool) -> String {
        generator.pick(columns.filter { test($0.kind) }.map(\.name))
    }

    /// A column that is no array.
    mutating func plainColumn() -> String { pickColumn { if case .array = $0 { false } else { true } } }

    mutating func numberColumn() -> String {
        pickColumn {
            if case .long = $0 {
                true
            } else if case .double = $0 {
                true
            } else if case .float = $0 {
                true
            } else {
                false
            }
        }
    }

    package mutating func query() -> JSON {
        var query: JSONObject = ["dataSource": "random", "intervals": intervals()]
        columns = [
            ("color", .text), ("word", .text), ("tags", .texts), ("digits", .text), ("count", .long), ("big", .long),
            ("price", .double), ("real", .double), ("ratio", .float), ("letters", .array("ARRAY<STRING>")),
            ("numbers", .array("ARRAY<LONG>")), ("reals", .array("ARRAY<DOUBLE>")), ("nothing", .text),
        ]
        virtual = []
        readsQuery = false
        if usesSources, generator.chance(0.7) { query["dataSource"] = source(depth: 2) }
        for _ in 0..<generator.pick([0, 0, 1, 2, 3]) { addVirtualColumn() }
        if generator.chance(0.7) { query["filter"] = filter(depth: generator.pick([1, 2, 2, 3])) }
        switch generator.pick([
            "timeseries", "topN", "topN", "groupBy", "groupBy", "groupBy", "scan", "search", "timeBoundary",
        ]) {
        case "timeseries": timeseries(&query)
        case "topN": topN(&query)
        case "groupBy": groupBy(&query)
        case "scan": scan(&query)
        case "search": search(&query)
        default:
            query["queryType"] = "timeBoundary"
            if generator.chance(0.6) { query["bound"] = generator.pick(["minTime", "maxTime"]) }
        }
        if !virtual.isEmpty { query["virtualColumns"] = .array(virtual) }
        if query["dataSource"]?.stringValue == nil, query["queryType"] == "timeseries" {
            // Which empty buckets appear depends on what the segments beneath cover.
            query["context"] = ["skipEmptyBuckets": true]
        }
        if readsQuery {
            // Rows of a query have no segments to fill buckets and no order.
            query["granularity"] = "all"
            query["intervals"] = "1960-01-01/2100-01-01"
            query["order"] = nil
            // Nor have they columns of several values.
            query["columns"] = query["columns"]?.arrayValue.map { names in
                .array(names.filter { !($0.stringValue ?? "").hasPrefix("v") })
            }
        }
        return .object(query)
    }

    /// A query that only counts and sums up, over `columns`.
    mutating func aggregatingQuery() -> JSON {
        var query: JSONObject = ["dataSource": "random", "intervals": intervals()]
        if generator.chance(0.6) { query["filter"] = filter(depth: generator.pick([1, 2])) }
        switch generator.pick(["timeseries", "topN", "groupBy", "groupBy", "timeBoundary"]) {
        case "timeseries":
            timeseries(&query)
            var context = query["context"]?.objectValue ?? [:]
            context["skipEmptyBuckets"] = true
            query["context"] = .object(context)
        case "topN":
            topN(&query)
            // How a topN shows a time in a zone depends on how many segments a bucket has.
            if query["granularity"]?["timeZone"] != nil { query["granularity"] = "six_hour" }
        case "groupBy": groupBy(&query)
        default: query["queryType"] = "timeBoundary"
        }
        return .object(query)
    }

    // MARK: Kinds

    private mutating func timeseries(_ query: inout JSONObject) {
        query["queryType"] = "timeseries"
        query["granularity"] = granularity()
        let (aggregations, names) = aggregations()
        query["aggregations"] = aggregations
        postAggregations(&query, names)
        if generator.chance(0.3) { query["descending"] = true }
        if generator.chance(0.3) { query["limit"] = 5 }
        var context: JSONObject = [:]
        if generator.chance(0.4) { context["skipEmptyBuckets"] = true }
        if generator.chance(0.2) { context["grandTotal"] = true }
        if generator.chance(0.1) { context["timestampResultField"] = "t" }
        if !context.isEmpty { query["context"] = .object(context) }
    }

    private mutating func topN(_ query: inout JSONObject) {
        query["queryType"] = "topN"
        query["granularity"] = generator.chance(0.6) ? "all" : granularity()
        query["dimension"] = dimension(0, arrays: false)
        query["threshold"] = .int(Int64(generator.pick([1, 3, 10, 300])))
        let (aggregations, names) = aggregations()
        query["aggregations"] = aggregations
        let posts = postAggregations(&query, names)
        var metric: JSON = .string(generator.pick(names + posts))
        if generator.chance(0.4) {
            metric = [
                "type": "dimension",
                "ordering": .string(generator.pick(["lexicographic", "numeric", "strlen", "alphanumeric"])),
            ]
            if generator.chance(0.4), case .object(var object) = metric {
                object["previousStop"] = .string(text())
                metric = .object(object)
            }
        } else if generator.chance(0.2) {
            metric = ["type": "numeric", "metric": metric]
        }
        query["metric"] = generator.chance(0.3) ? ["type": "inverted", "metric": metric] : metric
    }

    private mutating func groupBy(_ query: inout JSONObject) {
        query["queryType"] = "groupBy"
        query["granularity"] = generator.chance(0.7) ? "all" : granularity()
        let dimensions = (0..<generator.pick([0, 1, 1, 2, 2, 3])).map { dimension($0, arrays: true) }
        query["dimensions"] = .array(dimensions)
        let (aggregations, names) = aggregations()
        query["aggregations"] = aggregations
        let posts = postAggregations(&query, names)
        let keys = dimensions.indices.map { "d\($0)" }
        var context: JSONObject = [:]
        if generator.chance(0.15) { context["sortByDimsFirst"] = true }
        if generator.chance(0.15) { context["resultAsArray"] = true }
        if !context.isEmpty { query["context"] = .object(context) }
        if generator.chance(0.25) { query["having"] = having(keys, names, depth: 2) }
        if generator.chance(0.35) { query["limitSpec"] = limitSpec(keys, names + posts) }
        if !keys.isEmpty, generator.chance(0.15) {
            var lists: [JSON] = []
            for _ in 0..<generator.pick([1, 2, 3]) {
                lists.append(.array(keys.filter { _ in generator.chance(0.5) }.map(JSON.string)))
            }
            query["subtotalsSpec"] = .array(lists)
            if case .array(var list) = aggregations {
                list.append(["type": "grouping", "name": "g", "groupings": .array(keys.map(JSON.string))])
                query["aggregations"] = .array(list)
            }
        }
    }

    private mutating func scan(_ query: inout JSONObject) {
        query["queryType"] = "scan"
        query["columns"] = .array((["__time", "nest"] + columns.map(\.name)).map(JSON.string))
        query["resultFormat"] = "compactedList"
        query["batchSize"] = .int(generator.pick([1, 7, 50, 20480]))
        query["order"] = .string(generator.pick(["none", "ascending", "descending"]))
        if generator.chance(0.6) { query["limit"] = .int(Int64.random(in: 1...200, using: &generator)) }
        if generator.chance(0.3) { query["offset"] = .int(generator.pick([1, 13])) }
    }

    private mutating func search(_ query: inout JSONObject) {
        query["queryType"] = "search"
        query["query"] = searchSpec()
        let plain = (0..<generator.pick([1, 2])).map { _ in
            pickColumn { if case .text = $0 { true } else if case .texts = $0 { true } else { false } }
        }
        query["searchDimensions"] = .array(Array(Set(plain)).sorted().map(JSON.string))
        query["sort"] = ["type": .string(generator.pick(["lexicographic", "strlen", "numeric", "alphanumeric"]))]
        if generator.chance(0.3) { query["limit"] = .int(generator.pick([1, 5])) }
    }

    // MARK: Orders and conditions on results

    private mutating func limitSpec(_ keys: [String], _ numbers: [String]) -> JSON {
        var columns: [JSON] = []
        for _ in 0..<generator.pick([0, 1, 1, 2, 3]) {
            let name = generator.pick(keys + numbers)
            if columns.contains(where: { ($0.stringValue ?? $0["dimension"]?.stringValue) == name }) { continue }
            if generator.chance(0.2) {
                columns.append(.string(name))
                continue
            }
            columns.append([
                "dimension": .string(name), "direction": .string(generator.pick(["ascending", "descending"])),
                "dimensionOrder": .string(
                    generator.pick(["lexicographic", "numeric", "strlen", "alphanumeric", "natural"])
                ),
            ])
        }
        var spec: JSONObject = ["type": "default", "columns": .array(columns)]
        if generator.chance(0.8) { spec["limit"] = .int(generator.pick([1, 5, 40])) }
        if generator.chance(0.2) { spec["offset"] = .int(generator.pick([1, 4])) }
        return .object(spec)
    }

    private mutating func having(_ keys: [String], _ numbers: [String], depth: Int) -> JSON {
        if depth > 0, generator.chance(0.35) {
            switch generator.pick(["and", "or", "not"]) {
            case "not": return ["type": "not", "havingSpec": having(keys, numbers, depth: depth - 1)]
            case let type:
                let parts = (0..<2).map { _ in having(keys, numbers, depth: depth - 1) }
                return ["type": .string(type), "havingSpecs": .array(parts)]
            }
        }
        switch generator.pick(["greaterThan", "lessThan", "equalTo", "dimSelector", "filter", "always"]) {
        case "dimSelector" where !keys.isEmpty:
            return ["type": "dimSelector", "dimension": .string(generator.pick(keys)), "value": .string(text())]
        case "filter":
            let name = JSON.string(generator.pick(numbers))
            let test: JSON = [
                "type": "range", "column": name, "matchValueType": "DOUBLE",
                "lower": .double(Double(Int.random(in: -20...20, using: &generator)) / 2),
            ]
            return ["type": "filter", "filter": generator.chance(0.3) ? ["type": "not", "field": test] : test]
        case "always": return ["type": "always"]
        case "dimSelector": return ["type": "never"]
        case let type:
            return [
                "type": .string(type), "aggregation": .string(generator.pick(numbers)),
                "value": generator.chance(0.7)
                    ? .int(Int64.random(in: -3...8, using: &generator)) : .double(generator.pick([0.5, -2.25, 3])),
            ]
        }
    }

    // MARK: Small things

    mutating func intervals() -> JSON {
        let one = generator.pick([
            "2023-11-01/2023-12-01", "2023-11-01/2023-12-01", "2023-11-01/2023-12-01",
            "2023-11-14T22:13:20Z/2023-11-16", "2023-11-15T05:30:00Z/2023-11-15T18:00:00Z", "2023-11-20/P1D",
        ])
        if generator.chance(0.2) { return [.string(one), "2023-11-16T03:00:00Z/PT5H", "2023-11-17/2023-11-19"] }
        return .string(one)
    }

    mutating func granularity() -> JSON {
        generator.pick([
            "all", "all", "hour", "day", "six_hour", "week", "month",
            ["type": "period", "period": "P1D", "timeZone": "America/Los_Angeles"],
            ["type": "period", "period": "PT6H", "timeZone": "Asia/Kolkata"], ["type": "period", "period": "P2D"],
            ["type": "period", "period": "PT3H", "origin": "2023-11-01T01:30:00Z"],
            ["type": "duration", "duration": 10_800_000],
            ["type": "duration", "duration": 50_000_000, "origin": "2023-11-15T00:00:07Z"],
        ])
    }

    mutating func text() -> String {
        generator.pick(
            RandomData.words + [
                "red", "green", "w1", "w250", "3", "7", "7.0", "0.25", "9007199254740993", "-5", "1e3", "-0.0",
            ]
        )
    }
}
