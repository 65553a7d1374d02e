import LaminaBase

extension RandomQueries {
    mutating func filter(depth: Int) -> JSON {
        if depth > 0, generator.chance(0.55) {
            switch generator.pick(["and", "or", "not", "not", "istrue", "isfalse"]) {
            case "not": return ["type": "not", "field": filter(depth: depth - 1)]
            case "istrue": return ["type": "istrue", "field": filter(depth: depth - 1)]
            case "isfalse": return ["type": "isfalse", "field": filter(depth: depth - 1)]
            case let type:
                let fields = (0..<generator.pick([1, 2, 3])).map { _ in filter(depth: depth - 1) }
                return ["type": .string(type), "fields": .array(fields)]
            }
        }
        return leaf()
    }

    private mutating func leaf() -> JSON {
        if generator.chance(0.1) { return arrayLeaf() }
        let name = JSON.string(plainColumn())
        var filter: JSONObject
        switch generator.pick([
            "selector", "null", "in", "equals", "range", "bound", "like", "regex", "search", "expression", "interval",
            "compare", "true", "false",
        ]) {
        case "selector":
            filter = ["type": "selector", "dimension": name, "value": generator.chance(0.2) ? .null : .string(text())]
        case "null": return ["type": "null", "column": name]
        case "in":
            var values = (0..<Int.random(in: 1...8, using: &generator)).map { _ in JSON.string(text()) }
            if generator.chance(0.3) { values.append(.null) }
            filter = ["type": "in", "dimension": name, "values": .array(values)]
        case "equals": return equals(name)
        case "range": return range(name)
        case "bound": filter = bound(name)
        case "like":
            filter = [
                "type": "like", "dimension": name,
                "pattern": .string(
                    generator.pick(["a%", "%b", "_", "w1%", "%e%", "long%z", "red", "", "%", "x\\%y", "1_"])
                ),
            ]
            if generator.chance(0.3) { filter["escape"] = "\\" }
        case "regex":
            filter = [
                "type": "regex", "dimension": name,
                "pattern": .string(generator.pick(["^a", "[0-9]+$", "e", "^$", ".b", "\u{E9}"])),
            ]
        case "search": filter = ["type": "search", "dimension": name, "query": searchSpec()]
        case "expression": return ["type": "expression", "expression": .string(generator.pick(Self.conditions))]
        case "interval": return ["type": "interval", "dimension": "__time", "intervals": [timeInterval()]]
        case "true": return ["type": "true"]
        case "false": return ["type": "false"]
        default: return ["type": "columnComparison", "dimensions": [name, .string(plainColumn())]]
        }
        if generator.chance(0.25) { filter["extractionFn"] = extractionFunction() }
        return .object(filter)
    }

    /// Conditions on arrays, whole or by element.
    private mutating func arrayLeaf() -> JSON {
        let name = generator.pick(["letters", "numbers", "reals", "tags", "count", "color"])
        switch generator.pick(["equals", "null", "contains", "contains"]) {
        case "null": return ["type": "null", "column": .string(name)]
        case "equals" where name == "letters" || name == "numbers" || name == "reals":
            let (type, items) = literals(name)
            return [
                "type": "equals", "column": .string(name), "matchValueType": .string("ARRAY<\(type)>"),
                "matchValue": .array((0..<generator.pick([1, 2])).map { _ in generator.pick(items) }),
            ]
        default:
            let name = name == "tags" ? "letters" : name
            let (type, items) = literals(name)
            let value = generator.chance(0.2) && name != "count" && name != "color" ? .null : generator.pick(items)
            return [
                "type": "arrayContainsElement", "column": .string(name), "elementMatchValueType": .string(type),
                "elementMatchValue": value,
            ]
        }
    }

    private func literals(_ name: String) -> (String, [JSON]) {
        switch name {
        case "letters", "color", "tags": ("STRING", ["a", "b", "", "zz", "red", "\u{1F600}"])
        case "numbers", "count": ("LONG", [0, 1, 2, -1, .int(.max)])
        default: ("DOUBLE", [.double(0.25), .double(-1.5), .double(0)])
        }
    }

    private mutating func timeInterval() -> JSON {
        .string(
            generator.pick(["2023-11-15/2023-11-16", "2023-11-15T10:00:00Z/2023-11-18", "2023-11-10/2023-11-12"])
        )
    }

    private mutating func equals(_ name: JSON) -> JSON {
        switch generator.pick(["STRING", "LONG", "DOUBLE"]) {
        case "STRING":
            return ["type": "equals", "column": name, "matchValueType": "STRING", "matchValue": .string(text())]
        case "DOUBLE":
            return [
                "type": "equals", "column": name, "matchValueType": "DOUBLE",
                "matchValue": .double(generator.pick([0, -0.0, 1.5, 7, 2.5, -2.25, 1e300, 12.25])),
            ]
        default:
            return [
                "type": "equals", "column": name, "matchValueType": "LONG",
                "matchValue": .int(
                    generator.chance(0.2)
                        ? generator.pick([.max, .min, 9_007_199_254_740_993])
                        : Int64.random(in: -5...20, using: &generator)
                ),
            ]
        }
    }

