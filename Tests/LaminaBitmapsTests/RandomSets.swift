import LaminaBitmaps

/// A small seeded generator, so that a failure can be repeated.
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state &* 0x2545_F491_4F6C_DD1D
    }
}

/// Row sets of every kind: sparse, dense, runs, full chunks, chunk borders; beside the reference `Set`.
struct RandomRows {
    var rows: [UInt32]
    var set: Set<UInt32> { Set(rows) }

    init(_ random: inout Seeded) {
        var chosen = Set<UInt32>()
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let base = UInt32.random(in: 0...4, using: &random) << 16
            switch Int.random(in: 0...5, using: &random) {
            case 0:
                for _ in 0..<Int.random(in: 1...200, using: &random) {
                    chosen.insert(base + .random(in: 0..<65536, using: &random))
                }
            case 1:
                for _ in 0..<Int.random(in: 3000...9000, using: &random) {
                    chosen.insert(base + .random(in: 0..<65536, using: &random))
                }
            case 2:
                for _ in 0..<Int.random(in: 1...40, using: &random) {
                    let start = base + .random(in: 0..<65000, using: &random)
                    for row in start..<start + .random(in: 1...600, using: &random) { chosen.insert(row) }
                }
            case 3: for row in base..<base + 65536 { chosen.insert(row) }
            case 4: for row in stride(from: base, to: base + 65536, by: 2) { chosen.insert(row) }
            default:
                for edge in [0, 1, 30, 31, 61, 62, 63, 64, 65534, 65535] as [UInt32] { chosen.insert(base + edge) }
            }
        }
        rows = chosen.sorted()
    }

    /// Built row by row or, at random, by runs: the same set in other shapes.
    func bitmap(_ random: inout Seeded) -> RoaringBitmap {
        if Bool.random(using: &random) { return RoaringBitmap(sorted: rows) }
        var bitmap = RoaringBitmap()
        var index = 0
        while index < rows.count {
            var end = index + 1
            while end < rows.count, rows[end] == rows[end - 1] + 1 { end += 1 }
            bitmap.append(contentsOf: rows[index]..<rows[end - 1] + 1)
            index = end
        }
        return bitmap
    }
}
