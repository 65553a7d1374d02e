import LaminaBase

/// A single-value column read as one with a value in each row.
final class SingleAsMultiIDReader: MultiIDReader {
    private let source: any ValueReader<UInt32>
    private var offsets = WordBuffer()

    init(_ source: any ValueReader<UInt32>) { self.source = source }

    deinit { offsets.free() }

    private func ones(_ count: Int) -> UnsafeBufferPointer<UInt32> {
        let target = offsets.room(count + 1)
        for index in 0...count { target[index] = UInt32(index) }
        return UnsafeBufferPointer(start: UnsafePointer(target), count: count + 1)
    }

    func read(_ rows: Range<Int>) throws(LaminaError) -> MultiIDs {
        MultiIDs(offsets: ones(rows.count), ids: try source.read(rows))
    }

    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> MultiIDs {
        MultiIDs(offsets: ones(rows.count), ids: try source.gather(rows))
    }
}
