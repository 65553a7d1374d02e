import LaminaBase

/// Rows as lists of values by column name, grouped by the segment they come from: the naive form of a datasource.
struct ReferenceRows {
    /// What a column holds. `stored` strings give a null row when they are unnested, others none.
    enum Kind { case stored, text, long, double, array }

    typealias Row = [String: Value]

    var kinds: [(name: String, kind: Kind)]
    var segments: [[Row]]

    func names(_ wanted: Kind...) -> [String] { kinds.filter { wanted.contains($0.kind) }.map(\.name) }

    /// Single-valued columns a join may compare.
    var keys: [(name: String, kind: Kind)] {
        kinds.filter { $0.kind != .array && !$0.name.hasSuffix("m") && $0.name != "__time" }
    }
}

/// Joins by comparing each row with each row, unnests by a loop.
enum SourceReference {
    struct Equality {
        var left: (ReferenceRows.Row) -> Value
        var rightColumn: String
        var rightKind: ReferenceRows.Kind
        var matchesNull: Bool
        /// Inner joins of a plain column match no value that the right column's type would change.
        var isExact: Bool
    }

    static func join(
        _ left: ReferenceRows,
        _ right: ReferenceRows,
        prefix: String,
        type: String,
        _ equalities: [Equality]
    ) -> ReferenceRows {
        let others = right.segments.flatMap { $0 }
        var result = ReferenceRows(kinds: left.kinds.filter { !$0.name.hasPrefix(prefix) }, segments: [])
        for column in right.kinds { result.kinds.append((prefix + column.name, column.kind)) }
        for segment in left.segments {
            var rows: [ReferenceRows.Row] = []
            var met = Set<Int>()
            for row in segment {
                var isAlone = true
                for (number, other) in others.enumerated() where matches(row, other, equalities) {
                    isAlone = false
                    met.insert(number)
                    rows.append(joined(row, other, prefix, right))
                }
                if isAlone, type == "LEFT" || type == "FULL" { rows.append(joined(row, [:], prefix, right)) }
            }
            if type == "RIGHT" || type == "FULL" {
                for (number, other) in others.enumerated() where !met.contains(number) {
                    rows.append(joined([:], other, prefix, right))
                }
            }
            result.segments.append(rows)
        }
        return result
    }

    private static func joined(
        _ left: ReferenceRows.Row,
        _ right: ReferenceRows.Row,
        _ prefix: String,
        _ shape: ReferenceRows
    ) -> ReferenceRows.Row {
        var row = left
        for column in shape.kinds { row[prefix + column.name] = right[column.name] ?? .null }
        return row
    }

    private static func matches(
        _ left: ReferenceRows.Row,
        _ right: ReferenceRows.Row,
        _ equalities: [Equality]
    ) -> Bool {
        equalities.allSatisfy { equality in
            equal(equality.left(left), right[equality.rightColumn] ?? .null, equality)
        }
    }

    private static func equal(_ left: Value, _ right: Value, _ equality: Equality) -> Bool {
        if left == .null || right == .null { return equality.matchesNull && left == right }
        switch (left, right) {
        case (.string(let one), .string(let two)): return one == two
        case (.long(let one), .long(let two)): return one == two
        case (.double(let one), .double(let two)): return one == two
        case (.long(let one), .double(let two)): return Double(one) == two
        case (.double(let one), .long(let two)):
            return equality.isExact ? one == Double(two) : Int64(one) == two
        case (.long(let one), .string(let two)): return String(one) == two
        case (.double(let one), .string(let two)): return String(one) == two
        case (.string(let one), .long(let two)):
            if equality.isExact { return one == String(two) }
            guard let number = Double(one), number == number.rounded() else { return false }
            return Int64(number) == two
        case (.string(let one), .double(let two)):
            return equality.isExact ? one == String(two) : Double(one) == two
        default: return false
        }
    }

    /// - Parameter name: of the new column, which may hide another.
    static func unnest(_ base: ReferenceRows, _ column: String, as name: String) -> ReferenceRows {
        let kind = base.kinds.first { $0.name == column }?.kind ?? .text
        var result = base
        let made: ReferenceRows.Kind = kind == .array ? .long : kind
        if let place = result.kinds.firstIndex(where: { $0.name == name }) {
            result.kinds[place].kind = made
        } else {
            result.kinds.append((name, made))
        }
        for index in base.segments.indices {
            var rows: [ReferenceRows.Row] = []
            for row in base.segments[index] {
                var elements: [Value]
                switch row[column] ?? .null {
                case .null: elements = kind == .stored ? [.null] : []
                case .array(let list): elements = list.isEmpty && kind == .stored ? [.null] : list
                case let value: elements = [value]
                }
                for element in elements {
                    var next = row
                    next[name] = element
                    rows.append(next)
                }
            }
            result.segments[index] = rows
        }
        return result
    }

    static func filter(_ base: ReferenceRows, _ test: (ReferenceRows.Row) -> Bool) -> ReferenceRows {
        var result = base
        for index in base.segments.indices { result.segments[index] = base.segments[index].filter(test) }
        return result
    }
}
