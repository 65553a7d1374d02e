import LaminaBase

extension RandomQueries {
    mutating func dimension(_ number: Int, arrays: Bool) -> JSON {
        let output = JSON.string("d\(number)")
        let choices = columns.compactMap { column -> (String, String)? in
            if case .array(let type) = column.kind { (column.name, type) } else { nil }
        }
        if arrays, generator.chance(0.08), !choices.isEmpty {
            let (name, type) = generator.pick(choices)
            return ["type": "default", "dimension": .string(name), "outputName": output, "outputType": .string(type)]
        }
        if generator.chance(0.06) {
            return [
                "type": "extraction", "dimension": "__time", "outputName": output,
                "extractionFn": generator.pick([
                    ["type": "timeFormat", "format": "HH", "timeZone": "Asia/Seoul"],
                    ["type": "timeFormat", "granularity": "day"], ["type": "timeFormat", "format": "yyyy-MM-dd HH"],
                    ["type": "substring", "index": 0, "length": 13],
                ]),
            ]
        }
        let name = plainColumn()
        var type = "STRING"
        if let kind = columns.first(where: { $0.name == name })?.kind, generator.chance(0.5) {
            switch kind {
            case .long: type = generator.pick(["LONG", "LONG", "DOUBLE", "FLOAT"])
            case .double: type = generator.pick(["DOUBLE", "DOUBLE", "LONG"])
            case .float: type = generator.pick(["FLOAT", "DOUBLE"])
            case .text, .texts: if generator.chance(0.2) { type = generator.pick(["LONG", "DOUBLE"]) }
            case .array: break
            }
        }
        let plain: JSON = [
            "type": "default", "dimension": .string(name), "outputName": output, "outputType": .string(type),
        ]
        switch generator.pick(["plain", "plain", "plain", "plain", "extraction", "filtered"]) {
        case "extraction":
            return [
                "type": "extraction", "dimension": .string(name), "outputName": output,
                "extractionFn": extractionFunction(),
            ]
        case "filtered" where name == "tags" || name == "color" || name == "word":
            return filtered(["type": "default", "dimension": .string(name), "outputName": output])
        default: return plain
        }
    }

    private mutating func filtered(_ delegate: JSON) -> JSON {
        switch generator.pick(["list", "prefix", "regex"]) {
        case "list":
            return [
                "type": "listFiltered", "delegate": delegate, "isWhitelist": .bool(generator.chance(0.7)),
                "values": ["a", "b", "red", "", .string(text())],
            ]
        case "prefix":
            return [
                "type": "prefixFiltered", "delegate": delegate, "prefix": .string(generator.pick(["a", "w", "r"])),
            ]
        default:
            return [
                "type": "regexFiltered", "delegate": delegate,
                "pattern": .string(generator.pick(["a.*", "[a-z]", "w.1"])),
            ]
        }
    }

    // MARK: Aggregations

    /// The aggregations, and the names of those that are plain numbers.
    mutating func aggregations() -> (JSON, [String]) {
        var list: [JSON] = [
            ["type": "count", "name": "rows"], ["type": "doubleSum", "name": "price", "fieldName": "price"],
        ]
        var names = ["rows", "price"]
        if let metrics = rollupMetrics {
            list = ["m_rows", "m_doubleSum"].enumerated().compactMap { place, metric in
                metrics.first { $0.stored["fieldName"] == .string(metric) }.map { Self.named(names[place], $0) }
            }
        }
        for number in 0..<Int.random(in: 0...4, using: &generator) {
            let name = "a\(number)"
            var (aggregator, isNumber) = aggregation(name)
            if generator.chance(0.25) {
                aggregator = ["type": "filtered", "aggregator": aggregator, "filter": filter(depth: 1)]
                if generator.chance(0.3), case .object(var object) = aggregator {
                    object["name"] = .string(name)
                    aggregator = .object(object)
                }
            }
            list.append(aggregator)
            if isNumber { names.append(name) }
        }
        return (.array(list), names)
    }

