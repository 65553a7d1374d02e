/// Reading ranges of rows into flat memory, as batches need them.
extension RoaringBitmap {
    /// Writes the membership of `rows` as bits: bit i of `mask` (bit i % 64 of word i / 64) is row `rows.lowerBound + i`.
    ///
    /// All `(rows.count + 63) / 64` words are overwritten; bits beyond the range are zero. Fastest from a multiple of 64 on.
    package func fillMask(_ mask: UnsafeMutablePointer<UInt64>, rows: Range<Int>) {
        let wordCount = (rows.count + 63) >> 6
        for index in 0..<wordCount { mask[index] = 0 }
        guard !rows.isEmpty else { return }
        let words = UnsafeMutableBufferPointer(start: mask, count: wordCount)
        forEachContainer(in: rows) { container, base, first, last in
            let shift = base - rows.lowerBound
            switch container.shape {
            case .bitset: container.copyBits(first: first, last: last, to: words, at: first + shift)
            case .array:
                var place = container.lowerBound(UInt16(truncatingIfNeeded: first))
                container.values.withUnsafeBufferPointer { values in
                    while place < values.count, Int(values[place]) <= last {
                        let bit = Int(values[place]) &+ shift
                        words[bit >> 6] |= 1 << UInt64(bit & 63)
                        place &+= 1
                    }
                }
            case .run:
                container.forEachRun(first: first, last: last) {
                    setBits(in: words, first: $0 + shift, last: $1 + shift)
                }
            }
        }
    }

    /// The containers that overlap a non-empty row range: container, its first row number, and the overlap inside it.
    @inline(__always)
    private func forEachContainer(in rows: Range<Int>, _ body: (Container, Int, Int, Int) -> Void) {
        precondition(rows.lowerBound >= 0, "rows are not negative")
        let lastRow = Swift.min(rows.upperBound - 1, Int(UInt32.max))
        guard rows.lowerBound <= lastRow else { return }
        var place = lowerBound(UInt16(truncatingIfNeeded: rows.lowerBound >> 16))
        while place < keys.count {
            let base = Int(keys[place]) << 16
            if base > lastRow { return }
            body(
                containers[place],
                base,
                Swift.max(rows.lowerBound - base, 0),
                Swift.min(lastRow - base, 0xFFFF)
            )
            place += 1
        }
    }
}

extension Container {
    /// Run shape: the parts of the runs inside `first...last`.
    @inline(__always)
    func forEachRun(first: Int, last: Int, _ body: (Int, Int) -> Void) {
        var index = runIndex(endingNotBefore: UInt16(truncatingIfNeeded: first)) * 2
        while index < values.count {
            let start = Int(values[index])
            if start > last { return }
            body(Swift.max(start, first), Swift.min(start + Int(values[index + 1]), last))
            index += 2
        }
    }

    /// Bitset shape: copies bits `first...last` to zeroed words from bit `target` on.
    func copyBits(first: Int, last: Int, to mask: UnsafeMutableBufferPointer<UInt64>, at target: Int) {
        words.withUnsafeBufferPointer { words in
            let offset = target - (first & 63)
            let shift = UInt64(offset & 63)
            for index in first >> 6...last >> 6 {
                var word = words[index]
                if index == first >> 6 { word &= .max << UInt64(first & 63) }
                if index == last >> 6 { word &= .max >> UInt64(63 - last & 63) }
                if word == 0 { continue }
                // `offset` relates whole words; it may be negative by less than a word when the range starts inside one.
                let bit = (index - first >> 6) << 6
                let place = (bit + offset) >> 6
                if shift == 0 {
                    mask[place] |= word
                } else {
                    if place >= 0 { mask[place] |= word << shift }
                    let carry = word >> (64 - shift)
                    if carry != 0 { mask[place + 1] |= carry }
                }
            }
        }
    }
}
