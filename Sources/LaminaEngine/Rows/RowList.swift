import LaminaBase
import LaminaSegment

/// A growing list of row numbers or ids in memory or on disk, which never moves once it is shared.
// Sendable: one thread fills it before others see it.
final class RowList: @unchecked Sendable {
    /// Stands for no row: all columns null.
    static let none = UInt32.max

    private let rows: GrowingArray<UInt32>
    /// Some entries are `none`.
    private(set) var hasGaps = false
    private let purpose: String

    init(_ run: QueryRun, for purpose: String) throws(LaminaError) {
        self.purpose = purpose
        rows = try GrowingArray(run, for: purpose, capacity: 1024)
    }

    var pointer: UnsafeMutablePointer<UInt32> { rows.pointer }
    var count: Int { rows.count }

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

    subscript(place: Int) -> UInt32 { rows[place] }
}

/// Reads a row list as the values of a column.
final class RowListReader: ValueReader {
    private let list: RowList
    private let gathered = Scratch<UInt32>(1)

    init(_ list: RowList) { self.list = list }

    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<UInt32> {
        UnsafeBufferPointer(start: list.pointer + rows.lowerBound, count: rows.count)
    }

    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<UInt32> {
        gathered.reserve(rows.count)
        for index in rows.indices { gathered.pointer[index] = list.pointer[Int(rows[index])] }
        return UnsafeBufferPointer(start: gathered.pointer, count: rows.count)
    }

    func contiguousRows(from row: Int) -> Int { list.count - row }
}
