import LaminaBase
import LaminaSegment
import Testing

@Suite struct VerificationTests {
    @Test(arguments: GoldSegment.samples + GoldSegment.corpus)
    func goldSegmentsAreSound(_ gold: GoldSegment) throws {
        let segment = try Segment.open(path: gold.path, cache: BlockCache(byteLimit: 1 << 22))
        #expect(SegmentVerification.problems(of: segment) == [])
    }

    @Test(arguments: GoldSegment.samples + GoldSegment.corpus)
    func inspectionAccountsForEveryByte(_ gold: GoldSegment) throws {
        let segment = try Segment.open(path: gold.path)
        let inspection = try SegmentInspection(segment)
        #expect(inspection.columns.map(\.name) == segment.columnNames)
        if !inspection.otherFiles.isEmpty {
            // Only projections lie beyond the columns.
            #expect(inspection.otherFiles.allSatisfy { $0.contains("/") })
            #expect(segment.metadata?["projections"] != nil)
        }
    }

    /// A bitmap that lost a row is found, though every byte decodes.
    @Test func aWrongBitmapIsFound() throws {
        let gold = try #require(GoldSegment.samples.first { $0.name == "edge/0" })
        var files = try gold.files()
        var chunk = try #require(files["00000.smoosh"])
        let meta = String(decoding: try #require(files["meta.smoosh"]), as: UTF8.self)
        let line = try #require(meta.split(separator: "\n").first { $0.hasPrefix("id,") })
        let end = try #require(Int(line.split(separator: ",")[3]))
        // The last two bytes of the column are the row of the last value.
        #expect(chunk[end - 2] == 15)
        chunk[end - 2] = 14
        files["00000.smoosh"] = chunk
        let segment = try Segment.open(files: files, place: "test")
        #expect(SegmentVerification.problems(of: segment, column: "id").count == 1)
        #expect(SegmentVerification.problems(of: segment, column: "s1") == [])
    }
}
