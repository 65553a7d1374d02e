import Glibc
import LaminaBase
import LaminaSegment
import Testing

/// Segments of Druid's, decoded and encoded again: the same bytes.
@Suite struct RewriteTests {
    @Test(arguments: GoldSegment.samples)
    func sampleRewrites(_ gold: GoldSegment) throws { try check(gold) }

    @Test(arguments: GoldSegment.corpus.filter { !$0.name.hasPrefix("events_proj/") })
    func corpusRewrites(_ gold: GoldSegment) throws { try check(gold) }

    private func check(_ gold: GoldSegment) throws {
        let folder = temporaryFolder()
        defer { removeFolder(folder) }
        let segment = try Segment.open(path: gold.path, cache: BlockCache(byteLimit: 1 << 24))
        let written = try SegmentRewriter.rewrite(segment, to: folder)
        #expect(written.rowCount == segment.rowCount)
        let ours = try InternalFiles(folder: folder)
        let theirs = try InternalFiles(folder: gold.path + "/index")
        #expect(ours.loose == theirs.loose)
        #expect(ours.order == theirs.order)
        for name in theirs.order {
            guard let bytes = ours.bytes[name], let truth = theirs.bytes[name] else { continue }
            if bytes != truth {
                let place = zip(bytes, truth).enumerated().first { $0.element.0 != $0.element.1 }?.offset
                Issue.record(
                    "\(name): \(bytes.count) bytes instead of \(truth.count), first differing at \(place ?? -1)"
                )
            }
        }
    }
}
