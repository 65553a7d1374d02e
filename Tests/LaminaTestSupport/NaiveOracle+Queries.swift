import LaminaBase
import LaminaQuery

/// The kinds of queries, rows in and answer out.
extension NaiveOracle {
    private func members(_ scope: Scope) -> [Member] {
        scope.segments.indices.flatMap { index in
            scope.segments[index].selected.map { Member(row: $0, segment: index) }
        }
    }

    private func object(_ fields: Fields) -> JSON { .object(JSONObject(fields.map { ($0.name, $0.outcome.json) })) }

    // MARK: Timeseries

    func timeseries(_ scope: Scope) throws -> JSON {
        let granularity = scope.granularity
        var buckets: [Int64: [Member]] = [:]
        // Read from its end, the last segment comes first.
        let isDescending = scope.query["descending"]?.boolValue == true
        let lastStart = scope.segments.compactMap { $0.rows.first.map(timeOf) }.max()
        let allStart = isDescending ? lastStart ?? scope.firstTime : scope.firstTime
        if granularity.isAll { buckets[allStart] = [] }
        for member in members(scope) {
            buckets[granularity.isAll ? allStart : scope.bucket(member.row), default: []].append(member)
        }
        if !granularity.isAll {
            // Each segment fills what lies between its first row and the end of its last row's bucket.
            for segment in scope.segments {
                guard let times = segment.times else { continue }
                let end = granularity.next(granularity.bucketStart(times.upperBound))
                for interval in segment.intervals {
                    let low = max(interval.start, times.lowerBound)
                    let high = min(interval.end, end)
                    guard low < high else { continue }
                    var start = granularity.bucketStart(low)
                    while start < high {
                        if buckets[start] == nil { buckets[start] = [] }
                        start = granularity.next(start)
                    }
                }
            }
        }
        if scope.flag("skipEmptyBuckets") { buckets = buckets.filter { !$0.value.isEmpty } }
        var starts = buckets.keys.sorted()
        if scope.query["descending"]?.boolValue == true { starts.reverse() }
        if let limit = scope.query["limit"]?.intValue, limit > 0 { starts = Array(starts.prefix(Int(limit))) }
        var elements: [JSON] = []
        for start in starts {
            var fields = try fold(buckets[start] ?? [], scope, keys: [])
            if let name = scope.query["context"]?["timestampResultField"]?.stringValue {
                fields.append((name, .value(.long(start))))
            }
            elements.append(["timestamp": scope.timestamp(start), "result": object(fields)])
        }
        if scope.flag("grandTotal") {
            let all = starts.sorted().flatMap { buckets[$0] ?? [] }
            var fields = try fold(all, scope, keys: [])
            if starts.isEmpty { fields = fields.map { ($0.name, .value(.null)) } }
            elements.append(["timestamp": .null, "result": object(fields)])
        }
        return .array(elements)
    }

    // MARK: Grouping

    struct Group {
        var start: Int64
        var keys: [Value]
        var members: [Member]
    }

    /// Rows by bucket and keys; a row counts once for each combination of the dimensions' values.
    private func grouped(_ scope: Scope, _ dimensions: [JSON], skipsEmptyRows: Bool = false) throws -> [Group] {
        var groups: [Group] = []
        var places: [String: Int] = [:]
        for member in members(scope) {
            let start = scope.bucket(member.row)
            var tuples: [[Value]] = [[]]
            for dimension in dimensions {
                let types = scope.segments[member.segment].types
                let values = try keys(dimension, member.row, types, emptyIsNull: !skipsEmptyRows)
                tuples = tuples.flatMap { tuple in values.map { tuple + [$0] } }
            }
            for tuple in tuples {
                let name = "\(start)|" + tuple.map(keyText).joined(separator: "|")
                if let place = places[name] {
                    groups[place].members.append(member)
                } else {
                    places[name] = groups.count
                    groups.append(Group(start: start, keys: tuple, members: [member]))
                }
            }
        }
        return groups
    }

    // MARK: TopN

