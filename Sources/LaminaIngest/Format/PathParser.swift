import LaminaBase

/// Reads a JSONPath text.
struct PathParser {
    private static let depthMax = 64

    private let text: [UInt8]
    private let place: String
    private var position = 0
    private var depth = 0

    init(_ text: String, place: String) {
        self.text = Array(text.utf8)
        self.place = place
    }

    private func error(_ what: String) -> LaminaError {
        .invalidInput(
            "\(place) is no JSON path at character \(position + 1) of '\(String(decoding: text, as: UTF8.self))': \(what)",
            context: ["path": place]
        )
    }

    private func peek(_ offset: Int = 0) -> UInt8? {
        position + offset < text.count ? text[position + offset] : nil
    }

    private mutating func accept(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard text.count - position >= count else { return false }
        for index in 0..<count where text[position + index] != word.utf8Start[index] { return false }
        position += count
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || byte == 0x09 { position += 1 }
    }

    /// A whole path, from `$` (or without it) to the end.
    mutating func path() throws(LaminaError) -> ([FlattenPath.Step], FlattenPath.Function?, [JSON]) {
        skipSpace()
        var steps: [FlattenPath.Step] = []
        if !accept("$"), !accept("@"), let byte = peek(), byte != UInt8(ascii: "["), byte != UInt8(ascii: ".") {
            steps.append(.key(try name()))
        }
        while let byte = peek() {
            if byte == UInt8(ascii: "["), let step = try bracket() {
                steps.append(step)
                continue
            }
            guard accept(".") else { throw error("expected '.' or '['") }
            if accept(".") {
                steps.append(.descend)
                if peek() == UInt8(ascii: "[") { continue }
            }
            if accept("*") {
                steps.append(.wildcard)
                continue
            }
            if peek() == UInt8(ascii: "[") { continue }
            let name = try name()
            if accept("(") {
                let arguments = try arguments()
                guard let function = FlattenPath.Function(rawValue: name) else {
                    throw error("unknown function \(name)")
                }
                skipSpace()
                guard position == text.count else { throw error("a function must end the path") }
                return (steps, function, arguments)
            }
            steps.append(.key(name))
        }
        if case .descend = steps.last { throw error("'..' leads nowhere") }
        return (steps, nil, [])
    }

    private mutating func name() throws(LaminaError) -> String {
        let start = position
        while let byte = peek(), byte != UInt8(ascii: "."), byte != UInt8(ascii: "["), byte != UInt8(ascii: "("),
            byte != UInt8(ascii: ")"), byte != 0x20, byte != UInt8(ascii: "="), byte != UInt8(ascii: "<"),
            byte != UInt8(ascii: ">"), byte != UInt8(ascii: "!"), byte != UInt8(ascii: "&"), byte != UInt8(ascii: "|")
        {
            position += 1
        }
        guard position > start else { throw error("expected a name") }
        return String(decoding: text[start..<position], as: UTF8.self)
    }

    private mutating func arguments() throws(LaminaError) -> [JSON] {
        var values: [JSON] = []
        skipSpace()
        if accept(")") { return values }
        while true {
            skipSpace()
            values.append(try literal())
            skipSpace()
            if accept(")") { return values }
            guard accept(",") else { throw error("expected ',' or ')'") }
        }
    }

    /// The inside of `[…]`; nil never, but throws.
    private mutating func bracket() throws(LaminaError) -> FlattenPath.Step? {
        position += 1
        skipSpace()
        if accept("*") {
            try close()
            return .wildcard
        }
        if accept("?") {
            skipSpace()
            guard accept("(") else { throw error("expected '(' after '?'") }
            let filter = try disjunction()
            skipSpace()
            guard accept(")") else { throw error("expected ')'") }
            try close()
            return .filter(filter)
        }
        if peek() == UInt8(ascii: "'") || peek() == UInt8(ascii: "\"") { return try keys() }
        return try indexes()
    }

    private mutating func close() throws(LaminaError) {
        skipSpace()
        guard accept("]") else { throw error("expected ']'") }
    }

    private mutating func keys() throws(LaminaError) -> FlattenPath.Step {
        var names: [String] = []
        repeat {
            skipSpace()
            names.append(try quoted())
            skipSpace()
        } while accept(",")
        try close()
        return names.count == 1 ? .key(names[0]) : .keys(names)
    }

