import LaminaBase
import LaminaTestSupport

/// Random trees of datasources as a user writes them, each with the rows that it holds.
struct SourceGenerator {
    var random: SeededGenerator
    let table: ReferenceRows
    private var joins = 0
    /// A join that keeps right rows: filters above it mean something else than in SQL.
    private(set) var keepsRight = false

    init(_ random: SeededGenerator, table: ReferenceRows) {
        self.random = random
        self.table = table
    }

    private static let texts: [Value] = [.string("a"), .string("b"), .string(""), .string("ü"), .string("1"), .null]

    static func row(_ random: inout SeededGenerator, time: Int64?) -> ReferenceRows.Row {
        var row: ReferenceRows.Row = [
            "k": random.pick(texts), "n": random.chance(0.2) ? .null : .long(Int64.random(in: 0...3, using: &random)),
            "d": random.pick([.double(0), .double(1), .double(1.5), .double(2), .null]),
        ]
        var list: [Value] = []
        for _ in 0..<Int.random(in: 0...3, using: &random) { list.append(random.pick(texts)) }
        row["m"] = random.chance(0.2) ? .null : list.count == 1 ? list[0] : .array(list)
        var numbers: [Value] = []
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            numbers.append(random.chance(0.2) ? .null : .long(Int64.random(in: 0...3, using: &random)))
        }
        row["a"] = random.chance(0.2) ? .null : .array(numbers)
        if let time { row["__time"] = .long(time) }
        return row
    }

    /// A datasource and its rows.
    mutating func source(depth: Int) -> (JSON, ReferenceRows) {
        let choice = depth == 0 ? Int.random(in: 0...1, using: &random) : Int.random(in: 0...6, using: &random)
        switch choice {
        case 0: return ("t", table)
        case 1: return inline()
        case 2, 3: return join(depth: depth)
        case 4: return unnest(depth: depth)
        case 5: return filtered(depth: depth)
        default: return scan(depth: depth)
        }
    }

    private mutating func inline() -> (JSON, ReferenceRows) {
        let kinds: [(name: String, kind: ReferenceRows.Kind)] = [
            ("k", .text), ("n", .long), ("d", .double), ("m", .text), ("a", .array),
        ]
        var rows: [ReferenceRows.Row] = []
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            var row = Self.row(&random, time: nil)
            row["__time"] = .long(0)
            rows.append(row)
        }
        let json: JSON = [
            "type": "inline", "columnNames": ["k", "n", "d", "m", "a"],
            "columnTypes": ["STRING", "LONG", "DOUBLE", "STRING", "ARRAY<LONG>"],
            "rows": .array(rows.map { row in .array(kinds.map { Self.json(row[$0.name] ?? .null) }) }),
        ]
        return (json, ReferenceRows(kinds: kinds, segments: [rows]))
    }

    static func json(_ value: Value) -> JSON {
        switch value {
        case .long(let number): .int(number)
        case .double(let number): .double(number)
        case .string(let text): .string(text)
        case .array(let list): .array(list.map(json))
        default: .null
        }
    }

    private mutating func join(depth: Int) -> (JSON, ReferenceRows) {
        let (leftJSON, left) = source(depth: depth - 1)
        let (rightJSON, right) = random.chance(0.5) ? inline() : scan(depth: depth - 1)
        joins += 1
        let prefix = "j\(joins)."
        let type = random.pick(["INNER", "LEFT", "RIGHT", "FULL"])
        if type == "RIGHT" || type == "FULL" { keepsRight = true }
        var equalities: [SourceReference.Equality] = []
        var texts: [String] = []
        for _ in 0..<Int.random(in: 1...2, using: &random) {
            guard let one = left.keys.randomElement(using: &random), let two = right.keys.randomElement(using: &random)
            else { continue }
            let matchesNull = random.chance(0.2)
            let name = prefix + two.name
            if one.kind == .long, random.chance(0.2) {
                texts.append("(\"\(one.name)\" + 1) == \"\(name)\"")
                equalities.append(
                    SourceReference.Equality(
                        left: { row in
                            if case .long(let number)? = row[one.name] { .long(number + 1) } else { .null }
                        },
                        rightColumn: two.name,
                        rightKind: two.kind,
                        matchesNull: false,
                        isExact: false
                    )
                )
                continue
            }
            texts.append(
                matchesNull ? "notdistinctfrom(\"\(one.name)\", \"\(name)\")" : "\"\(one.name)\" == \"\(name)\""
            )
            equalities.append(
                SourceReference.Equality(
                    left: { $0[one.name] ?? .null },
                    rightColumn: two.name,
                    rightKind: two.kind,
                    matchesNull: matchesNull,
                    isExact: true
                )
            )
        }
        // The rewriting to a filter is for inner joins of plain columns only.
        let isRewritten = type == "INNER" && equalities.allSatisfy { $0.isExact && !$0.matchesNull }
        for index in equalities.indices { equalities[index].isExact = isRewritten }
        let json: JSON = [
            "type": "join", "left": leftJSON, "right": rightJSON, "rightPrefix": .string(prefix),
            "condition": .string(texts.isEmpty ? "1" : texts.joined(separator: " && ")), "joinType": .string(type),
        ]
        return (json, SourceReference.join(left, right, prefix: prefix, type: type, equalities))
    }

    private mutating func unnest(depth: Int) -> (JSON, ReferenceRows) {
        let (json, base) = source(depth: depth - 1)
        let columns = base.kinds.filter { $0.name != "__time" }
        guard let column = columns.randomElement(using: &random) else { return (json, base) }
        joins += 1
        let name = random.chance(0.2) ? "u" : "u\(joins)"
        let made: JSON = [
            "type": "expression", "name": .string(name), "expression": .string("\"\(column.name)\""),
        ]
        return (
            ["type": "unnest", "base": json, "virtualColumn": made],
            SourceReference.unnest(base, column.name, as: name)
        )
    }

    private mutating func filtered(depth: Int) -> (JSON, ReferenceRows) {
        let (json, base) = source(depth: depth - 1)
        guard !keepsRight, let (filter, test) = filter(base) else { return (json, base) }
        return (["type": "filter", "base": json, "filter": filter], SourceReference.filter(base, test))
    }

    /// A condition on one column.
    mutating func filter(_ base: ReferenceRows) -> (JSON, (ReferenceRows.Row) -> Bool)? {
        guard let column = base.keys.randomElement(using: &random) else { return nil }
        let name = column.name
        switch Int.random(in: 0...2, using: &random) {
        case 0: return (["type": "null", "column": .string(name)], { ($0[name] ?? .null) == .null })
        case 1 where column.kind == .long:
            let filter: JSON = ["type": "range", "column": .string(name), "matchValueType": "LONG", "lower": 2]
            return (filter, { if case .long(let number)? = $0[name] { number >= 2 } else { false } })
        default:
            guard column.kind == .text || column.kind == .stored else { return nil }
            let wanted = random.pick(["a", "", "1"])
            let filter: JSON = [
                "type": "equals", "column": .string(name), "matchValueType": "STRING", "matchValue": .string(wanted),
            ]
            return (filter, { $0[name] == .string(wanted) })
        }
    }

    /// A scan as datasource: its rows lie in no segment any more.
    private mutating func scan(depth: Int) -> (JSON, ReferenceRows) {
        let (json, base) = source(depth: max(0, depth - 1))
        let columns = base.kinds.map(\.name).filter { _ in random.chance(0.9) }
        let query: JSON = [
            "queryType": "scan", "dataSource": json, "intervals": ["1000/3000"],
            "columns": .array(columns.map { .string($0) }), "resultFormat": "compactedList",
        ]
        var rows: [ReferenceRows.Row] = []
        for row in base.segments.joined() {
            var kept = row.filter { columns.contains($0.key) }
            if !columns.contains("__time") { kept["__time"] = .long(0) }
            rows.append(kept)
        }
        var shape = ReferenceRows(kinds: base.kinds.filter { columns.contains($0.name) }, segments: [rows])
        for index in shape.kinds.indices where shape.kinds[index].kind == .stored { shape.kinds[index].kind = .text }
        return (["type": "query", "query": query], shape)
    }
}
