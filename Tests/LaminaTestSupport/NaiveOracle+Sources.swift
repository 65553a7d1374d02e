import LaminaBase
import LaminaQuery

/// What a query reads, as lists of rows.
extension NaiveOracle {
    /// - Parameter query: the query that reads the source, if it does so directly.
    func relation(_ source: JSON, of query: JSON? = nil) throws -> [MemoryRows] {
        if let name = source.stringValue { return tables[name] ?? [] }
        switch source["type"]?.stringValue ?? "table" {
        case "table": return tables[source["name"]?.stringValue ?? ""] ?? []
        case "union": return (source["dataSources"]?.arrayValue ?? []).flatMap { tables[$0.stringValue ?? ""] ?? [] }
        case "inline": return [inline(source)]
        case "lookup":
            let map = lookups[source["lookup"]?.stringValue ?? ""] ?? [:]
            let rows = map.sorted { utf16Order($0.key, $1.key) < 0 }.map { entry -> Row in
                ["k": .string(entry.key), "v": .string(entry.value)]
            }
            return [rowBased(MemoryRows(types: [("k", .string), ("v", .string)], rows: rows))]
        case "query": return [try subquery(source["query"] ?? .null, in: query)]
        case "filter":
            let filter = source["filter"] ?? .null
            return try relation(source["base"] ?? .null).map { part in
                let types = typesOf(part)
                return part.taking(part.types, try part.rows.filter { try truth(filter, $0, types) == true })
            }
        case "unnest": return try relation(source["base"] ?? .null).map { try unnest($0, source) }
        case "join": return try join(source)
        case let other: throw Unknown("data sources of type \(other)")
        }
    }

    private func rowBased(_ part: MemoryRows) -> MemoryRows {
        var part = part
        part.isRowBased = true
        return part
    }

    private func typesOf(_ part: MemoryRows) -> [String: ColumnType] {
        var types: [String: ColumnType] = ["__time": .long]
        for (name, type) in part.types { types[name] = type }
        return types
    }

    private func inline(_ source: JSON) -> MemoryRows {
        let names = (source["columnNames"]?.arrayValue ?? []).compactMap(\.stringValue)
        let types = (source["columnTypes"]?.arrayValue ?? []).map {
            $0.stringValue.flatMap(ColumnType.init(signature:))
        }
        var rows: [Row] = []
        for items in source["rows"]?.arrayValue ?? [] {
            var row: Row = [:]
            for (index, item) in (items.arrayValue ?? []).enumerated() {
                row[names[index]] = scalarValue(item).cast(to: types[index] ?? .string)
                if case .null = item { row[names[index]] = .null }
            }
            rows.append(row)
        }
        let columns = names.enumerated().filter { $1 != "__time" }.map { (name: $1, type: types[$0] ?? .string) }
        return rowBased(MemoryRows(types: columns, rows: rows))
    }

    private func isGroupByAllTheWay(_ query: JSON) -> Bool {
        guard query["queryType"] == "groupBy" else { return false }
        guard query["dataSource"]?["type"] == "query" else { return true }
        return isGroupByAllTheWay(query["dataSource"]?["query"] ?? .null)
    }

    /// The rows of an inner query. With granularity `all` they have no time, except to a groupBy right above groupBys.
    private func subquery(_ query: JSON, in outer: JSON?) throws -> MemoryRows {
        let isStacked = outer.map { isGroupByAllTheWay($0) } ?? false
        let scope = try Scope(query, self)
        var rows: [Row] = []
        var types: [(name: String, type: ColumnType)] = []
        func note(_ name: String, _ value: Value) {
            guard name != "__time", let type = value.columnType else { return }
            if !types.contains(where: { $0.name == name }) { types.append((name, type)) }
        }
        switch scope.text("queryType") {
        case "groupBy":
            // A column of nulls has a type all the same.
            for aggregator in scope.list("aggregations") {
                guard let kind = aggregator["type"]?.stringValue, let name = aggregator["name"]?.stringValue else {
                    continue
                }
                let known: [(String, ColumnType)] = [("long", .long), ("double", .double), ("float", .float)]
                for (prefix, type) in known where kind.hasPrefix(prefix) { types.append((name, type)) }
            }
            for result in try groupBy(scope) {
                // Rows without a time have the time 0, as rows of look-ups have.
                var row: Row = ["__time": .long(scope.granularity.isAll && !isStacked ? 0 : result.time)]
                for (name, outcome) in result.fields {
                    row[name] = outcome.value
                    note(name, outcome.value)
                }
                rows.append(row)
            }
        case "scan":
            let names = scope.list("columns").compactMap(\.stringValue)
            for segment in scope.segments {
                for name in names where name != "__time" && !types.contains(where: { $0.name == name }) {
                    if let type = segment.types[name] { types.append((name, type)) }
                }
                rows += segment.selected.map { row in row.filter { names.contains($0.key) } }
            }
        default: throw Unknown("inner queries of type \(scope.text("queryType"))")
        }
        return rowBased(MemoryRows(types: types, rows: rows))
    }

