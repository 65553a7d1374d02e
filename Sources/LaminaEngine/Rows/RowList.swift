import LaminaBase
import LaminaSegment

/// A growing list of row numbers or ids whose bytes count against a query's memory, and which never moves once it is shared.
// Sendable: one thread fills it before others see it.
final class RowList: @unchecked Sendable {
    /// Stands for no row: all columns null.
    static let none = UInt32.max

    private(set) var pointer: UnsafeMutablePointer<UInt32>
    private(set) var count = 0
    /// Some entries are `none`.
    private(set) var hasGaps = false
    private var capacity: Int
    private let memory: MemoryBudget
    private let purpose: String

    init(_ memory: MemoryBudget, for purpose: String) throws(LaminaError) {
        capacity = 1024
        try memory.reserve(capacity * 4, for: purpose)
        self.memory = memory
        self.purpose = purpose
        pointer = .allocate(capacity: capacity)
    }

    deinit {
        pointer.deallocate()
        memory.release(capacity * 4)
    }

    func append(_ row: UInt32) throws(LaminaError) {
        if count == capacity { try grow(to: count + 1) }
        pointer[count] = row
        count &+= 1
    }

    func appendGap() throws(LaminaError) {
        hasGaps = true
        try append(Self.none)
    }

    func append(_ row: UInt32, times: Int) throws(LaminaError) {
        if count + times > capacity { try grow(to: count + times) }
        for _ in 0..<times {
            pointer[count] = row
            count &+= 1
        }
    }

    func append(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) {
        guard let start = rows.baseAddress else { return }
        if count + rows.count > capacity { try grow(to: count + rows.count) }
        (pointer + count).update(from: start, count: rows.count)
        count += rows.count
    }

    private func grow(to needed: Int) throws(LaminaError) {
        guard needed < Int(Self.none) else { throw .resourceLimit("More than 2^32 rows of \(purpose)") }
        let larger = max(needed, capacity * 2)
        try memory.reserve((larger - capacity) * 4, for: purpose)
        let fresh = UnsafeMutablePointer<UInt32>.allocate(capacity: larger)
        fresh.update(from: pointer, count: count)
        pointer.deallocate()
        pointer = fresh
        capacity = larger
    }

    subscript(place: Int) -> UInt32 { pointer[place] }
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
