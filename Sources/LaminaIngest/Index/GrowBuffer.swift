/// A growing buffer of plain values without uniqueness checks or ARC: what the index appends to row by row.
final class GrowBuffer<Element: BitwiseCopyable> {
    private(set) var pointer: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int = 1024) {
        self.capacity = capacity
        pointer = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    }

    deinit { pointer.deallocate() }

    var bytes: Int { capacity * MemoryLayout<Element>.stride }

    /// Makes room for `extra` more and counts them in; the caller fills them.
    @inline(__always)
    func extend(_ extra: Int) -> UnsafeMutablePointer<Element> {
        if count &+ extra > capacity { grow(count &+ extra) }
        let place = pointer + count
        count &+= extra
        return place
    }

    @inline(__always)
    func append(_ element: Element) {
        if count == capacity { grow(count &+ 1) }
        pointer[count] = element
        count &+= 1
    }

    func append(repeating element: Element, count extra: Int) {
        guard extra > 0 else { return }
        extend(extra).update(repeating: element, count: extra)
    }

    func truncate(to length: Int) { count = min(count, length) }

    @inline(never)
    private func grow(_ needed: Int) {
        let larger = max(needed, capacity * 2)
        let fresh = UnsafeMutablePointer<Element>.allocate(capacity: larger)
        fresh.update(from: pointer, count: count)
        pointer.deallocate()
        pointer = fresh
        capacity = larger
    }

    @inline(__always)
    subscript(_ index: Int) -> Element {
        get { pointer[index] }
        set { pointer[index] = newValue }
    }

    var buffer: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: pointer, count: count) }
}
