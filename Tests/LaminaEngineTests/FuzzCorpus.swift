import Glibc
import LaminaBase
import LaminaTestSupport

/// Documents and expressions that are fine, to make broken ones of: the queries of the gold corpus where it is at hand, the
/// samples, and random queries.
struct FuzzCorpus: Sendable {
    private(set) var queries: [[UInt8]] = []
    private(set) var trees: [JSON] = []
    private(set) var expressions: [[UInt8]] = []

    init() {
        for area in Self.files(in: goldFolder + "/queries", prefix: "native_") {
            for line in ((try? fileBytes(area)) ?? []).split(separator: 0x0A) {
                if let query = try? JSONParser.parse(Array(line))["query"] { add(query) }
            }
        }
        for file in Self.files(in: testsFolder + "/Samples/queries", prefix: "") {
            if let query = try? JSONParser.parse(fileBytes(file)) { add(query) }
        }
        var random = RandomQueries(generator: SeededGenerator(seed: 5), usesSources: true)
        for _ in 0..<400 { add(random.query()) }
    }

    private mutating func add(_ query: JSON) {
        queries.append(Array(query.text.utf8))
        trees.append(query)
        collect(query)
    }

    private mutating func collect(_ json: JSON) {
        switch json {
        case .object(let object):
            for (key, value) in object.entries {
                if key == "expression" || key == "fold" || key == "combine" || key == "finalize" || key == "condition",
                    let text = value.stringValue
                {
                    expressions.append(Array(text.utf8))
                }
                collect(value)
            }
        case .array(let items): for item in items { collect(item) }
        default: break
        }
    }

    private static func files(in folder: String, prefix: String) -> [String] {
        visibleNames(in: folder).filter { $0.hasPrefix(prefix) && ($0.hasSuffix(".jsonl") || $0.hasSuffix(".json")) }
            .map { folder + "/" + $0 }
    }
}

/// Makes inputs of a corpus, most of them broken somehow.
struct Mutator {
    var random: SeededGenerator
    let corpus: FuzzCorpus

