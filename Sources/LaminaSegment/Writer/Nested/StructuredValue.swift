import LaminaBase

/// A value of an `auto` column as the format sees it: a leaf, an array of leaves, or something with structure.
///
/// Source: Druid's `StructuredDataProcessor`, `ExprEval.bestEffortOf`, `ExprEval.coerceListToArray`.
enum StructuredValue {
    case null
    case leaf(Leaf)
    /// An array of leaves, all of one type; nil is null. `type` is nil when there is no element but null.
    case array([Leaf?], type: LeafType?)
    /// An array with arrays or objects in it.
    case list([JSON])
    case object(JSONObject)

    enum LeafType: UInt8, Comparable {
        case long
        case double
        case string

        static func < (left: LeafType, right: LeafType) -> Bool { left.rawValue < right.rawValue }

        /// Bit in a field's set of types; `inArray`: of the array of this type.
        func bit(inArray: Bool) -> UInt8 {
            switch self {
            case .string: inArray ? 0x10 : 0x01
            case .long: inArray ? 0x20 : 0x04
            case .double: inArray ? 0x40 : 0x08
            }
        }
    }

    enum Leaf: Hashable {
        case string(String)
        case long(Int64)
        /// By bits: NaN equals itself, zeros of both signs differ, as in Java's boxed doubles.
        case double(UInt64)

        init(_ value: Double) { self = .double(value.isNaN ? Double.nan.bitPattern : value.bitPattern) }

        var type: LeafType {
            switch self {
            case .string: .string
            case .long: .long
            case .double: .double
            }
        }

        /// The leaf as another type; nil when it is none (a text that is no number).
        func cast(to type: LeafType) -> Leaf? {
            switch (self, type) {
            case (.long(let number), .double): return Leaf(Double(number))
            case (.long(let number), .string): return .string(String(number))
            case (.double(let bits), .string): return .string(javaText(Double(bitPattern: bits)))
            case (.double(let bits), .long):
                let value = Double(bitPattern: bits)
                // Java's narrowing: NaN is 0, the rest is clamped.
                if value.isNaN { return .long(0) }
                return .long(Int64(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max))
            case (.string(let text), .long):
                if let number = Int64(text) { return .long(number) }
                return Double(text).flatMap { Leaf($0).cast(to: .long) }
            case (.string(let text), .double): return Double(text).map { Leaf($0) }
            default: return self
            }
        }
    }

    init(_ value: Value) {
        switch value {
        case .null: self = .null
        case .long(let number): self = .leaf(.long(number))
        case .double(let number): self = .leaf(Leaf(number))
        case .float(let number): self = .leaf(Leaf(Double(number)))
        case .string(let text): self = .leaf(.string(text))
        case .array(let items): self.init(.array(items.map(Self.json)))
        case .json(let json): self.init(json)
        case .complex(_, let bytes): self = .leaf(.string(base64Encoded(bytes)))
        }
    }

    private static func json(_ value: Value) -> JSON {
        switch value {
        case .null: .null
        case .long(let number): .int(number)
        case .double(let number): .double(number)
        case .float(let number): .double(Double(number))
        case .string(let text): .string(text)
        case .array(let items): .array(items.map(json))
        case .json(let json): json
        case .complex(_, let bytes): .string(base64Encoded(bytes))
        }
    }

    init(_ json: JSON) {
        switch json {
        case .null: self = .null
        case .object(let object): self = .object(object)
        case .array(let items):
            var leaves: [Leaf?] = []
            leaves.reserveCapacity(items.count)
            for item in items {
                if item.isNull {
                    leaves.append(nil)
                } else if let leaf = Self.leaf(item) {
                    leaves.append(leaf)
                } else {
                    self = .list(items)
                    return
                }
            }
            // Strings win over numbers, doubles over longs.
            let type = leaves.compactMap { $0?.type }.max()
            self = .array(leaves.map { leaf in type.flatMap { leaf?.cast(to: $0) } }, type: type)
        default: self = Self.leaf(json).map { .leaf($0) } ?? .null
        }
    }

    private static func leaf(_ json: JSON) -> Leaf? {
        switch json {
        case .bool(let flag): .long(flag ? 1 : 0)
        case .int(let number): .long(number)
        case .double(let number): Leaf(number)
        case .string(let text): .string(text)
        default: nil
        }
    }

    /// The value as it is read again.
    var value: Value {
        func value(_ leaf: Leaf?) -> Value {
            switch leaf {
            case nil: .null
            case .long(let number)?: .long(number)
            case .double(let bits)?: .double(Double(bitPattern: bits))
            case .string(let text)?: .string(text)
            }
        }
        return switch self {
        case .null: .null
        case .leaf(let leaf): value(leaf)
        case .array(let leaves, _): .array(leaves.map(value))
        case .list(let items): .json(.array(items))
        case .object(let object): .json(.object(object))
        }
    }

    /// What is stored as the raw value of a row.
    static func raw(_ value: Value) -> JSON { json(value) }

    /// The value as a declared scalar or array type; what cannot be cast is null.
    func cast(to type: ColumnType) -> StructuredValue {
        switch type {
        case .array(let element):
            guard let target = LeafType(element) else { return self }
            switch self {
            case .leaf(let leaf): return .array([leaf.cast(to: target)], type: target)
            case .array(let leaves, _): return .array(leaves.map { $0?.cast(to: target) }, type: target)
            default: return self
            }
        default:
            guard let target = LeafType(type) else { return self }
            switch self {
            case .leaf(let leaf): return leaf.cast(to: target).map { .leaf($0) } ?? .null
            case .array(let leaves, _) where leaves.count == 1:
                return leaves[0]?.cast(to: target).map { .leaf($0) } ?? .null
            case .array where target == .string: return self
            default: return .null
            }
        }
    }
}

extension StructuredValue.LeafType {
    init?(_ type: ColumnType) {
        switch type {
        case .long: self = .long
        case .double, .float: self = .double
        case .string: self = .string
        default: return nil
        }
    }

    var columnType: ColumnType {
        switch self {
        case .long: .long
        case .double: .double
        case .string: .string
        }
    }
}

/// Walks the leaves of a value, each with its normalized JSONPath: arrays of leaves as one.
func forEachField(_ value: StructuredValue, _ body: (_ path: String, _ value: StructuredValue) -> Void) {
    visit(value, "$", body)
}

private func visit(_ value: StructuredValue, _ path: String, _ body: (String, StructuredValue) -> Void) {
    switch value {
    case .null: return
    case .leaf, .array: body(path, value)
    case .list(let items):
        for (index, item) in items.enumerated() { visit(StructuredValue(item), "\(path)[\(index)]", body) }
    case .object(let object):
        for entry in object.entries {
            visit(StructuredValue(entry.value), path + pathPart(entry.key), body)
        }
    }
}

/// One step into an object; keys that would confuse the path parser stand in quotes (unescaped, as Druid has them).
private func pathPart(_ key: String) -> String {
    let special: Set<UInt8> = [0x2E, 0x27, 0x22, 0x5B, 0x5D]
    return key.utf8.contains { special.contains($0) } ? "['\(key)']" : ".\(key)"
}