    func topN(_ scope: Scope) throws -> JSON {
        let dimension = scope.query["dimension"] ?? .null
        let groups = try grouped(scope, [dimension], skipsEmptyRows: true)
        var elements: [JSON] = []
        for start in Set(groups.map(\.start)).sorted() {
            var rows: [(key: Value, fields: Fields)] = []
            for group in groups where group.start == start {
                let key = (outputName(dimension), Outcome.value(group.keys[0]))
                rows.append((group.keys[0], try fold(group.members, scope, keys: [key])))
            }
            let ranked = try rank(rows, scope.query["metric"] ?? .null, scope)
            let shown = ranked.prefix(Int(scope.query["threshold"]?.intValue ?? 0)).map { object($0.fields) }
            // A bucket that a single segment answers keeps UTC.
            let sources = Set(groups.filter { $0.start == start }.flatMap { $0.members.map(\.segment) })
            let time = scope.granularity.isAll ? scope.firstTime : start
            let text = sources.count > 1 ? scope.timestamp(time) : .string(instantText(time))
            elements.append(["timestamp": text, "result": .array(Array(shown))])
        }
        if elements.isEmpty, scope.granularity.isAll, scope.segments.contains(where: { !$0.selected.isEmpty }) {
            elements = [["timestamp": .string(instantText(scope.firstTime)), "result": []]]
        }
        return .array(elements)
    }

    private typealias Ranked = (key: Value, fields: Fields)

    private func rank(_ rows: [Ranked], _ metric: JSON, _ scope: Scope) throws -> [Ranked] {
        var metric = metric
        var isInverted = false
        while metric["type"]?.stringValue == "inverted" {
            metric = metric["metric"] ?? .null
            isInverted.toggle()
        }
        if let name = metric.stringValue ?? (metric["type"] == "numeric" ? metric["metric"]?.stringValue : nil) {
            let type = scope.list("aggregations").first { $0["name"]?.stringValue == name }.map {
                $0["aggregator"] ?? $0
            }
            let isFirstOrLast = ["First", "Last"].contains { type?["type"]?.stringValue?.hasSuffix($0) ?? false }
            func score(_ row: Ranked) -> Value { row.fields.last { $0.name == name }?.outcome.value ?? .null }
            return rows.sorted { left, right in
                let one = score(left)
                let two = score(right)
                let order: Int
                if case .long = one, case .long = two {
                    order = naturalOrder(one, two)
                } else {
                    // Null comes last whichever way the order goes, but is less than all others of `first` and `last`.
                    let last = isInverted && !isFirstOrLast ? Double.infinity : -.infinity
                    order = doubleOrder(one.asDouble ?? last, two.asDouble ?? last)
                }
                if order != 0 { return isInverted ? order < 0 : order > 0 }
                return naturalOrder(left.key, right.key) < 0
            }
        }
        let name = metric["type"]?.stringValue
        let ordering = name == "alphaNumeric" ? "alphanumeric" : metric["ordering"] ?? "lexicographic"
        var left = rows
        if let stop = metric["previousStop"]?.stringValue {
            left = try rows.filter {
                let order = try textOrder(ordering, $0.key.asText, stop)
                return isInverted ? order < 0 && !$0.key.isNull : order > 0
            }
        }
        return try left.sorted { one, two in
            if one.key.isNull || two.key.isNull { return one.key.isNull && !two.key.isNull }
            let order = try textOrder(ordering, one.key.asText, two.key.asText)
            if order != 0 { return isInverted ? order > 0 : order < 0 }
            return naturalOrder(one.key, two.key) < 0
        }
    }

    // MARK: GroupBy

    /// A finished row of a groupBy query.
    struct ResultRow {
        var time: Int64
        var fields: Fields
        var json: JSON
    }