    private mutating func aggregation(_ name: String) -> (JSON, Bool) {
        if let metrics = rollupMetrics { return rollupAggregation(name, metrics) }
        switch generator.pick([
            "number", "number", "number", "number", "expression", "firstLast", "any", "mean", "cardinality", "fold",
            "sketch",
        ]) {
        case "firstLast":
            let type = generator.pick(["long", "double", "float", "string"])
            let field =
                type == "string"
                ? generator.pick(["color", "word", "digits", "count"]) : generator.pick(["count", "price", "ratio"])
            var aggregator: JSONObject = [
                "type": .string(type + generator.pick(["First", "Last"])), "name": .string(name),
                "fieldName": .string(field),
            ]
            if type == "string", generator.chance(0.3) {
                aggregator["maxStringBytes"] = .int(generator.pick([1, 3, 8]))
            }
            if generator.chance(0.2) { aggregator["timeColumn"] = "big" }
            return (.object(aggregator), false)
        case "any":
            let type = generator.pick(["long", "double", "string"])
            var aggregator: JSONObject = [
                "type": .string(type + "Any"), "name": .string(name),
                "fieldName": .string(
                    type == "string" ? generator.pick(["color", "word", "tags"]) : generator.pick(["count", "price"])
                ),
            ]
            if type == "string", generator.chance(0.4) {
                aggregator["aggregateMultipleValues"] = .bool(generator.chance(0.5))
            }
            return (.object(aggregator), false)
        case "sketch":
            let type = generator.pick([
                "thetaSketch", "HLLSketchBuild", "quantilesDoublesSketch", "KllDoublesSketch", "variance",
            ])
            let counts = type == "thetaSketch" || type == "HLLSketchBuild"
            let field = counts ? generator.pick(["word", "digits", "count"]) : generator.pick(["price", "count"])
            var aggregator: JSONObject = ["type": .string(type), "name": .string(name), "fieldName": .string(field)]
            if type == "HLLSketchBuild", generator.chance(0.5) { aggregator["round"] = true }
            if type == "variance" {
                aggregator["inputType"] = field == "price" ? "double" : "long"
                if generator.chance(0.4) { aggregator["estimator"] = "population" }
            }
            return (.object(aggregator), false)
        case "mean":
            return (
                [
                    "type": "doubleMean", "name": .string(name),
                    "fieldName": .string(generator.pick(["count", "price", "ratio", "nothing"])),
                ], true
            )
        case "cardinality":
            var fields: [JSON] = [.string(plainColumn())]
            let byRow = generator.chance(0.4)
            if generator.chance(0.5) {
                fields.append([
                    "type": "extraction", "dimension": .string(generator.pick(["word", "color", "tags"])),
                    "outputName": "x",
                    "extractionFn": extractionFunction(),
                ])
            }
            return (
                [
                    "type": "cardinality", "name": .string(name), "fields": .array(fields), "byRow": .bool(byRow),
                    "round": .bool(generator.chance(0.3)),
                ], false
            )
        case "fold":
            return (
                [
                    "type": "expression", "name": .string(name), "fields": ["count"], "initialValue": "0",
                    "fold": .string("__acc + count"), "shouldAggregateNullInputs": false, "finalize": "o * 2",
                ], false
            )
        case "expression":
            let type = generator.pick(["long", "double"]) + generator.pick(["Sum", "Min", "Max"])
            let text = generator.pick([
                "count * 2", "price + ratio", "if(count > 3, price, 0)", "strlen(word)", "nvl(price, 1.5)",
            ])
            return (["type": .string(type), "name": .string(name), "expression": .string(text)], true)
        default:
            let fold = generator.pick(["Sum", "Min", "Max"])
            let type = generator.pick(["long", "double", "float"]) + fold
            var fields = ["count", "price", "ratio", "nothing", "digits"]
            if type.hasPrefix("long") { fields.append("big") }
            if type.hasPrefix("double") { fields.append("real") }
            fields += columns.dropFirst(13).compactMap { column in
                switch column.kind {
                case .long, .double: column.name
                default: nil
                }
            }
            return (["type": .string(type), "name": .string(name), "fieldName": .string(generator.pick(fields))], true)
        }
    }

    @discardableResult
    mutating func postAggregations(_ query: inout JSONObject, _ names: [String]) -> [String] {
        var list: [JSON] = []
        var made: [String] = []
        for number in 0..<generator.pick([0, 0, 1, 2]) {
            let name = "p\(number)"
            var post = post(names + made, depth: 2)
            if case .object(var object) = post {
                object["name"] = .string(name)
                post = .object(object)
            }
            list.append(post)
            made.append(name)
        }
        if !list.isEmpty { query["postAggregations"] = .array(list) }
        return made
    }

