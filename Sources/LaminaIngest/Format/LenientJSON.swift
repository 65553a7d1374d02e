import LaminaBase

/// A JSON reader that stops after the first value, knows Jackson's relaxations, and never fails on odd but readable numbers
/// and surrogates: for the lines the fast parser will not take, and for flattening.
struct LenientJSON {
    /// `featureSpec`: the switches of Jackson's `JsonParser.Feature` (as of 2.12, which Druid 33 uses).
    struct Features: Sendable {
        var comments = false
        var yamlComments = false
        var unquotedNames = false
        var singleQuotes = false
        var controlCharacters = false
        var anyEscape = false
        var leadingZeros = false
        var leadingPoint = false
        var nonNumbers = false
        var missingValues = false
        var trailingComma = false
        var refuseDuplicates = false

        /// No relaxation is on.
        var isStrict: Bool {
            !(comments || yamlComments || unquotedNames || singleQuotes || controlCharacters || anyEscape
                || leadingZeros
                || leadingPoint || nonNumbers || missingValues || trailingComma || refuseDuplicates)
        }

        init() {}

        init(_ fields: SpecFields) throws(LaminaError) {
            guard let given = fields["featureSpec"], !given.isNull else { return }
            let spec = try SpecFields(given, path: "\(fields.path).featureSpec")
            for name in spec.object.keys {
                let isOn = try spec.bool(name) ?? false
                switch name {
                case "ALLOW_COMMENTS": comments = isOn
                case "ALLOW_YAML_COMMENTS": yamlComments = isOn
                case "ALLOW_UNQUOTED_FIELD_NAMES": unquotedNames = isOn
                case "ALLOW_SINGLE_QUOTES": singleQuotes = isOn
                case "ALLOW_UNQUOTED_CONTROL_CHARS": controlCharacters = isOn
                case "ALLOW_BACKSLASH_ESCAPING_ANY_CHARACTER": anyEscape = isOn
                case "ALLOW_NUMERIC_LEADING_ZEROS": leadingZeros = isOn
                case "ALLOW_LEADING_DECIMAL_POINT_FOR_NUMBERS": leadingPoint = isOn
                case "ALLOW_NON_NUMERIC_NUMBERS": nonNumbers = isOn
                case "ALLOW_MISSING_VALUES": missingValues = isOn
                case "ALLOW_TRAILING_COMMA": trailingComma = isOn
                case "STRICT_DUPLICATE_DETECTION": refuseDuplicates = isOn
                case "AUTO_CLOSE_SOURCE", "IGNORE_UNDEFINED", "INCLUDE_SOURCE_IN_LOCATION": break
                default: throw spec.error(name, "is no feature of JsonParser.Feature")
                }
            }
        }
    }

    private static let depthMax = 512

    private let bytes: UnsafeRawBufferPointer
    private let features: Features
    private(set) var position: Int
    private var depth = 0

    /// Wrong text; its position is `position`.
    struct Malformed: Error {}

    init(_ bytes: UnsafeRawBufferPointer, features: Features, from position: Int = 0) {
        self.bytes = bytes
        self.features = features
        self.position = position
    }

