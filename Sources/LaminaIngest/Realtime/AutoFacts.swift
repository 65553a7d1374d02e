import LaminaBase
import LaminaBitmaps
import LaminaSegment
import Synchronization

/// What the values of an `auto` dimension in memory are: the type a segment of them has, and every path's values by row.
///
/// Found by readers, when a query first asks for the column, and kept: each value of the dictionary is looked at once, each row's
/// code is translated once. All of it only ever grows, so that columns share the memory.
final class AutoFacts: Sendable {
    private let state = Mutex(State())

    /// The column that a segment of these rows would have.
    func column(_ codes: SharedValues<UInt32>, _ texts: TextSnapshot, hasNulls: Bool, cast: ColumnType?) -> Column {
        state.withLock { state in
            if cast == nil || cast == .string, state.hasOnlyTexts(texts) {
                return .string(
                    RealtimeStringColumn(codes: codes, texts: texts, lists: nil, hasNulls: hasNulls, isEncoded: true)
                )
            }
            state.read(texts, cast: cast)
            switch state.types.form {
            case .nested: return .object(RealtimeNestedColumn(codes, texts, hasNulls: hasNulls, facts: self))
            case .scalar(let type):
                let root = state.rows(of: "$", codes)
                switch type {
                case .long:
                    return .long(SliceNumberColumn(root.longs(codes.count), nullRows: root.nullRows(codes.count)))
                case .double:
                    return .double(SliceNumberColumn(root.doubles(codes.count), nullRows: root.nullRows(codes.count)))
                default: return .string(root.values(codes.count))
                }
            case .variant(let type, _):
                return .object(RealtimeVariantColumn(state.rows(of: "$", codes).values(codes.count), type: type))
            }
        }
    }

    /// The values of a path; nil where there is none. After `column` found it to be nested.
    func path(_ text: String, _ codes: SharedValues<UInt32>) -> NestedPathColumn? {
        state.withLock { state in
            guard state.paths[text] != nil else { return nil }
            let path = state.rows(of: text, codes)
            let values = path.values(codes.count)
            let nullRows = path.nullRows(codes.count)
            switch path.kinds {
            case PathValues.text: return NestedPathColumn(column: .string(values), dictionary: values)
            case PathValues.long:
                let longs = SliceNumberColumn(path.longs(codes.count), nullRows: nullRows)
                return NestedPathColumn(column: .long(longs), dictionary: values)
            case PathValues.double:
                let doubles = SliceNumberColumn(path.doubles(codes.count), nullRows: nullRows)
                return NestedPathColumn(column: .double(doubles), dictionary: values)
            default: return NestedPathColumn(column: nil, dictionary: values)
            }
        }
    }

    private struct State: ~Copyable {
        /// Values looked at for nothing but whether they are texts.
        private var textsSeen = 1
        private var hasOthers = false
        /// Values whose paths are known.
        private var valuesRead = 0
        private(set) var types = AutoTypes(declaredType: nil)
        private(set) var paths: [String: PathValues] = [:]

        mutating func hasOnlyTexts(_ texts: TextSnapshot) -> Bool {
            while !hasOthers, textsSeen < texts.count {
                if texts.text(UInt32(textsSeen)).first != EncodedValue.string { hasOthers = true }
                textsSeen += 1
            }
            return !hasOthers
        }

        /// Looks at values that came since.
        mutating func read(_ texts: TextSnapshot, cast: ColumnType?) {
            if valuesRead == 0 {
                types = AutoTypes(declaredType: cast)
                paths["$"] = PathValues()
                valuesRead = 1
            }
            let arena = TextArena()
            for id in valuesRead..<max(texts.count, valuesRead) {
                types.add(EncodedValue.decode(texts.text(UInt32(id)))) { path, value in
                    if paths[path] == nil { paths[path] = PathValues() }
                    paths[path]?.add(value, ofValue: id, arena)
                }
            }
            valuesRead = max(valuesRead, texts.count)
        }

        /// A path whose rows are known at least up to these.
        func rows(of path: String, _ codes: SharedValues<UInt32>) -> PathValues {
            let found = paths[path] ?? PathValues()
            found.read(codes)
            return found
        }
    }
}

/// The values of one path: of each of the dimension's values, and of each row.
private final class PathValues {
    static let text: UInt8 = 1
    static let long: UInt8 = 2
    static let double: UInt8 = 4
    static let other: UInt8 = 8

