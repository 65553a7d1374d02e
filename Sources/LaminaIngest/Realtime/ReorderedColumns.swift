import LaminaBase
import LaminaBitmaps
import LaminaSegment

extension Column {
    /// The column's rows in another order: row i is row `order[i]`. Its readers must gather in any order.
    func reordered(_ order: SharedValues<UInt32>) -> Column {
        switch self {
        case .long(let column): .long(ReorderedNumbers(column.makeReader, column.nullRows, order))
        case .float(let column): .float(ReorderedNumbers(column.makeReader, column.nullRows, order))
        case .double(let column): .double(ReorderedNumbers(column.makeReader, column.nullRows, order))
        case .string(let column): .string(ReorderedStrings(column, order))
        case .object(let column as any NestedPaths): .object(ReorderedNested(column, order))
        case .object(let column): .object(ReorderedObjects(column, order))
        }
    }
}

/// The rows of a bitmap in another order.
private func reordered(_ rows: RoaringBitmap?, _ order: SharedValues<UInt32>) -> RoaringBitmap? {
    guard let rows else { return nil }
    var flags = [Bool](repeating: false, count: order.count)
    rows.forEach { flags[Int($0)] = true }
    var out = RoaringBitmap()
    for place in 0..<order.count where flags[Int(order.pointer[place])] { out.append(UInt32(place)) }
    return out
}

final class ReorderedNumbers<Element: BitwiseCopyable & Sendable>: NumericColumn {
    private let makeBase: @Sendable () -> any ValueReader<Element>
    private let order: SharedValues<UInt32>
    let nullRows: RoaringBitmap?

    init(
        _ makeBase: @escaping @Sendable () -> any ValueReader<Element>,
        _ nullRows: RoaringBitmap?,
        _ order: SharedValues<UInt32>
    ) {
        self.makeBase = makeBase
        self.order = order
        self.nullRows = reordered(nullRows, order)
    }

    var rowCount: Int { order.count }
    func makeReader() -> any ValueReader<Element> { ReorderedReader(makeBase(), order) }
    var valueIndex: (any NumericValueIndex<Element>)? { nil }
}

extension ReorderedNumbers: LongColumn where Element == Int64 {}
extension ReorderedNumbers: FloatColumn where Element == Float {}
extension ReorderedNumbers: DoubleColumn where Element == Double {}

final class ReorderedReader<Element: BitwiseCopyable>: ValueReader {
    private let base: any ValueReader<Element>
    private let order: SharedValues<UInt32>
    private let rowsOfBase = GrowBuffer<UInt32>()

    init(_ base: any ValueReader<Element>, _ order: SharedValues<UInt32>) {
        self.base = base
        self.order = order
    }

    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<Element> {
        try base.gather(order.part(rows))
    }

    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<Element> {
        try base.gather(order.picked(rows, rowsOfBase))
    }

    func contiguousRows(from row: Int) -> Int { order.count - row }
}

extension SharedValues where Element == UInt32 {
    fileprivate func part(_ rows: Range<Int>) -> UnsafeBufferPointer<UInt32> {
        precondition(rows.upperBound <= count, "rows beyond the segment")
        return UnsafeBufferPointer(start: pointer + rows.lowerBound, count: rows.count)
    }

    fileprivate func picked(
        _ rows: UnsafeBufferPointer<UInt32>,
        _ room: GrowBuffer<UInt32>
    ) -> UnsafeBufferPointer<UInt32> {
        let out = room.scratch(rows.count)
        for place in rows.indices {
            precondition(Int(rows[place]) < count, "rows beyond the segment")
            out[place] = pointer[Int(rows[place])]
        }
        return UnsafeBufferPointer(start: out, count: rows.count)
    }
}

final class ReorderedMultiReader: MultiIDReader {
    private let base: any MultiIDReader
    private let order: SharedValues<UInt32>
    private let rowsOfBase = GrowBuffer<UInt32>()

