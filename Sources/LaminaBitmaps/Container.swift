/// The rows of one 65,536-row chunk, as one of the three shapes of the Roaring format.
///
/// One struct instead of an enum with payloads, so that the arrays grow in place.
struct Container: Sendable {
    enum Shape: UInt8, Sendable {
        /// `values` are the rows, ascending.
        case array
        /// `words` are 1,024 words of 64 rows.
        case bitset
        /// `values` are pairs (first row, count − 1), ascending and disjoint.
        case run
    }

    /// An array of more values than this is larger than the bitset.
    static let arrayMax = 4096
    static let wordCount = 1024
    static let rowCount = 65536

    var shape: Shape
    var values: [UInt16]
    var words: [UInt64]
    var cardinality: Int

    init(array values: [UInt16]) {
        shape = .array
        self.values = values
        words = []
        cardinality = values.count
    }

    init(words: [UInt64], cardinality: Int) {
        shape = .bitset
        values = []
        self.words = words
        self.cardinality = cardinality
    }

    init(runs: [UInt16], cardinality: Int) {
        shape = .run
        values = runs
        words = []
        self.cardinality = cardinality
    }

    /// Rows `first...last`.
    init(first: UInt16, last: UInt16) {
        self.init(runs: [first, last - first], cardinality: Int(last - first) + 1)
    }

    static let full = Container(first: 0, last: .max)

    /// From words of unknown cardinality; nil when there is no row. Takes the shape of an array when that is smaller.
    init?(normalizing words: [UInt64]) {
        var count = 0
        for word in words { count &+= word.nonzeroBitCount }
        if count == 0 { return nil }
        self.init(words: words, cardinality: count)
        if count <= Self.arrayMax {
            self = Container(array: rows())
        } else if count == Self.rowCount {
            self = .full
        }
    }

    var isFull: Bool { cardinality == Self.rowCount }

    /// First row; containers are never empty.
    var min: UInt16 {
        switch shape {
        case .array, .run: return values[0]
        case .bitset:
            for (index, word) in words.enumerated() where word != 0 {
                return UInt16(truncatingIfNeeded: index << 6 | word.trailingZeroBitCount)
            }
            return 0
        }
    }

    var max: UInt16 {
        switch shape {
        case .array: return values[values.count - 1]
        case .run: return values[values.count - 2] &+ values[values.count - 1]
        case .bitset:
            for index in stride(from: words.count - 1, through: 0, by: -1) where words[index] != 0 {
                return UInt16(truncatingIfNeeded: index << 6 | (63 - words[index].leadingZeroBitCount))
            }
            return 0
        }
    }

    func contains(_ row: UInt16) -> Bool {
        switch shape {
        case .bitset: return words[Int(row >> 6)] >> UInt64(row & 63) & 1 == 1
        case .array:
            let place = lowerBound(row)
            return place < values.count && values[place] == row
        case .run:
            let place = runIndex(endingNotBefore: row)
            return place * 2 < values.count && values[place * 2] <= row
        }
    }

    /// Array shape: the place of the first value not less than `row`.
    func lowerBound(_ row: UInt16) -> Int {
        var low = 0
        var high = values.count
        while low < high {
            let middle = (low &+ high) >> 1
            if values[middle] < row { low = middle &+ 1 } else { high = middle }
        }
        return low
    }

    /// Run shape: the first run whose last row is not before `row`.
    func runIndex(endingNotBefore row: UInt16) -> Int {
        var low = 0
        var high = values.count >> 1
        while low < high {
            let middle = (low &+ high) >> 1
            if values[middle * 2] &+ values[middle * 2 + 1] < row { low = middle &+ 1 } else { high = middle }
        }
        return low
    }

    /// Adds a row greater than all there are.
    mutating func append(_ row: UInt16) {
        cardinality &+= 1
        switch shape {
        case .array:
            if values.count < Self.arrayMax {
                values.append(row)
            } else {
                words = denseWords()
                values = []
                shape = .bitset
                words[Int(row >> 6)] |= 1 << UInt64(row & 63)
            }
        case .bitset: words[Int(row >> 6)] |= 1 << UInt64(row & 63)
        case .run:
            let last = values.count - 1
            if values[last - 1] &+ values[last] &+ 1 == row {
                values[last] &+= 1
            } else if values.count < Self.arrayMax {
                values.append(row)
                values.append(0)
            } else {
                words = denseWords()
                values = []
                shape = .bitset
                words[Int(row >> 6)] |= 1 << UInt64(row & 63)
            }
        }
    }

