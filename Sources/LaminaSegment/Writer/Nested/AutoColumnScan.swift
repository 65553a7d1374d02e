package import LaminaBase

/// One path of a nested column and what was seen there.
struct FieldTypes: Sendable {
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

/// What is in an `auto` column: its paths with their types, and from them its form. Values may come one by one.
///
/// Source: Druid's `AutoTypeColumnIndexer`.
package struct AutoTypes: Sendable {
    /// How a column is stored.
    package enum Form: Sendable, Hashable {
        /// Texts, longs or doubles alone.
        case scalar(ColumnType)
        /// Arrays, or values of several types; the set of types is stored for the latter.
        case variant(ColumnType, typeSet: UInt8?)
        case nested
    }

    private let declaredType: ColumnType?
    private(set) var fields: [String: FieldTypes] = [:]
    private var hasObjects = false
    private var hasArrays = false

    package init(declaredType: ColumnType?) { self.declaredType = declaredType }

    /// Takes in a value; calls `body` with each of its paths and what is stored there: a leaf, or an array of leaves of one type.
    package mutating func add(_ value: Value, _ body: (_ path: String, _ value: Value) -> Void) {
        var structured = StructuredValue(value)
        if let declaredType { structured = structured.cast(to: declaredType) }
        add(structured) { path, field in body(path, field.value) }
    }

    mutating func add(_ value: StructuredValue, _ body: (String, StructuredValue) -> Void) {
        noteObjects(value)
        forEachField(value) { path, field in
            fields[path, default: FieldTypes()].add(field)
            if case .array = field { hasArrays = true }
            body(path, field)
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

    package var form: Form {
        if let declaredType {
            if case .array = declaredType { return .variant(declaredType, typeSet: nil) }
            if let leaf = StructuredValue.LeafType(declaredType) { return .scalar(leaf.columnType) }
        }
        if hasObjects { return .nested }
        if fields.isEmpty { return .scalar(.string) }
        guard fields.count == 1, let root = fields["$"] else { return .nested }
        if var type = root.single {
            if StructuredValue.LeafType(type) != nil, hasArrays { type = .array(type) }
            if StructuredValue.LeafType(type) != nil { return .scalar(type) }
            return .variant(type, typeSet: nil)
        }
        var type = root.leastRestrictive
        if StructuredValue.LeafType(type) != nil, hasArrays { type = .array(type) }
        return .variant(type, typeSet: root.stored)
    }
}

/// The first reading of an `auto` column: its values, its paths, and from them its form.
///
/// Source: Druid's `AutoTypeColumnIndexer`, `AutoTypeColumnMerger.writeMergedValueDictionary`.
struct AutoColumnScan {
    var space = ValueSpace()
    private var types: AutoTypes
    private(set) var hasNullRows = false

    init(_ column: any ObjectColumn, count: Int, declaredType: ColumnType?) throws(LaminaError) {
        types = AutoTypes(declaredType: declaredType)
        for row in 0..<count {
            var value = StructuredValue(try column.value(row: row))
            if let declaredType { value = value.cast(to: declaredType) }
            if case .null = value { hasNullRows = true } else { add(value) }
        }
        space.sort()
    }

    private mutating func add(_ value: StructuredValue) {
        types.add(value) { _, field in
            switch field {
            case .leaf(let leaf): space.add(leaf)
            case .array(let leaves, _): space.add(array: leaves)
            default: break
            }
        }
    }

    var fields: [String: FieldTypes] { types.fields }

    /// Paths in Java's order of strings.
    var paths: [String] { fields.keys.sorted { $0.utf16.lexicographicallyPrecedes($1.utf16) } }

    var form: AutoTypes.Form { types.form }
}
