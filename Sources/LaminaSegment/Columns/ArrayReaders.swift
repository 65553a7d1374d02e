package import LaminaBase

/// Reads a column that lies in memory whole. The values are copied once into memory of its own, so that pointers stay valid.
package final class ArrayReader<Element: BitwiseCopyable>: ValueReader {
    private let values: UnsafeMutableBufferPointer<Element>
    private var gathered: UnsafeMutableBufferPointer<Element>

    package init(_ array: [Element]) {
        values = UnsafeMutableBufferPointer<Element>.allocate(capacity: array.count)
        _ = values.initialize(from: array)
        gathered = UnsafeMutableBufferPointer<Element>.allocate(capacity: 0)
    }

    deinit {
        values.deallocate()
        gathered.deallocate()
    }

    package func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<Element> {
        UnsafeBufferPointer(rebasing: values[rows])
    }

    package func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<Element> {
        if gathered.count < rows.count {
            gathered.deallocate()
            gathered = UnsafeMutableBufferPointer<Element>.allocate(capacity: rows.count)
        }
        for index in rows.indices { gathered.initializeElement(at: index, to: values[Int(rows[index])]) }
        return UnsafeBufferPointer(rebasing: gathered[..<rows.count])
    }

    package func contiguousRows(from row: Int) -> Int { values.count - row }
}

/// Reads multi-value ids that lie in memory whole.
package final class ArrayMultiReader: MultiIDReader {
    private let offsets: [UInt32]
    private let ids: [UInt32]
    private var rowOffsets: UnsafeMutableBufferPointer<UInt32>
    private var rowIDs: UnsafeMutableBufferPointer<UInt32>

    /// - Parameter offsets: one more than there are rows, from 0 to `ids.count`.
    package init(offsets: [UInt32], ids: [UInt32]) {
        self.offsets = offsets
        self.ids = ids
        rowOffsets = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: 0)
        rowIDs = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: 0)
    }

    deinit {
        rowOffsets.deallocate()
        rowIDs.deallocate()
    }

    package func read(_ rows: Range<Int>) throws(LaminaError) -> MultiIDs { collect(rows.lazy.map { $0 }) }

    package func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> MultiIDs {
        collect(rows.lazy.map { Int($0) })
    }

    private func collect(_ rows: some Collection<Int>) -> MultiIDs {
        var total = 0
        for row in rows { total += Int(offsets[row + 1] - offsets[row]) }
        reserve(rows: rows.count, ids: total)
        var place = 0
        var index = 0
        rowOffsets[0] = 0
        for row in rows {
            for position in offsets[row]..<offsets[row + 1] {
                rowIDs[place] = ids[Int(position)]
                place += 1
            }
            index += 1
            rowOffsets[index] = UInt32(place)
        }
        return MultiIDs(
            offsets: UnsafeBufferPointer(rebasing: rowOffsets[...index]),
            ids: UnsafeBufferPointer(rebasing: rowIDs[..<place])
        )
    }

    private func reserve(rows: Int, ids count: Int) {
        if rowOffsets.count < rows + 1 {
            rowOffsets.deallocate()
            rowOffsets = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: rows + 1)
            rowOffsets.initialize(repeating: 0)
        }
        if rowIDs.count < count {
            rowIDs.deallocate()
            rowIDs = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: count)
            rowIDs.initialize(repeating: 0)
        }
    }
}
