package import LaminaBase

/// How deep datasources may lie inside each other.
private let sourceDepthMax = 64

extension QueryDecoder {
    /// A datasource of any type.
    package func dataSource(_ json: JSON, at path: String) throws(LaminaError) -> DataSource {
        if case .string(let name) = json { return .table(try checkedName(name, at: path)) }
        let fields = try Fields(json, at: path)
        guard sourceDepth < sourceDepthMax else {
            throw fields.fail("datasources lie more than \(sourceDepthMax) deep inside each other")
        }
        var inner = self
        inner.sourceDepth += 1
        let type = try fields.string("type") ?? "table"
        switch type {
        case "table": return .table(try checkedName(try fields.requiredString("name"), at: path))
        case "union": return .union(try union(fields))
        case "inline": return .inline(try inline(fields))
        case "lookup": return .lookup(try lookup(fields))
        case "query": return .query(try inner.query(try fields.required("query"), at: fields.place("query")))
        case "join": return .join(try inner.join(fields))
        case "unnest": return .unnest(try inner.unnest(fields))
        case "filter":
            let base = try inner.source("base", of: fields)
            guard let json = fields["filter"] else { return base }
            return .filter(base: base, try filter(json, at: fields.place("filter")))
        case "globalTable": throw fields.fail("there are no broadcast tables; datasource 'globalTable' cannot be read")
        case "restrict": throw fields.fail("there are no access policies; datasource 'restrict' cannot be read")
        case "external": throw fields.fail("datasource 'external' can only be read by ingestion tasks")
        default: throw fields.fail("unknown datasource type '\(type)'")
        }
    }

    private func source(_ key: String, of fields: Fields) throws(LaminaError) -> DataSource {
        try dataSource(try fields.required(key), at: fields.place(key))
    }

    private func checkedName(_ name: String, at path: String) throws(LaminaError) -> String {
        guard !name.isEmpty else { throw .invalidInput("\(path) must not be empty", context: ["path": path]) }
        return name
    }

    /// Tables only, as in Druid.
    private func union(_ fields: Fields) throws(LaminaError) -> [String] {
        _ = try fields.required("dataSources")
        var names: [String] = []
        for (index, item) in (try fields.array("dataSources") ?? []).enumerated() {
            let place = "\(fields.place("dataSources"))[\(index)]"
            guard case .table(let name) = try dataSource(item, at: place) else {
                throw .invalidInput("\(place) must be a table: a union joins tables only", context: ["path": place])
            }
            names.append(name)
        }
        guard !names.isEmpty else { throw fields.fail("dataSources must name at least one table") }
        return names
    }

    private func inline(_ fields: Fields) throws(LaminaError) -> InlineSource {
        _ = try fields.required("columnNames")
        let names = try fields.names("columnNames") ?? []
        var types = [ColumnType?](repeating: nil, count: names.count)
        if let signatures = try fields.strings("columnTypes") {
            guard signatures.count == names.count else {
                throw fields.fail("columnNames and columnTypes must have the same length")
            }
            for (index, signature) in signatures.enumerated() {
                guard let signature else { continue }
                guard let type = ColumnType(signature: signature) else {
                    throw fields.fail("unknown type '\(signature)' in columnTypes")
                }
                types[index] = type
            }
        }
        _ = try fields.required("rows")
        let rows = try fields.array("rows") ?? []
        var columns = [[Value]](repeating: [], count: names.count)
        for index in columns.indices { columns[index].reserveCapacity(rows.count) }
        for (number, row) in rows.enumerated() {
            guard let cells = row.arrayValue, cells.count == names.count else {
                throw fields.fail("rows[\(number)] must be a list of \(names.count) values")
            }
            for (index, cell) in cells.enumerated() { columns[index].append(inlineValue(cell)) }
        }
        return InlineSource(names: names, types: types, columns: columns, rowCount: rows.count)
    }

    private func inlineValue(_ json: JSON) -> Value {
        if case .bool(let flag) = json { return .string(flag ? "true" : "false") }
        return scalarValue(json)
    }

    private func lookup(_ fields: Fields) throws(LaminaError) -> LookupSource {
        let name = try fields.requiredString("lookup")
        guard let table = lookups?(name) else {
            throw .invalidInput("Lookup [\(name)] not found", context: ["path": fields.place("lookup")])
        }
        return LookupSource(name: name, table: table)
    }

    private func join(_ fields: Fields) throws(LaminaError) -> JoinSource {
        let left = try source("left", of: fields)
        let right = try source("right", of: fields)
        let prefix = try fields.string("rightPrefix") ?? ""
        guard !prefix.isEmpty else { throw fields.fail("rightPrefix is required and must not be empty") }
        guard !"__time".hasPrefixBytes(prefix) else {
            throw fields.fail("rightPrefix cannot be a prefix of __time, the time column, but is '\(prefix)'")
        }
        for other in left.joinPrefixes where other.hasPrefixBytes(prefix) || prefix.hasPrefixBytes(other) {
            throw fields.fail("rightPrefix '\(prefix)' and that of another join, '\(other)', hide each other's columns")
        }
        let text = try fields.requiredString("joinType")
        guard let type = JoinType(rawValue: text) else {
            throw fields.fail("unknown joinType '\(text)'; it must be INNER, LEFT, RIGHT or FULL")
        }
        let condition: JoinCondition
        do throws(LaminaError) {
            condition = try JoinCondition(
                parsing: try fields.requiredString("condition"),
                rightPrefix: prefix,
                lookups: lookups
            )
        } catch {
            throw LaminaError(
                error.category,
                code: error.code,
                "\(fields.path): \(error.message)",
                context: error.context
            )
        }
        var leftFilter: Filter?
        if let json = fields["leftFilter"] {
            leftFilter = try filter(json, at: fields.place("leftFilter"))
        }
        return JoinSource(
            left: left,
            right: right,
            rightPrefix: prefix,
            condition: condition,
            type: type,
            leftFilter: leftFilter
        )
    }

    private func unnest(_ fields: Fields) throws(LaminaError) -> UnnestSource {
        let column = try virtualColumn(try fields.required("virtualColumn"), at: fields.place("virtualColumn"))
        var test: Filter?
        if let json = fields["unnestFilter"] { test = try filter(json, at: fields.place("unnestFilter")) }
        return UnnestSource(base: try source("base", of: fields), virtualColumn: column, filter: test)
    }
}

extension DataSource {
    /// Prefixes of the joins whose columns are seen here.
    fileprivate var joinPrefixes: [String] {
        switch self {
        case .join(let join): join.left.joinPrefixes + [join.rightPrefix]
        case .unnest(let unnest): unnest.base.joinPrefixes
        case .filter(let base, _): base.joinPrefixes
        case .table, .union, .inline, .lookup, .query: []
        }
    }
}
