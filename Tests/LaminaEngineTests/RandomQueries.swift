import LaminaBase
import LaminaTestSupport

/// Random queries over `RandomData`, as JSON.
struct RandomQueries {
    var generator: SeededGenerator

    private let names = ["color", "word", "tags", "digits", "count", "big", "price", "ratio", "sum", "nothing"]

    mutating func query() -> JSON {
        var query: JSONObject = ["dataSource": "random", "intervals": .string(intervals())]
        if generator.chance(0.7) { query["filter"] = filter(depth: 2) }
        query["virtualColumns"] = [
            ["type": "expression", "name": "sum", "expression": .string(generator.pick(expressions))]
        ]
        switch generator.pick(["timeseries", "topN", "groupBy", "groupBy", "scan"]) {
        case "timeseries":
            query["queryType"] = "timeseries"
            query["granularity"] = .string(generator.pick(["all", "hour", "day", "six_hour"]))
            query["aggregations"] = aggregations()
            if generator.chance(0.3) { query["descending"] = true }
            if generator.chance(0.3) { query["limit"] = 5 }
            if generator.chance(0.4) { query["context"] = ["skipEmptyBuckets": true] }
        case "topN":
            query["queryType"] = "topN"
            query["granularity"] = .string(generator.pick(["all", "day"]))
            query["dimension"] = dimension(0)
            query["threshold"] = .int(Int64(generator.pick([1, 3, 10, 300])))
            query["aggregations"] = aggregations()
            query["metric"] = generator.pick([
                "rows", ["type": "inverted", "metric": "rows"], ["type": "dimension", "ordering": "lexicographic"],
                ["type": "inverted", "metric": ["type": "dimension", "ordering": "numeric"]], "price",
            ])
        case "groupBy":
            query["queryType"] = "groupBy"
            query["granularity"] = .string(generator.pick(["all", "all", "hour"]))
            query["dimensions"] = .array((0..<generator.pick([0, 1, 2, 3])).map { dimension($0) })
            query["aggregations"] = aggregations()
            if generator.chance(0.3) { query["limitSpec"] = ["type": "default", "limit": 7, "offset": 2] }
        default:
            query["queryType"] = "scan"
            query["columns"] = ["__time", "color", "word", "tags", "big", "price", "ratio", "sum", "nothing"]
            query["resultFormat"] = "compactedList"
            query["batchSize"] = 50
            query["order"] = .string(generator.pick(["none", "ascending", "descending"]))
            if generator.chance(0.6) { query["limit"] = .int(Int64.random(in: 1...200, using: &generator)) }
            if generator.chance(0.3) { query["offset"] = 13 }
        }
        return .object(query)
    }

    private let expressions = [
        "count + 1", "price * 2 - count", "count > 3 && price < 10", "-price / 4", "!(count > 2) || price >= 0",
        "count == 7", "concat(color, '-')", "strlen(word)", "count % 3", "ratio + count",
    ]

    private mutating func intervals() -> String {
        generator.pick([
            "2023-11-01/2023-12-01", "2023-11-14T22:13:20Z/2023-11-16", "2023-11-15T05:30:00Z/2023-11-15T18:00:00Z",
            "2023-11-20/P1D",
        ])
    }

    private mutating func dimension(_ number: Int) -> JSON {
        let name = generator.pick(names)
        var type = "STRING"
        if ["count", "big", "price", "ratio"].contains(name), generator.chance(0.5) {
            type = name == "price" ? "DOUBLE" : name == "ratio" ? "FLOAT" : "LONG"
        }
        return [
            "type": "default", "dimension": .string(name), "outputName": .string("d\(number)"),
            "outputType": .string(type),
        ]
    }

    private mutating func aggregations() -> JSON {
        var list: [JSON] = [
            ["type": "count", "name": "rows"], ["type": "doubleSum", "name": "price", "fieldName": "price"],
        ]
        for number in 0..<Int.random(in: 0...4, using: &generator) {
            let type = generator.pick(["long", "double", "float"]) + generator.pick(["Sum", "Min", "Max"])
            // Texts that are no numbers are another matter, which the oracle does not know.
            var field = generator.pick(["count", "price", "ratio", "sum", "nothing"])
            if type.hasPrefix("long") { field = generator.pick(["count", "big", "price", "nothing"]) }
            var aggregator: JSON = ["type": .string(type), "name": .string("a\(number)"), "fieldName": .string(field)]
            if generator.chance(0.3) {
                aggregator = ["type": "filtered", "aggregator": aggregator, "filter": filter(depth: 1)]
            }
            list.append(aggregator)
        }
        return .array(list)
    }

    private mutating func filter(depth: Int) -> JSON {
        if depth > 0, generator.chance(0.5) {
            switch generator.pick(["and", "or", "not", "istrue", "isfalse"]) {
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

    private mutating func text() -> String {
        generator.pick(RandomData.words + ["red", "w1", "w250", "3", "7", "7.0", "0.25", "9007199254740993", "-5"])
    }

    private mutating func leaf() -> JSON {
        let name = JSON.string(generator.pick(names))
        switch generator.pick([
            "selector", "null", "in", "equals", "range", "bound", "like", "expression", "interval", "compare",
        ]) {
        case "selector":
            return ["type": "selector", "dimension": name, "value": generator.chance(0.2) ? .null : .string(text())]
        case "null": return ["type": "null", "column": name]
        case "in":
            var values = (0..<Int.random(in: 1...8, using: &generator)).map { _ in JSON.string(text()) }
            if generator.chance(0.3) { values.append(.null) }
            return ["type": "in", "dimension": name, "values": .array(values)]
        case "equals":
            if generator.chance(0.5) {
                return ["type": "equals", "column": name, "matchValueType": "STRING", "matchValue": .string(text())]
            }
            return [
                "type": "equals", "column": name, "matchValueType": "LONG",
                "matchValue": .int(Int64.random(in: -5...20, using: &generator)),
            ]
        case "range": return range(name)
        case "bound": return bound(name)
        case "like":
            return [
                "type": "like", "dimension": name,
                "pattern": .string(generator.pick(["a%", "%b", "_", "w1%", "%e%", "long%z", "red"])),
            ]
        case "expression": return ["type": "expression", "expression": .string(generator.pick(expressions))]
        case "interval": return ["type": "interval", "dimension": "__time", "intervals": .string(intervals())]
        default: return ["type": "columnComparison", "dimensions": [name, .string(generator.pick(names))]]
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

    private mutating func bound(_ name: JSON) -> JSON {
        let ordering = generator.pick(["lexicographic", "numeric", "strlen", "alphanumeric"])
        var filter: JSONObject = ["type": "bound", "dimension": name, "ordering": .string(ordering)]
        for side in generator.pick([["lower"], ["upper"], ["lower", "upper"]]) {
            filter[side] = .string(ordering == "numeric" ? generator.pick(["-3", "0", "2.5", "10"]) : text())
            if generator.chance(0.5) { filter[side + "Strict"] = true }
        }
        return .object(filter)
    }
}
