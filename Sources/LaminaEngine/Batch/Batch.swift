/// Rows per batch: a multiple of 64, and the number of 8-byte values in one of Druid's 64 KiB blocks.
let batchRowsMax = 8192

/// The rows a scan looks at in one step. Vectors of columns are indexed by *slot*.
///
/// Either a range of rows (slot i is row `rows.lowerBound + i`), or, when a filter left few of them, a list of rows (slot i is
/// row `gathered[i]`).
final class Batch {
    /// Changes with every batch, so that inputs know whether what they loaded still holds.
    private(set) var serial = 0
    private(set) var rows: Range<Int> = 0..<0
    private(set) var gathered: UnsafePointer<UInt32>?
    private(set) var slotCount = 0

    func set(rows: Range<Int>) {
        serial &+= 1
        self.rows = rows
        gathered = nil
        slotCount = rows.count
    }

    func set(rows: Range<Int>, gathered: UnsafePointer<UInt32>, count: Int) {
        serial &+= 1
        self.rows = rows
        self.gathered = gathered
        slotCount = count
    }

    /// The row of a slot; not for hot loops.
    func row(_ slot: Int) -> Int {
        if let gathered { Int(gathered[slot]) } else { rows.lowerBound + slot }
    }
}

/// Which slots of a batch are meant: all from 0 to `count - 1`, or the listed ascending ones.
struct SlotSet {
    var slots: UnsafePointer<UInt32>?
    var count: Int
}

/// Values of a batch by slot. Null slots hold 0.
struct Vector<Element> {
    let values: UnsafePointer<Element>
    /// One bit a slot, set where the value is null; nil when none is.
    let nulls: UnsafePointer<UInt64>?

    @inline(__always)
    func isNull(_ slot: Int) -> Bool {
        guard let nulls else { return false }
        return nulls[slot >> 6] >> UInt64(slot & 63) & 1 != 0
    }
}

/// Memory that grows and belongs to one object; contents are undefined after `grow`.
final class Scratch<Element: BitwiseCopyable> {
    private(set) var pointer: UnsafeMutablePointer<Element>
    private(set) var capacity: Int

    init(_ capacity: Int = 0) {
        self.capacity = max(capacity, 1)
        pointer = .allocate(capacity: self.capacity)
    }

    deinit { pointer.deallocate() }

    /// Makes room for `count` elements; what was there is lost when it must grow.
    func reserve(_ count: Int) {
        guard count > capacity else { return }
        pointer.deallocate()
        capacity = max(count, capacity * 2)
        pointer = .allocate(capacity: capacity)
    }

    /// Makes room for `count` elements, keeping the first `used`.
    func grow(to count: Int, keeping used: Int) {
        guard count > capacity else { return }
        let larger = max(count, capacity * 2)
        let next = UnsafeMutablePointer<Element>.allocate(capacity: larger)
        next.update(from: pointer, count: used)
        pointer.deallocate()
        pointer = next
        capacity = larger
    }
}

/// Words of a mask over `bits` bits.
@inline(__always)
func maskWords(_ bits: Int) -> Int { (bits + 63) >> 6 }
