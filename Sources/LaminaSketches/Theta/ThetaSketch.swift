import Glibc
package import LaminaBase

/// A theta sketch of Apache DataSketches: the least hashes of the values met.
///
/// Holds either a sample that grows, or a finished result read from bytes or given by a set operation.
///
/// Source: `org.apache.datasketches.theta.Union`, `CompactSketch`; Druid's `SketchHolder`.
package struct ThetaSketch: Sketch {
    /// Nominal entries.
    package let size: Int
    private var content: Content

    private enum Content: Sendable {
        case sample(HashSample)
        case finished(HashResult)
    }

    /// - Parameter size: a power of two from 16 to 2^26; others are rounded down to one.
    package init(size: Int = 16384) {
        self.size = size
        content = .finished(HashResult())
    }

    init(size: Int, _ result: HashResult) {
        self.size = size
        content = .finished(result)
    }

    package var typeName: String { "thetaSketch" }

    package var bytesHeld: Int {
        switch content {
        case .sample(let sample): sample.bytesHeld
        case .finished(let result): 128 + result.keys.capacity * 8
        }
    }

    // MARK: Hashes of values

    package static func hash(_ number: Int64) -> UInt64 { updateHash(number).low >> 1 }
    package static func hash(_ number: Double) -> UInt64 { updateHash(number).low >> 1 }
    /// Nil for the empty text, which is no value.
    package static func hash(_ text: String) -> UInt64? { updateHash(text, utf8: true).map { $0.low >> 1 } }

    // MARK: Updates

    package mutating func update(hash: UInt64) {
        if case .finished = content { thaw() }
        guard case .sample(var sample) = content else { return }
        // Taken out while it changes, so that it is not copied.
        content = .finished(HashResult())
        sample.offer(hash)
        content = .sample(sample)
    }

    /// Turns a finished sketch into one that grows.
    private mutating func thaw() {
        guard case .finished(let result) = content else { return }
        let lgNominal = min(max(Int.bitWidth - 1 - size.leadingZeroBitCount, 4), 26)
        var sample = HashSample(lgNominal: lgNominal)
        Self.absorb(result, into: &sample)
        content = .sample(sample)
    }

    private static func absorb(_ result: HashResult, into sample: inout HashSample) {
        if result.isEmpty { return }
        sample.setNotEmpty()
        sample.lower(theta: result.theta)
        for key in result.keys where key < sample.theta { sample.offer(key) }
    }

    package mutating func merge(_ other: any Sketch) throws(LaminaError) {
        guard let other = other as? ThetaSketch else { throw notMergeable(self, other) }
        union(with: other)
    }

    package mutating func union(with other: ThetaSketch) {
        thaw()
        guard case .sample(var sample) = content else { return }
        content = .finished(HashResult())
        switch other.content {
        case .finished(let result): Self.absorb(result, into: &sample)
        case .sample(let theirs):
            if !theirs.isEmpty {
                sample.setNotEmpty()
                sample.lower(theta: theirs.theta)
                for key in theirs.keys where key != 0 && key < sample.theta { sample.offer(key) }
            }
        }
        content = .sample(sample)
    }

    // MARK: Results

    /// Sorted hashes below theta.
    var result: HashResult {
        switch content {
        case .finished(let result): return result
        case .sample(let sample):
            var result = sample.result(sorted: true)
            result.settle()
            return result
        }
    }

    package var estimate: Double {
        let result = result
        return Double(result.keys.count) * (Double(HashSample.noTheta) / Double(result.theta))
    }

    /// Estimate and bounds at 1, 2 or 3 standard deviations.
    package func estimate(deviations: Int) -> (estimate: Double, lower: Double, upper: Double) {
        let result = result
        let count = result.keys.count
        let estimate = Double(count) * (Double(HashSample.noTheta) / Double(result.theta))
        if result.theta == HashSample.noTheta { return (estimate, Double(count), Double(count)) }
        let theta = result.thetaFraction
        return (
            estimate, lowerBinomialBound(count, theta, deviations, isEmpty: result.isEmpty),
            upperBinomialBound(count, theta, deviations, isEmpty: result.isEmpty)
        )
    }

    /// Values in all of the sketches. Source: `Intersection`.
    package static func intersection(_ sketches: [ThetaSketch], size: Int) -> ThetaSketch {
        guard let first = sketches.first else { return ThetaSketch(size: size) }
        var common = first.result
        for sketch in sketches.dropFirst() {
            let other = sketch.result
            if common.isEmpty || other.isEmpty { return ThetaSketch(size: size) }
            common.theta = min(common.theta, other.theta)
            let theirs = Set(other.keys)
            common.keys.removeAll { $0 >= common.theta || !theirs.contains($0) }
        }
        common.settle()
        return ThetaSketch(size: size, common)
    }

    /// Values of this sketch that are in none of the others. Source: `AnotB`.
    package func subtracting(_ others: [ThetaSketch]) -> ThetaSketch {
        var rest = result
        for sketch in others {
            let other = sketch.result
            if rest.isEmpty { break }
            rest.theta = min(rest.theta, other.theta)
            let theirs = Set(other.keys)
            rest.keys.removeAll { $0 >= rest.theta || theirs.contains($0) }
            rest.settle()
        }
        return ThetaSketch(size: size, rest)
    }

    /// The text Druid shows of a sketch.
    ///
    /// Source: `Sketch.toString`; the class is that of sketches the broker got from a historical.
    package var summary: String {
        let result = result
        let name =
            result.isEmpty
            ? "EmptyCompactSketch"
            : result.keys.count == 1 && result.theta == HashSample.noTheta ? "SingleItemSketch" : "DirectCompactSketch"
        let bounds = estimate(deviations: 2)
        let hex = String(result.theta, radix: 16)
        return """

            ### \(name) SUMMARY:\u{20}
               Estimate                : \(javaText(bounds.estimate))
               Upper Bound, 95% conf   : \(javaText(bounds.upper))
               Lower Bound, 95% conf   : \(javaText(bounds.lower))
               Theta (double)          : \(javaText(result.thetaFraction))
               Theta (long)            : \(result.theta)
               Theta (long) hex        : \(String(repeating: "0", count: 16 - hex.count))\(hex)
               EstMode?                : \(result.theta < HashSample.noTheta && !result.isEmpty)
               Empty?                  : \(result.isEmpty)
               Ordered?                : true
               Retained Entries        : \(result.keys.count)
               Seed Hash               : \(result.isEmpty ? "0 | 0" : "93cc | 37836")
            ### END SKETCH SUMMARY

            """
    }
}
