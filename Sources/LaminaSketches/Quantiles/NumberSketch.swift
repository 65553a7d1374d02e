package import LaminaBase

/// A sketch of numbers.
package protocol NumberSketch: Sketch {
    mutating func update(_ number: Double)
    /// Counts a row without a number, where the sketch knows such.
    mutating func updateMissing()
    mutating func merge(same other: Self) throws(LaminaError)
    init(bytes: [UInt8]) throws(LaminaError)
}

extension NumberSketch {
    package mutating func updateMissing() {}

    package mutating func merge(_ other: any Sketch) throws(LaminaError) {
        guard let same = other as? Self else { throw notMergeable(self, other) }
        try merge(same: same)
    }
}

extension QuantilesSketch: NumberSketch {
    package var typeName: String { "quantilesDoublesSketch" }
    package var itemCount: UInt64 { count }
    package var bytesHeld: Int { 160 + 8 * base.capacity + levels.reduce(0) { $0 + 32 + 8 * $1.count } }
}

extension KLLSketch: Sketch, NumberSketch where Item: KLLItem {
    package var typeName: String { "Kll\(Item.sketchName)" }
    package var itemCount: UInt64 { count }
    package var bytesHeld: Int { 160 + levels.reduce(0) { $0 + 32 + Item.size * $1.capacity } }
    package mutating func update(_ number: Double) { update(item: Item(number)) }
}

extension VarianceState: NumberSketch {
    package var typeName: String { "variance" }
    package var bytesHeld: Int { 48 }
}

extension ApproximateHistogram: NumberSketch {
    package var typeName: String { "approximateHistogram" }
    package var bytesHeld: Int { 96 + 12 * bins.capacity }
    package mutating func update(_ number: Double) { update(value: Float(number)) }
}

extension FixedBucketsHistogram: NumberSketch {
    package var typeName: String { "fixedBucketsHistogram" }
    package var bytesHeld: Int { 160 + 8 * buckets.count }
}

extension BloomKFilter: Sketch {
    package var typeName: String { "bloom" }
    package var bytesHeld: Int { 64 + 8 * wordCount }

    package mutating func merge(_ other: any Sketch) throws(LaminaError) {
        guard let filter = other as? BloomKFilter else { throw notMergeable(self, other) }
        try merge(same: filter)
    }
}
