import LaminaBase
import LaminaSegment

/// Which row of a source stands in each place, in memory that no longer moves.
///
/// - Shape: `count` row numbers of the source, `RowList.none` where all columns are null.
// Sendable: nobody writes to the rows any more, and the owner keeps their memory.
package struct PickedRows: @unchecked Sendable {
    let pointer: UnsafePointer<UInt32>
    package let count: Int
    /// Some entries are `RowList.none`.
    let hasGaps: Bool
    private let owner: any AnyObject & Sendable

    /// - Parameters:
    ///   - pointer: of `count` rows, none of them missing in the source.
    ///   - owner: keeps the memory.
    package init(_ pointer: UnsafePointer<UInt32>, count: Int, owner: any AnyObject & Sendable) {
        self.init(pointer, count: count, hasGaps: false, owner: owner)
    }

    fileprivate init(_ pointer: UnsafePointer<UInt32>, count: Int, hasGaps: Bool, owner: any AnyObject & Sendable) {
        self.pointer = pointer
        self.count = count
        self.hasGaps = hasGaps
        self.owner = owner
    }

    subscript(place: Int) -> UInt32 {
        precondition(place < count, "a row beyond the list")
        return pointer[place]
    }
}

/// A growing list of row numbers or ids in memory or on disk, which never moves once it is shared.
// Sendable: one thread fills it before others see it.
final class RowList: @unchecked Sendable {
    /// Stands for no row: all columns null.
    static let none = UInt32.max

    private let rows: GrowingArray<UInt32>
    /// Some entries are `none`.
    private var hasGaps = false
    private let purpose: String

    init(_ run: QueryRun, for purpose: String) throws(LaminaError) {
        self.purpose = purpose
        rows = try GrowingArray(run, for: purpose, capacity: 1024)
    }

    var count: Int { rows.count }

    /// The list as it stands; nothing may be appended any more.
    var picked: PickedRows { PickedRows(rows.pointer, count: rows.count, hasGaps: hasGaps, owner: self) }

    func append(_ row: UInt32) throws(LaminaError) {
        try rows.append(row)
        if rows.count == Int(Self.none) { throw tooMany }
    }

    func appendGap() throws(LaminaError) {
        hasGaps = true
        try append(Self.none)
    }

    func append(_ row: UInt32, times: Int) throws(LaminaError) {
        guard times < Int(Self.none) - count else { throw tooMany }
        try rows.append(row, times: times)
    }

    func append(_ more: UnsafeBufferPointer<UInt32>) throws(LaminaError) {
        guard more.count < Int(Self.none) - count else { throw tooMany }
        try rows.append(more)
    }

    private var tooMany: LaminaError { .resourceLimit("More than 2^32 rows of \(purpose)") }
}

/// Reads row numbers or ids as the values of a column.
final class PickedRowsReader: ValueReader {
    private let map: RowMap

    init(_ rows: PickedRows) { map = RowMap(rows) }

    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<UInt32> { map.rows(rows) }
    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<UInt32> {
        map.rows(rows)
    }
    func contiguousRows(from row: Int) -> Int { map.list.count - row }
}
