import LaminaBase

/// An array that counts against a query's memory and goes on in its spill space once the memory fills up.
///
/// It begins in anonymous memory. When it must grow and the query would then hold more than a quarter of its budget, its elements
/// move to a mapping of the spill space's file, whose pages the system writes out and drops as it needs: who reads the elements
/// sees memory either way, so that one form of columns and hash tables serves both. Without a spill space the budget's limit ends
/// the query.
///
/// Elements move when the array grows: pointers into it hold only once nothing is appended any more.
// Sendable: one thread fills it before others see it.
final class GrowingArray<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
    private(set) var pointer: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity: Int
    /// What the elements lie in; nil: memory of their own, which the budget counts.
    private var mapping: SpilledMemory?
    private let run: QueryRun
    private let purpose: String

    init(_ run: QueryRun, for purpose: String, capacity: Int = 0) throws(LaminaError) {
        self.run = run
        self.purpose = purpose
        self.capacity = 0
        pointer = .allocate(capacity: 0)
        if capacity > 0 { try reallocate(capacity) }
    }

    convenience init(
        repeating element: Element,
        count: Int,
        _ run: QueryRun,
        for purpose: String
    ) throws(LaminaError) {
        try self.init(run, for: purpose, capacity: count)
        try append(element, times: count)
    }

    deinit {
        if mapping == nil {
            pointer.deallocate()
            run.memory.release(capacity * MemoryLayout<Element>.stride)
        }
    }

    var buffer: UnsafeMutableBufferPointer<Element> { UnsafeMutableBufferPointer(start: pointer, count: count) }

    subscript(place: Int) -> Element {
        get { pointer[place] }
        set { pointer[place] = newValue }
    }

    func append(_ element: Element) throws(LaminaError) {
        if count == capacity { try grow(by: 1) }
        pointer[count] = element
        count &+= 1
    }

    func append(_ element: Element, times: Int) throws(LaminaError) {
        if times > capacity - count { try grow(by: times) }
        (pointer + count).update(repeating: element, count: times)
        count += times
    }

    func append(_ elements: UnsafeBufferPointer<Element>) throws(LaminaError) {
        guard let start = elements.baseAddress else { return }
        if elements.count > capacity - count { try grow(by: elements.count) }
        (pointer + count).update(from: start, count: elements.count)
        count += elements.count
    }

    private func grow(by more: Int) throws(LaminaError) {
        let (needed, overflow) = count.addingReportingOverflow(more)
        guard !overflow, needed < 1 << 48 else { throw .resourceLimit("Too many \(purpose)") }
        // A page at least: mappings come in pages.
        try reallocate(max(needed, capacity * 2, 4096 / MemoryLayout<Element>.stride))
    }

    private func reallocate(_ larger: Int) throws(LaminaError) {
        let stride = MemoryLayout<Element>.stride
        let more = (larger - capacity) * stride
        if let spill = run.spill, mapping != nil || !run.hasRoom(more) {
            let fresh = try spill.map(larger * stride)
            let target = fresh.base.bindMemory(to: Element.self, capacity: larger)
            target.update(from: pointer, count: count)
            if mapping == nil {
                pointer.deallocate()
                run.memory.release(capacity * stride)
            }
            mapping = fresh
            pointer = target
        } else {
            try run.memory.reserve(more, for: purpose)
            let target = UnsafeMutablePointer<Element>.allocate(capacity: larger)
            target.update(from: pointer, count: count)
            pointer.deallocate()
            pointer = target
        }
        capacity = larger
    }
}

extension GrowingArray where Element == UInt8 {
    func append(_ bytes: UnsafeRawBufferPointer) throws(LaminaError) {
        try append(bytes.assumingMemoryBound(to: UInt8.self))
    }

    func append(_ bytes: [UInt8]) throws(LaminaError) {
        try bytes.withBytes { (raw) throws(LaminaError) in try append(raw) }
    }
}
