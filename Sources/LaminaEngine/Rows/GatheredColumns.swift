import LaminaBase
import LaminaBitmaps
package import LaminaSegment

/// A column whose rows are those of another one in the order of a list; gaps are null. Dictionaries stay as they are.
///
/// - Shape: readers of the source see ascending rows when the list ascends; a list in any order needs a source in memory.
package func gatheredColumn(_ source: Column, _ list: PickedRows) -> Column {
    switch source {
    case .long(let column): .long(gatheredNumbers(column, list))
    case .float(let column): .float(gatheredNumbers(column, list))
    case .double(let column): .double(gatheredNumbers(column, list))
    case .string(let column): .string(GatheredStrings(column, list))
    case .object(let column as any NestedPaths): .object(GatheredNested(column, list))
    case .object(let column): .object(GatheredObjects(column, list))
    }
}

private func gatheredNumbers<Element: VectorNumber>(
    _ column: some NumericColumn<Element>,
    _ list: PickedRows
) -> GatheredNumbers<Element> {
    GatheredNumbers(list, nulls: gatheredNulls(column.nullRows, column.rowCount, list)) { column.makeReader() }
}

/// Places of the list that are gaps or null in the source; nil when there are none.
private func gatheredNulls(_ nulls: RoaringBitmap?, _ rowCount: Int, _ list: PickedRows) -> RoaringBitmap? {
    if nulls == nil, !list.hasGaps { return nil }
    let mask = Scratch<UInt64>(maskWords(max(rowCount, 1)))
    maskClear(mask.pointer, words: maskWords(rowCount))
    if let nulls, rowCount > 0 { nulls.fillMask(mask.pointer, rows: 0..<rowCount) }
    var found = RoaringBitmap()
    for place in 0..<list.count {
        let row = list[place]
        if row == RowList.none || maskTest(mask.pointer, Int(row)) { found.append(UInt32(place)) }
    }
    return found.isEmpty ? nil : found
}

/// Numbers in the order of a row list.
final class GatheredNumbers<Element: VectorNumber>: NumericColumn {
    private let list: PickedRows
    let nullRows: RoaringBitmap?
    let valueIndex: (any NumericValueIndex<Element>)? = nil
    private let makeSource: @Sendable () -> any ValueReader<Element>

    init(_ list: PickedRows, nulls: RoaringBitmap?, makeSource: @escaping @Sendable () -> any ValueReader<Element>) {
        self.list = list
        nullRows = nulls
        self.makeSource = makeSource
    }

    var rowCount: Int { list.count }
    func makeReader() -> any ValueReader<Element> { GatheredReader(makeSource(), list, gap: Element.zero) }
}

extension GatheredNumbers: LongColumn where Element == Int64 {}
extension GatheredNumbers: FloatColumn where Element == Float {}
extension GatheredNumbers: DoubleColumn where Element == Double {}

/// The dictionary of another column, with a null behind it when it has none and one is needed.
class BorrowedDictionary {
    let source: any StringColumn
    private let addsNull: Bool

    init(_ source: any StringColumn, needsNull: Bool) {
        self.source = source
        addsNull = needsNull && source.nullID == nil
    }

    var cardinality: Int { source.cardinality + (addsNull ? 1 : 0) }
    // An added null comes last, where sorted dictionaries have it first.
    var isSorted: Bool { source.isSorted && !addsNull }
    var nullID: UInt32? { addsNull ? UInt32(source.cardinality) : source.nullID }
    var hasBitmaps: Bool { false }

    private func isAdded(_ id: UInt32) -> Bool { addsNull && id == UInt32(source.cardinality) }

    func value(_ id: UInt32) -> String? { isAdded(id) ? nil : source.value(id) }

    func withUTF8<Result>(_ id: UInt32, _ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result {
        isAdded(id) ? body(nil) : source.withUTF8(id, body)
    }

    func forEachUTF8(_ ids: UnsafeBufferPointer<UInt32>, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        guard addsNull else { return source.forEachUTF8(ids, body) }
        for id in ids { withUTF8(id) { body($0 ?? UnsafeBufferPointer(start: nil, count: 0)) } }
    }

    func id(of value: String?) -> UInt32? { value == nil ? nullID : source.id(of: value) }
    func lowerBound(_ value: String) -> UInt32 { source.lowerBound(value) }

    func rows(_ id: UInt32) throws(LaminaError) -> RoaringBitmap {
        preconditionFailure("a borrowed dictionary knows no rows")
    }
}

extension BorrowedDictionary: StableTexts {
    // An added null is a text too, an empty one.
    var textsAreStable: Bool { (source as? any StableTexts)?.textsAreStable ?? false }

    func copyTexts(into target: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>) {
        let own = min(target.count, source.cardinality)
        (source as? any StableTexts)?.copyTexts(into: UnsafeMutableBufferPointer(rebasing: target[..<own]))
        for id in own..<target.count { target[id] = UnsafeRawBufferPointer(start: nil, count: 0) }
    }
}

/// Strings in the order of a row list.
final class GatheredStrings: BorrowedDictionary, StringColumn, @unchecked Sendable {
    // Sendable: all fields are let, and so are the superclass's.
    private let list: PickedRows

    init(_ source: any StringColumn, _ list: PickedRows) {
        self.list = list
        super.init(source, needsNull: list.hasGaps)
    }

    var rowCount: Int { list.count }
    var hasMultipleValues: Bool { source.hasMultipleValues }
    var isRowBased: Bool { source.isRowBased }

    func isList(_ row: Int) -> Bool {
        let row = list[row]
        return row != RowList.none && source.isList(Int(row))
    }

    func makeIDReader() -> any ValueReader<UInt32> {
        GatheredReader(source.makeIDReader(), list, gap: nullID ?? 0)
    }

    func makeMultiIDReader() -> any MultiIDReader { GatheredMultiReader(source.makeMultiIDReader(), list) }
}

/// Ids of their own over the dictionary of another column, one a row.
final class RecodedStrings: BorrowedDictionary, StringColumn, @unchecked Sendable {
    // Sendable: all fields are let, and so are the superclass's.
    private let ids: PickedRows

    /// - Parameter ids: of the source's dictionary; its cardinality stands for a null that it lacks.
    init(_ source: any StringColumn, ids: PickedRows, needsNull: Bool) {
        self.ids = ids
        super.init(source, needsNull: needsNull)
    }

    var rowCount: Int { ids.count }
    var hasMultipleValues: Bool { false }
    var isRowBased: Bool { source.isRowBased }
    func isList(_ row: Int) -> Bool { false }
    func makeIDReader() -> any ValueReader<UInt32> { PickedRowsReader(ids) }
    func makeMultiIDReader() -> any MultiIDReader { OneIDReader(PickedRowsReader(ids)) }
}

/// A single-value column read as one with a value in each row.
final class OneIDReader: MultiIDReader {
    private let source: any ValueReader<UInt32>
    private let offsets = Scratch<UInt32>(1)

    init(_ source: any ValueReader<UInt32>) { self.source = source }

    func read(_ rows: Range<Int>) throws(LaminaError) -> MultiIDs { ones(try source.read(rows)) }
    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> MultiIDs { ones(try source.gather(rows)) }

    private func ones(_ ids: UnsafeBufferPointer<UInt32>) -> MultiIDs {
        offsets.reserve(ids.count + 1)
        for index in 0...ids.count { offsets.pointer[index] = UInt32(index) }
        return MultiIDs(offsets: UnsafeBufferPointer(start: offsets.pointer, count: ids.count + 1), ids: ids)
    }
}
