import LaminaBase

/// The dictionary of arrays in an `auto` column: each array a list of global value ids.
///
/// Source: `segment.data.FrontCodedIntArrayIndexed`. Entries are checked when the dictionary is opened.
final class IntArrayDictionary: Sendable {
    let frame: FrontCodedFrame
    private let order: ByteOrder

    var count: Int { frame.count }

    init(_ cursor: inout ByteCursor, order: ByteOrder, elementIDs: Range<Int>) throws(LaminaError) {
        frame = try FrontCodedFrame(&cursor, maxVersion: 0, order: order)
        self.order = order
        for bucket in 0..<frame.bucketCount {
            let end = frame.range(bucket).upperBound
            let position = try walk(bucket, upTo: frame.length(bucket) - 1) { _, ids throws(LaminaError) in
                for id in ids where !elementIDs.contains(id) {
                    throw frame.buckets.corrupt(
                        "an array holds the unknown value id \(id)",
                        at: frame.range(bucket).lowerBound
                    )
                }
            }
            guard position == end else {
                throw frame.buckets.corrupt("a front-coded bucket has bytes left over", at: position)
            }
        }
    }

    /// Decodes the entries of a bucket in order; the position behind the last.
    @discardableResult
    private func walk(
        _ bucket: Int,
        upTo last: Int,
        _ body: (Int, [Int]) throws(LaminaError) -> Void
    ) throws(LaminaError) -> Int {
        let bytes = frame.buckets.buffer
        let range = frame.range(bucket)
        var position = range.lowerBound
        var ids: [Int] = []
        for entry in 0...last {
            var prefix = 0
            if entry > 0 {
                guard let read = VByte.read(bytes, at: position), read.value <= ids.count else {
                    throw frame.buckets.corrupt("a front-coded prefix is too long", at: position)
                }
                prefix = read.value
                position = read.next
            }
            guard let read = VByte.read(bytes, at: position), read.value <= (range.upperBound - read.next) / 4 else {
                throw frame.buckets.corrupt("a front-coded array does not end in its bucket", at: position)
            }
            ids.removeLast(ids.count - prefix)
            for index in 0..<read.value { ids.append(load32(frame.buckets.base, read.next + 4 * index, order)) }
            position = read.next + 4 * read.value
            try body(entry, ids)
        }
        return position
    }

    /// The global ids of array `index`; nil is null. Precondition: `index < count`.
    func ids(_ index: Int) throws(LaminaError) -> [Int]? {
        if frame.hasNull, index == 0 { return nil }
        let place = index - (frame.hasNull ? 1 : 0)
        precondition(place >= 0 && place < frame.valueCount, "array dictionary index out of range")
        var found: [Int] = []
        let last = place % frame.bucketSize
        try walk(place / frame.bucketSize, upTo: last) { entry, ids in if entry == last { found = ids } }
        return found
    }
}
