import LaminaBase
import LaminaQuery

/// Virtual columns and expressions over rows.
extension NaiveOracle {
    func parse(_ text: String) throws -> Expression {
        let tables = lookups
        return try Expression(parsing: text) { name in tables[name].map { LookupTable(map: $0) } }
    }

    /// Adds the columns, each after those it reads.
    func addVirtualColumns(_ columns: [JSON], to rows: inout [Row], _ types: inout [String: ColumnType]) throws {
        var waiting = columns
        let names = Set(columns.compactMap { $0["name"]?.stringValue ?? $0["outputName"]?.stringValue })
        var done: Set<String> = []
        while !waiting.isEmpty {
            let before = waiting.count
            for (index, column) in waiting.enumerated().reversed() {
                let name = column["name"]?.stringValue ?? column["outputName"]?.stringValue ?? ""
                let reads = try columnsRead(column)
                if reads.contains(where: { names.contains($0) && !done.contains($0) }) { continue }
                try add(column, named: name, to: &rows, &types)
                done.insert(name)
                waiting.remove(at: index)
            }
            if waiting.count == before { throw Unknown("virtual columns that read themselves") }
        }
    }

    private func columnsRead(_ column: JSON) throws -> [String] {
        switch column["type"]?.stringValue {
        case "expression": return try parse(column["expression"]?.stringValue ?? "").requiredColumns
        case "nested-field": return [column["columnName"]?.stringValue ?? ""]
        default: return [column["delegate"]?.stringValue ?? column["delegate"]?["dimension"]?.stringValue ?? ""]
        }
    }

    private func add(_ column: JSON, named name: String, to rows: inout [Row], _ types: inout [String: ColumnType])
        throws
    {
        let known = types
        switch column["type"]?.stringValue {
        case "expression":
            let expression = try parse(column["expression"]?.stringValue ?? "")
            for index in rows.indices { rows[index][name] = try value(of: expression, rows[index], known) }
            types[name] = type(of: expression, known)
        case "nested-field":
            let source = column["columnName"]?.stringValue ?? ""
            let wanted = column["expectedType"]?.stringValue.flatMap { ColumnType(signature: $0) }
            for index in rows.indices {
                var found = nested(rows[index][source] ?? .null, column["path"]?.stringValue ?? "$")
                if let wanted { found = found.cast(to: wanted) }
                rows[index][name] = found
            }
            types[name] = wanted ?? .string
        case "mv-filtered":
            let source = try columnsRead(column)[0]
            let kept = column["values"]?.arrayValue ?? []
            let isAllowList = column["isAllowList"]?.boolValue ?? true
            for index in rows.indices {
                let left = valuesOf(rows[index][source]).filter { value in
                    kept.contains { sameBytes($0.stringValue, value.asText) } == isAllowList
                }
                rows[index][name] = .array(left)
            }
            types[name] = .string
        case let other: throw Unknown("virtual columns of type \(other ?? "")")
        }
    }

    /// A scalar at a path of plain names and indices; objects and arrays are null.
    private func nested(_ value: Value, _ path: String) -> Value {
        guard case .json(var json) = value else { return .null }
        for step in path.dropFirst().split(whereSeparator: { $0 == "." || $0 == "[" || $0 == "]" }) {
            if let index = Int(step) {
                guard let items = json.arrayValue, items.indices.contains(index) else { return .null }
                json = items[index]
            } else {
                guard let next = json[String(step)] else { return .null }
                json = next
            }
        }
        switch json {
        case .int(let number): return .long(number)
        case .double(let number): return .double(number)
        case .string(let text): return .string(text)
        case .bool(let flag): return .long(flag ? 1 : 0)
        default: return .null
        }
    }

    /// An expression on a row: a column of several values that it reads as one is taken value by value.
    func value(of expression: Expression, _ row: Row, _ types: [String: ColumnType]) throws -> Value {
        let single = scalarColumns(expression.root)
        let several = expression.requiredColumns.filter { name in
            guard single.contains(name), types[name] == .string, case .array(let all)? = row[name] else { return false }
            return all.count > 1
        }
        var bindings = row
        for name in expression.requiredColumns where types[name] == .string {
            guard case .array(let elements)? = row[name] else { continue }
            if elements.isEmpty { bindings[name] = .null }
            if elements.count == 1 { bindings[name] = elements[0] }
        }
        func each(_ names: ArraySlice<String>) throws -> [Value] {
            guard let name = names.first else {
                let found = try expression.evaluate { (name: String) -> Value in bindings[name] ?? .null }
                if case .array(let elements) = found { return elements }
                return [found]
            }
            return try valuesOf(row[name]).flatMap { value in
                bindings[name] = value
                return try each(names.dropFirst())
            }
        }
        if several.isEmpty { return try expression.evaluate { (name: String) -> Value in bindings[name] ?? .null } }
        return .array(try each(several[...]))
    }

    /// The type of an expression's values: text when it goes value by value through a column of several.
    func type(of expression: Expression, _ types: [String: ColumnType]) -> ColumnType {
        expression.outputType { types[$0] } ?? .float
    }

    /// Columns that an expression takes as single values somewhere.
    func scalarColumns(_ node: ExpressionNode, asArray: Bool = false) -> Set<String> {
        switch node {
        case .literal, .local: return []
        case .column(let name, _): return asArray ? [] : [name]
        case .unary(_, let inner): return scalarColumns(inner)
        case .binary(_, let left, let right): return scalarColumns(left).union(scalarColumns(right))
        case .call(let call):
            var names: Set<String> = []
            for (index, argument) in call.arguments.enumerated() {
                let takesArray =
                    call.name.hasPrefix("array_") || call.name.hasPrefix("mv_")
                    ? index == 0 || call.name.hasSuffix("overlap") : false
                names.formUnion(scalarColumns(argument, asArray: takesArray))
            }
            return names
        case .apply(let application):
            return application.arguments.reduce(into: scalarColumns(application.body)) {
                $0.formUnion(scalarColumns($1, asArray: true))
            }
        }
    }
}