    /// Pieces that mean something to a parser, and numbers at the edges.
    private static let tokens: [[UInt8]] = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "\\uD83D", "null", "true", "-", "0", "-1", "1e999", "-0.0",
        "1e-400",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "99999999999999999999999", "2147483648",
        "NaN",
        "\"all\"", "\"none\"", "\"PT0S\"", "\"P99999999Y\"", "\"1000/3000\"", "\"0001-01-01/9999-12-31\"",
        "\"type\":\"not\"",
        "\"type\":\"query\"", "\"(((((\"", "\"(a*)*b\"", "\"%_%_%_%\"", "ARRAY<LONG>", "COMPLEX<json>", "(", ")", "->",
        "x ->",
        "&&", "||", "!", "^", "%", "'", "''", "map(", "fold((x, acc) -> ", "repeat('ab', 2147483647)",
        "lpad('a', 2147483647, 'b')",
        "timestamp_floor(t, 'PT0S')", "cast(", "<LONG>[]", "1/0", "\u{1F600}", "array(", "regexp_extract(x, '(a+)+$')",
        "json_value(",
    ].map { Array($0.utf8) }

    private mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(max(bound, 1))) }

    /// A query's bytes with a few places changed.
    mutating func queryBytes() -> [UInt8] {
        mutated(corpus.queries[below(corpus.queries.count)], others: corpus.queries)
    }

    mutating func expressionBytes() -> [UInt8] {
        if random.next() % 3 == 0 {
            var bytes: [UInt8] = []
            grow(&bytes, depth: 5)
            return random.next() % 2 == 0 ? bytes : mutated(bytes, others: corpus.expressions)
        }
        return mutated(corpus.expressions[below(corpus.expressions.count)], others: corpus.expressions)
    }

    private mutating func mutated(_ original: [UInt8], others: [[UInt8]]) -> [UInt8] {
        var bytes = original
        for _ in 0..<1 + below(4) {
            if bytes.isEmpty { return bytes }
            let place = below(bytes.count)
            switch below(9) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes[place] ^= 1 << UInt8(below(8))
            case 2: bytes.removeSubrange(place..<min(bytes.count, place + 1 + below(20)))
            case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 1 + below(40))], at: place)
            case 4, 5: bytes.insert(contentsOf: Self.tokens[below(Self.tokens.count)], at: place)
            case 6:
                let token = Self.tokens[below(Self.tokens.count)]
                bytes.replaceSubrange(place..<min(bytes.count, place + token.count), with: token)
            case 7:
                let other = others[below(others.count)]
                let start = below(other.count)
                bytes.replaceSubrange(
                    place..<min(bytes.count, place + below(60)),
                    with: other[start..<min(other.count, start + below(60))]
                )
            default: replaceNumber(&bytes, near: place)
            }
        }
        return bytes
    }

    /// A number in the text becomes another one.
    private mutating func replaceNumber(_ bytes: inout [UInt8], near place: Int) {
        guard let start = bytes[place...].firstIndex(where: { $0 >= 0x30 && $0 <= 0x39 }) else { return }
        let end = bytes[start...].firstIndex { $0 < 0x30 || $0 > 0x39 } ?? bytes.count
        bytes.replaceSubrange(
            start..<end,
            with: Array(String(Int64(bitPattern: random.next()) >> Int64(below(64))).utf8)
        )
    }

    // MARK: Trees

    /// A query with members left out, doubled, or exchanged for pieces of others: valid JSON.
    mutating func tree() -> JSON { changed(corpus.trees[below(corpus.trees.count)]) }

    private static let odds: [JSON] = [
        nil, 0, -1, 1.5, .int(.max), .int(.min), "", "__time", "country", "LONG", "ARRAY<STRING>", "all", "none", [],
        [:], true,
        "0001/9999", "x ->", "1/0", "map(x -> x, tags)", ["type": "true"], ["type": "period", "period": "PT1S"], 1e300,
    ]

    private mutating func changed(_ json: JSON) -> JSON {
        if random.next() % 41 == 0 { return Self.odds[below(Self.odds.count)] }
        if random.next() % 83 == 0 { return piece(corpus.trees[below(corpus.trees.count)]) }
        switch json {
        case .object(let object):
            var result = JSONObject()
            for (key, value) in object.entries where random.next() % 47 != 0 { result[key] = changed(value) }
            return .object(result)
        case .array(let items):
            var result = items.map { changed($0) }
            if random.next() % 31 == 0, let first = result.first { result.append(first) }
            return .array(result)
        default: return json
        }
    }

    private mutating func piece(_ json: JSON) -> JSON {
        if random.next() % 4 == 0 { return json }
        switch json {
        case .object(let object) where !object.isEmpty: return piece(object.entries[below(object.count)].value)
        case .array(let items) where !items.isEmpty: return piece(items[below(items.count)])
        default: return json
        }
    }

    // MARK: Expressions by their grammar

    private static let names: [String] = [
        "if", "nvl", "coalesce", "case_searched", "case_simple", "concat", "strlen", "substring", "upper", "lower",
        "reverse",
        "repeat", "lpad", "rpad", "replace", "regexp_extract", "regexp_replace", "like", "cast", "timestamp_floor",
        "timestamp_shift", "timestamp_extract", "timestamp_format", "timestamp_parse", "abs", "round", "pow", "div",
        "safe_divide",
        "bitwiseShiftLeft", "array", "array_length", "array_offset", "array_slice", "array_concat", "array_append",
        "array_to_string", "string_to_array", "greatest", "least", "json_value", "json_object", "to_json_string",
        "format",
        "parse_long", "left", "right", "strpos", "array_set_add", "array_contains", "scalb", "nextafter", "ipv4_match",
        "ipv4_parse", "human_readable_binary_byte_format", "decode_base64_utf8", "hypot", "remainder", "nosuchfunction",
    ]

    private static let atoms: [String] = [
        "x", "y", "tags", "\"odd name\"", "1", "0", "-1", "2.5", "1e308", "9223372036854775807", "'text'", "''",
        "'\\u00e9'", "null",
        "[1, 2, 3]", "['a', 'b']", "<DOUBLE>[]", "'PT1H'", "'P1M'", "'Asia/Seoul'", "'$.a.b[0]'", "'LONG'", "__time",
        "100000",
    ]

    private mutating func grow(_ bytes: inout [UInt8], depth: Int) {
        if depth == 0 || random.next() % 4 == 0 {
            bytes += Self.atoms[below(Self.atoms.count)].utf8
            return
        }
        switch below(8) {
        case 0:
            bytes += ["-", "!"][below(2)].utf8
            grow(&bytes, depth: depth - 1)
        case 1, 2:
            grow(&bytes, depth: depth - 1)
            let signs = ["+", "-", "*", "/", "%", "^", "<", "<=", ">", ">=", "==", "!=", "&&", "||"]
            bytes += " \(signs[below(signs.count)]) ".utf8
            grow(&bytes, depth: depth - 1)
        case 3:
            bytes += "(".utf8
            grow(&bytes, depth: depth - 1)
            bytes += ")".utf8
        case 4:
            bytes += ["map", "filter", "any", "all"][below(4)].utf8
            bytes += "((z) -> ".utf8
            grow(&bytes, depth: depth - 1)
            bytes += ", tags)".utf8
        case 5:
            bytes += "fold((z, acc) -> z + ".utf8
            grow(&bytes, depth: depth - 1)
            bytes += ", tags, 0)".utf8
        default:
            bytes += Self.names[below(Self.names.count)].utf8
            bytes += "(".utf8
            for index in 0..<below(5) {
                if index > 0 { bytes += ", ".utf8 }
                grow(&bytes, depth: depth - 1)
            }
            bytes += ")".utf8
        }
    }
}
