import LaminaBase
import LaminaSketches
import Testing

@Suite(
    .enabled(if: DataSketchesPackage.isInstalled, "the Python package datasketches is not in .build/venv (make deps)")
)
struct QuantilesInterchangeTests {
    private static let ranks = [0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1]
    private static let points = [-1.0, 0, 0.5, 10, 100.25, 5000, 12345.5]

    /// The same retained items give the very same answers, estimated or not.
    private func expectEqual<Kind: RankSketch>(_ sketch: Kind, _ wanted: JSON, _ what: String) throws {
        #expect(sketch.count == UInt64(wanted.int("n")), "\(what)")
        let view = sketch.sortedView
        if sketch.count == 0 { return }
        #expect(try Self.ranks.map { try view.quantile($0) } == wanted["quantiles"]?.numbers, "\(what)")
        #expect(try Self.points.map { try view.rank($0) } == wanted["ranks"]?.numbers, "\(what)")
        #expect(try view.cumulativeRanks(Self.points) == wanted["cdf"]?.numbers, "\(what)")
        #expect([sketch.extremes.least, sketch.extremes.greatest] == wanted["extremes"]?.numbers, "\(what)")
    }

    private func check<Kind: RankSketch>(_ kind: String, _ empty: (Int) throws -> Kind) throws {
        var mine: [Kind] = []
        var sameBytes = 0
        let cases = try DataSketchesPackage.written(kind)
        #expect(cases.count == 24)
        for wanted in cases {
            let what = "\(kind) \(wanted.int("given")) \(wanted["values"] ?? .null)"
            let read = try Kind(bytes: wanted.sketchBytes)
            try expectEqual(read, wanted, "read " + what)
            var built = try empty(wanted.int("given"))
            for spec in wanted["values"]?.arrayValue ?? [] {
                var part = try empty(wanted.int("given"))
                for number in spec.int("from")..<spec.int("to") { part.update(Double(number) * 0.5) }
                try built.merge(same: part)
            }
            #expect(built.count == read.count, "\(what)")
            if wanted.int("n") <= wanted.int("given") {
                try expectEqual(built, wanted, "built " + what)
                // The package leaves the flag out that says "read only", which Java sets.
                var bytes = built.bytes
                if kind == "quantiles", wanted.sketchBytes.count > 3 { bytes[3] &= ~2 }
                sameBytes += bytes == wanted.sketchBytes ? 1 : 0
            } else {
                let (one, other) = (read.sortedView, built.sortedView)
                for rank in Self.ranks {
                    let place = try one.rank(try other.quantile(rank))
                    #expect(
                        abs(place - rank) < (wanted.int("given") == 16 ? 0.3 : 0.06),
                        "\(what): \(place) for \(rank)"
                    )
                }
            }
            mine += [read, built]
        }
        #expect(sameBytes >= 9, "\(sameBytes) exact sketches have the very same bytes")
        for (found, sketch) in zip(try DataSketchesPackage.read(kind, mine.map(\.bytes)), mine) {
            try expectEqual(sketch, found, "the package read mine of \(kind)")
        }
    }

    @Test func classic() throws { try check("quantiles") { try QuantilesSketch(k: $0) } }
    @Test func kllDoubles() throws { try check("kll_doubles") { try KLLSketch<Double>(k: $0) } }
    @Test func kllFloats() throws { try check("kll_floats") { try KLLSketch<Float>(k: $0) } }
}
