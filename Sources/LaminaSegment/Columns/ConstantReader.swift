import LaminaBase

/// Gives the same value for every row: columns that are null throughout.
final class ConstantReader<Element: BitwiseCopyable>: ValueReader {
    private let rowCount: Int
    private let value: Element
    private var target: UnsafeMutablePointer<Element>
    private var capacity = 1024

    init(_ value: Element, rowCount: Int) {
        self.value = value
        self.rowCount = rowCount
        target = .allocate(capacity: capacity)
        target.initialize(repeating: value, count: capacity)
    }

    deinit { target.deallocate() }

    private func values(_ count: Int) -> UnsafeBufferPointer<Element> {
        if count > capacity {
            target.deallocate()
            capacity = count
            target = .allocate(capacity: count)
            target.initialize(repeating: value, count: count)
        }
        return UnsafeBufferPointer(start: target, count: count)
    }

    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<Element> { values(rows.count) }
    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<Element> {
        values(rows.count)
    }
    func contiguousRows(from row: Int) -> Int { rowCount - row }
}
