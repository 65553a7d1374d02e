import LaminaBase

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