    /// The next value; nil when only white space is left.
    mutating func next() throws(Malformed) -> JSON? {
        // Jackson passes over a byte order mark.
        if position == 0, bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { position = 3 }
        try skipSpace()
        if position == bytes.count { return nil }
        depth = 0
        return try value()
    }

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() throws(Malformed) {
        while let byte = peek() {
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            case UInt8(ascii: "#") where features.yamlComments: skipLine()
            case UInt8(ascii: "/") where features.comments: try skipComment()
            default: return
            }
        }
    }

    private mutating func skipLine() {
        while let byte = peek(), byte != 0x0A { position += 1 }
    }

    private mutating func skipComment() throws(Malformed) {
        guard position + 1 < bytes.count else { throw Malformed() }
        if bytes[position + 1] == UInt8(ascii: "/") { return skipLine() }
        guard bytes[position + 1] == UInt8(ascii: "*") else { throw Malformed() }
        position += 2
        while position + 1 < bytes.count {
            if bytes[position] == UInt8(ascii: "*"), bytes[position + 1] == UInt8(ascii: "/") {
                position += 2
                return
            }
            position += 1
        }
        throw Malformed()
    }

    private mutating func value() throws(Malformed) -> JSON {
        guard let byte = peek() else { throw Malformed() }
        switch byte {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string(quote: byte))
        case UInt8(ascii: "'") where features.singleQuotes: return .string(try string(quote: byte))
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "N") where features.nonNumbers: return try literal("NaN", .double(.nan))
        case UInt8(ascii: "I") where features.nonNumbers: return try literal("Infinity", .double(.infinity))
        case UInt8(ascii: "+") where features.nonNumbers:
            position += 1
            return try infinity(.infinity)
        default: return try number()
        }
    }

    private mutating func literal(_ word: StaticString, _ meaning: JSON) throws(Malformed) -> JSON {
        let count = word.utf8CodeUnitCount
        guard bytes.count - position >= count else { throw Malformed() }
        for index in 0..<count where bytes[position + index] != word.utf8Start[index] { throw Malformed() }
        position += count
        if let byte = peek(), Self.isNamePart(byte) { throw Malformed() }
        return meaning
    }

    private static func isNamePart(_ byte: UInt8) -> Bool {
        byte >= 0x80 || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A || byte >= 0x30 && byte <= 0x39
            || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$")
    }

    /// Behind its sign infinity may be cut short.
    private mutating func infinity(_ value: Double) throws(Malformed) -> JSON {
        let isShort = position + 2 < bytes.count && bytes[position + 2] == UInt8(ascii: "F")
        return isShort ? try literal("INF", .double(value)) : try literal("Infinity", .double(value))
    }

    private mutating func enter() throws(Malformed) {
        depth += 1
        guard depth <= Self.depthMax else { throw Malformed() }
        position += 1
    }

    private mutating func object() throws(Malformed) -> JSON {
        try enter()
        defer { depth -= 1 }
        var pairs: [(String, JSON)] = []
        try skipSpace()
        if peek() == UInt8(ascii: "}") {
            position += 1
            return .object(JSONObject())
        }
        while true {
            try skipSpace()
            if features.trailingComma, !pairs.isEmpty, peek() == UInt8(ascii: "}") { break }
            let key = try name()
            try skipSpace()
            guard peek() == UInt8(ascii: ":") else { throw Malformed() }
            position += 1
            try skipSpace()
            if features.refuseDuplicates, pairs.contains(where: { $0.0 == key }) { throw Malformed() }
            pairs.append((key, try value()))
            try skipSpace()
            if peek() == UInt8(ascii: "}") { break }
            guard peek() == UInt8(ascii: ",") else { throw Malformed() }
            position += 1
        }
        position += 1
        return .object(Self.unique(pairs))
    }

    /// The last of repeated keys counts; in linear time, however many keys there are.
    private static func unique(_ pairs: [(String, JSON)]) -> JSONObject {
        if pairs.count <= 16 { return JSONObject(pairs) }
        var last: [String: Int] = [:]
        for (index, pair) in pairs.enumerated() { last[pair.0] = index }
        if last.count == pairs.count { return JSONObject(unchecked: pairs.map { (key: $0.0, value: $0.1) }) }
        var seen = Set<String>()
        var kept: [(key: String, value: JSON)] = []
        for pair in pairs where seen.insert(pair.0).inserted {
            if let index = last[pair.0] { kept.append((pair.0, pairs[index].1)) }
        }
        return JSONObject(unchecked: kept)
    }

    private mutating func array() throws(Malformed) -> JSON {
        try enter()
        defer { depth -= 1 }
        var items: [JSON] = []
        try skipSpace()
        if peek() == UInt8(ascii: "]") {
            position += 1
            return .array(items)
        }
        while true {
            try skipSpace()
            if features.trailingComma, !items.isEmpty, peek() == UInt8(ascii: "]") { break }
            if features.missingValues, peek() == UInt8(ascii: ",") || peek() == UInt8(ascii: "]") {
                items.append(.null)
            } else {
                items.append(try value())
            }
            try skipSpace()
            if peek() == UInt8(ascii: "]") { break }
            guard peek() == UInt8(ascii: ",") else { throw Malformed() }
            position += 1
        }
        position += 1
        return .array(items)
    }

    private mutating func name() throws(Malformed) -> String {
        guard let byte = peek() else { throw Malformed() }
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") && features.singleQuotes {
            return try string(quote: byte)
        }
        guard features.unquotedNames, Self.isUnquotedNamePart(byte) else { throw Malformed() }
        let start = position
        while let byte = peek(), Self.isUnquotedNamePart(byte) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// Jackson lets a few signs stand in names without quotes, too.
    private static func isUnquotedNamePart(_ byte: UInt8) -> Bool {
        isNamePart(byte) || "@#*-+".utf8.contains(byte)
    }

    private mutating func string(quote: UInt8) throws(Malformed) -> String {
        position += 1
        var text: [UInt8] = []
        var start = position
        while let byte = peek() {
            if byte == quote {
                text.append(contentsOf: bytes[start..<position])
                position += 1
                guard let valid = String(validating: text, as: UTF8.self) else { throw Malformed() }
                return valid
            }
            if byte == UInt8(ascii: "\\") {
                text.append(contentsOf: bytes[start..<position])
                try escape(into: &text)
                start = position
            } else {
                if byte < 0x20, !features.controlCharacters { throw Malformed() }
                position += 1
            }
        }
        throw Malformed()
    }

    private mutating func escape(into text: inout [UInt8]) throws(Malformed) {
        guard position + 1 < bytes.count else { throw Malformed() }
        let kind = bytes[position + 1]
        position += 2
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(kind)
        case UInt8(ascii: "'") where features.singleQuotes: text.append(kind)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            let unit = try hex4()
            if unit < 0xD800 || unit > 0xDFFF {
                if let scalar = Unicode.Scalar(unit) { text.append(contentsOf: String(Character(scalar)).utf8) }
                return
            }
            let saved = position
            if unit < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            {
                position += 2
                let low = try hex4()
                if low >= 0xDC00, low < 0xE000,
                    let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
                {
                    text.append(contentsOf: String(Character(scalar)).utf8)
                    return
                }
                position = saved
            }
            // Half a surrogate pair, as Java encodes it.
            text.append(UInt8(ascii: "?"))
        default:
            guard features.anyEscape else { throw Malformed() }
            text.append(kind)
        }
    }

    private mutating func hex4() throws(Malformed) -> UInt32 {
        guard position + 4 <= bytes.count else { throw Malformed() }
        var code: UInt32 = 0
        for offset in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[position + offset])).hexDigitValue else {
                throw Malformed()
            }
            code = code << 4 | UInt32(digit)
        }
        position += 4
        return code
    }

    private mutating func digits() -> Int {
        let start = position
        while let byte = peek(), byte >= 0x30, byte <= 0x39 { position += 1 }
        return position - start
    }

    private mutating func number() throws(Malformed) -> JSON {
        let start = position
        let isNegative = peek() == UInt8(ascii: "-")
        if isNegative { position += 1 }
        if features.nonNumbers, peek() == UInt8(ascii: "I") { return try infinity(-.infinity) }
        let first = position
        let count = digits()
        var isWhole = true
        let mayBeginWithPoint = features.leadingPoint && !isNegative && peek() == UInt8(ascii: ".")
        guard count > 0 || mayBeginWithPoint else { throw Malformed() }
        if count > 1, bytes[first] == 0x30, !features.leadingZeros { throw Malformed() }
        if peek() == UInt8(ascii: ".") {
            isWhole = false
            position += 1
            guard digits() > 0 else { throw Malformed() }
        }
        if let byte = peek(), byte | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            position += 1
            if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { position += 1 }
            guard digits() > 0 else { throw Malformed() }
        }
        if let byte = peek(), Self.isNamePart(byte) || byte == UInt8(ascii: ".") { throw Malformed() }
        var text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let value = Int64(text) { return .int(value) }
        if count == 0 { text = "0" + text }
        guard let value = Double(text) else { throw Malformed() }
        return .double(value)
    }
}
