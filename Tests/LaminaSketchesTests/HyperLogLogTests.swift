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

    @Test func brokenSketchesAreErrors() {
        for bytes in [
            [1, 2], [1, 0, 0, 1, 0, 0xFF, 0xFF, 0, 7], [1, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1], [9],
            [1, 200, 0, 0, 0, 0, 0],
        ] {
            #expect(throws: LaminaError.self) { try HyperLogLog(bytes: bytes.map(UInt8.init)) }
        }
    }
}
