import LaminaBase
import LaminaBitmaps

/// A string column that is null in every row.
final class NullStringColumn: StringColumn {
    let rowCount: Int
    init(rowCount: Int) { self.rowCount = rowCount }

    var hasMultipleValues: Bool { false }
    var cardinality: Int { 1 }
    var isSorted: Bool { true }
    var nullID: UInt32? { 0 }
    func value(_ id: UInt32) -> String? {
        precondition(id == 0, "dictionary id out of range")
        return nil
    }
    func withUTF8<Result>(_ id: UInt32, _ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result {
        precondition(id == 0, "dictionary id out of range")
        return body(nil)
    }
    func id(of value: String?) -> UInt32? { value == nil ? 0 : nil }
    func lowerBound(_ value: String) -> UInt32 { 1 }
    var hasBitmaps: Bool { true }
    func rows(_ id: UInt32) throws(LaminaError) -> RoaringBitmap {
        precondition(id == 0, "dictionary id out of range")
        return RoaringBitmap(range: 0..<UInt32(rowCount))
    }
    func makeIDAccess() -> IDAccess { .bytes(ConstantReader(UInt8(0), rowCount: rowCount)) }
    func makeIDReader() -> any ValueReader<UInt32> { ConstantReader(UInt32(0), rowCount: rowCount) }
    func makeMultiIDReader() -> any MultiIDReader { SingleAsMultiIDReader(makeIDReader()) }
}
