import LaminaBase
import LaminaSegment

/// Turns rows of a gathered column into rows of its source.
struct RowMap {
    let list: PickedRows
    private let wanted = Scratch<UInt32>(1)

    init(_ list: PickedRows) { self.list = list }

    /// The source rows of a range.
    func rows(_ range: Range<Int>) -> UnsafeBufferPointer<UInt32> {
        precondition(range.upperBound <= list.count, "rows beyond the list")
        return UnsafeBufferPointer(start: list.pointer + range.lowerBound, count: range.count)
    }

    /// The source rows of some rows.
    func rows(_ rows: UnsafeBufferPointer<UInt32>) -> UnsafeBufferPointer<UInt32> {
        wanted.reserve(rows.count)
        for index in rows.indices { wanted.pointer[index] = list.pointer[Int(rows[index])] }
        return UnsafeBufferPointer(start: wanted.pointer, count: rows.count)
    }
}

/// The rows of a list without its gaps: each gap repeats a neighbour, so that what ascended still does.
///
/// - Returns: nil when there is nothing but gaps.
private func closingGaps(
    _ rows: UnsafeBufferPointer<UInt32>,
    _ scratch: Scratch<UInt32>
) -> UnsafeBufferPointer<UInt32>? {
    guard let first = rows.first(where: { $0 != RowList.none }) else { return nil }
    scratch.reserve(rows.count)
    var last = first
    for index in rows.indices {
        if rows[index] != RowList.none { last = rows[index] }
        scratch.pointer[index] = last
    }
    return UnsafeBufferPointer(start: scratch.pointer, count: rows.count)
}

/// Reads a column's values in the order of a row list.
final class GatheredReader<Element: BitwiseCopyable>: ValueReader {
    private let source: any ValueReader<Element>
    private let map: RowMap
    /// What gaps hold.
    private let gap: Element
    private let closed = Scratch<UInt32>(1)
    private let values = Scratch<Element>(1)

    init(_ source: any ValueReader<Element>, _ list: PickedRows, gap: Element) {
        self.source = source
        map = RowMap(list)
        self.gap = gap
    }

    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<Element> { try gathering(map.rows(rows)) }

    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<Element> {
        try gathering(map.rows(rows))
    }

    private func gathering(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<Element> {
        guard map.list.hasGaps else { return try source.gather(rows) }
        values.reserve(rows.count)
        let target = values.pointer
        if let closed = closingGaps(rows, closed) {
            let found = try source.gather(closed)
            for index in rows.indices { target[index] = rows[index] == RowList.none ? gap : found[index] }
        } else {
            for index in rows.indices { target[index] = gap }
        }
        return UnsafeBufferPointer(start: target, count: rows.count)
    }

    func contiguousRows(from row: Int) -> Int { map.list.count - row }
}

/// Reads rows of several ids in the order of a row list; gaps have none.
final class GatheredMultiReader: MultiIDReader {
    private let source: any MultiIDReader
    private let map: RowMap
    private let closed = Scratch<UInt32>(1)
    private let offsets = Scratch<UInt32>(1)
    private let ids = Scratch<UInt32>(1)

    init(_ source: any MultiIDReader, _ list: PickedRows) {
        self.source = source
        map = RowMap(list)
    }

    func read(_ rows: Range<Int>) throws(LaminaError) -> MultiIDs { try gathering(map.rows(rows)) }
    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> MultiIDs {
        try gathering(map.rows(rows))
    }

    private func gathering(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> MultiIDs {
        guard map.list.hasGaps else { return try source.gather(rows) }
        offsets.reserve(rows.count + 1)
        offsets.pointer[0] = 0
        var total = 0
        if let closed = closingGaps(rows, closed) {
            let found = try source.gather(closed)
            ids.reserve(found.ids.count)
            for index in rows.indices {
                if rows[index] != RowList.none {
                    for place in Int(found.offsets[index])..<Int(found.offsets[index + 1]) {
                        ids.pointer[total] = found.ids[place]
                        total += 1
                    }
                }
                offsets.pointer[index + 1] = UInt32(total)
            }
        } else {
            for index in rows.indices { offsets.pointer[index + 1] = 0 }
        }
        return MultiIDs(
            offsets: UnsafeBufferPointer(start: offsets.pointer, count: rows.count + 1),
            ids: UnsafeBufferPointer(start: ids.pointer, count: total)
        )
    }
}
