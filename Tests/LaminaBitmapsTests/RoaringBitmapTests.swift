import LaminaBase
import LaminaBitmaps
import Testing

@Suite struct RoaringBitmapTests {
    @Test(arguments: 0..<10 as Range<UInt64>)
    func algebraAgreesWithSets(seed: UInt64) {
        var random = Seeded(seed + 1)
        let left = RandomRows(&random)
        let right = RandomRows(&random)
        let a = left.bitmap(&random)
        let b = right.bitmap(&random)
        #expect(a.rows == left.rows)
        #expect(a.cardinality == left.rows.count)
        #expect(a.min == left.rows.first)
        #expect(a.max == left.rows.last)
        #expect(a.intersection(b).rows == left.set.intersection(right.set).sorted())
        #expect(a.union(b).rows == left.set.union(right.set).sorted())
        #expect(a.subtracting(b).rows == left.set.subtracting(right.set).sorted())
        #expect(a.symmetricDifference(b).rows == left.set.symmetricDifference(right.set).sorted())
        let rowCount = Int(left.rows.last ?? 0) + Int.random(in: 1...70000, using: &random)
        let complement = Set<UInt32>(0..<UInt32(rowCount)).subtracting(left.set)
        #expect(a.complement(rowCount: rowCount).rows == complement.sorted())
        #expect((a == b) == (left.set == right.set))
        #expect(a == RoaringBitmap(sorted: left.rows))
        for _ in 0..<50 {
            let row = UInt32.random(in: 0..<400_000, using: &random)
            #expect(a.contains(row) == left.set.contains(row))
        }
    }

    @Test(arguments: 0..<5 as Range<UInt64>)
    func unionOfManyAgreesWithSets(seed: UInt64) {
        var random = Seeded(seed + 100)
        var expected = Set<UInt32>()
        var bitmaps: [RoaringBitmap] = []
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let rows = RandomRows(&random)
            expected.formUnion(rows.rows)
            bitmaps.append(rows.bitmap(&random))
        }
        let united = RoaringBitmap.union(of: bitmaps)
        #expect(united.rows == expected.sorted())
        #expect(united == RoaringBitmap(sorted: expected.sorted()))
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func rangesAgreeWithRows(seed: UInt64) {
        var random = Seeded(seed + 200)
        let rows = RandomRows(&random)
        let bitmap = rows.bitmap(&random)
        let set = rows.set
        for _ in 0..<12 {
            let start = Int.random(in: 0..<330_000, using: &random)
            let range = start..<start + Int.random(in: 0...9000, using: &random)
            let expected = range.filter { set.contains(UInt32($0)) }
            var mask = [UInt64](repeating: .max, count: (range.count + 63) / 64)
            mask.withUnsafeMutableBufferPointer { if let base = $0.baseAddress { bitmap.fillMask(base, rows: range) } }
            var fromMask: [Int] = []
            for (index, word) in mask.enumerated() {
                for bit in 0..<64 where word >> UInt64(bit) & 1 == 1 {
                    fromMask.append(range.lowerBound + index * 64 + bit)
                }
            }
            #expect(fromMask == expected)
        }
    }

    @Test func highestRowsWork() {
        var bitmap = RoaringBitmap(range: UInt32.max - 3..<UInt32.max)
        bitmap.append(.max)
        #expect(bitmap.rows == Array(UInt32.max - 3...UInt32.max))
    }
}
