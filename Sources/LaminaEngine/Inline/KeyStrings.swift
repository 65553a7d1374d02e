import LaminaBase
import LaminaBitmaps
import LaminaSegment

/// String keys of groups as a column: the table of their distinct values is its dictionary.
final class KeyStrings: StringColumn {
    private let table: StringTable
    private let ids: FixedValues<UInt32>
    let rowCount: Int

    init(_ table: StringTable, _ ids: [UInt32]) {
        self.table = table
        self.ids = FixedValues(ids)
        rowCount = ids.count
    }

    var hasMultipleValues: Bool { false }
    var cardinality: Int { table.count }
    // Entries ascend, null before all.
    var isSorted: Bool { true }
    var nullID: UInt32? { 0 }
    var hasBitmaps: Bool { false }
    var isRowBased: Bool { true }

    func value(_ id: UInt32) -> String? { table.text(Int(id)) }

    func withUTF8<Result>(_ id: UInt32, _ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result {
        id == 0 ? body(nil) : body(table.utf8(Int(id)))
    }

    func id(of value: String?) -> UInt32? {
        guard let value else { return 0 }
        let id = lowerBound(value)
        guard Int(id) < table.count else { return nil }
        return withUTF8(id) { bytes in bytes?.elementsEqual(value.utf8) ?? false } ? id : nil
    }

    func lowerBound(_ value: String) -> UInt32 {
        var value = value
        return value.withUTF8 { bytes in
            let wanted = TextEntry(bounded: UnsafeRawBufferPointer(bytes))
            var low = 0
            var high = table.entries.count
            while low < high {
                let middle = (low + high) / 2
                if table.entries[middle].compare(wanted) < 0 { low = middle + 1 } else { high = middle }
            }
            return UInt32(low + 1)
        }
    }

    func rows(_ id: UInt32) throws(LaminaError) -> RoaringBitmap {
        preconditionFailure("a column without bitmaps was asked for one")
    }

    func makeIDReader() -> any ValueReader<UInt32> { FixedReader(ids) }
    func makeMultiIDReader() -> any MultiIDReader { OneIDReader(FixedReader(ids)) }
}
