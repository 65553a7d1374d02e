import LaminaBase
import LaminaTestSupport

/// Random rows with nulls, several values, odd texts and extreme numbers. Doubles and floats are quarters, so that sums are
/// exact whatever the order.
struct RandomData {
    var generator: SeededGenerator

    static let types: [(name: String, type: ColumnType)] = [
        ("color", .string), ("word", .string), ("tags", .string), ("digits", .string), ("count", .long), ("big", .long),
        ("price", .double), ("ratio", .float),
    ]

    static let words = [
        "", "a", "A", "ab", "abc", "b", "zebra", "\u{E9}", "e\u{301}", "\u{FFFD}x", "\u{1F600}", "\u{FF21}", "10", "9",
        "1.5",
        "-3", "x%y", "null", "long text that is longer than eight bytes", "long text that is longer than eight bytez",
    ]

    /// Segments with ascending times; some lack a column.
    mutating func segments(_ count: Int, rows: Int) -> [MemoryRows] {
        var segments: [MemoryRows] = []
        let hour: Int64 = 3_600_000
        for number in 0..<count {
            let start = 1_700_000_000_000 + Int64(number) * 24 * hour
            var times: [Int64] = []
            let amount = generator.chance(0.1) ? 0 : Int.random(in: 1...rows, using: &generator)
            for _ in 0..<amount { times.append(start + Int64.random(in: 0..<(20 * hour), using: &generator)) }
            times.sort()
            var types = Self.types
            if generator.chance(0.3) { types.remove(at: Int.random(in: 0..<types.count, using: &generator)) }
            let hasNulls = generator.chance(0.8)
            var list: [[String: Value]] = []
            for time in times { list.append(row(time, types.map(\.name), hasNulls)) }
            segments.append(MemoryRows(types: types, rows: list))
        }
        return segments
    }

    private mutating func row(_ time: Int64, _ names: [String], _ hasNulls: Bool) -> [String: Value] {
        var row: [String: Value] = ["__time": .long(time)]
        for name in names {
            if hasNulls, generator.chance(0.15) { continue }
            row[name] = value(name)
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
        case "tags":
            let count = generator.pick([0, 1, 1, 2, 3])
            var values: [Value] = []
            for _ in 0..<count { values.append(generator.chance(0.1) ? .null : .string(generator.pick(Self.words))) }
            return .array(values)
        case "digits": return .string(generator.pick(["1", "2", "10", "2.5", "-7", "007", "x", ""]))
        case "count": return .long(Int64.random(in: -5...20, using: &generator))
        case "big": return .long(generator.pick([.min, .max, 0, 1, 9_007_199_254_740_993, -9_007_199_254_740_993]))
        case "price": return .double(Double(Int.random(in: -400...400, using: &generator)) / 4)
        default: return .float(Float(Int.random(in: -40...40, using: &generator)) / 4)
        }
    }
}