    /// Which kinds of values there are.
    private(set) var kinds: UInt8 = 0
    /// Distinct encoded values; id 0 is null.
    private let texts = TextDictionary()
    /// The path's id by the id of the dimension's value; what lies behind the end has null.
    private let idOfValue = GrowBuffer<UInt32>()
    private let bitsOfID = GrowBuffer<UInt64>()
    private let idOfRow = GrowBuffer<UInt32>()
    private let bitsOfRow = GrowBuffer<UInt64>()
    private let nullOfRow = GrowBuffer<UInt8>()
    private var hasNulls = false

    init() { bitsOfID.append(0) }

    /// - Parameter number: not less than any before.
    func add(_ value: Value, ofValue number: Int, _ arena: TextArena) {
        idOfValue.append(repeating: 0, count: number - idOfValue.count)
        let id = texts.intern(EncodedValue.encode(value, arena))
        // An object that repeats a key has the last one's value.
        if idOfValue.count > number { idOfValue[number] = id } else { idOfValue.append(id) }
        var bits: UInt64 = 0
        switch value {
        case .string: kinds |= Self.text
        case .long(let number):
            kinds |= Self.long
            bits = UInt64(bitPattern: number)
        case .double(let number):
            kinds |= Self.double
            bits = number.bitPattern
        default: kinds |= Self.other
        }
        if bitsOfID.count == Int(id) { bitsOfID.append(bits) }
    }

    /// Translates the codes of rows that came since.
    func read(_ codes: SharedValues<UInt32>) {
        let first = idOfRow.count
        guard first < codes.count else { return }
        let count = codes.count - first
        let ids = idOfRow.extend(count)
        let bits = bitsOfRow.extend(count)
        let nulls = nullOfRow.extend(count)
        for place in 0..<count {
            let code = Int(codes.pointer[first + place])
            let id = code < idOfValue.count ? idOfValue[code] : 0
            ids[place] = id
            bits[place] = bitsOfID[Int(id)]
            nulls[place] = id == 0 ? 1 : 0
            if id == 0 { hasNulls = true }
        }
    }

    func longs(_ rows: Int) -> SharedValues<Int64> { bitsOfRow.shared(rows).reinterpreted(as: Int64.self) }
    func doubles(_ rows: Int) -> SharedValues<Double> { bitsOfRow.shared(rows).reinterpreted(as: Double.self) }

    func nullRows(_ rows: Int) -> RoaringBitmap? {
        hasNulls ? flaggedRows(UnsafeBufferPointer(start: nullOfRow.pointer, count: rows)) : nil
    }

    /// The values as a dictionary column.
    func values(_ rows: Int) -> RealtimeStringColumn {
        let ids = idOfRow.shared(rows)
        let hasNull = hasNulls && UnsafeBufferPointer(start: ids.pointer, count: rows).contains(0)
        return RealtimeStringColumn(
            codes: ids,
            texts: texts.snapshot,
            lists: nil,
            hasNulls: hasNull,
            isEncoded: true,
            hasOnlyTexts: kinds & ~Self.text == 0
        )
    }
}

/// Arrays and values of several types of rows in memory.
final class RealtimeVariantColumn: ObjectColumn {
    private let values: RealtimeStringColumn
    let type: ColumnType

    init(_ values: RealtimeStringColumn, type: ColumnType) {
        self.values = values
        self.type = type
    }

    var rowCount: Int { values.rowCount }
    var hasNulls: Bool { values.nullID != nil }
    var valueDictionary: (any ValueDictionary)? { values }

    func value(row: Int) throws(LaminaError) -> Value {
        let reader = values.makeIDReader()
        return try values.value(try reader.read(row..<row + 1)[0])
    }
}

/// Nested values of rows in memory; their paths are columns as those of stored ones are.
final class RealtimeNestedColumn: NestedPaths {
    private let codes: SharedValues<UInt32>
    private let texts: TextSnapshot
    private let facts: AutoFacts
    let hasNulls: Bool

    init(_ codes: SharedValues<UInt32>, _ texts: TextSnapshot, hasNulls: Bool, facts: AutoFacts) {
        self.codes = codes
        self.texts = texts
        self.hasNulls = hasNulls
        self.facts = facts
    }

    var rowCount: Int { codes.count }
    var type: ColumnType { .complex("json") }
    var hasPaths: Bool { true }

    func value(row: Int) throws(LaminaError) -> Value {
        precondition(row < codes.count, "a row beyond the segment")
        let code = codes.pointer[row]
        return code == 0 ? .null : .json(jsonValue(EncodedValue.decode(texts.text(code))))
    }

    func path(_ text: String) throws(LaminaError) -> NestedPathColumn? { facts.path(text, codes) }
}
