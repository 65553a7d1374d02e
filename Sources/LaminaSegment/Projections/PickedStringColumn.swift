package import LaminaBase
package import LaminaBitmaps

/// Rows of ids into the dictionary of another column.
package final class PickedStringColumn: StringColumn, StableTexts {
    private let source: any StringColumn
    private let ids: [UInt32]
    /// Several values a row: row i has `ids[offsets[i]..<offsets[i + 1]]`.
    private let offsets: [UInt32]?

    package init(_ source: any StringColumn, ids: [UInt32], offsets: [UInt32]?) {
        self.source = source
        self.ids = ids
        self.offsets = offsets
    }

    package var rowCount: Int { offsets.map { $0.count - 1 } ?? ids.count }
    package var hasMultipleValues: Bool { offsets != nil }
    package var cardinality: Int { source.cardinality }
    package var isSorted: Bool { source.isSorted }
    package var nullID: UInt32? { source.nullID }
    package func value(_ id: UInt32) -> String? { source.value(id) }
    package func withUTF8<Result>(_ id: UInt32, _ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result {
        source.withUTF8(id, body)
    }
    package func id(of value: String?) -> UInt32? { source.id(of: value) }
    package func lowerBound(_ value: String) -> UInt32 { source.lowerBound(value) }
    package var hasBitmaps: Bool { false }
    package func rows(_ id: UInt32) throws(LaminaError) -> RoaringBitmap {
        preconditionFailure("the column has no bitmaps")
    }
    package func makeIDReader() -> any ValueReader<UInt32> {
        precondition(offsets == nil, "a multi-value column has no single ids")
        return ArrayReader(ids)
    }
    package func makeMultiIDReader() -> any MultiIDReader {
        ArrayMultiReader(offsets: offsets ?? [UInt32](0...UInt32(ids.count)), ids: ids)
    }

    package var textsAreStable: Bool { (source as? any StableTexts)?.textsAreStable ?? false }
    package func copyTexts(into target: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>) {
        (source as? any StableTexts)?.copyTexts(into: target)
    }
}
