import LaminaBase

/// Reads values of a `BlockStore` for one thread: the block last used is held, so that runs of reads cost no look-up.
///
/// `Element` has the width of the store's values. Concrete reader classes wrap this, so that its loops are specialised.
struct BlockCursor<Element: BitwiseCopyable> {
    let store: BlockStore
    private var block: Block?
    private var base: UnsafePointer<Element>?
    /// Rows of the held block.
    private var low = 0
    private var high = 0
    private var scratch: UnsafeMutablePointer<Element>?
    private var capacity = 0

    init(_ store: BlockStore) {
        precondition(store.width == MemoryLayout<Element>.size, "a reader's element must have the store's width")
        self.store = store
    }

    /// Must be called once, last.
    func free() { scratch?.deallocate() }

    /// Room for `count` values, valid until the next call.
    @inline(__always)
    mutating func buffer(_ count: Int) -> UnsafeMutablePointer<Element> {
        if let scratch, capacity >= count { return scratch }
        scratch?.deallocate()
        capacity = max(count, 1024)
        let fresh = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        scratch = fresh
        return fresh
    }

    /// The held block's values, after making it the one of `row`.
    @inline(__always)
    private mutating func values(at row: Int) throws(LaminaError) -> UnsafePointer<Element> {
        if row >= low, row < high, let base { return base }
        precondition(row >= 0 && row < store.count, "row out of range")
        let index = row >> store.shift
        let fresh = try store.block(index)
        let rows = store.rows(index)
        block = fresh
        low = rows.lowerBound
        high = rows.upperBound
        let pointer = fresh.base.assumingMemoryBound(to: Element.self)
        base = pointer
        return pointer
    }

    func contiguousRows(from row: Int) -> Int {
        precondition(row >= 0 && row < store.count, "row out of range")
        return store.rows(row >> store.shift).upperBound - row
    }

    @inline(__always)
    mutating func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<Element> {
        precondition(!rows.isEmpty && rows.upperBound <= store.count, "rows out of range")
        let first = try values(at: rows.lowerBound)
        if rows.upperBound <= high {
            return UnsafeBufferPointer(start: first + (rows.lowerBound - low), count: rows.count)
        }
        let target = buffer(rows.count)
        var row = rows.lowerBound
        while row < rows.upperBound {
            let source = try values(at: row)
            let end = min(rows.upperBound, high)
            (target + (row - rows.lowerBound)).update(from: source + (row - low), count: end - row)
            row = end
        }
        return UnsafeBufferPointer(start: target, count: rows.count)
    }

    @inline(__always)
    mutating func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<Element> {
        let target = buffer(rows.count)
        var place = 0
        while place < rows.count {
            let source = try values(at: Int(rows[place]))
            let end = endOfRun(rows, from: place, below: UInt32(truncatingIfNeeded: high))
            let start = UInt32(truncatingIfNeeded: low)
            for index in place..<end { target[index] = source[Int(rows[index] &- start)] }
            place = end
        }
        return UnsafeBufferPointer(start: target, count: rows.count)
    }
}

/// The first place from `from` on whose row is not below `limit`; rows ascend. Never `from` itself when its row is below.
@inline(__always)
func endOfRun(_ rows: UnsafeBufferPointer<UInt32>, from: Int, below limit: UInt32) -> Int {
    if rows[rows.count - 1] < limit { return rows.count }
    var low = from
    var high = rows.count - 1
    while low < high {
        let middle = (low + high) / 2
        if rows[middle] < limit { low = middle + 1 } else { high = middle }
    }
    return low
}
