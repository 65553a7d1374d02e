import LaminaBase
import LaminaSketches
import Testing

/// The rules of the quantiles sketches, for all three kinds.
@Suite struct QuantilesTests {
    /// Numbers 1 to `count` in a scrambled order.
    static func numbers(_ count: Int) -> [Double] { (0..<count).map { Double(($0 * 7919) % count + 1) } }

    private func built<Kind: RankSketch>(_ empty: Kind, _ numbers: [Double]) -> Kind {
        var sketch = empty
        for number in numbers { sketch.update(number) }
        return sketch
    }

    private func checkExact<Kind: RankSketch>(_ empty: Kind) throws {
        // 100 is prime to 7919's factors, so every number from 1 to 100 comes once.
        let sketch = built(empty, Self.numbers(100))
        let view = sketch.sortedView
        #expect(sketch.count == 100)
        // The least number whose share is at least the rank.
        for (rank, number) in [(0.0, 1.0), (0.01, 1), (0.011, 2), (0.5, 50), (0.501, 51), (1, 100)] {
            #expect(try view.quantile(rank) == number)
        }
        for (number, rank) in [(0.5, 0.0), (1, 0.01), (50, 0.5), (50.5, 0.5), (100, 1), (1000, 1)] {
            #expect(try view.rank(number) == rank)
        }
        #expect(try view.cumulativeRanks([10, 20]) == [0.1, 0.2, 1])
        #expect(try view.cumulativeRanks([]) == [1])
        #expect(try view.histogram([25]).map { $0.rounded() } == [25, 75])
        #expect(sketch.evenSplitPoints(4) == [25.75, 50.5, 75.25])
        #expect(throws: LaminaError.self) { try view.quantile(1.5) }
        #expect(throws: LaminaError.self) { try view.cumulativeRanks([2, 2]) }
        let again = try Kind(bytes: sketch.bytes)
        #expect(again.bytes == sketch.bytes)
        #expect(try again.sortedView.quantile(0.5) == 50)
    }

    @Test func `Few numbers are exact`() throws {
        try checkExact(try QuantilesSketch(k: 64))
        try checkExact(try KLLSketch<Double>())
        try checkExact(try KLLSketch<Float>())
    }

    private func checkRanks<Kind: RankSketch>(_ sketch: Kind, _ count: Int, error: Double) throws {
        #expect(sketch.count == UInt64(count))
        let view = sketch.sortedView
        for part in stride(from: 0.05, to: 1, by: 0.05) {
            let number = try view.quantile(part)
            #expect(abs(number / Double(count) - part) < error)
            #expect(abs(try view.rank(part * Double(count)) - part) < error)
        }
        #expect(try view.quantile(0) >= 1)
        #expect(try view.quantile(1) <= Double(count))
    }

    /// The documented errors of a rank are 1.7 % (classic, 128) and 1.33 % (KLL, 200) at 99 %; here four of those.
    @Test func `Many numbers stay within the error`() throws {
        let numbers = Self.numbers(100_003)
        try checkRanks(built(try QuantilesSketch(k: 128), numbers), numbers.count, error: 0.04)
        try checkRanks(built(try KLLSketch<Double>(k: 200), numbers), numbers.count, error: 0.04)
        try checkRanks(built(try KLLSketch<Float>(k: 200), numbers), numbers.count, error: 0.04)
    }

    private func checkMerging<Kind: RankSketch>(_ empties: [Kind]) throws {
        let numbers = Self.numbers(50_021)
        var parts = empties
        for (index, number) in numbers.enumerated() { parts[index % parts.count].update(number) }
        var whole = parts[0]
        for part in parts.dropFirst() { try whole.merge(try Kind(bytes: part.bytes)) }
        try checkRanks(whole, numbers.count, error: 0.06)
        let again = try Kind(bytes: whole.bytes)
        #expect(again.bytes == whole.bytes)
        try checkRanks(again, numbers.count, error: 0.06)
        // Exact sketches merge exactly.
        var few = empties[0]
        for start in 0..<10 {
            var part = empties[1]
            for number in 0..<10 { part.update(Double(start * 10 + number)) }
            try few.merge(part)
        }
        #expect(try few.sortedView.quantile(0.5) == 49)
    }

    @Test func `Merged sketches see all numbers`() throws {
        try checkMerging([try QuantilesSketch(k: 128), try QuantilesSketch(k: 256), try QuantilesSketch(k: 64)])
        try checkMerging([try QuantilesSketch(k: 64), try QuantilesSketch(k: 256), try QuantilesSketch(k: 128)])
        try checkMerging([try KLLSketch<Double>(k: 200), try KLLSketch<Double>(k: 300), try KLLSketch<Double>(k: 150)])
        try checkMerging([try KLLSketch<Float>(k: 200), try KLLSketch<Float>(k: 150)])
    }

    @Test func `A classic sketch merged with a smaller one takes its k`() throws {
        var large = built(try QuantilesSketch(k: 256), Self.numbers(5000))
        let small = built(try QuantilesSketch(k: 16), Self.numbers(5000))
        try large.merge(small)
        #expect(large.k == 16)
        var kll = built(try KLLSketch<Double>(k: 200), Self.numbers(5000))
        try kll.merge(built(try KLLSketch<Double>(k: 20), Self.numbers(5000)))
        #expect(kll.k == 200 && kll.minK == 20)
    }

    @Test func `Nothing, NaN and equal updates`() throws {
        var sketch = try QuantilesSketch(k: 8)
        sketch.update(.nan)
        #expect(sketch.isEmpty && sketch.bytes == [1, 3, 8, 30, 8, 0, 0, 0])
        #expect(try KLLSketch<Double>().bytes == [2, 1, 15, 1, 200, 0, 8, 0])
        #expect(try sketch.sortedView.quantile(0.5).isNaN)
        #expect(try sketch.sortedView.cumulativeRanks([1]).allSatisfy(\.isNaN))
        let numbers = Self.numbers(10_007)
        let (one, other) = (built(try QuantilesSketch(), numbers), built(try QuantilesSketch(), numbers))
        #expect(one.bytes == other.bytes)
        for k in [0, 1, 3, 100, 65536] { #expect(throws: LaminaError.self) { try QuantilesSketch(k: k) } }
        #expect(throws: LaminaError.self) { try KLLSketch<Double>(k: 7) }
    }

    @Test func `Two values by hand, in bytes`() throws {
        let classic = built(try QuantilesSketch(k: 8), [2, 1])
        let one: [UInt8] = [0, 0, 0, 0, 0, 0, 0xF0, 0x3F]
        let two: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0x40]
        let head: [UInt8] = [2, 3, 8, 26, 8, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]
        #expect(classic.bytes == head + one + two + one + two)
        let single: [UInt8] = [2, 2, 15, 4, 200, 0, 8, 0]
        #expect(built(try KLLSketch<Double>(), [2]).bytes == single + two)
        let full: [UInt8] = [5, 1, 15, 0, 200, 0, 8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 200, 0, 1, 0, 198, 0, 0, 0]
        // The last one to come stands first.
        #expect(built(try KLLSketch<Double>(), [2, 1]).bytes == full + one + two + one + two)
    }
}
