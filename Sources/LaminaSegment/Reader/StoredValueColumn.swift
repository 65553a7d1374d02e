import LaminaBase
import LaminaBitmaps

/// Rows as ids into a nested or variant column's value space, or into a path's part of it.
final class StoredValueColumn: StringColumn, ValueDictionary {
    let rowCount: Int
    private let values: GlobalDictionary
    /// Own id → id in the value space, ascending; nil: the same.
    private let globals: FixedIndexed?
    private let stored: IDPayload
    private let bitmaps: BitmapList?

    init(rowCount: Int, values: GlobalDictionary, globals: FixedIndexed?, ids: IDPayload, bitmaps: BitmapList?) {
        self.rowCount = rowCount
        self.values = values
        self.globals = globals
        stored = ids
        self.bitmaps = bitmaps
        cardinality = globals?.count ?? values.count
    }

    let cardinality: Int
    var ids: any StringColumn { self }

    private func global(_ id: UInt32) -> Int { globals?.int(Int(id)) ?? Int(id) }

    func value(_ id: UInt32) throws(LaminaError) -> Value { try values.value(global(id)) }

    /// The first own id whose value is not before one of the value space.
    private func firstID(notBefore wanted: Int) -> Int {
        guard let globals else { return wanted }
        var low = 0
        var high = globals.count
        while low < high {
            let middle = (low + high) / 2
            if globals.int(middle) < wanted { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Own ids of a range of the value space.
    func own(_ range: Range<Int>) -> Range<Int> {
        firstID(notBefore: range.lowerBound)..<firstID(notBefore: range.upperBound)
    }

    var hasMultipleValues: Bool { false }
    var nullID: UInt32? { cardinality > 0 && global(0) == 0 && values.strings.hasNull ? 0 : nil }
    /// Null and texts only.
    var isSorted: Bool { own(values.strings.count..<values.count).isEmpty }

    func value(_ id: UInt32) -> String? {
        let place = global(id)
        if place < values.strings.count { return values.strings.value(place) }
        // Arrays were read when the dictionary was opened: it does not fail here.
        guard let value = try? values.value(place) else { return nil }
        switch value {
        case .long(let number): return String(number)
        case .double(let number): return javaText(number)
        default:
            var writer = JSONWriter()
            writer.value(value)
            return writer.text
        }
    }

    func withUTF8<Result>(_ id: UInt32, _ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result {
        let place = global(id)
        if place < values.strings.count { return values.strings.withUTF8(place, body) }
        guard var text: String = value(id) else { return body(nil) }
        return text.withUTF8 { body($0) }
    }

    func id(of value: String?) -> UInt32? {
        guard let place = values.strings.id(of: value) else { return nil }
        let id = firstID(notBefore: place)
        return id < cardinality && global(UInt32(id)) == place ? UInt32(id) : nil
    }

    func lowerBound(_ value: String) -> UInt32 {
        var value = value
        return UInt32(firstID(notBefore: value.withUTF8 { values.strings.lowerBound($0) }))
    }

    var hasBitmaps: Bool { bitmaps != nil }

    func rows(_ id: UInt32) throws(LaminaError) -> RoaringBitmap {
        guard let bitmaps else { preconditionFailure("the column has no bitmaps") }
        return try bitmaps.rows(Int(id))
    }

    func makeIDAccess() -> IDAccess { StoredStringColumn.access(stored.store) }
    func makeIDReader() -> any ValueReader<UInt32> { StoredStringColumn.wide(makeIDAccess()) }
    func makeMultiIDReader() -> any MultiIDReader { SingleAsMultiIDReader(makeIDReader()) }
}

/// Dictionary and bitmaps of a path that holds numbers of one type.
final class PathNumberIndex<Element: BitwiseCopyable & Sendable>: NumericValueIndex {
    private let column: StoredValueColumn
    private let first: Int
    private let number: @Sendable (UInt32) -> Element
    let cardinality: Int

    /// - Parameter ids: the column's ids that are numbers.
    init(_ column: StoredValueColumn, ids: Range<Int>, number: @escaping @Sendable (UInt32) -> Element) {
        self.column = column
        first = ids.lowerBound
        cardinality = ids.count
        self.number = number
    }

    func value(_ index: Int) -> Element { number(UInt32(first + index)) }
    func rows(_ index: Int) throws(LaminaError) -> RoaringBitmap { try column.rows(UInt32(first + index)) }
}

/// Longs of a path.
final class PathLongColumn: LongColumn {
    private let payload: NumberPayload
    let nullRows: RoaringBitmap?
    let valueIndex: (any NumericValueIndex<Int64>)?

    init(_ payload: NumberPayload, nullRows: RoaringBitmap?, index: PathNumberIndex<Int64>?) {
        self.payload = payload
        self.nullRows = nullRows
        valueIndex = index
    }

    var rowCount: Int { payload.store.count }
    func makeReader() -> any ValueReader<Int64> { LongReader(payload.store) }
}

/// Doubles of a path.
final class PathDoubleColumn: DoubleColumn {
    private let payload: NumberPayload
    let nullRows: RoaringBitmap?
    let valueIndex: (any NumericValueIndex<Double>)?

    init(_ payload: NumberPayload, nullRows: RoaringBitmap?, index: PathNumberIndex<Double>?) {
        self.payload = payload
        self.nullRows = nullRows
        valueIndex = index
    }

    var rowCount: Int { payload.store.count }
    func makeReader() -> any ValueReader<Double> { DoubleReader(payload.store) }
}

extension NestedFieldColumn {
    /// The path as a column; `values` is the nested column's value space.
    func pathColumn(_ values: GlobalDictionary, rowCount: Int) throws(LaminaError) -> NestedPathColumn {
        let dictionary = StoredValueColumn(
            rowCount: rowCount,
            values: values,
            globals: globalIDs,
            ids: ids,
            bitmaps: bitmaps
        )
        return NestedPathColumn(column: try typed(dictionary, values), dictionary: dictionary)
    }

    private func typed(_ dictionary: StoredValueColumn, _ values: GlobalDictionary) throws(LaminaError) -> Column? {
        let nullCount = dictionary.nullID == nil ? 0 : 1
        let others = dictionary.cardinality - nullCount
        if others == 0 { return nil }
        let firstLong = values.strings.count
        let firstDouble = firstLong + values.longs.count
        if dictionary.own(0..<firstLong).count == dictionary.cardinality { return .string(dictionary) }
        var nulls = nullRows
        if nulls == nil, let bitmaps, nullCount > 0 { nulls = try bitmaps.rows(0) }
        if nulls?.isEmpty ?? false { nulls = nil }
        let globalIDs = globalIDs
        let longIDs = dictionary.own(firstLong..<firstDouble)
        if longIDs.count == others, let longs {
            let index = bitmaps.map { _ in
                PathNumberIndex(dictionary, ids: longIDs) { values.longs.long(globalIDs.int(Int($0)) - firstLong) }
            }
            return .long(PathLongColumn(longs, nullRows: nulls, index: index))
        }
        let doubleIDs = dictionary.own(firstDouble..<values.scalarCount)
        if doubleIDs.count == others, let doubles {
            let index = bitmaps.map { _ in
                PathNumberIndex(dictionary, ids: doubleIDs) {
                    values.doubles.double(globalIDs.int(Int($0)) - firstDouble)
                }
            }
            return .double(PathDoubleColumn(doubles, nullRows: nulls, index: index))
        }
        return nil
    }
}
