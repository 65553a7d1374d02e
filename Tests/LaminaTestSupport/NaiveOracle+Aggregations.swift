import Glibc
import LaminaBase
import LaminaQuery

/// A row of a group and the segment it comes from.
struct Member {
    var row: NaiveOracle.Row
    var segment: Int
}

/// What an aggregation came to.
enum Outcome {
    case value(Value)
    /// Any of these is right.
    case oneOf([Value])
    /// An estimate of a number.
    case near(Double)

    var json: JSON {
        switch self {
        case .value(let value): shownJSON(value)
        case .oneOf(let values): ["$any": .array(values.map(shownJSON))]
        case .near(let number): ["$near": .double(number)]
        }
    }

    var value: Value { if case .value(let value) = self { value } else { .null } }
}

extension NaiveOracle {
    typealias Fields = [(name: String, outcome: Outcome)]

    /// The aggregations and post-aggregations of a group.
    ///
    /// - Parameter kept: the dimensions a subtotal keeps; nil outside of subtotals.
    func fold(_ members: [Member], _ scope: Scope, keys: Fields, kept: [String]? = nil) throws -> Fields {
        var fields = keys
        for aggregator in scope.list("aggregations") {
            let name = aggregator["name"]?.stringValue ?? aggregator["aggregator"]?["name"]?.stringValue ?? ""
            fields.append((name, try fold(members, aggregator, scope, kept)))
        }
        for post in scope.list("postAggregations") {
            fields.append((post["name"]?.stringValue ?? "", .value(try compute(post, fields))))
        }
        return fields
    }

    private func fold(_ members: [Member], _ aggregator: JSON, _ scope: Scope, _ kept: [String]?) throws -> Outcome {
        let type = aggregator["type"]?.stringValue ?? ""
        let field = aggregator["fieldName"]?.stringValue ?? ""
        switch type {
        case "count": return .value(.long(Int64(members.count)))
        case "filtered":
            let filter = aggregator["filter"] ?? .null
            let passing = try members.filter {
                try truth(filter, $0.row, scope.segments[$0.segment].types) == true
            }
            return try fold(passing, aggregator["aggregator"] ?? .null, scope, kept)
        case "grouping":
            var id: Int64 = 0
            // It names columns, the subtotal outputs.
            let columns = kept.map { kept in
                scope.list("dimensions").filter { kept.contains(outputName($0)) }.map {
                    $0.stringValue ?? $0["dimension"]?.stringValue ?? $0["delegate"]?["dimension"]?.stringValue ?? ""
                }
            }
            for name in aggregator["groupings"]?.arrayValue ?? [] {
                let isKept = columns.map { $0.contains(name.stringValue ?? "") } ?? true
                id = id * 2 + (isKept ? 0 : 1)
            }
            return .value(.long(id))
        case "doubleMean":
            if members.isEmpty { return .value(.null) }
            let numbers = members.flatMap { member -> [Double] in
                guard let value = member.row[field], !value.isNull else { return [] }
                if case .array(let several) = value { return several.compactMap(\.asDouble) }
                // A text that is no number counts as 0.
                return [value.asDouble ?? 0]
            }
            return .value(.double(numbers.isEmpty ? 0 : numbers.reduce(0, +) / Double(numbers.count)))
        case "cardinality", "HLLSketchBuild", "thetaSketch":
            return try distinct(members, aggregator, type, scope)
        case "expression": return .value(try foldExpression(members, aggregator, scope))
        case "quantilesDoublesSketch", "KllDoublesSketch":
            return .value(.long(Int64(members.compactMap { $0.row[field]?.asDouble }.filter { !$0.isNaN }.count)))
        case "variance": return .value(variance(members, aggregator))
        default: break
        }
        for (suffix, isLast) in [("First", false), ("Last", true)] where type.hasSuffix(suffix) {
            return .oneOf(firstLast(members, aggregator, type, isLast))
        }
        if type.hasSuffix("Any") {
            var found = members.map { member -> Value in
                var value = member.row[field] ?? .null
                if case .array(let all) = value {
                    let joins = aggregator["aggregateMultipleValues"]?.boolValue ?? true
                    value = all.isEmpty ? .null : joins ? value : all[0]
                }
                return plain(value, type, aggregator)
            }
            if found.isEmpty { found = [.null] }
            return .oneOf(found)
        }
        return .value(try number(members, aggregator, type, scope))
    }

    // MARK: Numbers