    /// A row for each element of the unnested values, in their order.
    private func unnest(_ part: MemoryRows, _ source: JSON) throws -> MemoryRows {
        let column = source["virtualColumn"] ?? .null
        let name = column["name"]?.stringValue ?? ""
        let expression = try parse(column["expression"]?.stringValue ?? "")
        let types = typesOf(part)
        let type = type(of: expression, types)
        let element: ColumnType = if case .array(let inner) = type { inner } else { type }
        var rows: [Row] = []
        for row in part.rows {
            var bindings = row
            for name in expression.requiredColumns where types[name] == .string {
                // To an expression a row without values and one of null are null.
                if case .array(let all)? = row[name], all.count < 2 { bindings[name] = all.first ?? .null }
            }
            let value = try expression.evaluate { (name: String) -> Value in bindings[name] ?? .null }
            var elements = [value]
            if case .array(let all) = value {
                elements = all
            } else if value.isNull {
                // A stored column of strings that is unnested itself has a row for null.
                let isStored = expression.identifier.map { types[$0] == .string } ?? false
                elements = isStored && !part.isRowBased ? [.null] : []
            }
            for one in elements {
                var next = row
                next[name] = one
                rows.append(next)
            }
        }
        var all = types
        all[name] = element
        if let filter = source["unnestFilter"], !filter.isNull {
            rows = try rows.filter { try truth(filter, $0, all) == true }
        }
        return part.taking(part.types.filter { $0.name != name } + [(name, element)], rows)
    }

    /// Every left row with every right row for which the condition is true.
    private func join(_ source: JSON) throws -> [MemoryRows] {
        let prefix = source["rightPrefix"]?.stringValue ?? ""
        let condition = try parse(source["condition"]?.stringValue ?? "")
        let kind = source["joinType"]?.stringValue ?? "INNER"
        let right = try relation(source["right"] ?? .null)
        var rightTypes: [(name: String, type: ColumnType)] = []
        for part in right {
            for (name, type) in part.types where !rightTypes.contains(where: { $0.name == prefix + name }) {
                rightTypes.append((prefix + name, type))
            }
        }
        let rightRows = right.flatMap(\.rows).map { row in
            Row(uniqueKeysWithValues: row.map { (prefix + $0.key, $0.value) })
        }
        var used = Set<Int>()
        var parts: [MemoryRows] = []
        for part in try relation(source["left"] ?? .null) {
            var joined = part.taking(part.types + rightTypes, [])
            for row in part.rows {
                if let filter = source["leftFilter"], !filter.isNull, try truth(filter, row, typesOf(part)) != true {
                    continue
                }
                var matched = false
                for (index, other) in rightRows.enumerated() {
                    let both = row.merging(other) { _, new in new }
                    guard try condition.evaluate({ (name: String) -> Value in both[name] ?? .null }).asBool else {
                        continue
                    }
                    joined.rows.append(both)
                    used.insert(index)
                    matched = true
                }
                if !matched, kind == "LEFT" || kind == "FULL" { joined.rows.append(row) }
            }
            parts.append(joined)
        }
        if kind == "RIGHT" || kind == "FULL" {
            let rest = rightRows.indices.filter { !used.contains($0) }.map { rightRows[$0] }
            if parts.isEmpty { parts.append(MemoryRows(types: rightTypes, rows: [])) }
            parts[parts.count - 1].rows += rest
        }
        return parts
    }
}
