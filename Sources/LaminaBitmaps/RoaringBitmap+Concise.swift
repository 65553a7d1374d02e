package import LaminaBase

/// The Concise format: big-endian 32-bit words over blocks of 31 rows.
///
/// A word with bit 31 is a literal block. Otherwise it is a fill: bit 30 its value, bits 25–29 the position + 1 of the one bit
/// of the first block that differs (0: none), bits 0–24 the number of blocks − 1.
///
/// Source: `ConciseSet` and `ImmutableConciseSet` of Druid's extendedset.
extension RoaringBitmap {
    /// Reads a Concise set; no bytes are the empty set.
    ///
    /// Druid's row numbers are 31 bits wide: words that reach further are corrupt. Memory is bounded by that, whatever the bytes.
    package init(concise bytes: UnsafeRawBufferPointer) throws(LaminaError) {
        self.init()
        guard bytes.count % 4 == 0 else {
            throw .corrupt("a Concise bitmap of \(bytes.count) bytes", at: "byte \(bytes.count & ~3) of the bitmap")
        }
        var row = 0
        for position in stride(from: 0, to: bytes.count, by: 4) {
            let word = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
            let blocks = ConciseWord.isLiteral(word) ? 1 : Int(word & ConciseWord.countMask) + 1
            let end = row + blocks * ConciseWord.rowsPerBlock
            let rowsEnd = 1 << 31
            guard row < rowsEnd, end <= rowsEnd + ConciseWord.rowsPerBlock else {
                throw .corrupt("a Concise bitmap beyond row 2^31", at: "byte \(position) of the bitmap")
            }
            if ConciseWord.isLiteral(word) {
                appendBlock(word & ConciseWord.literalMask, at: row)
            } else {
                let isOnes = word & ConciseWord.onesBit != 0
                let flipped = Int(word >> 25 & 31)
                var fill = row
                if flipped > 0 {
                    let bit: UInt32 = 1 << UInt32(flipped - 1)
                    appendBlock(isOnes ? ConciseWord.literalMask & ~bit : bit, at: row)
                    fill += ConciseWord.rowsPerBlock
                }
                if isOnes, fill < end { append(contentsOf: UInt32(fill)..<UInt32(end)) }
            }
            row = end
        }
    }

    private mutating func appendBlock(_ block: UInt32, at row: Int) {
        if block == ConciseWord.literalMask {
            append(contentsOf: UInt32(row)..<UInt32(row + ConciseWord.rowsPerBlock))
            return
        }
        var block = block
        while block != 0 {
            append(UInt32(row + block.trailingZeroBitCount))
            block &= block &- 1
        }
    }

    /// The bytes Druid writes for this set; no bytes for the empty set. Traps when a row needs 32 bits.
    package func conciseSerialized() -> [UInt8] {
        if isEmpty { return [] }
        precondition(max.map { $0 < 1 << 31 } ?? true, "Concise rows have 31 bits")
        var writer = ConciseWriter()
        for (key, container) in zip(keys, containers) {
            let base = Int(key) << 16
            switch container.shape {
            case .run:
                container.forEachRun(first: 0, last: 0xFFFF) { first, last in
                    writer.append(rows: base + first...base + last)
                }
            default: container.forEachRow { writer.append(rows: base + Int($0)...base + Int($0)) }
            }
        }
        return writer.finish()
    }
}

private enum ConciseWord {
    static let rowsPerBlock = 31
    static let literalBit: UInt32 = 0x8000_0000
    static let literalMask: UInt32 = 0x7FFF_FFFF
    static let onesBit: UInt32 = 0x4000_0000
    static let countMask: UInt32 = 0x01FF_FFFF

    static func isLiteral(_ word: UInt32) -> Bool { word & literalBit != 0 }
}

/// Builds the words block by block. Fills join the word before them exactly as Druid's appending set joins them.
private struct ConciseWriter {
    private var words: [UInt32] = []
    /// The block under construction and its rows.
    private var block = 0
    private var bits: UInt32 = 0

    /// Adds rows, all greater than those there are.
    mutating func append(rows: ClosedRange<Int>) {
        var first = rows.lowerBound
        while first <= rows.upperBound {
            let index = first / ConciseWord.rowsPerBlock
            if index != block { close(until: index) }
            let start = index * ConciseWord.rowsPerBlock
            let last = min(rows.upperBound, start + ConciseWord.rowsPerBlock - 1)
            if first == start, last - first == ConciseWord.rowsPerBlock - 1 {
                let count = (rows.upperBound + 1 - first) / ConciseWord.rowsPerBlock
                bits = ConciseWord.literalMask
                if count > 1 {
                    appendFill(ones: true, blocks: count - 1)
                    block = index + count - 1
                }
                first = start + count * ConciseWord.rowsPerBlock
            } else {
                let width = UInt32(last - first + 1)
                bits |= (ConciseWord.literalMask >> (31 - width)) << UInt32(first - start)
                first = last + 1
            }
        }
    }

    /// Writes the open block and the empty ones before `next`.
    private mutating func close(until next: Int) {
        if bits == ConciseWord.literalMask {
            appendFill(ones: true, blocks: 1)
        } else if bits == 0 {
            appendFill(ones: false, blocks: 1)
        } else {
            words.append(ConciseWord.literalBit | bits)
        }
        bits = 0
        if next - block > 1 { appendFill(ones: false, blocks: next - block - 1) }
        block = next
    }

    /// A fill extends an equal fill, or takes in a literal before it that is uniform but for one bit.
    private mutating func appendFill(ones: Bool, blocks: Int) {
        let base = ones ? ConciseWord.onesBit : 0
        let uniform = ConciseWord.literalBit | (ones ? ConciseWord.literalMask : 0)
        let count = UInt32(blocks)
        guard let last = words.last else {
            words.append(blocks == 1 ? uniform : base | (count - 1))
            return
        }
        let end = words.count - 1
        if ConciseWord.isLiteral(last) {
            let odd = ones ? ~last : last & ConciseWord.literalMask
            if last == uniform {
                words[end] = base | count
            } else if odd.nonzeroBitCount == 1 {
                words[end] = base | count | UInt32(odd.trailingZeroBitCount + 1) << 25
            } else {
                words.append(blocks == 1 ? uniform : base | (count - 1))
            }
        } else if last & ConciseWord.onesBit == base, last & ConciseWord.countMask &+ count <= ConciseWord.countMask {
            words[end] = last + count
        } else {
            words.append(blocks == 1 ? uniform : base | (count - 1))
        }
    }

    mutating func finish() -> [UInt8] {
        close(until: block + 1)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(words.count * 4)
        for word in words {
            for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return bytes
    }
}
