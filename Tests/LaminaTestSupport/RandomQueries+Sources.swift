import LaminaBase

extension RandomQueries {
    /// A data source other than a table: its columns replace those of the table where it has others.
    mutating func source(depth: Int) -> JSON {
        switch generator.pick(["table", "union", "filter", "unnest", "join", "query"]) {
        case "union":
            return [
                "type": "union", "dataSources": generator.chance(0.5) ? ["random", "other"] : ["other", "random"],
            ]
        case "filter":
            let base = depth > 0 ? source(depth: depth - 1) : "random"
            return ["type": "filter", "base": base, "filter": filter(depth: 1)]
        case "unnest":
            let base = depth > 0 ? source(depth: depth - 1) : "random"
            let name = "u\(depth)"
            let (expression, kind) = generator.pick([
                ("\"tags\"", Kind.text), ("\"letters\"", .text), ("\"numbers\"", .long), ("\"color\"", .text),
                ("mv_to_array(tags)", .text),
            ])
            var unnest: JSONObject = [
                "type": "unnest", "base": base,
                "virtualColumn": ["type": "expression", "name": .string(name), "expression": .string(expression)],
            ]
            if generator.chance(0.3) {
                unnest["unnestFilter"] = [
                    "type": "in", "dimension": .string(name), "values": ["a", "b", "red", "1", .string(text())],
                ]
            }
            columns.append((name, kind))
            return .object(unnest)
        case "join":
            let base = depth > 0 ? source(depth: depth - 1) : "random"
            let prefix = "j\(depth)."
            let (right, key) = rightSide()
            columns += [(prefix + "k", .text), (prefix + "v", .text)]
            return [
                "type": "join", "left": base, "right": right, "rightPrefix": .string(prefix),
                "condition": .string(
                    "\(generator.pick(["color", "concat(color, '')", "digits"])) == \"\(prefix)\(key)\""
                ),
                "joinType": .string(generator.pick(["INNER", "LEFT"])),
            ]
        case "query" where depth > 0: return inner(depth: depth - 1)
        default: return "random"
        }
    }

    private mutating func rightSide() -> (JSON, String) {
        switch generator.pick(["lookup", "inline", "query"]) {
        case "lookup": return (["type": "lookup", "lookup": "colors"], "k")
        case "inline":
            return (
                [
                    "type": "inline", "columnNames": ["k", "v"], "columnTypes": ["STRING", "STRING"],
                    "rows": [
                        ["red", "one"], ["red", "two"], ["green", .null], [.null, "nil"], ["", "empty"], ["1", "n"],
                    ],
                ], "k"
            )
        default:
            return (
                [
                    "type": "query",
                    "query": [
                        "queryType": "groupBy", "dataSource": "other", "intervals": "2023-01-01/2024-01-01",
                        "granularity": "all",
                        "dimensions": [["type": "default", "dimension": "color", "outputName": "k"]],
                        "aggregations": [["type": "count", "name": "v"]],
                    ],
                ], "k"
            )
        }
    }

    /// A query over a query: what the outer one may read are the inner one's outputs.
    private mutating func inner(depth: Int) -> JSON {
        let outer = columns
        let saved = virtual
        readsQuery = true
        virtual = []
        var query: JSONObject = [
            "queryType": "groupBy", "dataSource": depth > 0 ? source(depth: depth - 1) : "random",
            "intervals": "2023-01-01/2024-01-01", "granularity": generator.chance(0.7) ? "all" : "day",
            "dimensions": [
                "color", ["type": "default", "dimension": "count", "outputName": "count", "outputType": "LONG"],
            ],
            "aggregations": [
                ["type": "doubleSum", "name": "price", "fieldName": "price"],
                ["type": "longMax", "name": "big", "fieldName": "big"], ["type": "count", "name": "n"],
            ],
        ]
        if generator.chance(0.5) { query["filter"] = filter(depth: 1) }
        virtual = saved
        columns = outer
        return ["type": "query", "query": .object(query)]
    }
}
