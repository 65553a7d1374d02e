import Glibc
import LaminaBase
import LaminaSegment
import LaminaTestSupport
import Testing

/// Segments of Druid's, decoded and encoded again: the same bytes.
@Suite struct RewriteTests {
    @Test(arguments: GoldSegment.samples)
    func sampleRewrites(_ gold: GoldSegment) throws { try check(gold) }

    @Test(arguments: GoldSegment.corpus)
    func corpusRewrites(_ gold: GoldSegment) throws { try check(gold) }

    private func check(_ gold: GoldSegment) throws {
        let segment = try Segment.open(path: gold.path, cache: BlockCache(byteLimit: 1 << 24))
        let options = try SegmentRewriter.options(of: segment)
        try check(gold, segment, options)
        // Columns of an own type find it again in their values.
        var inferring = options
        for case (let name, .auto(let auto)) in options.storage where !auto.enforcesType {
            inferring.storage[name] = .auto(AutoStorage())
        }
        if inferring.storage != options.storage { try check(gold, segment, inferring) }
    }

    private func check(_ gold: GoldSegment, _ segment: Segment, _ options: SegmentWriteOptions) throws {
        let folder = freshFolder()
        defer { removeTestFiles(folder) }
        let written = try SegmentWriter.write(segment, to: folder, options: options)
        #expect(written.rowCount == segment.rowCount)
        let ours = try InternalFiles(folder: folder)
        let theirs = try InternalFiles(folder: gold.path + "/index")
        #expect(ours.loose == theirs.loose)
        #expect(ours.order == theirs.order)
        for name in theirs.order {
            guard let bytes = ours.bytes[name], let truth = theirs.bytes[name] else { continue }
            if bytes == truth { continue }
            // lz4 comes out as Druid's, other compressors may choose otherwise: then their blocks' contents must agree.
            let (left, right) = (try BlockExpander.expand(name, bytes), try BlockExpander.expand(name, truth))
            if left != right {
                let place = zip(left, right).enumerated().first { $0.element.0 != $0.element.1 }?.offset
                Issue.record(
                    "\(name): \(left.count) bytes instead of \(right.count), first differing at \(place ?? -1)"
                )
            }
        }
    }
}