    /// The nine folds; the values of a row of several count one by one.
    private func number(_ members: [Member], _ aggregator: JSON, _ type: String, _ scope: Scope) throws -> Value {
        var inputs: [Value] = []
        var sawText = false
        let expression = try aggregator["expression"]?.stringValue.map { try parse($0) }
        for member in members {
            let types = scope.segments[member.segment].types
            if let expression {
                // Several values of an expression are an array, and so are those of a column of several.
                if goesThroughSeveral(expression, scope.segments[member.segment]) { continue }
                inputs += valuesOf(try value(of: expression, member.row, types))
            } else {
                let field = aggregator["fieldName"]?.stringValue ?? ""
                if case .array(let element)? = types[field], element.isNumeric { continue }
                let values = valuesOf(member.row[field])
                inputs += values
                // A text that is no number changes nothing, but counts as a value.
                if values.contains(where: { if case .string = $0 { $0.asDouble == nil } else { false } }) {
                    sawText = true
                }
            }
        }
        let kind = type.hasSuffix("Sum") ? 0 : type.hasSuffix("Min") ? 1 : 2
        let neutral: Double? = sawText ? (kind == 0 ? 0 : kind == 1 ? .infinity : -.infinity) : nil
        if type.hasPrefix("long") {
            var best: Int64? = sawText ? (kind == 0 ? 0 : kind == 1 ? .max : .min) : nil
            for next in inputs.compactMap(\.asLong) {
                best = best.map { kind == 0 ? $0 &+ next : kind == 1 ? min($0, next) : max($0, next) } ?? next
            }
            return best.map(Value.long) ?? .null
        }
        var best = neutral
        for next in inputs.compactMap(\.asDouble) {
            let own = type.hasPrefix("float") ? Double(Float(next)) : next
            // A sum begins with 0, so that -0.0 alone comes to 0.0.
            best = kind == 0 ? (best ?? 0) + own : best.map { extreme($0, own, least: kind == 1) } ?? own
        }
        if type.hasPrefix("float") { return best.map { .float(Float($0)) } ?? .null }
        return best.map(Value.double) ?? .null
    }

    /// Whether an expression reads a text column as one value that has several in some row.
    private func goesThroughSeveral(_ expression: Expression, _ segment: Scope.Segment) -> Bool {
        scalarColumns(expression.root).contains { name in
            segment.types[name] == .string
                && segment.rows.contains { if case .array(let all)? = $0[name] { all.count > 1 } else { false } }
        }
    }

    /// `Math.min` and `Math.max`: NaN wins, -0.0 is less than 0.0.
    private func extreme(_ left: Double, _ right: Double, least: Bool) -> Double {
        if left.isNaN || right.isNaN { return .nan }
        return (doubleOrder(left, right) < 0) == least ? left : right
    }

    private func variance(_ members: [Member], _ aggregator: JSON) -> Value {
        let numbers = members.compactMap { $0.row[aggregator["fieldName"]?.stringValue ?? ""]?.asDouble }
        let isSample = aggregator["estimator"]?.stringValue != "population"
        if numbers.isEmpty { return .null }
        if numbers.count == 1 { return .double(0) }
        let mean = numbers.reduce(0, +) / Double(numbers.count)
        let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return .double(squares / Double(isSample ? numbers.count - 1 : numbers.count))
    }

    // MARK: Single values

    /// A value as the type of `longFirst`, `stringAny` and their kin.
    private func plain(_ value: Value, _ type: String, _ aggregator: JSON) -> Value {
        if type.hasPrefix("long") { return value.cast(to: .long) }
        if type.hasPrefix("float") { return value.cast(to: .float) }
        if type.hasPrefix("double") { return value.cast(to: .double) }
        guard let text = value.asText else { return .null }
        var scalars = Array(text.unicodeScalars)
        let limit = Int(aggregator["maxStringBytes"]?.intValue ?? 1024)
        while scalars.reduce(0, { $0 + String($1).utf8.count }) > limit { scalars.removeLast() }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return .string(String(view))
    }

    /// The values at the first or last time; rows of one time may come in any order.
    private func firstLast(_ members: [Member], _ aggregator: JSON, _ type: String, _ isLast: Bool) -> [Value] {
        let column = aggregator["timeColumn"]?.stringValue ?? "__time"
        let timed = members.compactMap { member in member.row[column]?.asLong.map { ($0, member) } }
        guard let best = isLast ? timed.map(\.0).max() : timed.map(\.0).min() else { return [.null] }
        return timed.filter { $0.0 == best }.map { _, member in
            let field = member.row[aggregator["fieldName"]?.stringValue ?? ""] ?? .null
            if case .array(let all) = field, all.isEmpty { return .null }
            return plain(field, type, aggregator)
        }
    }

    // MARK: Distinct values