    private mutating func range(_ name: JSON) -> JSON {
        let type = generator.pick(["STRING", "LONG", "DOUBLE"])
        var filter: JSONObject = ["type": "range", "column": name, "matchValueType": .string(type)]
        for side in generator.pick([["lower"], ["upper"], ["lower", "upper"]]) {
            switch type {
            case "LONG": filter[side] = .int(Int64.random(in: -5...15, using: &generator))
            case "DOUBLE": filter[side] = .double(Double(Int.random(in: -20...40, using: &generator)) / 4)
            default: filter[side] = .string(text())
            }
            if generator.chance(0.5) { filter[side + "Open"] = true }
        }
        return .object(filter)
    }

    private mutating func bound(_ name: JSON) -> JSONObject {
        let ordering = generator.pick(["lexicographic", "numeric", "strlen", "alphanumeric", "version"])
        var filter: JSONObject = ["type": "bound", "dimension": name, "ordering": .string(ordering)]
        for side in generator.pick([["lower"], ["upper"], ["lower", "upper"]]) {
            filter[side] = .string(ordering == "numeric" ? generator.pick(["-3", "0", "2.5", "10"]) : text())
            if generator.chance(0.5) { filter[side + "Strict"] = true }
        }
        return filter
    }

    mutating func searchSpec() -> JSON {
        switch generator.pick(["contains", "insensitive_contains", "fragment", "regex", "all"]) {
        case "contains":
            return [
                "type": "contains", "value": .string(generator.pick(["a", "E", "w1", "", "\u{E9}", "X"])),
                "caseSensitive": .bool(generator.chance(0.5)),
            ]
        case "insensitive_contains":
            return ["type": "insensitive_contains", "value": .string(generator.pick(["A", "e", "W2"]))]
        case "fragment":
            return [
                "type": "fragment",
                "values": .array([generator.pick(["a", "e", "1"]), generator.pick(["b", "E", "w"])]),
            ]
        case "regex": return ["type": "regex", "pattern": .string(generator.pick(["^w", "[0-9]", "b$"]))]
        default: return ["type": "all"]
        }
    }

    mutating func extractionFunction() -> JSON {
        switch generator.pick([
            "upper", "lower", "strlen", "substring", "partial", "regex", "lookup", "registered", "stringFormat",
            "bucket",
            "searchQuery", "cascade", "identity",
        ]) {
        case "upper": return ["type": "upper"]
        case "lower": return ["type": "lower"]
        case "strlen": return ["type": "strlen"]
        case "substring":
            return generator.chance(0.5)
                ? ["type": "substring", "index": 1] : ["type": "substring", "index": 0, "length": 1]
        case "partial": return ["type": "partial", "expr": .string(generator.pick(["^a", "[0-9]", "e"]))]
        case "regex":
            var function: JSONObject = [
                "type": "regex", "expr": .string(generator.pick(["^(.)", "([0-9]+)", "w(.)(.)"])),
            ]
            if generator.chance(0.3) { function["replaceMissingValue"] = true }
            if generator.chance(0.3) { function["replaceMissingValueWith"] = "none" }
            return .object(function)
        case "lookup":
            var function: JSONObject = [
                "type": "lookup", "lookup": ["type": "map", "map": ["red": "x", "a": "b", "": "blank", "3": "three"]],
            ]
            switch generator.pick([0, 1, 2]) {
            case 0: function["retainMissingValue"] = true
            case 1: function["replaceMissingValueWith"] = "missing"
            default: break
            }
            return .object(function)
        case "registered": return ["type": "registeredLookup", "lookup": "colors", "retainMissingValue": true]
        case "stringFormat":
            return [
                "type": "stringFormat", "format": "[%s]",
                "nullHandling": .string(generator.pick(["nullString", "emptyString", "returnNull"])),
            ]
        case "bucket":
            return ["type": "bucket", "size": .int(generator.pick([1, 5])), "offset": .int(generator.pick([0, 2]))]
        case "searchQuery": return ["type": "searchQuery", "query": searchSpec()]
        case "cascade":
            return [
                "type": "cascade",
                "extractionFns": [["type": "substring", "index": 0, "length": 2], ["type": "upper"]],
            ]
        default: return ["type": "identity"]
        }
    }

    /// Expressions that are conditions: arithmetic that has vectors, and what only the interpreter knows.
    static let conditions = [
        "count > 3 && price < 10", "!(count > 2) || price >= 0", "count == 7", "count % 3 == 1",
        "price * 2 > count + ratio",
        "strlen(word) > 2", "like(word, 'w%')", "color == 'red' || isnull(color)", "nvl(count, 3) > 2", "real > 0",
        "real == 0", "big > 0 && count != 1", "isfalse(count > 2)", "array_contains(tags, 'a')",
        "array_length(letters) == 2",
        "tags == 'a'", "array_overlap(tags, array('b', 'x%y'))", "case_searched(count > 5, 1, price > 0, 0, 1)",
        "any((x) -> x > 1, numbers)", "json_value(nest, '$.n') > 2", "json_value(nest, '$.s') == 'x'", "null", "count",
        "price", "1", "contains_string(color, 'r')", "notdistinctfrom(color, 'blue')",
    ]
}