    private mutating func quoted() throws(LaminaError) -> String {
        guard let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
            throw error("expected a quoted text")
        }
        position += 1
        var bytes: [UInt8] = []
        while let byte = peek() {
            position += 1
            if byte == quote { return String(decoding: bytes, as: UTF8.self) }
            if byte == UInt8(ascii: "\\"), let escaped = peek() {
                bytes.append(escaped)
                position += 1
            } else {
                bytes.append(byte)
            }
        }
        throw error("a quote that is not closed")
    }

    private mutating func integer() -> Int? {
        let start = position
        if peek() == UInt8(ascii: "-") { position += 1 }
        while let byte = peek(), byte >= 0x30, byte <= 0x39 { position += 1 }
        guard let value = Int(String(decoding: text[start..<position], as: UTF8.self)), abs(value) < 1 << 40 else {
            position = start
            return nil
        }
        return value
    }

    private mutating func indexes() throws(LaminaError) -> FlattenPath.Step {
        let first = integer()
        skipSpace()
        if accept(":") {
            skipSpace()
            let last = integer()
            try close()
            return .slice(first, last)
        }
        guard let first else { throw error("expected an index, a name in quotes, '*' or '?'") }
        var all = [first]
        while accept(",") {
            skipSpace()
            guard let next = integer() else { throw error("expected an index") }
            all.append(next)
            skipSpace()
        }
        try close()
        return all.count == 1 ? .index(first) : .indexes(all)
    }

    private mutating func disjunction() throws(LaminaError) -> PathFilter {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthMax else { throw error("a filter nested too deeply") }
        var filters = [try conjunction()]
        skipSpace()
        while accept("||") {
            filters.append(try conjunction())
            skipSpace()
        }
        return filters.count == 1 ? filters[0] : .any(filters)
    }

    private mutating func conjunction() throws(LaminaError) -> PathFilter {
        var filters = [try predicate()]
        skipSpace()
        while accept("&&") {
            filters.append(try predicate())
            skipSpace()
        }
        return filters.count == 1 ? filters[0] : .all(filters)
    }

    private mutating func predicate() throws(LaminaError) -> PathFilter {
        skipSpace()
        if accept("!") {
            depth += 1
            defer { depth -= 1 }
            guard depth < Self.depthMax else { throw error("a filter nested too deeply") }
            return .not(try predicate())
        }
        if accept("(") {
            let inner = try disjunction()
            skipSpace()
            guard accept(")") else { throw error("expected ')'") }
            return inner
        }
        let left = try operand()
        skipSpace()
        for name in ["==", "!=", "<=", ">=", "<", ">", "in", "nin"] where starts(with: name) {
            position += name.utf8.count
            skipSpace()
            return .compare(left, name, try operand())
        }
        if case .path(let path) = left { return .exists(path) }
        throw error("expected a comparison")
    }

    private func starts(with word: String) -> Bool {
        text[position...].starts(with: word.utf8)
    }

    private mutating func operand() throws(LaminaError) -> PathFilter.Operand {
        if peek() == UInt8(ascii: "@") || peek() == UInt8(ascii: "$") {
            position += 1
            var steps: [FlattenPath.Step] = []
            while let byte = peek() {
                if byte == UInt8(ascii: "["), let step = try bracket() {
                    steps.append(step)
                } else if accept(".") {
                    steps.append(accept("*") ? .wildcard : .key(try name()))
                } else {
                    break
                }
            }
            return .path(FlattenPath(steps: steps))
        }
        return .literal(try literal())
    }

    /// Literals up to `]`.
    private mutating func list() throws(LaminaError) -> [JSON] {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthMax else { throw error("a list nested too deeply") }
        var values: [JSON] = []
        skipSpace()
        if accept("]") { return values }
        while true {
            skipSpace()
            values.append(try literal())
            skipSpace()
            if accept("]") { return values }
            guard accept(",") else { throw error("expected ',' or ']'") }
        }
    }

    private mutating func literal() throws(LaminaError) -> JSON {
        if peek() == UInt8(ascii: "'") || peek() == UInt8(ascii: "\"") { return .string(try quoted()) }
        if accept("true") { return .bool(true) }
        if accept("false") { return .bool(false) }
        if accept("null") { return .null }
        if accept("[") { return .array(try list()) }
        let start = position
        while let byte = peek(),
            byte >= 0x30 && byte <= 0x39 || byte | 0x20 == UInt8(ascii: "e")
                || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
        {
            position += 1
        }
        let digits = String(decoding: text[start..<position], as: UTF8.self)
        if let number = Int64(digits) { return .int(number) }
        guard let number = Double(digits) else { throw error("expected a value") }
        return .double(number)
    }
}
