package import LaminaBase

/// A tuple sketch with an array of doubles for each sampled value, which are summed (DataSketches' `ArrayOfDoublesSketch`).
///
/// Source: `ArrayOfDoublesUnion`, `ArrayOfDoublesIntersection`, `ArrayOfDoublesAnotBImpl`; Druid's `ArrayOfDoublesSketchOperations`.
package struct TupleSketch: Sketch {
    package let nominalEntries: Int
    /// Doubles a value: 1 to 255.
    package let numberOfValues: Int
    private var content: Content

    private enum Content: Sendable {
        case sample(HashSample)
        case finished(HashResult)
    }

    package init(nominalEntries: Int = 4096, numberOfValues: Int = 1) {
        self.init(nominalEntries: nominalEntries, HashResult(width: numberOfValues))
    }

    init(nominalEntries: Int, _ result: HashResult) {
        self.nominalEntries = nominalEntries
        numberOfValues = result.width
        content = .finished(result)
    }

    package var typeName: String { "arrayOfDoublesSketch" }

    package var bytesHeld: Int {
        switch content {
        case .sample(let sample): sample.bytesHeld
        case .finished(let result): 128 + (result.keys.capacity + result.values.capacity) * 8
        }
    }

    // MARK: Updates

    /// Adds a value by its hash (`ThetaSketch.hash`), with as many numbers as `numberOfValues`.
    package mutating func update(hash: UInt64, _ numbers: [Double]) {
        thaw()
        guard case .sample(var sample) = content else { return }
        content = .finished(HashResult(width: numberOfValues))
        if let place = sample.offer(hash) {
            for column in 0..<min(numbers.count, numberOfValues) {
                sample.add(numbers[column], column: column, at: place)
            }
        }
        content = .sample(sample)
    }

    private mutating func thaw() {
        guard case .finished(let result) = content else { return }
        let lgNominal = min(max(Int.bitWidth - 1 - nominalEntries.leadingZeroBitCount, 4), 26)
        var sample = HashSample(lgNominal: lgNominal, width: numberOfValues)
        Self.absorb(result, into: &sample)
        content = .sample(sample)
    }

    private static func absorb(_ result: HashResult, into sample: inout HashSample) {
        if result.isEmpty { return }
        sample.setNotEmpty()
        sample.lower(theta: result.theta)
        for (index, key) in result.keys.enumerated() where key < sample.theta {
            guard let place = sample.offer(key) else { continue }
            for (column, number) in result.numbers(index).enumerated() {
                sample.add(number, column: column, at: place)
            }
        }
    }

    package mutating func merge(_ other: any Sketch) throws(LaminaError) {
        guard let other = other as? TupleSketch else { throw notMergeable(self, other) }
        guard other.numberOfValues == numberOfValues else {
            throw .invalidInput(
                "Incompatible sketches: number of values mismatch \(numberOfValues) and \(other.numberOfValues)"
            )
        }
        thaw()
        guard case .sample(var sample) = content else { return }
        content = .finished(HashResult(width: numberOfValues))
        Self.absorb(other.result, into: &sample)
        content = .sample(sample)
    }

    // MARK: Results

    var result: HashResult {
        switch content {
        case .finished(let result): return result
        case .sample(let sample):
            var result = sample.result(sorted: false)
            if result.isEmpty { result.theta = HashSample.noTheta }
            return result
        }
    }

    package var entryCount: Int { result.keys.count }

    package var estimate: Double {
        let result = result
        return result.theta == HashSample.noTheta
            ? Double(result.keys.count) : Double(result.keys.count) / result.thetaFraction
    }

    /// Estimate and bounds at 1, 2 or 3 standard deviations.
    package func estimate(deviations: Int) -> (estimate: Double, lower: Double, upper: Double) {
        let result = result
        let count = result.keys.count
        if result.theta == HashSample.noTheta { return (Double(count), Double(count), Double(count)) }
        let theta = result.thetaFraction
        return (
            Double(count) / theta, lowerBinomialBound(count, theta, deviations, isEmpty: result.isEmpty),
            upperBinomialBound(count, theta, deviations, isEmpty: result.isEmpty)
        )
    }

    /// The numbers of every sampled value, a row each.
    package var rows: [[Double]] {
        let result = result
        return result.keys.indices.map { Array(result.numbers($0)) }
    }

    /// The share of all values that is sampled.
    package var theta: Double { result.thetaFraction }

    /// Values in all of the sketches, their numbers summed.
    package static func intersection(_ sketches: [TupleSketch], nominalEntries: Int, numberOfValues: Int)
        throws(LaminaError) -> TupleSketch
    {
        let nothing = TupleSketch(nominalEntries: nominalEntries, numberOfValues: numberOfValues)
        for sketch in sketches { try sketch.check(numberOfValues) }
        guard let first = sketches.first else { return nothing }
        var common = first.result
        for sketch in sketches.dropFirst() {
            let other = sketch.result
            if common.isEmpty || other.isEmpty { return nothing }
            let places = other.places
            var next = HashResult(theta: min(common.theta, other.theta), isEmpty: false, width: numberOfValues)
            for (index, key) in common.keys.enumerated() where key < next.theta {
                guard let place = places[key] else { continue }
                next.keys.append(key)
                next.values += zip(common.numbers(index), other.numbers(place)).map { $0 + $1 }
            }
            common = next
        }
        return TupleSketch(nominalEntries: nominalEntries, common)
    }

    /// Values of this sketch that the other has not, with their numbers.
    package func subtracting(_ other: TupleSketch) throws(LaminaError) -> TupleSketch {
        try other.check(numberOfValues)
        let mine = result
        let theirs = other.result
        if mine.isEmpty { return self }
        let places = theirs.places
        var rest = HashResult(theta: min(mine.theta, theirs.theta), isEmpty: false, width: numberOfValues)
        for (index, key) in mine.keys.enumerated() where key < rest.theta && places[key] == nil {
            rest.keys.append(key)
            rest.values += mine.numbers(index)
        }
        rest.settle()
        return TupleSketch(nominalEntries: nominalEntries, rest)
    }

    private func check(_ count: Int) throws(LaminaError) {
        guard numberOfValues == count else {
            throw .invalidInput(
                "A tuple sketch has \(numberOfValues) values where \(count) are wanted (numberOfValues)"
            )
        }
    }

    /// The text Druid shows of a sketch. Source: `ArrayOfDoublesSketch.toString`.
    package var summary: String {
        let result = result
        let bounds = estimate(deviations: 2)
        return """
            ### HeapArrayOfDoublesCompactSketch SUMMARY:\u{20}
               Estimate                : \(javaText(bounds.estimate))
               Upper Bound, 95% conf   : \(javaText(bounds.upper))
               Lower Bound, 95% conf   : \(javaText(bounds.lower))
               Theta (double)          : \(javaText(result.thetaFraction))
               Theta (long)            : \(result.theta)
               EstMode?                : \(result.theta < HashSample.noTheta && !result.isEmpty)
               Empty?                  : \(result.isEmpty)
               Retained Entries        : \(result.keys.count)
               Seed Hash               : 93cc | 37836
            ### END SKETCH SUMMARY

            """
    }
}

extension HashResult {
    /// Where each hash is.
    var places: [UInt64: Int] {
        var places: [UInt64: Int] = [:]
        places.reserveCapacity(keys.count)
        for (index, key) in keys.enumerated() { places[key] = index }
        return places
    }
}
