import LaminaBase
import LaminaSketches
import Testing

@Suite struct VarianceTests {
    @Test func `Variance of numbers, alone and joined`() throws {
        var whole = VarianceState()
        var parts = [VarianceState(), VarianceState(), VarianceState()]
        let numbers = [2.0, 4, 4, 4, 5, 5, 7, 9]
        for (index, number) in numbers.enumerated() {
            whole.update(number)
            parts[index % 2].update(number)
        }
        var joined = parts[2]
        for part in parts { joined.merge(same: part) }
        for state in [whole, joined, try VarianceState(bytes: whole.bytes)] {
            #expect(abs((state.variance(population: true) ?? 0) - 4) < 1e-12)
            #expect(abs((state.variance(population: false) ?? 0) - 32.0 / 7) < 1e-12)
        }
        #expect(VarianceState().variance(population: false) == nil)
        var one = VarianceState()
        one.update(3)
        #expect(one.variance(population: false) == 0)
        #expect(one.bytes == [0, 0, 0, 0, 0, 0, 0, 1, 0x40, 8, 0, 0, 0, 0, 0, 0] + Array(repeating: 0, count: 8))
    }

    /// 60 % of 500 and 75 % of 600.
    @Test func `Z-score and p-value`() throws {
        let score = try zScore(successes: 300, of: 500, and: 450, of: 600)
        #expect(abs(score - -0.15 / 0.000_792_5.squareRoot()) < 1e-12)
        #expect(abs(pValueTwoTailed(1.959_963_984_540_054) - 0.05) < 1e-12)
        #expect(abs(pValueTwoTailed(-2.575_829_303_548_901) - 0.01) < 1e-12)
        #expect(throws: LaminaError.self) { try zScore(successes: 6, of: 5, and: 1, of: 2) }
    }
}
