import LaminaBase

/// Values that are already in memory, as a reader.
final class ArrayReader<Element: BitwiseCopyable>: ValueReader {
    private let values: UnsafeMutableBufferPointer<Element>
    private var gathered: [Element] = []

    init(_ source: [Element]) {
        values = .allocate(capacity: source.count)
        _ = values.initialize(from: source)
    }

    deinit { values.deallocate() }

    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<Element> {
        UnsafeBufferPointer(rebasing: values[rows])
    }

    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<Element> {
        // Writers read front to back; this is here for completeness of the contract.
        let out = UnsafeMutableBufferPointer<Element>.allocate(capacity: rows.count)
        defer { out.deallocate() }
        for (place, row) in rows.enumerated() { out.initializeElement(at: place, to: values[Int(row)]) }
        gathered = Array(out)
        return gathered.withUnsafeBufferPointer { $0 }
    }

    func contiguousRows(from row: Int) -> Int { values.count - row }
}