    private mutating func post(_ names: [String], depth: Int) -> JSON {
        switch generator.pick(
            depth > 0 ? ["field", "constant", "arithmetic", "extreme", "expression"] : ["field", "constant"]
        ) {
        case "field":
            // Of a mean, `fieldAccess` shows sum and count as bytes.
            let name = generator.pick(names)
            let type = name == "rows" || name == "price" ? "fieldAccess" : "finalizingFieldAccess"
            return ["type": .string(type), "name": "f", "fieldName": .string(name)]
        case "constant": return ["type": "constant", "name": "c", "value": generator.chance(0.5) ? 3 : .double(0.5)]
        case "arithmetic":
            return [
                "type": "arithmetic", "name": "x", "fn": .string(generator.pick(["+", "-", "*", "/", "quotient"])),
                "fields": .array((0..<generator.pick([2, 2, 3])).map { _ in post(names, depth: depth - 1) }),
            ]
        case "extreme":
            return [
                "type": .string(generator.pick(["doubleGreatest", "doubleLeast", "longGreatest", "longLeast"])),
                "name": "x",
                "fields": .array((0..<2).map { _ in post(names, depth: depth - 1) }),
            ]
        default:
            let (one, two) = (generator.pick(names), generator.pick(names))
            let text = generator.pick([
                "\(one) + \(two)", "nvl(\(one), 7)", "if(\(one) > 2, \(two), null)", "\(one) * 1.5",
            ])
            return ["type": "expression", "name": "x", "expression": .string(text)]
        }
    }

    // MARK: Virtual columns

    /// Expressions by what they give: arithmetic has vectors, one text column is computed per dictionary value, the rest row
    /// by row, several values one by one.
    private static let expressions: [(text: String, kind: Kind)] = [
        ("count + 1", .long), ("price * 2 - count", .double), ("count > 3 && price < 10", .long),
        ("-price / 4", .double),
        ("count % 3", .long), ("ratio + count", .double), ("concat(color, '-')", .text), ("strlen(word)", .long),
        ("upper(word)", .text), ("substring(word, 0, 2)", .text), ("nvl(color, 'none')", .text),
        ("if(count > 2, 'hi', 'lo')", .text), ("case_searched(price > 0, color, word)", .text),
        ("concat(tags, '!')", .texts), ("upper(tags)", .texts), ("concat(color, tags)", .texts),
        ("array_to_string(tags, ',')", .text), ("array_length(tags)", .long),
        ("mv_to_array(tags)", .array("ARRAY<STRING>")),
        ("array_append(letters, 'q')", .array("ARRAY<STRING>")), ("map((x) -> x + 1, numbers)", .array("ARRAY<LONG>")),
        ("array(count, big)", .array("ARRAY<LONG>")), ("array_slice(letters, 0, 1)", .array("ARRAY<STRING>")),
        ("timestamp_floor(__time, 'PT6H')", .long), ("cast(digits, 'LONG')", .long), ("cast(price, 'STRING')", .text),
        ("json_value(nest, '$.n', 'LONG')", .long), ("json_value(nest, '$.s')", .text),
        ("abs(count) + max(price, 0)", .double), ("regexp_extract(word, '[0-9]+')", .text),
        ("count * count - big", .long),
        ("safe_divide(count, 2)", .double), ("round(price)", .double), ("greatest(count, 3)", .long),
        ("'fixed'", .text),
    ]

    mutating func addVirtualColumn() {
        let name = "v\(virtual.count)"
        switch generator.pick(["expression", "expression", "expression", "nested", "filtered"]) {
        case "nested":
            let (path, type, kind) = generator.pick([
                ("$.n", "LONG", Kind.long), ("$.s", "STRING", .text), ("$.in.d", "DOUBLE", .double),
                ("$.n", "STRING", .text),
                ("$.l[1]", "STRING", .text),
            ])
            virtual.append([
                "type": "nested-field", "columnName": "nest", "outputName": .string(name), "path": .string(path),
                "expectedType": .string(type),
            ])
            columns.append((name, kind))
        case "filtered":
            virtual.append([
                "type": "mv-filtered", "name": .string(name), "delegate": "tags",
                "values": .array(generator.pick([["a", "b"], ["a", "", "zebra", "\u{E9}"]])),
                "isAllowList": .bool(generator.chance(0.7)),
            ])
            columns.append((name, .texts))
        default:
            var (text, kind) = generator.pick(Self.expressions)
            // A column over another virtual one.
            if generator.chance(0.2), let last = columns.last, last.name.hasPrefix("v") {
                switch last.kind {
                case .long, .double, .float: (text, kind) = ("\(last.name) * 2.5", .double)
                case .text, .texts: (text, kind) = ("concat(\(last.name), '?')", last.kind)
                case .array: (text, kind) = ("array_length(\(last.name))", .long)
                }
            }
            virtual.append(["type": "expression", "name": .string(name), "expression": .string(text)])
            columns.append((name, kind))
        }
    }
}
