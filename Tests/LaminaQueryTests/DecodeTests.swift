import LaminaBase
import LaminaQuery
import Testing

/// A timeseries that is fine, with some keys changed; a JSON null removes a key.
func timeseries(_ changes: [String: JSON] = [:]) -> JSON {
    var object: JSONObject = [
        "queryType": "timeseries", "dataSource": "events", "intervals": ["2024-03-09/2024-03-12"], "granularity": "all",
        "aggregations": [["type": "count", "name": "rows"]],
    ]
    for (key, value) in changes { object[key] = value.isNull ? nil : value }
    return .object(object)
}

func groupBy(_ changes: [String: JSON] = [:]) -> JSON {
    timeseries(["queryType": "groupBy", "dimensions": ["country"]].merging(changes) { $1 })
}

@Suite struct DecodeTests {
    @Test func scalarsAreRead() throws {
        let query = try Query(
            json: timeseries([
                "descending": "true", "limit": "5", "surprise": 1,
                "filter": ["type": "selector", "dimension": "age", "value": 5],
            ])
        )
        guard case .timeseries(let timeseries) = query.kind else { return #expect(Bool(false)) }
        #expect(timeseries.descending && timeseries.limit == 5)
        guard case .selector(_, let value, nil) = query.filter else { return #expect(Bool(false)) }
        #expect(value == "5")
    }

    @Test func intervalsAreCondensed() throws {
        let query = try Query(json: timeseries(["intervals": ["2024-01-02/2024-01-04", "2024-01-01/P2D"]]))
        #expect(query.intervals.map(\.text) == ["2024-01-01T00:00:00.000Z/2024-01-04T00:00:00.000Z"])
        #expect(try Query(json: timeseries(["intervals": "2024/P1Y"])).intervals.count == 1)
        #expect(
            try Query(json: timeseries(["intervals": ["type": "intervals", "intervals": "2024/P1Y"]])).intervals.count
                == 1
        )
    }

    static let refused: [(JSON, ErrorCategory)] = [
        ([], .invalidInput), (nil, .invalidInput), ([:], .invalidInput),
        (timeseries(["queryType": "guess"]), .invalidInput),
        (timeseries(["dataSource": nil]), .invalidInput), (timeseries(["dataSource": 5]), .invalidInput),
        (timeseries(["intervals": nil]), .invalidInput), (timeseries(["intervals": [5]]), .invalidInput),
        (timeseries(["intervals": ["yesterday/today"]]), .invalidInput),
        (timeseries(["granularity": "fortnight"]), .invalidInput),
        (timeseries(["dataSource": ["type": "inline", "rows": []]]), .invalidInput),
        (timeseries(["aggregations": [["type": "count"]]]), .invalidInput),
        (timeseries(["aggregations": [["type": "thetaSketch", "name": "x"]]]), .invalidInput),
        (timeseries(["aggregations": [["type": "momentSketch", "name": "x", "fieldName": "y"]]]), .unsupported),
        (timeseries(["aggregations": [["type": "javascript", "name": "x"]]]), .invalidInput),
        (timeseries(["aggregations": [["type": "longSum", "name": "x"]]]), .invalidInput),
        (
            timeseries(["aggregations": [["type": "longSum", "name": "x", "fieldName": "a", "expression": "a"]]]),
            .invalidInput
        ),
        (
            timeseries(["aggregations": [["type": "count", "name": "x"], ["type": "count", "name": "x"]]]),
            .invalidInput
        ),
        (
            timeseries(["postAggregations": [["type": "fieldAccess", "name": "p", "fieldName": "missing"]]]),
            .invalidInput
        ),
        (
            timeseries(["postAggregations": [["type": "arithmetic", "name": "p", "fn": "%", "fields": []]]]),
            .invalidInput
        ),
        (timeseries(["virtualColumns": [["type": "expression", "name": "v", "expression": "v + 1"]]]), .invalidInput),
        (
            timeseries([
                "virtualColumns": [
                    ["type": "expression", "name": "a", "expression": "b"],
                    ["type": "expression", "name": "b", "expression": "a"],
                ]
            ]), .invalidInput
        ),
        (timeseries(["filter": ["type": "sieve"]]), .invalidInput),
        (timeseries(["filter": ["type": "or", "fields": []]]), .invalidInput),
        (timeseries(["filter": ["type": "range", "column": "x", "matchValueType": "LONG"]]), .invalidInput),
        (
            timeseries(["filter": ["type": "equals", "column": "x", "matchValueType": "LONG", "matchValue": "abc"]]),
            .invalidInput
        ),
        (timeseries(["filter": ["type": "regex", "dimension": "x", "pattern": "("]]), .invalidInput),
        (timeseries(["filter": ["type": "spatial", "dimension": "x"]]), .invalidInput),
        (timeseries(["context": 5]), .invalidInput), (timeseries(["context": ["timeout": "abc"]]), .invalidInput),
        (timeseries(["queryType": "topN", "threshold": 5, "metric": "rows"]), .invalidInput),
        (timeseries(["queryType": "topN", "threshold": 0, "metric": "rows", "dimension": "c"]), .invalidInput),
        (timeseries(["queryType": "topN", "threshold": 5, "metric": "other", "dimension": "c"]), .invalidInput),
        (groupBy(["dimensions": ["a", "a"]]), .invalidInput), (groupBy(["dimensions": ["rows"]]), .invalidInput),
        (groupBy(["having": ["type": "perhaps"]]), .invalidInput),
        (groupBy(["limitSpec": ["type": "default", "limit": 0]]), .invalidInput),
        (groupBy(["limitSpec": ["type": "default", "columns": ["nothing"]]]), .invalidInput),
        (groupBy(["subtotalsSpec": [["elsewhere"]]]), .invalidInput),
        (timeseries(["queryType": "scan", "order": "ascending", "columns": ["a"]]), .invalidInput),
        (timeseries(["queryType": "scan", "resultFormat": "valueVector"]), .unsupported),
        (timeseries(["queryType": "search", "query": ["type": "guess"]]), .invalidInput),
        (timeseries(["queryType": "segmentMetadata", "analysisTypes": ["taste"]]), .invalidInput),
        (timeseries(["queryType": "windowOperator"]), .unsupported),
    ]

    /// What Druid takes for its default instead of refusing it.
    @Test func toleratesWhatDruidTolerates() throws {
        guard case .search(let search) = try Query(json: timeseries(["queryType": "search"])).kind,
            case .timeBoundary(let boundary) =
                try Query(json: timeseries(["queryType": "timeBoundary", "bound": "midTime"])).kind
        else {
            Issue.record("other kinds of queries")
            return
        }
        #expect(search.search.accepts("anything"))
        #expect(boundary.bound == nil)
        let several = try Query(json: timeseries(["intervals": "2024-03-09/P1D,2024-03-11/P1D"]))
        #expect(several.intervals.count == 2)
        let legacy: JSON = ["type": "LegacySegmentSpec", "intervals": ["2024-03-09/P1D"]]
        #expect(try Query(json: timeseries(["intervals": legacy])).intervals.count == 1)
        let virtual: JSON = [["type": "expression", "name": "v", "expression": "1", "outputType": "bogus"]]
        #expect(try Query(json: timeseries(["virtualColumns": virtual])).virtualColumns[0].outputType == nil)
    }

    @Test(arguments: refused.indices) func refusesByKind(_ index: Int) {
        let (json, category) = Self.refused[index]
        do {
            _ = try Query(json: json)
            Issue.record("accepted: \(json.text)")
        } catch {
            #expect(error.category == category, "\(error)")
            #expect(!error.message.isEmpty)
        }
    }

    @Test func errorsNameTheirPlace() {
        do {
            _ = try Query(json: timeseries(["filter": ["type": "and", "fields": [["type": "selector"]]]]))
            Issue.record("accepted")
        } catch {
            #expect(error.context["path"] == "query.filter.fields[0].dimension")
        }
    }

    @Test func groupByIsRead() throws {
        let query = try Query(
            json: groupBy([
                "dimensions": [
                    "country", ["type": "default", "dimension": "age", "outputType": "long"],
                    ["dimension": "x", "outputName": "y"],
                ],
                "having": ["type": "greaterThan", "aggregation": "rows", "value": "10"],
                "limitSpec": [
                    "type": "default", "limit": "3",
                    "columns": ["country", ["dimension": "rows", "direction": "desc", "dimensionOrder": "numeric"]],
                ],
                "subtotalsSpec": [["country"], []],
            ])
        )
        guard case .groupBy(let groupBy) = query.kind else { return #expect(Bool(false)) }
        #expect(groupBy.dimensions.map(\.outputName) == ["country", "age", "y"])
        #expect(groupBy.dimensions.map(\.outputType) == [.string, .long, .string])
        guard case .greaterThan("rows", .int(10)) = groupBy.having else { return #expect(Bool(false)) }
        #expect(groupBy.limitSpec?.limit == 3)
        #expect(groupBy.limitSpec?.columns[1] == OrderByColumn(name: "rows", descending: true, ordering: .numeric))
        #expect(groupBy.subtotals == [["country"], []])
        guard case .groupBy(let other) = try Query(json: LaminaQueryTests.groupBy(["limitSpec": ["type": "sky"]])).kind
        else { return }
        #expect(other.limitSpec == nil)
    }

    @Test func everyKindIsRead() throws {
        let kinds: [String: [String: JSON]] = [
            "timeseries": [:],
            "topN": ["dimension": "c", "metric": ["type": "inverted", "metric": "rows"], "threshold": "5"],
            "groupBy": ["dimensions": []], "scan": ["columns": []], "search": ["query": ["type": "all"]],
            "timeBoundary": ["intervals": nil, "bound": "MINTIME"], "segmentMetadata": ["intervals": nil],
            "dataSourceMetadata": ["intervals": nil],
        ]
        for (name, changes) in kinds {
            let query = try Query(json: timeseries(changes.merging(["queryType": .string(name)]) { old, _ in old }))
            #expect(query.kind.name == name)
        }
    }

    @Test func aggregatorsAreRead() throws {
        let decoder = QueryDecoder()
        let types = [
            "longSum", "floatMin", "doubleMax", "longFirst", "stringLast", "doubleAny", "stringAny", "doubleMean",
            "hyperUnique",
        ]
        for type in types {
            let aggregator = try decoder.aggregator(["type": .string(type), "name": "n", "fieldName": "f"], at: "a")
            #expect(aggregator.name == "n")
            #expect(
                aggregator.outputType
                    == (type.hasPrefix("long")
                        ? .long : type.hasPrefix("string") ? .string : type.hasPrefix("float") ? .float : .double)
            )
        }
        let filtered = try decoder.aggregator(
            ["type": "filtered", "filter": ["type": "true"], "aggregator": ["type": "count", "name": "inner"]],
            at: "a"
        )
        #expect(filtered.name == "inner")
        let folded = try decoder.aggregator(
            ["type": "expression", "name": "e", "fields": ["x"], "initialValue": "0", "fold": "__acc + x"],
            at: "a"
        )
        guard case .expression(let expression) = folded else { return #expect(Bool(false)) }
        #expect(Set(expression.combine.requiredColumns) == ["__acc", "e"])
        #expect(expression.outputType == .long)
    }

    @Test func virtualColumnsOfOtherKindsAreExpressions() throws {
        let decoder = QueryDecoder()
        let nested = try decoder.virtualColumn(
            [
                "type": "nested-field", "columnName": "j", "outputName": "v", "path": ".a[1]", "useJqSyntax": true,
                "expectedType": "LONG",
            ],
            at: "v"
        )
        #expect(nested.outputType == .long)
        #expect(try nested.expression.evaluate { (_) throws(LaminaError) in .json(["a": [1, "2"]]) } == .long(2))
        let raw = try decoder.virtualColumn(
            [
                "type": "nested-field", "columnName": "j", "outputName": "v", "processFromRaw": true,
                "pathParts": [["type": "field", "field": "it's"]],
            ],
            at: "v"
        )
        #expect(try raw.expression.evaluate { (_) throws(LaminaError) in .json(["it's": ["k": 1]]) } == .json(["k": 1]))
        for (isAllowList, kept) in [(true, ["b"]), (false, ["a", "c"])] {
            let filtered = try decoder.virtualColumn(
                [
                    "type": "mv-filtered", "name": "v", "delegate": "tags", "values": ["b"],
                    "isAllowList": .bool(isAllowList),
                ],
                at: "v"
            )
            let row = Value.array(["a", "b", "c"].map(Value.string))
            #expect(
                try filtered.expression.evaluate { (_) throws(LaminaError) in row } == .array(kept.map(Value.string))
            )
        }
        #expect(throws: LaminaError.self) {
            try decoder.virtualColumn(["type": "mv-prefix-filtered", "name": "v"], at: "v")
        }
    }

    @Test func contextIsLenient() throws {
        let context = QueryContext(["a": "5", "b": "TRUE", "c": 7, "d": nil, "e": [1]])
        #expect(
            try context.int("a") == 5 && context.int("c") == 7 && context.int("d") == nil
                && context.int("zz", default: 3) == 3
        )
        #expect(try context.bool("b", default: false) && context.bool("d", default: true))
        #expect(throws: LaminaError.self) { try context.int("e") }
        #expect(throws: LaminaError.self) { try context.bool("c", default: false) }
    }

    @Test func everyCutAndChangedKeyIsAnErrorOrAQuery() throws {
        let text = Array(
            groupBy([
                "having": ["type": "dimSelector", "dimension": "country", "value": "x"],
                "filter": ["type": "bound", "dimension": "d", "lower": 1, "ordering": "numeric"],
            ]).text.utf8
        )
        for index in text.indices {
            var changed = text
            changed[index] = UInt8(ascii: "7")
            for bytes in [Array(text.prefix(index)), changed] {
                guard let json = try? JSONParser.parse(bytes) else { continue }
                _ = try? Query(json: json)
            }
        }
    }
}
