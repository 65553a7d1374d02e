import LaminaBase

/// Nested values. Source: `NestedDataExpressions`.
let jsonFunctions: [ExpressionFunction] = [
    ExpressionFunction("json_value", 2...3, type: valueType, .prepared(prepareValue)),
    ExpressionFunction("json_query", 2...2, type: always(.complex("json")), .prepared(prepareQuery)),
    ExpressionFunction("json_query_array", 2...2, type: always(.array(.complex("json"))), .prepared(prepareQueryArray)),
    ExpressionFunction("json_object", 0...manyArguments, type: always(.complex("json")), .strict(makeObject)),
    ExpressionFunction("json_merge", 1...manyArguments, type: always(.complex("json")), .strict(merge)),
    ExpressionFunction("json_keys", 2...2, type: always(.array(.string)), .prepared(prepareKeys)),
    ExpressionFunction("json_paths", 1...1, type: always(.array(.string)), .strict(paths)),
    ExpressionFunction(
        "parse_json",
        1...1,
        type: always(.complex("json")),
        .strict { values throws(LaminaError) in
            try parse(values[0], isStrict: true)
        }
    ),
    ExpressionFunction(
        "try_parse_json",
        1...1,
        type: always(.complex("json")),
        .strict { values throws(LaminaError) in
            try parse(values[0], isStrict: false)
        }
    ),
    ExpressionFunction(
        "to_json_string",
        1...1,
        type: always(.string),
        .strict { values in
            values[0].isNull ? .null : .string(values[0].asJSON.text)
        }
    ),
]

private func path(_ arguments: PreparedArguments) throws(LaminaError) -> JSONPath {
    try JSONPath(parsing: try arguments.requiredText(1, "second (path)"))
}

private func valueType(_ types: [ColumnType?], _ nodes: [ExpressionNode]) -> ColumnType? {
    guard nodes.count > 2 else { return .string }
    return nodes[2].literalValue?.asText.flatMap(ColumnType.init(signature:))
}

private func prepareValue(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    let path = try path(arguments)
    guard let name = try arguments.text(2, "third (type)") else { return { path.literal(in: $0[0].asJSON) } }
    guard let type = ColumnType(signature: name) else { throw .invalidInput("'\(name)' is no type") }
    return { values in
        let found = path.literal(in: values[0].asJSON)
        if case .array = type { return found.cast(to: type) }
        if case .array = found { return .null }
        return found.cast(to: type)
    }
}

private func prepareQuery(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    let path = try path(arguments)
    return { values in
        guard let found = path.find(in: values[0].asJSON), !found.isNull else { return .null }
        return .json(found)
    }
}

private func prepareQueryArray(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    let path = try path(arguments)
    return { values in
        switch path.find(in: values[0].asJSON) {
        case nil, .null: .null
        case .array(let items): .array(items.map { $0.isNull ? .null : .json($0) })
        case .some(let single): .array([.json(single)])
        }
    }
}

private func makeObject(_ values: [Value]) throws(LaminaError) -> Value {
    guard values.count % 2 == 0 else {
        throw .evaluation("Function[json_object] must have an even number of arguments")
    }
    var object = JSONObject()
    for index in stride(from: 0, to: values.count, by: 2) {
        guard let key = values[index].asText else { throw .evaluation("Function[json_object] key must not be null") }
        object[key] = values[index + 1].asJSON
    }
    return .json(.object(object))
}

/// Later arguments win; objects inside objects are merged, arrays are joined end to end.
private func merge(_ values: [Value]) throws(LaminaError) -> Value {
    var result = try parsedArgument(values[0])
    if result == nil { return .null }
    for value in values.dropFirst() {
        guard let next = try parsedArgument(value) else { return .null }
        result = result.map { merged($0, next) }
    }
    return result.map(Value.json) ?? .null
}

private func parsedArgument(_ value: Value) throws(LaminaError) -> JSON? {
    switch value {
    case .null: return nil
    case .string(let text):
        do throws(LaminaError) {
            return try JSONParser.parse(text)
        } catch {
            throw .evaluation("Function[json_merge] bad string input [\(text.prefix(100))]: \(error.message)")
        }
    default: return value.asJSON
    }
}

private func merged(_ left: JSON, _ right: JSON) -> JSON {
    switch (left, right) {
    case (.object(var object), .object(let other)):
        for (key, value) in other.entries { object[key] = object[key].map { merged($0, value) } ?? value }
        return .object(object)
    case (.array(let items), .array(let more)): return .array(items + more)
    default: return right
    }
}

private func prepareKeys(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    let path = try path(arguments)
    return { values in
        switch path.find(in: values[0].asJSON) {
        case .object(let object): .array(object.keys.map(Value.string))
        case .array(let items): .array(items.indices.map { .string(String($0)) })
        default: .null
        }
    }
}

/// Paths of all scalars (and arrays of scalars) below a value.
private func paths(_ values: [Value]) -> Value {
    if values[0].isNull { return .array([.string("$")]) }
    var found: [[JSONPath.Step]] = []
    collectPaths(values[0].asJSON, [], &found)
    return .array(inHashOrder(found).map { .string(JSONPath(steps: $0).text) })
}

private func collectPaths(_ json: JSON, _ steps: [JSONPath.Step], _ found: inout [[JSONPath.Step]]) {
    switch json {
    case .object(let object):
        for (key, value) in object.entries { collectPaths(value, steps + [.field(key)], &found) }
    case .array(let items):
        if case .array = JSONPath(steps: []).literal(in: json) {
            found.append(steps)
        } else {
            for (index, item) in items.enumerated() { collectPaths(item, steps + [.element(index)], &found) }
        }
    default: found.append(steps)
    }
}

/// Paths in the order in which a Java `HashSet` of Druid's path parts gives them, which is the order Druid answers in.
private func inHashOrder(_ paths: [[JSONPath.Step]]) -> [[JSONPath.Step]] {
    var buckets = 16
    while paths.count > buckets * 3 / 4 { buckets *= 2 }
    func bucket(_ path: [JSONPath.Step]) -> Int {
        var hash: Int32 = 1
        for step in path {
            let part: Int32 =
                switch step {
                case .field(let name): name.utf16.reduce(0) { $0 &* 31 &+ Int32($1) }
                case .element(let index): Int32(truncatingIfNeeded: index)
                }
            hash = hash &* 31 &+ (part &+ 31)
        }
        let bits = UInt32(bitPattern: hash)
        return Int(bits ^ bits >> 16) & (buckets - 1)
    }
    let placed = paths.map { (bucket: bucket($0), path: $0) }
    return placed.enumerated().sorted { ($0.element.bucket, $0.offset) < ($1.element.bucket, $1.offset) }.map(
        \.element.path
    )
}

private func parse(_ value: Value, isStrict: Bool) throws(LaminaError) -> Value {
    guard case .string(let text) = value else {
        if value.isNull { return .null }
        if isStrict { throw .evaluation("Function[parse_json] invalid input \(value.typeName), expected STRING") }
        return .null
    }
    do throws(LaminaError) {
        let json = try JSONParser.parse(text)
        return json.isNull ? .null : .json(json)
    } catch {
        if isStrict { throw .evaluation("Bad string input [\(text.prefix(100))] to [parse_json]: \(error.message)") }
        return .null
    }
}
