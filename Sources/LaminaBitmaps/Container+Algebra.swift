/// Set algebra of two containers of the same chunk. A nil result is the empty set.
extension Container {
    func intersection(_ other: Container) -> Container? {
        if isFull { return other }
        if other.isFull { return self }
        switch (shape, other.shape) {
        case (.array, .array): return intersectArrays(other)
        case (.array, _): return filtered { other.contains($0) }
        case (_, .array): return other.filtered { contains($0) }
        case (.run, .run): return intersectRuns(other)
        default: return combineWords(other) { $0 & $1 }
        }
    }

    func union(_ other: Container) -> Container {
        if isFull || other.isFull { return .full }
        if shape == .array, other.shape == .array, cardinality + other.cardinality <= Self.arrayMax {
            return mergeArrays(other)
        }
        if shape == .run, other.shape == .run { return uniteRuns(other) }
        return combineWords(other) { $0 | $1 } ?? self
    }

    func subtracting(_ other: Container) -> Container? {
        if other.isFull { return nil }
        if shape == .array { return filtered { !other.contains($0) } }
        return combineWords(other) { $0 & ~$1 }
    }

    func symmetricDifference(_ other: Container) -> Container? {
        combineWords(other) { $0 ^ $1 }
    }

    func isSame(as other: Container) -> Bool {
        if cardinality != other.cardinality { return false }
        if shape == .array, other.shape == .array { return values == other.values }
        return denseWords() == other.denseWords()
    }

    private func filtered(_ keep: (UInt16) -> Bool) -> Container? {
        var kept: [UInt16] = []
        kept.reserveCapacity(values.count)
        for row in values where keep(row) { kept.append(row) }
        return kept.isEmpty ? nil : Container(array: kept)
    }

    @inline(__always)
    private func combineWords(_ other: Container, _ combine: (UInt64, UInt64) -> UInt64) -> Container? {
        let left = denseWords()
        let right = other.denseWords()
        let words = [UInt64](unsafeUninitializedCapacity: Self.wordCount) { buffer, count in
            left.withUnsafeBufferPointer { left in
                right.withUnsafeBufferPointer { right in
                    for index in 0..<Self.wordCount { buffer[index] = combine(left[index], right[index]) }
                }
            }
            count = Self.wordCount
        }
        return Container(normalizing: words)
    }

    private func intersectArrays(_ other: Container) -> Container? {
        // A much smaller array looks its values up instead of walking the larger one.
        if values.count * 32 < other.values.count { return filtered { other.contains($0) } }
        if other.values.count * 32 < values.count { return other.filtered { contains($0) } }
        var common: [UInt16] = []
        var left = 0
        var right = 0
        while left < values.count, right < other.values.count {
            let a = values[left]
            let b = other.values[right]
            if a == b { common.append(a) }
            if a <= b { left &+= 1 }
            if b <= a { right &+= 1 }
        }
        return common.isEmpty ? nil : Container(array: common)
    }

    private func mergeArrays(_ other: Container) -> Container {
        var merged: [UInt16] = []
        merged.reserveCapacity(values.count + other.values.count)
        var left = 0
        var right = 0
        while left < values.count, right < other.values.count {
            let a = values[left]
            let b = other.values[right]
            merged.append(Swift.min(a, b))
            if a <= b { left &+= 1 }
            if b <= a { right &+= 1 }
        }
        merged.append(contentsOf: values[left...])
        merged.append(contentsOf: other.values[right...])
        return Container(array: merged)
    }

    private func intersectRuns(_ other: Container) -> Container? {
        var pairs: [UInt16] = []
        var count = 0
        var left = 0
        var right = 0
        while left < values.count, right < other.values.count {
            let leftLast = values[left] &+ values[left + 1]
            let rightLast = other.values[right] &+ other.values[right + 1]
            let first = Swift.max(values[left], other.values[right])
            let last = Swift.min(leftLast, rightLast)
            if first <= last {
                pairs.append(first)
                pairs.append(last - first)
                count += Int(last - first) + 1
            }
            if leftLast <= rightLast { left += 2 }
            if rightLast <= leftLast { right += 2 }
        }
        return Container(normalizingRuns: pairs, cardinality: count)
    }

    private func uniteRuns(_ other: Container) -> Container {
        var pairs: [UInt16] = []
        var count = 0
        var left = 0
        var right = 0
        var first = -1
        var last = -1
        while left < values.count || right < other.values.count {
            let takeLeft = right >= other.values.count || (left < values.count && values[left] <= other.values[right])
            let start = Int(takeLeft ? values[left] : other.values[right])
            let end = start + Int(takeLeft ? values[left + 1] : other.values[right + 1])
            if takeLeft { left += 2 } else { right += 2 }
            if first >= 0, start <= last + 1 {
                last = Swift.max(last, end)
                continue
            }
            if first >= 0 {
                pairs.append(UInt16(first))
                pairs.append(UInt16(last - first))
                count += last - first + 1
            }
            first = start
            last = end
        }
        pairs.append(UInt16(first))
        pairs.append(UInt16(last - first))
        count += last - first + 1
        return Container(normalizingRuns: pairs, cardinality: count) ?? self
    }

    /// From runs; in another shape when they are many. Nil without runs.
    private init?(normalizingRuns pairs: [UInt16], cardinality: Int) {
        if pairs.isEmpty { return nil }
        self.init(runs: pairs, cardinality: cardinality)
        if pairs.count > Self.arrayMax { self = Container(words: denseWords(), cardinality: cardinality) }
    }
}