    init(_ base: any MultiIDReader, _ order: SharedValues<UInt32>) {
        self.base = base
        self.order = order
    }

    func read(_ rows: Range<Int>) throws(LaminaError) -> MultiIDs { try base.gather(order.part(rows)) }

    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> MultiIDs {
        try base.gather(order.picked(rows, rowsOfBase))
    }
}

final class ReorderedStrings: StringColumn {
    private let base: any StringColumn
    private let order: SharedValues<UInt32>

    init(_ base: any StringColumn, _ order: SharedValues<UInt32>) {
        self.base = base
        self.order = order
    }

    var rowCount: Int { order.count }
    var hasMultipleValues: Bool { base.hasMultipleValues }
    var cardinality: Int { base.cardinality }
    var isSorted: Bool { base.isSorted }
    var nullID: UInt32? { base.nullID }
    func value(_ id: UInt32) -> String? { base.value(id) }
    func withUTF8<Result>(_ id: UInt32, _ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result {
        base.withUTF8(id, body)
    }
    func forEachUTF8(_ ids: UnsafeBufferPointer<UInt32>, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        base.forEachUTF8(ids, body)
    }
    func id(of value: String?) -> UInt32? { base.id(of: value) }
    func lowerBound(_ value: String) -> UInt32 { base.lowerBound(value) }
    var hasBitmaps: Bool { false }
    func rows(_ id: UInt32) throws(LaminaError) -> RoaringBitmap {
        throw LaminaError(.defensive, code: "noBitmaps", "rows in memory have no bitmaps")
    }
    func makeIDReader() -> any ValueReader<UInt32> { ReorderedReader(base.makeIDReader(), order) }
    func makeMultiIDReader() -> any MultiIDReader { ReorderedMultiReader(base.makeMultiIDReader(), order) }
}

extension ReorderedStrings: StableTexts {
    var textsAreStable: Bool { (base as? any StableTexts)?.textsAreStable ?? false }

    func copyTexts(into target: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>) {
        (base as? any StableTexts)?.copyTexts(into: target)
    }
}

final class ReorderedValues: ValueDictionary {
    private let base: any ValueDictionary
    let ids: any StringColumn

    init(_ base: any ValueDictionary, _ order: SharedValues<UInt32>) {
        self.base = base
        ids = ReorderedStrings(base.ids, order)
    }

    func value(_ id: UInt32) throws(LaminaError) -> Value { try base.value(id) }
}

final class ReorderedObjects: ObjectColumn {
    private let base: any ObjectColumn
    private let order: SharedValues<UInt32>

    init(_ base: any ObjectColumn, _ order: SharedValues<UInt32>) {
        self.base = base
        self.order = order
    }

    var rowCount: Int { order.count }
    var type: ColumnType { base.type }
    var hasNulls: Bool { base.hasNulls }
    var valueDictionary: (any ValueDictionary)? { base.valueDictionary.map { ReorderedValues($0, order) } }

    func value(row: Int) throws(LaminaError) -> Value {
        precondition(row < order.count, "a row beyond the segment")
        return try base.value(row: Int(order.pointer[row]))
    }
}

final class ReorderedNested: NestedPaths {
    private let base: any NestedPaths
    private let order: SharedValues<UInt32>

    init(_ base: any NestedPaths, _ order: SharedValues<UInt32>) {
        self.base = base
        self.order = order
    }

    var rowCount: Int { order.count }
    var type: ColumnType { base.type }
    var hasNulls: Bool { base.hasNulls }
    var hasPaths: Bool { base.hasPaths }

    func value(row: Int) throws(LaminaError) -> Value {
        precondition(row < order.count, "a row beyond the segment")
        return try base.value(row: Int(order.pointer[row]))
    }

    func path(_ text: String) throws(LaminaError) -> NestedPathColumn? {
        guard let path = try base.path(text) else { return nil }
        return NestedPathColumn(
            column: path.column?.reordered(order),
            dictionary: ReorderedValues(path.dictionary, order)
        )
    }
}
