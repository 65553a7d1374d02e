import LaminaBase
import LaminaSketches
import Testing

@Suite(
    .enabled(if: DataSketchesPackage.isInstalled, "the Python package datasketches is not in .build/venv (make deps)")
)
struct InterchangeTests {
    /// Calls `update` with each value of a case's specification, in order.
    private func each(
        _ spec: JSON,
        _ long: (Int64) -> Void,
        _ double: (Double) -> Void,
        _ string: (String) -> Void
    ) {
        for number in spec.int("from")..<max(spec.int("from"), spec.int("to")) {
            switch spec["type"]?.stringValue {
            case "long": long(Int64(number))
            case "double": double(Double(number) * 0.5)
            default: string("value \(number)")
            }
        }
    }

    private func hll(_ spec: JSON, lgK: Int, bits: Int) -> HLLSketch {
        var sketch = HLLSketch(lgK: lgK, registerBits: bits)
        var coupons: [UInt32] = []
        each(spec) {
            coupons.append(HLLSketch.coupon($0))
        } _: {
            coupons.append(HLLSketch.coupon($0))
        } _: {
            coupons += HLLSketch.coupon($0, utf8: true).map { [$0] } ?? []
        }
        for coupon in coupons { sketch.update(coupon: coupon) }
        return sketch
    }

    private func hashes(_ spec: JSON) -> [UInt64] {
        var hashes: [UInt64] = []
        each(spec) {
            hashes.append(ThetaSketch.hash($0))
        } _: {
            hashes.append(ThetaSketch.hash($0))
        } _: {
            hashes += ThetaSketch.hash($0).map { [$0] } ?? []
        }
        return hashes
    }

    private func theta(_ spec: JSON, size: Int) -> ThetaSketch {
        var sketch = ThetaSketch(size: size)
        for hash in hashes(spec) { sketch.update(hash: hash) }
        return sketch
    }

    private func expectEqual(_ sketch: HLLSketch, _ wanted: JSON, _ what: String) {
        #expect(isClose(sketch.estimate, wanted["estimate"]?.doubleValue ?? -1), "\(what): \(sketch.estimate)")
        for deviations in 1...3 {
            // Beyond lgK 12 the package works with constants of seven digits.
            for (mine, theirs) in [
                (sketch.lowerBound(deviations), wanted["lower"]?.numbers[deviations - 1]),
                (sketch.upperBound(deviations), wanted["upper"]?.numbers[deviations - 1]),
            ] {
                #expect(abs(mine / (theirs ?? -1) - 1) < 1e-8 || mine == theirs, "\(what)")
            }
        }
    }

    private func expectEqual(_ sketch: ThetaSketch, _ wanted: JSON, _ what: String) {
        for deviations in 1...3 {
            let found = sketch.estimate(deviations: deviations)
            #expect(isClose(found.estimate, wanted["estimate"]?.doubleValue ?? -1), "\(what): \(found.estimate)")
            #expect(isClose(found.lower, wanted["lower"]?.numbers[deviations - 1] ?? -1), "\(what)")
            #expect(isClose(found.upper, wanted["upper"]?.numbers[deviations - 1] ?? -1), "\(what)")
        }
    }

    /// HLL of all types and modes, and unions: what the package wrote is read with its estimates; the same updates give
    /// the same estimates here, and the package reads them back.
    @Test func hllSketches() throws {
        var mine: [[UInt8]] = []
        var estimates: [HLLSketch] = []
        var forms = 0
        for wanted in try DataSketchesPackage.written("hll") {
            let what =
                "\(wanted["kind"] ?? .null) \(wanted.int("lgK")) \(wanted.int("bits")) \(wanted["values"] ?? .null)"
            let read = try HLLSketch(bytes: wanted.sketchBytes)
            expectEqual(read, wanted, "read " + what)
            let specs = wanted["values"]?.arrayValue ?? []
            var built: HLLSketch
            if wanted["kind"] == "hll" {
                built = hll(specs[0], lgK: wanted.int("lgK"), bits: wanted.int("bits"))
                if wanted["form"] == "serialize_compact" { forms += built.bytes == wanted.sketchBytes ? 1 : 0 }
            } else {
                built = HLLSketch(lgK: 11, registerBits: wanted.int("bits"))
                for (index, spec) in specs.enumerated() {
                    let lgK = specs.count == 1 ? [12, 11, 12, 10][wanted.int("first")] : 11
                    built.union(with: hll(spec, lgK: lgK, bits: 8 - 2 * (index % 3)), lgMaxK: 11)
                }
            }
            expectEqual(built, wanted, "built " + what)
            mine += [read.bytes, built.bytes]
            estimates += [read, built]
        }
        #expect(mine.count > 300)
        // Bytes too are the same, but where the order of a hash table with a different history shows.
        #expect(forms > 130, "\(forms) of 150 sketches have the very same bytes")
        for (found, sketch) in zip(try DataSketchesPackage.read("hll", mine), estimates) {
            expectEqual(sketch, found, "the package read mine")
        }
    }

    @Test func thetaSketches() throws {
        var mine: [ThetaSketch] = []
        for wanted in try DataSketchesPackage.written("theta") {
            let what = "\(wanted["kind"] ?? .null) \(wanted["lgK"] ?? .null) \(wanted["values"] ?? .null)"
            let read = try ThetaSketch(bytes: wanted.sketchBytes)
            expectEqual(read, wanted, "read " + what)
            let built = (wanted["values"]?.arrayValue ?? []).map { theta($0, size: 1 << wanted.int("lgK")) }
            mine += [read] + built
            switch wanted["kind"]?.stringValue {
            case "theta_union":
                var union = built[0]
                for other in built.dropFirst() { union.union(with: other) }
                expectEqual(union, wanted, "built " + what)
                mine.append(union)
            case "theta_intersection":
                let result = ThetaSketch.intersection(built, size: 1 << wanted.int("lgK"))
                expectEqual(result, wanted, "built " + what)
                mine.append(result)
            case "theta_a_not_b":
                let result = built[0].subtracting([built[1]])
                expectEqual(result, wanted, "built " + what)
                mine.append(result)
            default: break
            }
        }
        #expect(mine.count > 100)
        for (found, sketch) in zip(try DataSketchesPackage.read("theta", mine.map(\.bytes)), mine) {
            expectEqual(sketch, found, "the package read mine")
        }
    }

    /// The package has no arrays of doubles, so that only estimates can be compared; bytes are in `TupleSketchTests`.
    @Test func tupleSketches() throws {
        let cases = try DataSketchesPackage.written("tuple")
        #expect(cases.count == 6)
        for wanted in cases {
            var sketch = TupleSketch(nominalEntries: 1 << wanted.int("lgK"), numberOfValues: 1)
            for hash in hashes(wanted["values"]?.arrayValue?[0] ?? .null) { sketch.update(hash: hash, [1]) }
            #expect(isClose(sketch.estimate, wanted["estimate"]?.doubleValue ?? -1))
            let bounds = sketch.estimate(deviations: 2)
            #expect(isClose(bounds.lower, wanted["lower"]?.numbers[1] ?? -1))
            #expect(isClose(bounds.upper, wanted["upper"]?.numbers[1] ?? -1))
        }
    }
}
