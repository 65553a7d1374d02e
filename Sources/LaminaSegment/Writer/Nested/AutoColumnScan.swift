import LaminaBase

/// One path of a nested column and what was seen there.
struct FieldTypes {
    /// Bits of the types seen (Druid's `FieldTypeInfo`).
    private(set) var bits: UInt8 = 0
    /// An array without any element but null, which has no type of its own.
    private(set) var hasUntypedArray = false

    mutating func add(_ value: StructuredValue) {
        switch value {
        case .leaf(let leaf): bits |= leaf.type.bit(inArray: false)
        case .array(_, let type?): bits |= type.bit(inArray: true)
        case .array(_, nil): hasUntypedArray = true
        default: break
        }
    }

    var isEmpty: Bool { bits == 0 && !hasUntypedArray }

    /// The only type, if there is only one (untyped arrays count as long arrays where nothing else is).
    var single: ColumnType? {
        if bits == 0 { return hasUntypedArray ? .array(.long) : nil }
        guard let type = Self.type(bits) else { return nil }
        if hasUntypedArray, case .array = type { return type }
        return hasUntypedArray ? nil : type
    }

    /// The byte that is stored: a scalar type beside untyped arrays brings its array type along, untyped arrays alone are longs'.
    var stored: UInt8 {
        if bits == 0, hasUntypedArray { return 0x20 }
        guard hasUntypedArray, let type = Self.type(bits), let leaf = StructuredValue.LeafType(type) else {
            return bits
        }
        return bits | leaf.bit(inArray: true)
    }

    private static func type(_ bits: UInt8) -> ColumnType? {
        switch bits {
        case 0x01: .string
        case 0x04: .long
        case 0x08: .double
        case 0x10: .array(.string)
        case 0x20: .array(.long)
        case 0x40: .array(.double)
        default: nil
        }
    }

    /// The type that every stored type can be cast to.
    var leastRestrictive: ColumnType {
        let leaf: ColumnType = stored & 0x11 != 0 ? .string : stored & 0x48 != 0 ? .double : .long
        return stored & 0x70 != 0 ? .array(leaf) : leaf
    }
}

/// The first reading of an `auto` column: its values, its paths, and from them its form.
///
/// Source: Druid's `AutoTypeColumnIndexer`, `AutoTypeColumnMerger.writeMergedValueDictionary`.
struct AutoColumnScan {
    /// How a column is stored.
    enum Form {
        case scalar(StructuredValue.LeafType)
        /// Arrays, or values of several types; the set of types is stored for the latter.
        case variant(ColumnType, typeSet: UInt8?)
        case nested
    }

    var space = ValueSpace()
    private(set) var fields: [String: FieldTypes] = [:]
    private(set) var hasNullRows = false
    private var hasObjects = false

    init(_ column: any ObjectColumn, count: Int, declaredType: ColumnType?) throws(LaminaError) {
        for row in 0..<count {
            var value = StructuredValue(try column.value(row: row))
            if let declaredType { value = value.cast(to: declaredType) }
            if case .null = value { hasNullRows = true } else { add(value) }
        }
        space.sort()
    }

    private mutating func add(_ value: StructuredValue) {
        noteObjects(value)
        var seen: [(String, StructuredValue)] = []
        forEachField(value) { seen.append(($0, $1)) }
        for (path, field) in seen {
            fields[path, default: FieldTypes()].add(field)
            switch field {
            case .leaf(let leaf): space.add(leaf)
            case .array(let leaves, _): space.add(array: leaves)
            default: break
            }
        }
    }

    private mutating func noteObjects(_ value: StructuredValue) {
        if hasObjects { return }
        switch value {
        case .object: hasObjects = true
        case .list(let items): for item in items { noteObjects(StructuredValue(item)) }
        default: break
        }
    }

    /// Paths in Java's order of strings.
    var paths: [String] { fields.keys.sorted { $0.utf16.lexicographicallyPrecedes($1.utf16) } }

    func form(declaredType: ColumnType?) -> Form {
        if let declaredType {
            if case .array = declaredType { return .variant(declaredType, typeSet: nil) }
            if let leaf = StructuredValue.LeafType(declaredType) { return .scalar(leaf) }
        }
        if hasObjects { return .nested }
        if fields.isEmpty { return .scalar(.string) }
        guard fields.count == 1, let root = fields["$"] else { return .nested }
        if var type = root.single {
            if StructuredValue.LeafType(type) != nil, space.hasArrays { type = .array(type) }
            if let leaf = StructuredValue.LeafType(type) { return .scalar(leaf) }
            return .variant(type, typeSet: nil)
        }
        var type = root.leastRestrictive
        if StructuredValue.LeafType(type) != nil, space.hasArrays { type = .array(type) }
        return .variant(type, typeSet: root.stored)
    }
}