    /// Adds rows `first...last`, all greater than those there are.
    mutating func append(first: UInt16, last: UInt16) {
        if shape == .run,
            values.count < Self.arrayMax || values[values.count - 2] &+ values[values.count - 1] &+ 1 == first
        {
            let end = values.count - 1
            if values[end - 1] &+ values[end] &+ 1 == first {
                values[end] = last - values[end - 1]
            } else {
                values.append(first)
                values.append(last - first)
            }
            cardinality += Int(last - first) + 1
            return
        }
        if Int(last) - Int(first) < 64 {
            for row in first...last { append(row) }
            return
        }
        if shape != .bitset {
            words = denseWords()
            values = []
            shape = .bitset
        }
        words.withUnsafeMutableBufferPointer { setBits(in: $0, first: Int(first), last: Int(last)) }
        cardinality += Int(last - first) + 1
    }

    /// The rows of any shape as 1,024 words.
    func denseWords() -> [UInt64] {
        if shape == .bitset { return words }
        var dense = [UInt64](repeating: 0, count: Self.wordCount)
        dense.withUnsafeMutableBufferPointer { merge(into: $0) }
        return dense
    }

    /// Sets the container's rows among 1,024 words.
    func merge(into dense: UnsafeMutableBufferPointer<UInt64>) {
        switch shape {
        case .array: for row in values { dense[Int(row >> 6)] |= 1 << UInt64(row & 63) }
        case .bitset:
            words.withUnsafeBufferPointer { words in
                for index in 0..<Self.wordCount { dense[index] |= words[index] }
            }
        case .run:
            var index = 0
            while index < values.count {
                let first = Int(values[index])
                setBits(in: dense, first: first, last: first + Int(values[index + 1]))
                index += 2
            }
        }
    }

    /// The rows of any shape, ascending.
    func rows() -> [UInt16] {
        if shape == .array { return values }
        return [UInt16](unsafeUninitializedCapacity: cardinality) { buffer, count in
            var place = 0
            forEachRow { row in
                if place < buffer.count { buffer[place] = row }
                place += 1
            }
            count = Swift.min(place, buffer.count)
        }
    }

    @inline(__always)
    func forEachRow(_ body: (UInt16) -> Void) {
        switch shape {
        case .array: for row in values { body(row) }
        case .bitset:
            for index in 0..<words.count {
                var word = words[index]
                while word != 0 {
                    body(UInt16(truncatingIfNeeded: index << 6 | word.trailingZeroBitCount))
                    word &= word &- 1
                }
            }
        case .run:
            var index = 0
            while index < values.count {
                for row in values[index]...(values[index] &+ values[index + 1]) { body(row) }
                index += 2
            }
        }
    }

    /// How many runs of consecutive rows the container has.
    var runCount: Int {
        switch shape {
        case .array:
            var count = 1
            for index in 1..<Swift.max(values.count, 1) where values[index] != values[index - 1] &+ 1 { count &+= 1 }
            return count
        case .bitset:
            var count = 0
            var carry: UInt64 = 0
            for word in words {
                count &+= (word & ~(word << 1 | carry)).nonzeroBitCount
                carry = word >> 63
            }
            return count
        case .run:
            // Runs read from a file may touch each other.
            var count = 1
            var index = 2
            while index < values.count {
                if values[index] != values[index - 2] &+ values[index - 1] &+ 1 { count &+= 1 }
                index += 2
            }
            return count
        }
    }

    /// Pairs (first row, count − 1) of maximal runs.
    func runs() -> [UInt16] {
        var pairs: [UInt16] = []
        var first = 0
        var last = -2
        func close() {
            if last >= 0 {
                pairs.append(UInt16(truncatingIfNeeded: first))
                pairs.append(UInt16(truncatingIfNeeded: last - first))
            }
        }
        if shape == .run {
            var index = 0
            while index < values.count {
                if Int(values[index]) != last + 1 {
                    close()
                    first = Int(values[index])
                }
                last = Int(values[index]) + Int(values[index + 1])
                index += 2
            }
        } else {
            forEachRow { row in
                if Int(row) != last + 1 {
                    close()
                    first = Int(row)
                }
                last = Int(row)
            }
        }
        close()
        return pairs
    }
}

/// Sets bits `first...last`.
func setBits(in words: UnsafeMutableBufferPointer<UInt64>, first: Int, last: Int) {
    let firstWord = first >> 6
    let lastWord = last >> 6
    let head = UInt64.max << UInt64(first & 63)
    let tail = UInt64.max >> UInt64(63 - last & 63)
    if firstWord == lastWord {
        words[firstWord] |= head & tail
        return
    }
    words[firstWord] |= head
    for index in firstWord + 1..<lastWord { words[index] = .max }
    words[lastWord] |= tail
}
