import LaminaBase

/// Readers of stored numbers and of ids in their stored width. One class for each element, so that loops are specialised.
final class LongReader: ValueReader {
    private var cursor: BlockCursor<Int64>
    init(_ store: BlockStore) { cursor = BlockCursor(store) }
    deinit { cursor.free() }
    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<Int64> { try cursor.read(rows) }
    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<Int64> {
        try cursor.gather(rows)
    }
    func contiguousRows(from row: Int) -> Int { cursor.contiguousRows(from: row) }
}

final class DoubleReader: ValueReader {
    private var cursor: BlockCursor<Double>
    init(_ store: BlockStore) { cursor = BlockCursor(store) }
    deinit { cursor.free() }
    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<Double> { try cursor.read(rows) }
    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<Double> {
        try cursor.gather(rows)
    }
    func contiguousRows(from row: Int) -> Int { cursor.contiguousRows(from: row) }
}

final class FloatReader: ValueReader {
    private var cursor: BlockCursor<Float>
    init(_ store: BlockStore) { cursor = BlockCursor(store) }
    deinit { cursor.free() }
    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<Float> { try cursor.read(rows) }
    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<Float> {
        try cursor.gather(rows)
    }
    func contiguousRows(from row: Int) -> Int { cursor.contiguousRows(from: row) }
}

final class ByteIDReader: ValueReader {
    private var cursor: BlockCursor<UInt8>
    init(_ store: BlockStore) { cursor = BlockCursor(store) }
    deinit { cursor.free() }
    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<UInt8> { try cursor.read(rows) }
    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<UInt8> {
        try cursor.gather(rows)
    }
    func contiguousRows(from row: Int) -> Int { cursor.contiguousRows(from: row) }
}

final class ShortIDReader: ValueReader {
    private var cursor: BlockCursor<UInt16>
    init(_ store: BlockStore) { cursor = BlockCursor(store) }
    deinit { cursor.free() }
    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<UInt16> { try cursor.read(rows) }
    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<UInt16> {
        try cursor.gather(rows)
    }
    func contiguousRows(from row: Int) -> Int { cursor.contiguousRows(from: row) }
}

final class WordIDReader: ValueReader {
    private var cursor: BlockCursor<UInt32>
    init(_ store: BlockStore) { cursor = BlockCursor(store) }
    deinit { cursor.free() }
    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<UInt32> { try cursor.read(rows) }
    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<UInt32> {
        try cursor.gather(rows)
    }
    func contiguousRows(from row: Int) -> Int { cursor.contiguousRows(from: row) }
}

/// Reads ids of any stored width as `UInt32`; narrow ones are widened into a buffer of the reader.
final class WideningIDReader: ValueReader {
    private let source: IDAccess
    private var target: UnsafeMutablePointer<UInt32>
    private var capacity = 4096

    init(_ source: IDAccess) {
        self.source = source
        target = .allocate(capacity: 4096)
    }

    deinit { target.deallocate() }

    private func room(_ count: Int) -> UnsafeMutablePointer<UInt32> {
        if count > capacity {
            target.deallocate()
            capacity = count
            target = .allocate(capacity: count)
        }
        return target
    }

    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<UInt32> {
        switch source {
        case .bytes(let reader): return widen(try reader.read(rows), room(rows.count))
        case .shorts(let reader): return widen(try reader.read(rows), room(rows.count))
        case .words(let reader): return try reader.read(rows)
        }
    }

    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<UInt32> {
        switch source {
        case .bytes(let reader): return widen(try reader.gather(rows), room(rows.count))
        case .shorts(let reader): return widen(try reader.gather(rows), room(rows.count))
        case .words(let reader): return try reader.gather(rows)
        }
    }

    func contiguousRows(from row: Int) -> Int {
        switch source {
        case .bytes(let reader): reader.contiguousRows(from: row)
        case .shorts(let reader): reader.contiguousRows(from: row)
        case .words(let reader): reader.contiguousRows(from: row)
        }
    }
}

private func widen(
    _ ids: UnsafeBufferPointer<UInt8>,
    _ target: UnsafeMutablePointer<UInt32>
) -> UnsafeBufferPointer<UInt32> {
    for index in 0..<ids.count { target[index] = UInt32(ids[index]) }
    return UnsafeBufferPointer(start: target, count: ids.count)
}

private func widen(
    _ ids: UnsafeBufferPointer<UInt16>,
    _ target: UnsafeMutablePointer<UInt32>
) -> UnsafeBufferPointer<UInt32> {
    for index in 0..<ids.count { target[index] = UInt32(ids[index]) }
    return UnsafeBufferPointer(start: target, count: ids.count)
}

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
