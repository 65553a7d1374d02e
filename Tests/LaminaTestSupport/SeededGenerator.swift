import Glibc

/// A small repeatable random generator (SplitMix64).
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    package mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &self) < probability }

    package mutating func pick<Element>(_ choices: [Element]) -> Element {
        choices[Int.random(in: 0..<choices.count, using: &self)]
    }
}

/// The seed of random tests: `LAMINA_SEED`; in the long form the clock; else always the same. Print it with every failure.
package func randomTestSeed() -> UInt64 {
    if let text = getenv("LAMINA_SEED"), let seed = UInt64(String(cString: text)) { return seed }
    return getenv("LAMINA_LONG") == nil ? 20_261_121 : UInt64(bitPattern: Int64(time(nil)))
}
