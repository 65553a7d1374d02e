import LaminaBase
import LaminaSketches
import Testing

/// Bytes from outside: every prefix and every changed byte is an error or a sketch that can be used.
@Suite struct BrokenSketchTests {
    /// Reads, and when that works uses what was read.
    private func use<Kind: Sketch>(_ bytes: [UInt8], _ read: ([UInt8]) throws -> Kind, _ touch: (Kind) -> Void) -> Bool
    {
        guard let sketch = try? read(bytes) else { return false }
        touch(sketch)
        #expect(sketch.bytesHeld < 1 << 23)
        _ = sketch.bytes
        var twice = sketch
        try? twice.merge(sketch)
        _ = twice.bytes
        return true
    }

    func attack<Kind: Sketch>(
        _ samples: [[UInt8]],
        _ read: @escaping ([UInt8]) throws -> Kind,
        _ touch: @escaping (Kind) -> Void
    ) {
        for sample in samples {
            #expect(use(sample, read, touch))
            var accepted = 0
            for end in 0..<min(sample.count, 200) where use(Array(sample[..<end]), read, touch) { accepted += 1 }
            // Too short a text is no sketch; those that count nothing may lack what follows the header.
            #expect(accepted < max(sample.count / 2, 12))
            for place in 0..<min(sample.count, 120) {
                for change in UInt8.min...UInt8.max where place < 24 || change % 32 < 2 {
                    var broken = sample
                    broken[place] = change
                    _ = use(broken, read, touch)
                }
            }
        }
    }

    private func hll(_ lgK: Int, _ bits: Int, _ count: Int64) -> HLLSketch {
        var sketch = HLLSketch(lgK: lgK, registerBits: bits)
        for number in 0..<count { sketch.update(coupon: HLLSketch.coupon(number)) }
        return sketch
    }

    @Test func hll() {
        var samples: [[UInt8]] = []
        for bits in [4, 6, 8] {
            samples += [
                hll(12, bits, 0), hll(12, bits, 5), hll(12, bits, 20), hll(4, bits, 200), hll(5, bits, 900_000),
            ].map(
                \.bytes
            )
        }
        attack(samples, { try HLLSketch(bytes: $0) }) { sketch in
            _ = sketch.estimate + sketch.lowerBound(1) + sketch.upperBound(3)
            _ = sketch.summary
            _ = sketch.asUnion(lgMaxK: 4).estimate
        }
    }

    @Test func theta() {
        var samples: [[UInt8]] = []
        for count in [0, 1, 5, 500] as [Int64] {
            var sketch = ThetaSketch(size: 16)
            for number in 0..<count { sketch.update(hash: ThetaSketch.hash(number)) }
            samples.append(sketch.bytes)
        }
        attack(samples, { try ThetaSketch(bytes: $0) }) { sketch in
            _ = sketch.estimate(deviations: 2)
            _ = sketch.summary
            _ = sketch.subtracting([sketch]).estimate + ThetaSketch.intersection([sketch, sketch], size: 16).estimate
        }
    }

    @Test func tuple() {
        var samples: [[UInt8]] = []
        for count in [0, 1, 5, 500] as [Int64] {
            var sketch = TupleSketch(nominalEntries: 16, numberOfValues: 2)
            for number in 0..<count { sketch.update(hash: ThetaSketch.hash(number), [1, Double(number)]) }
            samples.append(sketch.bytes)
        }
        attack(samples, { try TupleSketch(bytes: $0) }) { sketch in
            _ = sketch.estimate(deviations: 2)
            _ = sketch.summary
            _ = sketch.rows
        }
    }

    @Test func sizesOutOfRangeAreErrors() {
        // A count of four billion coupons, and a table of 2^27 hashes, in a few bytes.
        #expect(throws: LaminaError.self) { try HLLSketch(bytes: [3, 1, 7, 12, 5, 8, 0, 1, 255, 255, 255, 255]) }
        #expect(throws: LaminaError.self) {
            try ThetaSketch(bytes: [3, 3, 2, 0, 27, 0, 0xCC, 0x93] + [UInt8](repeating: 1, count: 64))
        }
        #expect(throws: LaminaError.self) { try HLLSketch(bytes: [10, 1, 7, 22, 0, 8, 0, 2]) }
    }
}