    func groupBy(_ scope: Scope) throws -> [ResultRow] {
        let dimensions = scope.list("dimensions")
        let names = dimensions.map(outputName)
        guard let subtotals = scope.query["subtotalsSpec"]?.arrayValue else {
            return try shownRows(try finished(try grouped(scope, dimensions), scope), scope)
        }
        var rows: [Finished] = []
        for list in subtotals {
            let kept = (list.arrayValue ?? []).compactMap(\.stringValue)
            var groups: [Group] = []
            for group in try grouped(scope, dimensions) {
                var keys = group.keys
                for (index, name) in names.enumerated() where !kept.contains(name) { keys[index] = .null }
                let same = groups.firstIndex { other in
                    other.start == group.start && zip(other.keys, keys).allSatisfy { keyText($0) == keyText($1) }
                }
                if let same {
                    groups[same].members += group.members
                } else {
                    groups.append(Group(start: group.start, keys: keys, members: group.members))
                }
            }
            rows += try finished(groups, scope, kept: kept)
        }
        return try shownRows(rows, scope)
    }

    /// Groups in their default order, finished.
    private func finished(_ found: [Group], _ scope: Scope, kept: [String]? = nil) throws -> [Finished] {
        var groups = found
        if groups.isEmpty, scope.list("dimensions").isEmpty, scope.granularity.isAll {
            groups = [Group(start: 0, keys: [], members: [])]
        }
        let dimsFirst = scope.flag("sortByDimsFirst")
        groups.sort { left, right in
            if left.start != right.start, !dimsFirst { return left.start < right.start }
            for (one, two) in zip(left.keys, right.keys) {
                let order = naturalOrder(one, two)
                if order != 0 { return order < 0 }
            }
            return left.start < right.start
        }
        return try groups.map { (group: $0, fields: try finish($0, scope, kept)) }
    }

    private func finish(_ group: Group, _ scope: Scope, _ kept: [String]? = nil) throws -> Fields {
        let keys = zip(scope.list("dimensions").map(outputName), group.keys).map { ($0, Outcome.value($1)) }
        return try fold(group.members, scope, keys: keys, kept: kept)
    }

    /// What `having`, order and limit leave; of subtotals over all of them together.
    private func shownRows(_ all: [Finished], _ scope: Scope) throws -> [ResultRow] {
        var rows = all
        if let having = scope.query["having"], !having.isNull {
            rows = try rows.filter { try passes(having, $0.fields) }
        }
        if let spec = scope.query["limitSpec"], !spec.isNull {
            let names = scope.list("dimensions").map(outputName)
            rows = try limited(rows, spec, scope, names) { try finish($0, scope) }
        }
        return try rows.map { row in
            let time = scope.granularity.isAll ? scope.intervals[0].start : row.group.start
            return ResultRow(time: time, fields: row.fields, json: try shown(row.fields, time, scope))
        }
    }

    private func shown(_ fields: Fields, _ time: Int64, _ scope: Scope) throws -> JSON {
        if scope.flag("resultAsArray") {
            let start: [JSON] = scope.granularity.isAll ? [] : [.int(time)]
            return .array(start + fields.map(\.outcome.json))
        }
        return ["version": "v1", "timestamp": scope.timestamp(time), "event": object(fields)]
    }

    private typealias Finished = (group: Group, fields: Fields)

