import Glibc
import LaminaBase
import LaminaSegment
import LaminaTestSupport
import Testing

/// Small segments of Druid's in every index spec: the same values, and sound; changed bytes are survived.
@Suite struct IndexSpecReadingTests {
    struct Variant: CustomTestStringConvertible, Sendable {
        let sample: GoldSegment
        let name: String
        let json: JSON
        var testDescription: String { "\(sample.name) \(name)" }
    }

    static let variants: [Variant] = {
        let front = { (bucket: Int64, version: Int64) -> JSON in
            ["type": "frontCoded", "bucketSize": .int(bucket), "formatVersion": .int(version)]
        }
        let specs: [(String, JSON)] = [
            (
                "zstd, front coded 1, concise",
                [
                    "bitmap": ["type": "concise"], "dimensionCompression": "zstd", "metricCompression": "zstd",
                    "stringDictionaryEncoding": front(4, 1), "jsonCompression": "zstd",
                    "complexMetricCompression": "zstd",
                ]
            ),
            (
                "uncompressed, front coded 0, auto longs",
                [
                    "dimensionCompression": "uncompressed", "metricCompression": "uncompressed", "longEncoding": "auto",
                    "stringDictionaryEncoding": front(16, 0), "complexMetricCompression": "uncompressed",
                ]
            ),
            (
                "none, auto longs",
                ["metricCompression": "none", "longEncoding": "auto", "complexMetricCompression": "lz4"]
            ),
            ("lzf", ["dimensionCompression": "lzf", "metricCompression": "lzf", "longEncoding": "auto"]),
        ]
        return GoldSegment.samples.flatMap { sample in specs.map { Variant(sample: sample, name: $0.0, json: $0.1) } }
    }()

    private func rewritten(_ variant: Variant, _ body: (GoldSegment) throws -> Void) throws {
        let folder = freshFolder()
        defer {
            removeTestFiles(folder + "/index")
            removeTestFiles(folder)
        }
        try makeFolder(folder)
        let segment = try Segment.open(path: variant.sample.path)
        var options = try SegmentRewriter.options(of: segment)
        options.indexSpec = try IndexSpec(json: variant.json)
        options.compressesHard = false
        _ = try SegmentWriter.write(segment, to: folder + "/index", options: options)
        try body(GoldSegment(name: variant.testDescription, path: folder))
    }

    @Test(arguments: variants)
    func readsTheSame(_ variant: Variant) throws {
        try rewritten(variant) { gold in
            let truth = try Segment.open(path: variant.sample.path)
            let segment = try Segment.open(path: gold.path, cache: BlockCache(byteLimit: 1 << 16))
            #expect(segment.columnNames == truth.columnNames)
            for name in truth.columnNames { #expect(try values(segment, name) == values(truth, name), "\(name)") }
            #expect(SegmentVerification.problems(of: segment) == [])
        }
    }

    @Test(arguments: variants)
    func changedBytesAreSurvived(_ variant: Variant) throws {
        try rewritten(variant) { gold in
            try CorruptionTests().changeBytes(of: gold, step: getenv("LAMINA_LONG") != nil ? 5 : 149)
        }
    }
}