    private func distinct(_ members: [Member], _ aggregator: JSON, _ type: String, _ scope: Scope) throws -> Outcome {
        var seen: Set<String> = []
        let fields =
            aggregator["fields"]?.arrayValue ?? aggregator["fieldName"].map { [$0] } ?? []
        for member in members {
            let types = scope.segments[member.segment].types
            var tuple: [String] = []
            for dimension in fields {
                var values: [Value]
                if type == "cardinality", dimension.stringValue == nil {
                    values = try keys(dimension, member.row, types)
                } else {
                    values = valuesOf(member.row[dimension.stringValue ?? ""])
                }
                if aggregator["byRow"]?.boolValue == true {
                    // Druid hashes null and the empty text alike, as nothing.
                    let texts = values.map { $0.isNull || sameBytes($0.asText, "") ? "" : keyText($0) }
                    tuple.append(Set(texts) == [""] ? "" : texts.sorted().joined(separator: "\u{1}"))
                } else {
                    for value in values where !value.isNull {
                        // To the sketches of DataSketches the empty text is nothing, and 0 and 0.0 have the same bits.
                        if type != "cardinality", sameBytes(value.asText, "") { continue }
                        if type != "cardinality", value.columnType != .string, value.asDouble == 0 {
                            seen.insert("zero")
                            continue
                        }
                        seen.insert(keyText(value))
                    }
                }
            }
            if aggregator["byRow"]?.boolValue == true, tuple != [""] { seen.insert(tuple.joined(separator: "\u{2}")) }
        }
        // A theta sketch is exact while it has not been cut.
        return type == "thetaSketch" ? .value(.double(Double(seen.count))) : .near(Double(seen.count))
    }

    // MARK: Expressions

    private func foldExpression(_ members: [Member], _ aggregator: JSON, _ scope: Scope) throws -> Value {
        let accumulator = aggregator["accumulatorIdentifier"]?.stringValue ?? "__acc"
        let fold = try parse(aggregator["fold"]?.stringValue ?? "")
        let names = (aggregator["fields"]?.arrayValue ?? []).compactMap(\.stringValue)
        let takesNull = aggregator["shouldAggregateNullInputs"]?.boolValue ?? true
        var state: Value?
        for member in members {
            if !takesNull, names.contains(where: { (member.row[$0] ?? .null).isNull }) { continue }
            let before = try state ?? parse(aggregator["initialValue"]?.stringValue ?? "").evaluate(columns: [])
            state = try fold.evaluate { (name: String) -> Value in
                name == accumulator ? before : member.row[name] ?? .null
            }
        }
        guard let finalize = aggregator["finalize"]?.stringValue else { return state ?? .null }
        let end = state ?? .null
        return try parse(finalize).evaluate { (name: String) -> Value in name == "o" ? end : .null }
    }

    // MARK: Post-aggregations

    func compute(_ post: JSON, _ fields: Fields) throws -> Value {
        func field(_ name: String?) -> Value { fields.last { sameBytes($0.name, name) }?.outcome.value ?? .null }
        let parts = try (post["fields"]?.arrayValue ?? []).map { try compute($0, fields) }
        switch post["type"]?.stringValue ?? "" {
        case "constant":
            switch post["value"] {
            case .int(let number)?: return .long(number)
            case .double(let number)?: return .double(number)
            default: return .null
            }
        case "fieldAccess", "finalizingFieldAccess": return field(post["fieldName"]?.stringValue)
        case "arithmetic":
            var total: Double?
            for part in parts {
                guard let next = part.asDouble else { return .null }
                guard let before = total else {
                    total = next
                    continue
                }
                switch post["fn"]?.stringValue {
                case "+": total = before + next
                case "-": total = before - next
                case "*": total = before * next
                case "/": total = next == 0 ? 0 : before / next
                case "quotient": total = before / next
                default: total = pow(before, next)
                }
            }
            return total.map(Value.double) ?? .null
        case "longGreatest": return parts.compactMap(\.asLong).max().map(Value.long) ?? .null
        case "longLeast": return parts.compactMap(\.asLong).min().map(Value.long) ?? .null
        case "doubleGreatest", "doubleLeast":
            let isLeast = post["type"]?.stringValue == "doubleLeast"
            var best: Double?
            for next in parts.compactMap(\.asDouble) { best = best.map { extreme($0, next, least: isLeast) } ?? next }
            return best.map(Value.double) ?? .null
        case "expression":
            return try parse(post["expression"]?.stringValue ?? "").evaluate { (name: String) -> Value in field(name) }
        case let other: throw Unknown("post-aggregations of type \(other)")
        }
    }
}
