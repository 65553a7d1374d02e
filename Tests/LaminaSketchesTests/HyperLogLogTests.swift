import LaminaBase
import LaminaSketches
import Testing

@Suite struct HyperLogLogTests {
    @Test func sketchesMergeAsIfAddedToOne() throws {
        for count in [1, 100, 3_000, 200_000] {
            var whole = HyperLogLog()
            var parts = [HyperLogLog(), HyperLogLog(), HyperLogLog()]
            for number in 0..<count {
                whole.add("value \(number)")
                parts[number % 3].add("value \(number)")
            }
            var merged = HyperLogLog()
            for part in parts { merged.merge(part) }
            // Beyond that the one overflow register makes Druid's sketches depend a little on the order of merging.
            let slack = count > 10_000 ? 0.01 : 0
            #expect(abs(merged.estimate / whole.estimate - 1) <= slack)
            #expect(abs(whole.estimate / Double(count) - 1) < 0.08, "\(count) as \(whole.estimate)")
            #expect(try HyperLogLog(bytes: whole.bytes).bytes == whole.bytes)
        }
        #expect(HyperLogLog().estimate == 0)
    }

    /// Texts whose registers share a byte: Druid leaves three zero bytes at the end for each.
    @Test func theListOfRegistersKeepsDruidsLength() throws {
        var sketch = HyperLogLog()
        #expect(sketch.bytes == [1, 0, 0, 0, 0, 0, 0])
        for number in 0..<100 { sketch.add("value \(number)") }
        let used = Int(sketch.bytes[2]) << 8 | Int(sketch.bytes[3])
        #expect(sketch.bytes.count == 7 + 3 * used)
        #expect(sketch.bytes.suffix(3) == [0, 0, 0])
        let again = try HyperLogLog(bytes: sketch.bytes)
        #expect(again.bytes == sketch.bytes && again.estimate == sketch.estimate)
        // As Druid stored it: two values, read from the gold corpus' wikipedia_rollup.
        let stored: [UInt8] = [1, 0, 0, 3, 0, 0, 0, 0, 0x26, 1, 1, 0xDF, 0x10, 3, 0xFE, 2]
        #expect(try HyperLogLog(bytes: stored).bytes == stored)
    }

    @Test func brokenSketchesAreErrors() {
        for bytes in [
            [1, 2], [1, 0, 0, 1, 0, 0xFF, 0xFF, 0, 7], [1, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1], [9],
            [1, 200, 0, 0, 0, 0, 0],
        ] {
            #expect(throws: LaminaError.self) { try HyperLogLog(bytes: bytes.map(UInt8.init)) }
        }
    }
}