    private func limited(
        _ rows: [Finished],
        _ spec: JSON,
        _ scope: Scope,
        _ names: [String],
        _ finish: (Group) throws -> Fields
    ) throws -> [Finished] {
        var rows = rows
        let columns = spec["columns"]?.arrayValue ?? []
        let offset = Int(spec["offset"]?.intValue ?? 0)
        let limit = spec["limit"]?.intValue.map { Int($0) }
        let dimsFirst = scope.flag("sortByDimsFirst")
        func order(_ column: JSON, _ left: Finished, _ right: Finished) throws -> Int {
            let name = column.stringValue ?? column["dimension"]?.stringValue ?? ""
            func value(_ row: Finished) -> Value { row.fields.last { $0.name == name }?.outcome.value ?? .null }
            let ordering = column["dimensionOrder"]?.stringValue ?? "lexicographic"
            var order: Int
            if let index = names.firstIndex(of: name) {
                let type = outputType(scope.list("dimensions")[index])
                if ordering == "natural" || type.isNumeric && ordering == "numeric"
                    || !type.isNumeric && type != .string
                {
                    order = naturalOrder(value(left), value(right))
                } else {
                    order = try textOrder(.string(ordering), value(left).asText, value(right).asText)
                }
            } else {
                order = naturalOrder(value(left), value(right))
            }
            if column["direction"]?.stringValue == "descending" { order = -order }
            return order
        }
        // Without columns Druid's limitSpec still puts time first where rows do not come so: of several subtotals, and with
        // dimensions first, after the limit has been pushed down.
        let hasSubtotals = scope.query["subtotalsSpec"] != nil
        let ordersByTime = columns.isEmpty && (hasSubtotals || dimsFirst)
        if columns.isEmpty, !hasSubtotals, scope.query["having"] == nil, let limit {
            rows = Array(rows.prefix(limit + offset))
        }
        if !columns.isEmpty || ordersByTime {
            rows = try rows.enumerated().sorted { left, right in
                if !dimsFirst || ordersByTime, left.element.group.start != right.element.group.start {
                    return left.element.group.start < right.element.group.start
                }
                for column in columns {
                    let order = try order(column, left.element, right.element)
                    if order != 0 { return order < 0 }
                }
                if left.element.group.start != right.element.group.start {
                    return left.element.group.start < right.element.group.start
                }
                return left.offset < right.offset
            }.map(\.element)
        }
        // With the limit pushed down Druid merges rows by the comparators of the order, so that keys which these cannot tell
        // apart («1» and «01» as numbers) become one row.
        let isPushed =
            limit != nil && !columns.isEmpty && scope.query["having"] == nil && scope.query["subtotalsSpec"] == nil
            && columns.allSatisfy { names.contains($0.stringValue ?? $0["dimension"]?.stringValue ?? "") }
        if isPushed, let limit {
            var joined: [Finished] = []
            for row in rows.prefix(limit + offset) {
                let isSame = try joined.last.map { last in
                    guard last.group.start == row.group.start else { return false }
                    for (index, name) in names.enumerated() {
                        let ordered = columns.first { ($0.stringValue ?? $0["dimension"]?.stringValue) == name }
                        if let ordered {
                            if try order(ordered, last, row) != 0 { return false }
                        } else if naturalOrder(last.group.keys[index], row.group.keys[index]) != 0 {
                            return false
                        }
                    }
                    return true
                }
                if isSame == true, var last = joined.popLast() {
                    last.group.members += row.group.members
                    last.fields = try finish(last.group)
                    joined.append(last)
                } else {
                    joined.append(row)
                }
            }
            rows = joined
        }
        rows = Array(rows.dropFirst(offset))
        return limit.map { Array(rows.prefix($0)) } ?? rows
    }

    private func passes(_ having: JSON, _ fields: Fields) throws -> Bool {
        func value(_ name: String?) -> Value { fields.last { $0.name == name }?.outcome.value ?? .null }
        switch having["type"]?.stringValue ?? "" {
        case "always": return true
        case "never": return false
        case "and": return try (having["havingSpecs"]?.arrayValue ?? []).allSatisfy { try passes($0, fields) }
        case "or": return try (having["havingSpecs"]?.arrayValue ?? []).contains { try passes($0, fields) }
        case "not": return try !passes(having["havingSpec"] ?? .null, fields)
        case "filter":
            var row: Row = [:]
            var types: [String: ColumnType] = [:]
            for (name, outcome) in fields {
                row[name] = outcome.value
                types[name] = outcome.value.columnType ?? .string
            }
            return try truth(having["filter"] ?? .null, row, types) == true
        case "dimSelector":
            let text = value(having["dimension"]?.stringValue).asText
            return sameBytes(text ?? "", having["value"]?.stringValue ?? "")
        case let type:
            let wanted = having["value"]?.doubleValue ?? 0
            let found = value(having["aggregation"]?.stringValue)
            guard let number = found.asDouble else { return false }
            var order = doubleOrder(number, wanted)
            if case .long(let long) = found, let exact = having["value"]?.intValue {
                order = long < exact ? -1 : long == exact ? 0 : 1
            }
            return type == "greaterThan" ? order > 0 : type == "lessThan" ? order < 0 : order == 0
        }
    }

