/// Memory of a buffer. Whoever holds it keeps it: the buffer that fills it, and snapshots of what was filled.
///
/// `@unchecked Sendable`: a snapshot reads only what lies before its own count, which is never written again while it is shared.
final class SharedStorage<Element: BitwiseCopyable>: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Element>
    let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        pointer = UnsafeMutablePointer<Element>.allocate(capacity: max(capacity, 1))
    }

    deinit { pointer.deallocate() }
}

/// A growing buffer of plain values without uniqueness checks or ARC: what the index appends to row by row.
///
/// Its memory may be shared with snapshots: appending writes behind what they see and growing leaves them the old memory; who
/// changes values in place calls `makeUnique` before.
final class GrowBuffer<Element: BitwiseCopyable> {
    private(set) var pointer: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private(set) var storage: SharedStorage<Element>
    private var capacity: Int

    init(capacity: Int = 64) {
        self.capacity = capacity
        storage = SharedStorage(capacity: capacity)
        pointer = storage.pointer
    }

    var bytes: Int { capacity * MemoryLayout<Element>.stride }

    /// Makes room for `extra` more and counts them in; the caller fills them.
    @inline(__always)
    func extend(_ extra: Int) -> UnsafeMutablePointer<Element> {
        if count &+ extra > capacity { replace(max(count &+ extra, capacity * 2)) }
        let place = pointer + count
        count &+= extra
        return place
    }

    @inline(__always)
    func append(_ element: Element) {
        if count == capacity { replace(capacity * 2) }
        pointer[count] = element
        count &+= 1
    }

    func append(repeating element: Element, count extra: Int) {
        guard extra > 0 else { return }
        extend(extra).update(repeating: element, count: extra)
    }

    /// Copies the memory if a snapshot shares it.
    func makeUnique() { if !isKnownUniquelyReferenced(&storage) { replace(capacity) } }

    @inline(never)
    private func replace(_ larger: Int) {
        let larger = max(larger, 1)
        let fresh = SharedStorage<Element>(capacity: larger)
        fresh.pointer.update(from: pointer, count: count)
        storage = fresh
        pointer = fresh.pointer
        capacity = larger
    }

    @inline(__always)
    subscript(_ index: Int) -> Element {
        get { pointer[index] }
        set { pointer[index] = newValue }
    }

    var buffer: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: pointer, count: count) }

    /// The first `count` values as they are now; see the type for who may change them.
    func shared(_ count: Int) -> SharedValues<Element> {
        precondition(count <= self.count, "values that are not there")
        return SharedValues(pointer, count: count, owner: storage)
    }
}
