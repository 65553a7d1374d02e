package import LaminaBase
import LaminaQuery

/// Random rows with nulls, empty and several values, arrays, nested values, odd texts and extreme numbers. Doubles and floats
/// that are summed are quarters, so that sums are exact whatever the order.
package struct RandomData {
    var generator: SeededGenerator

    package init(generator: SeededGenerator) { self.generator = generator }

    static let types: [(name: String, type: ColumnType)] = [
        ("color", .string), ("word", .string), ("tags", .string), ("digits", .string), ("count", .long), ("big", .long),
        ("price", .double), ("real", .double), ("ratio", .float), ("letters", .array(.string)),
        ("numbers", .array(.long)), ("reals", .array(.double)), ("nest", .complex("json")),
    ]

    static let words = [
        "", "a", "A", "ab", "abc", "b", "zebra", "\u{E9}", "e\u{301}", "\u{FFFD}x", "\u{1F600}", "\u{FF21}", "10", "9",
        "1.5", "-3", "x%y", "a_b", "null", "true", "long text that is longer than eight bytes",
        "long text that is longer than eight bytez", "\u{10FFFF}", "tab\tquote\"back\\slash", "\u{0}",
    ]

    package static let lookups = ["colors": ["red": "rouge", "green": "vert", "\u{E9}": "e", "": "empty"]]

    /// Two tables of segments with ascending times, and a small one to join.
    package mutating func tables() -> [String: [MemoryRows]] {
        let size = generator.pick([2, 10, 30, 30, 60, 60, 120])
        return [
            "random": segments(generator.pick([1, 2, 2, 3, 5]), rows: size),
            "other": segments(generator.pick([1, 2]), rows: generator.pick([3, 20])),
        ]
    }

    /// Segments a day apart; some lack a column, some have it in another type.
    package mutating func segments(_ count: Int, rows: Int) -> [MemoryRows] {
        var segments: [MemoryRows] = []
        let hour: Int64 = 3_600_000
        for number in 0..<count {
            let start = 1_700_000_000_000 + Int64(number) * 24 * hour
            let step: Int64 = generator.pick([1, 1000, 600_000, 3_600_000])
            var times: [Int64] = []
            for _ in 0..<Int.random(in: 1...rows, using: &generator) {
                times.append(start + Int64.random(in: 0..<(20 * hour / step), using: &generator) * step)
            }
            times.sort()
            var types = Self.types
            if generator.chance(0.3) { types.remove(at: Int.random(in: 0..<types.count, using: &generator)) }
            if generator.chance(0.2), let place = types.firstIndex(where: { $0.name == "count" }) {
                types[place].type = generator.pick([.double, .float])
            }
            if generator.chance(0.2), let place = types.firstIndex(where: { $0.name == "digits" }) {
                types[place].type = .long
            }
            let nulls = generator.pick([0, 0.15, 0.15, 0.6])
            var list: [[String: Value]] = []
            for time in times { list.append(row(time, types, nulls)) }
            if generator.chance(0.15) { for row in list.indices { list[row]["tags"] = first(list[row]["tags"]) } }
            // Where no row has several values, one without any is null.
            let several = list.contains { row in
                if case .array(let all)? = row["tags"] { all.count > 1 } else { false }
            }
            if !several { for row in list.indices { list[row]["tags"] = first(list[row]["tags"]) } }
            // A column of arrays or nested values that is null throughout has no type when it is stored.
            types.removeAll { column in
                if column.type == .string || column.type.isNumeric { return false }
                return list.allSatisfy { ($0[column.name] ?? .null) == .null }
            }
            segments.append(MemoryRows(types: types, rows: list))
        }
        return segments
    }

    private func first(_ value: Value?) -> Value? {
        guard case .array(let all)? = value else { return value }
        return all.first ?? .null
    }

    private mutating func row(
        _ time: Int64,
        _ types: [(name: String, type: ColumnType)],
        _ nulls: Double
    ) -> [String: Value] {
        var row: [String: Value] = ["__time": .long(time)]
        for (name, type) in types {
            if generator.chance(nulls) { continue }
            let value = value(name)
            row[name] = name == "count" || name == "digits" ? value.cast(to: type) : value
        }
        return row
    }

    private mutating func value(_ name: String) -> Value {
        switch name {
        case "color": return .string(generator.pick(["red", "green", "blue", "\u{E9}", ""]))
        case "word":
            return .string(
                generator.chance(0.5)
                    ? generator.pick(Self.words) : "w\(Int.random(in: 0..<400, using: &generator))"
            )
        case "tags": return list([0, 1, 1, 2, 3], nulls: 0.1) { .string($0.pick(Self.words)) }
        case "digits": return .string(generator.pick(["1", "2", "10", "2.5", "-7", "007", "x", "", "1e3"]))
        case "count": return .long(Int64.random(in: -5...20, using: &generator))
        case "big": return .long(generator.pick([.min, .max, 0, 1, 9_007_199_254_740_993, -9_007_199_254_740_993]))
        case "price": return .double(Double(Int.random(in: -400...400, using: &generator)) / 4)
        case "real":
            return .double(
                generator.pick([
                    .nan, .infinity, -.infinity, -0.0, 0, 1.5, -2.25, .leastNonzeroMagnitude, 1e300, 1e15,
                    123_456_789.125,
                ])
            )
        case "ratio": return .float(Float(Int.random(in: -40...40, using: &generator)) / 4)
        case "letters": return list([0, 1, 2, 3], nulls: 0.15) { .string($0.pick(["a", "b", "", "\u{1F600}", "zz"])) }
        case "numbers": return list([0, 1, 2, 3], nulls: 0.15) { .long($0.pick([-1, 0, 1, 2, .max])) }
        case "reals": return list([0, 1, 2], nulls: 0.15) { .double($0.pick([-1.5, 0, 0.25, 1e300])) }
        default: return nested()
        }
    }

    private mutating func list(
        _ counts: [Int],
        nulls: Double,
        _ make: (inout SeededGenerator) -> Value
    ) -> Value {
        var values: [Value] = []
        for _ in 0..<generator.pick(counts) { values.append(generator.chance(nulls) ? .null : make(&generator)) }
        return .array(values)
    }

    /// Each path has values of one type; some rows lack it.
    private mutating func nested() -> Value {
        var object: JSONObject = [:]
        if generator.chance(0.8) { object["n"] = .int(Int64.random(in: -3...9, using: &generator)) }
        if generator.chance(0.8) { object["s"] = .string(generator.pick(["x", "y", "", "\u{E9}", "10"])) }
        if generator.chance(0.5) {
            object["in"] = ["d": .double(Double(Int.random(in: -9...9, using: &generator)) / 4)]
        }
        if generator.chance(0.4) { object["l"] = [.int(7), .string("p"), .null] }
        return .json(.object(object))
    }
}