    // MARK: Rows

    func scan(_ scope: Scope) throws -> JSON {
        var rows = members(scope)
        let order = scope.query["order"]?.stringValue ?? "none"
        if order != "none" {
            rows = rows.enumerated().sorted { left, right in
                let one = timeOf(left.element.row)
                let two = timeOf(right.element.row)
                if one != two { return order == "ascending" ? one < two : one > two }
                return order == "ascending" ? left.offset < right.offset : left.offset > right.offset
            }.map(\.element)
        }
        rows = Array(rows.dropFirst(Int(scope.query["offset"]?.intValue ?? 0)))
        if let limit = scope.query["limit"]?.intValue, limit > 0 { rows = Array(rows.prefix(Int(limit))) }
        let names = scope.list("columns").compactMap(\.stringValue)
        return .array(
            rows.map { member in
                let types = scope.segments[member.segment].types
                return .array(names.map { shownJSON(shown(member.row[$0], types[$0])) })
            }
        )
    }

    /// Rows of several strings show one value as itself and none as null; arrays stay arrays.
    private func shown(_ value: Value?, _ type: ColumnType?) -> Value {
        guard case .array(let elements)? = value else { return value ?? .null }
        if case .array? = type { return .array(elements) }
        return elements.isEmpty ? .null : elements.count == 1 ? elements[0] : .array(elements)
    }

    func search(_ scope: Scope) throws -> JSON {
        typealias Hit = (dimension: String, text: String?, count: Int64)
        var hits: [Hit] = []
        let ordering = scope.query["sort"] ?? "lexicographic"
        for segment in scope.segments {
            let all = segment.names.filter { $0 != "__time" }.map(JSON.string)
            for dimension in scope.query["searchDimensions"]?.arrayValue ?? all {
                let name = outputName(dimension)
                if segment.types[column(dimension)] == nil { continue }
                for row in segment.selected {
                    var seen: [String?] = []
                    for text in try texts(of: dimension, row, segment.types) {
                        if seen.contains(where: { sameBytes($0, text) }) { continue }
                        seen.append(text)
                        guard try found(scope.query["query"] ?? .null, text) else { continue }
                        if let place = hits.firstIndex(where: { $0.dimension == name && sameBytes($0.text, text) }) {
                            hits[place].count += 1
                        } else {
                            hits.append((name, text, 1))
                        }
                    }
                }
            }
        }
        hits = try hits.sorted { left, right in
            let order = try textOrder(ordering, left.text, right.text)
            if order != 0 { return order < 0 }
            let names = utf16Order(left.dimension, right.dimension)
            return try names != 0 ? names < 0 : textOrder("lexicographic", left.text, right.text) < 0
        }
        // What the order cannot tell apart is one.
        var merged: [Hit] = []
        for hit in hits {
            if let last = merged.last, last.dimension == hit.dimension,
                try textOrder(ordering, last.text, hit.text) == 0
            {
                merged[merged.count - 1].count += hit.count
            } else {
                merged.append(hit)
            }
        }
        let limit = Int(scope.query["limit"]?.intValue ?? 1000)
        let shown = merged.prefix(limit).map { hit -> JSON in
            [
                "dimension": .string(hit.dimension), "value": hit.text.map(JSON.string) ?? .null,
                "count": .int(hit.count),
            ]
        }
        guard let start = scope.segments.compactMap({ $0.times?.lowerBound }).min() else { return [] }
        return [["timestamp": .string(instantText(start)), "result": .array(Array(shown))]]
    }

    func timeBoundary(_ scope: Scope) throws -> JSON {
        let times = members(scope).map { timeOf($0.row) }
        guard let low = times.min(), let high = times.max() else { return [] }
        let bound = scope.query["bound"]?.stringValue
        var result = JSONObject()
        if bound != "minTime" { result["maxTime"] = .string(instantText(high)) }
        if bound != "maxTime" { result["minTime"] = .string(instantText(low)) }
        return [["timestamp": .string(instantText(bound == "maxTime" ? high : low)), "result": .object(result)]]
    }
}
