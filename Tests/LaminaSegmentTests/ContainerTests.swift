import LaminaBase
import LaminaSegment
import LaminaTestSupport
import Testing

/// Folders, zips, old index.drd files, and whole segments made by hand.
@Suite struct ContainerTests {
    @Test func variableLengthNumbers() {
        for (value, bytes) in [(0, "80"), (1, "81"), (127, "ff"), (128, "0081"), (300, "2c82"), (16384, "000081")] {
            var written: [UInt8] = []
            VByte.append(value, to: &written)
            #expect(written == hex(bytes))
            #expect(VByte.size(value) == written.count)
            let read = written.withUnsafeBytes { VByte.read($0, at: 0) }
            #expect(read?.value == value)
            #expect(read?.next == written.count)
        }
        #expect(hex("00000000").withUnsafeBytes { VByte.read($0, at: 0) } == nil)
        #expect(hex("0000000000000081").withUnsafeBytes { VByte.read($0, at: 0) } == nil)
    }

    /// The example at the end of the format's description.
    @Test func theWholeExample() throws {
        let long = HandMade.part("longV2")
        let time = HandMade.column(
            "LONG",
            long,
            hex("00000030 02 00000003 00002000 01 01 00 00000020 00000001 00000018 00000000")
                + hex("84 00f451c28c010000 0800 80 80e288c28c010000")
        )
        let count = HandMade.column(
            "LONG",
            long,
            hex("0000002e 02 00000003 00002000 01 01 00 0000001e 00000001 00000016 00000000")
                + hex("22 0100 0100 13 02 0800 80 0000000000000000")
                + hex("00000012 3a300000 01000000 0000 0000 10000000 0200")
        )
        let dimension = HandMade.column(
            "STRING",
            HandMade.part("stringDictionary"),
            hex("02 00000000 01 01 0000001f 00000003 00000004 00000009 0000000f ffffffff 00000000 61 00000000 c3a9")
                + hex("02 01 00000003 00010000 01 01 00 00000010 00000001 00000008 00000000 30 000102")
                + hex("01 00 00000052 00000003 00000016 0000002c 00000042")
                + hex("00000000 3a300000 01000000 0000 0000 10000000 0000")
                + hex("00000000 3a300000 01000000 0000 0000 10000000 0100")
                + hex("00000000 3a300000 01000000 0000 0000 10000000 0200")
        )
        let index =
            hex(
                "01 01 00000018 00000002 00000007 0000000c 00000000 636e74 00000000 64 01 01 0000000d 00000001 00000005 00000000 64"
            )
            + hex("0000018cc251f400 0000018cc7785000") + text(#"{"type":"roaring"}"#)
            + hex(
                "01 01 00000014 00000002 00000004 00000008 ffffffff ffffffff 01 01 0000000c 00000001 00000004 ffffffff"
            )
        let metadata = #"{"container":{},"rollup":true,"ordering":[{"columnName":"__time","order":"ascending"}]}"#
        let files = HandMade.smoosh([
            ("__time", time), ("cnt", count), ("d", dimension), ("index.drd", index),
            ("metadata.drd", Array(metadata.utf8)),
        ])
        let segment = try Segment.open(files: files, place: "example")
        #expect(segment.dimensions == ["d"])
        #expect(segment.metrics == ["cnt"])
        #expect(try segment.timeBounds?.max == 1_704_070_800_000)
        #expect(try values(segment, "cnt") == [.long(1), .long(2), .null])
        #expect(try values(segment, "d") == [.null, .string("a"), .string("é")])
        #expect(segment.metadata?["rollup"] == true)
        #expect(SegmentVerification.problems(of: segment) == [])
        #expect(try segment.column("nothing") == nil)
    }

    /// Two dimensions without values, one of them not stored: placeholders keep the order.
    @Test func nullColumnsKeepTheirPlace() throws {
        var made = HandMade(rowCount: 1)
        let null = HandMade.part("null", #""numRows":1,"bitmapSerdeFactory":{"type":"roaring"}"#)
        made.addMetric("m", "LONG", null, [])
        for name in ["a", "b"] {
            made.internals.append((name, HandMade.column("STRING", null, [])))
        }
        var files = made.files()
        let index =
            list([Array("m".utf8), Array("b".utf8)]) + list([Array("b".utf8)]) + big64(0) + big64(1)
            + text(#"{"type":"concise"}"#)
            + list([nil, Array("a".utf8), nil]) + list([Array("a".utf8), nil])
        files = HandMade.smoosh(
            try Self.internals(files).map { $0.name == "index.drd" ? ("index.drd", index) : ($0.name, $0.bytes) }
        )
        let segment = try Segment.open(files: files, place: "test")
        #expect(segment.dimensions == ["a", "b"])
        #expect(segment.metrics == ["m"])
        #expect(segment.bitmap == .concise)
    }

    /// Very old segments end index.drd behind the interval: bitmaps are then concise.
    @Test func shortIndexFile() throws {
        let files = HandMade(rowCount: 2).files()
        let index = list([]) + list([]) + big64(5) + big64(9)
        let segment = try Segment.open(
            files: HandMade.smoosh(
                try Self.internals(files).map { $0.name == "index.drd" ? ("index.drd", index) : ($0.name, $0.bytes) }
            ),
            place: "test"
        )
        #expect(segment.bitmap == .concise)
        #expect(segment.dataInterval == Interval(start: 5, end: 9))
        #expect(segment.metadata == nil)
    }

    @Test func unknownVersionsAreNamed() throws {
        var files = HandMade(rowCount: 1).files()
        files["version.bin"] = big32(10)
        let error = #expect(throws: LaminaError.self) { _ = try Segment.open(files: files, place: "test") }
        #expect(error?.category == .unsupported)
        #expect(error?.message.contains("10") ?? false)
    }

    /// The same rows from a folder, its parent and a zip.
    @Test func zipsReadLikeFolders() throws {
        let gold = try #require(GoldSegment.samples.first { $0.name == "edge/0" })
        let folder = freshFolder()
        defer { removeTestFiles(folder) }
        try makeFolder(folder)
        for stored in [true, false] {
            try StoredZip.make(try gold.files(), deflated: !stored).write(to: folder + "/index.zip")
            let fromFolder = try Segment.open(path: gold.path + "/index")
            for path in [folder, folder + "/index.zip"] {
                let zipped = try Segment.open(path: path)
                #expect(zipped.rowCount == fromFolder.rowCount)
                #expect(zipped.sizeBytes == fromFolder.sizeBytes)
                for name in fromFolder.columnNames { #expect(try values(zipped, name) == values(fromFolder, name)) }
            }
        }
        #expect(throws: LaminaError.self) { _ = try Segment.open(path: folder + "/nothing") }
        let empty = folder + "-empty"
        try makeFolder(empty)
        defer { removeTestFiles(empty) }
        let error = #expect(throws: LaminaError.self) { _ = try Segment.open(path: empty) }
        #expect(error?.code == "notASegment")
    }

    private static func internals(_ files: [String: [UInt8]]) throws -> [(name: String, bytes: [UInt8])] {
        let chunk = try #require(files["00000.smoosh"])
        return String(decoding: try #require(files["meta.smoosh"]), as: UTF8.self).split(separator: "\n").dropFirst()
            .map { line in
                let fields = line.split(separator: ",")
                return (String(fields[0]), Array(chunk[(Int(fields[2]) ?? 0)..<(Int(fields[3]) ?? 0)]))
            }
    }
}
