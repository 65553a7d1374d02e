/// Set algebra.
extension RoaringBitmap {
    package func intersection(_ other: RoaringBitmap) -> RoaringBitmap {
        var result = RoaringBitmap()
        var left = 0
        var right = 0
        while left < keys.count, right < other.keys.count {
            let a = keys[left]
            let b = other.keys[right]
            if a == b { result.append(key: a, containers[left].intersection(other.containers[right])) }
            if a <= b { left += 1 }
            if b <= a { right += 1 }
        }
        return result
    }

    package func union(_ other: RoaringBitmap) -> RoaringBitmap {
        merging(other, onlyRight: true) { $0.union($1) }
    }

    package func symmetricDifference(_ other: RoaringBitmap) -> RoaringBitmap {
        merging(other, onlyRight: true) { $0.symmetricDifference($1) }
    }

    /// The rows of this set that are not in the other.
    package func subtracting(_ other: RoaringBitmap) -> RoaringBitmap {
        merging(other, onlyRight: false) { $0.subtracting($1) }
    }

    /// The rows below `rowCount` that are not in this set.
    package func complement(rowCount: Int) -> RoaringBitmap {
        precondition(rowCount >= 0 && rowCount <= UInt32.max, "a segment has fewer than 2^32 rows")
        return RoaringBitmap(range: 0..<UInt32(rowCount)).subtracting(self)
    }

    private func merging(
        _ other: RoaringBitmap,
        onlyRight: Bool,
        _ combine: (Container, Container) -> Container?
    ) -> RoaringBitmap {
        var result = RoaringBitmap()
        var left = 0
        var right = 0
        while left < keys.count {
            if right >= other.keys.count || keys[left] < other.keys[right] {
                result.append(key: keys[left], containers[left])
                left += 1
            } else if keys[left] == other.keys[right] {
                result.append(key: keys[left], combine(containers[left], other.containers[right]))
                left += 1
                right += 1
            } else {
                if onlyRight { result.append(key: other.keys[right], other.containers[right]) }
                right += 1
            }
        }
        if onlyRight {
            while right < other.keys.count {
                result.append(key: other.keys[right], other.containers[right])
                right += 1
            }
        }
        return result
    }

    /// The union of many sets at once: each chunk is assembled once, however many sets have rows in it.
    package static func union(of bitmaps: [RoaringBitmap]) -> RoaringBitmap {
        if bitmaps.isEmpty { return RoaringBitmap() }
        if bitmaps.count == 1 { return bitmaps[0] }
        if bitmaps.count == 2 { return bitmaps[0].union(bitmaps[1]) }
        var pieces: [(key: UInt16, bitmap: Int, place: Int)] = []
        for (index, bitmap) in bitmaps.enumerated() {
            for (place, key) in bitmap.keys.enumerated() { pieces.append((key, index, place)) }
        }
        pieces.sort { $0.key < $1.key }
        var result = RoaringBitmap()
        var start = 0
        while start < pieces.count {
            var end = start + 1
            while end < pieces.count, pieces[end].key == pieces[start].key { end += 1 }
            let group = pieces[start..<end].map { bitmaps[$0.bitmap].containers[$0.place] }
            result.append(key: pieces[start].key, Self.unite(group))
            start = end
        }
        return result
    }

    private static func unite(_ group: [Container]) -> Container? {
        if group.count == 1 { return group[0] }
        if group.count == 2 { return group[0].union(group[1]) }
        if group.contains(where: \.isFull) { return .full }
        var dense = [UInt64](repeating: 0, count: Container.wordCount)
        dense.withUnsafeMutableBufferPointer { dense in
            for container in group { container.merge(into: dense) }
        }
        return Container(normalizing: dense)
    }
}
