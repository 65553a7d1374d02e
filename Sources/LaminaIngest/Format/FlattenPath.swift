import LaminaBase

/// A JSONPath of a `flattenSpec`.
///
/// A definite path (keys and single indexes only) gives one value, nil where it leads nowhere. A path with `*`, `..`, lists, slices
/// or filters gives an array of what it finds. A function at the end works on the result.
///
/// Source: Jayway JsonPath with `SUPPRESS_EXCEPTIONS`, as `JSONFlattenerMaker` uses it.
struct FlattenPath: Sendable {
    indirect enum Step: Sendable {
        case key(String)
        case keys([String])
        case index(Int)
        case indexes([Int])
        case slice(Int?, Int?)
        case wildcard
        /// The steps' rest at every depth.
        case descend
        case filter(PathFilter)
    }

    enum Function: String, Sendable {
        case min, max, avg, stddev, length, size, sum, keys, concat, append
    }

    let steps: [Step]
    let function: Function?
    /// Literals given to `concat` and `append`.
    let arguments: [JSON]

    /// Several keys at the end make one object of what they find, and so one value.
    var isDefinite: Bool {
        for (place, step) in steps.enumerated() {
            switch step {
            case .key, .index: continue
            case .keys where place == steps.count - 1: continue
            default: return false
            }
        }
        return true
    }

    /// Parses a path; `place` names it in the error.
    init(_ text: String, place: String) throws(LaminaError) {
        var parser = PathParser(text, place: place)
        (steps, function, arguments) = try parser.path()
    }

    init(steps: [Step]) {
        self.steps = steps
        function = nil
        arguments = []
    }

    func find(in document: JSON) -> JSON? {
        var found: [JSON] = []
        Self.collect(document, steps[...], into: &found)
        if let function {
            let target = isDefinite ? found.first : .array(found)
            return target.flatMap { Self.apply(function, to: $0, arguments) }
        }
        return isDefinite ? found.first : .array(found)
    }

    /// Whether the path leads anywhere. A key that is missing in an object is there, as null: so it is with Druid's JSON provider.
    func exists(in document: JSON) -> Bool {
        var found: [JSON] = []
        if case .key = steps.last {
            Self.collect(document, steps.dropLast(), into: &found)
            return found.contains { $0.objectValue != nil }
        }
        Self.collect(document, steps[...], into: &found)
        return !found.isEmpty
    }

    private static func collect(_ value: JSON, _ steps: ArraySlice<Step>, into found: inout [JSON]) {
        guard let step = steps.first else {
            found.append(value)
            return
        }
        let rest = steps.dropFirst()
        switch step {
        case .key(let name): if let child = value[name] { collect(child, rest, into: &found) }
        case .keys(let names) where rest.isEmpty:
            guard let object = value.objectValue else { return }
            found.append(.object(JSONObject(names.compactMap { name in object[name].map { (name, $0) } })))
        case .keys(let names):
            for name in names { if let child = value[name] { collect(child, rest, into: &found) } }
        case .index(let index): if let child = element(value, index) { collect(child, rest, into: &found) }
        case .indexes(let indexes):
            for index in indexes { if let child = element(value, index) { collect(child, rest, into: &found) } }
        case .slice(let from, let to):
            guard let items = value.arrayValue else { return }
            let start = Swift.max(0, from.map { $0 < 0 ? items.count + $0 : $0 } ?? 0)
            let end = Swift.min(items.count, to.map { $0 < 0 ? items.count + $0 : $0 } ?? items.count)
            if start < end { for item in items[start..<end] { collect(item, rest, into: &found) } }
        case .wildcard: for child in children(value) { collect(child, rest, into: &found) }
        case .descend:
            collect(value, rest, into: &found)
            for child in children(value) { collect(child, steps, into: &found) }
        case .filter(let filter):
            for child in value.arrayValue ?? (value.objectValue == nil ? [] : [value]) where filter.accepts(child) {
                collect(child, rest, into: &found)
            }
        }
    }

    private static func children(_ value: JSON) -> [JSON] {
        switch value {
        case .array(let items): items
        case .object(let object): object.entries.map(\.value)
        default: []
        }
    }

    private static func element(_ value: JSON, _ index: Int) -> JSON? {
        guard let items = value.arrayValue else { return nil }
        let place = index < 0 ? items.count + index : index
        return items.indices.contains(place) ? items[place] : nil
    }

    private static func apply(_ function: Function, to value: JSON, _ arguments: [JSON]) -> JSON? {
        switch function {
        case .length, .size:
            switch value {
            case .array(let items): return .int(Int64(items.count))
            case .object(let object): return .int(Int64(object.count))
            default: return nil
            }
        case .keys: return value.objectValue.map { .array($0.keys.map { .string($0) }) }
        case .concat:
            let texts = (value.arrayValue ?? []) + arguments
            return .string(texts.compactMap(\.stringValue).joined())
        case .append: return value.arrayValue.map { .array($0 + arguments) }
        case .min, .max, .avg, .stddev, .sum:
            let numbers = ((value.arrayValue ?? []) + arguments).compactMap(\.doubleValue)
            guard !numbers.isEmpty else { return nil }
            let sum = numbers.reduce(0, +)
            let count = Double(numbers.count)
            switch function {
            case .min: return numbers.min().map { .double($0) }
            case .max: return numbers.max().map { .double($0) }
            case .sum: return .double(sum)
            case .avg: return .double(sum / count)
            default:
                let squares = numbers.reduce(0) { $0 + $1 * $1 }
                return .double((squares / count - sum * sum / count / count).squareRoot())
            }
        }
    }
}
