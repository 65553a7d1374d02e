import LaminaBase
import LaminaSegment
import Testing

/// Columns of several internal files in their older and rarer forms, made from those that Druid wrote.
@Suite struct ComplexFormTests {
    private func edge() throws -> (files: InternalFiles, truth: [Value]) {
        let gold = try #require(GoldSegment.samples.first { $0.name == "edge/0" })
        let truth = try values(try Segment.open(path: gold.path), "json")
        return (try InternalFiles(folder: gold.path + "/index"), try #require(truth))
    }

    private func open(_ files: InternalFiles) throws -> Segment {
        try Segment.open(
            files: HandMade.smoosh(files.order.map { ($0, files.bytes[$0] ?? []) }),
            place: "test",
            cache: BlockCache(byteLimit: 1 << 20)
        )
    }

    /// What follows the descriptor of a column file.
    private func body(_ file: [UInt8]) -> [UInt8] {
        let length = file.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        return Array(file.dropFirst(4 + length))
    }

    private let metadata =
        #"{"byteOrder":"LITTLE_ENDIAN","bitmapSerdeFactory":{"type":"roaring"},"fileNameBase":"json","hasNulls":true}"#

    /// `json` columns of Druid 24 to 26.
    @Test(arguments: [3, 4, 5])
    func olderNestedColumns(version: Int) throws {
        var (files, truth) = try edge()
        let main = try #require(files.bytes["json"])
        // Version, one byte of length and "json" stand before the fields.
        let fields = body(main).dropFirst(6)
        let part = HandMade.part("complex", #""typeName":"json""#)
        files.bytes["json"] = HandMade.column("COMPLEX", part, [UInt8(version)] + text(metadata) + fields)
        if version == 3 {
            let paths = fieldPaths(Array(fields))
            for name in files.order where name.hasPrefix("json.__field_") {
                let bytes = files.bytes.removeValue(forKey: name)
                let place = try #require(files.order.firstIndex(of: name))
                let index = try #require(Int(name.dropFirst("json.__field_".count)))
                files.order[place] = "json_" + paths[index]
                files.bytes[files.order[place]] = bytes
            }
        }
        let segment = try open(files)
        #expect(try values(segment, "json") == truth)
        #expect(SegmentVerification.problems(of: segment, column: "json") == [])
        #expect(try segment.column("json")?.type == .complex("json"))
    }

    private func fieldPaths(_ bytes: [UInt8]) -> [String] {
        func word(_ offset: Int) -> Int { bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) } }
        let count = word(6)
        let start = 10 + 4 * count
        return (0..<count).map { index in
            let from = index == 0 ? 0 : word(10 + 4 * (index - 1))
            return String(decoding: bytes[start + from + 4..<start + word(10 + 4 * index)], as: UTF8.self)
        }
    }

    /// `complexMetricCompression`: blobs in blocks.
    @Test func compressedComplexColumns() throws {
        var (files, truth) = try edge()
        let part = HandMade.part("complex", #""typeName":"someSketch""#)
        files.bytes["json"] = HandMade.column("COMPLEX", part, [0x7F, 0] + text(metadata))
        for (suffix, name) in [("", ""), ("_offsets", "_offsets"), ("_compressed", "_compressed")] {
            let bytes = files.bytes.removeValue(forKey: "json.__raw" + suffix)
            let place = try #require(files.order.firstIndex(of: "json.__raw" + suffix))
            files.order[place] = "json.__complexColumn" + name
            files.bytes[files.order[place]] = bytes
        }
        let segment = try open(files)
        let found = try #require(try values(segment, "json"))
        #expect(found.count == truth.count)
        for (value, json) in zip(found, truth) {
            guard case .complex(let type, let bytes) = value else {
                #expect(value == .null && json == .null)
                continue
            }
            #expect(type == "someSketch")
            // The bytes are those of SMILE documents here.
            #expect(bytes.starts(with: hex("3a 29 0a")))
        }
    }

    @Test func pairsOfEveryKind() throws {
        for (kind, value) in [
            (.long, .long(-7)), (.double, .double(1.5)), (.float, .float(2.5)), (.string, .string("é")),
            (.string, .string("")),
            (.string, .null), (.long, .null),
        ] as [(SerializedPair.Kind, Value)] {
            let pair = SerializedPair(kind: kind, time: 1_704_067_199_999, value: value)
            #expect(SerializedPair(pair.bytes, kind: kind) == pair)
        }
        #expect(SerializedPair([1, 2, 3], kind: .long) == nil)
        #expect(SerializedPair(hex("0000000000000001 00000005 61"), kind: .string) == nil)
        let druid = hex("0000018cc251f3ff 00000010 53616d73756e6720496e7465726e6574")
        #expect(SerializedPair(druid, kind: .string)?.value == .string("Samsung Internet"))
    }
}
