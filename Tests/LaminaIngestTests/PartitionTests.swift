import LaminaIngest
import Testing

@Suite struct PartitionTests {
    /// Published test vectors of MurmurHash3_x86_32 with seed 0.
    @Test(
        arguments: [
            ("", 0), ("a", 0x3C25_69B2), ("abc", 0xB3DD_93FA as UInt32), ("Hello, world!", 0xC036_3E43),
            ("The quick brown fox jumps over the lazy dog", 0x2E4F_F723),
        ] as [(String, UInt32)]
    )
    func murmurMatchesItsVectors(text: String, hash: UInt32) {
        #expect(Array(text.utf8).withUnsafeBytes { murmur3($0) } == Int32(bitPattern: hash))
    }

    @Test func hashKeysAreDruidsJSON() {
        var key = HashKey()
        key.set(values: [["US"], [], ["b", "a"]])
        #expect(key.text == #"[["US"],[],["b","a"]]"#)
        key.set(time: 5, dimensions: [("a", ["y", "x", "y"]), ("b", []), ("c", ["q\"\u{1}"])])
        #expect(key.text == #"[5,{"a":["x","y"],"c":["q\"\u0001"]}]"#)
        #expect((0..<7).contains(key.bucket(of: 7)))
    }

    @Test func boundariesCutIntoEqualParts() {
        let keys = (0..<9).map { (key: ["k\($0)"] as [String?], rows: 10) }
        let boundaries = RangeBoundaries(keys: keys.shuffled(), size: .target(30))
        #expect(boundaries.inner == [["k3"], ["k6"]])
        #expect(boundaries.partition(of: [nil]) == 0)
        #expect(boundaries.partition(of: ["k2z"]) == 0)
        #expect(boundaries.partition(of: ["k3"]) == 1)
        #expect(boundaries.partition(of: ["k9"]) == 2)
        #expect(boundaries.start(of: 0) == nil && boundaries.end(of: 0) == ["k3"] && boundaries.end(of: 2) == nil)
    }

    /// One value holds most rows: its neighbours cannot be cut further, and no range is empty of keys.
    @Test func skewCollapsesBoundaries() {
        let keys: [(key: [String?], rows: Int)] = [([nil], 9000), (["a"], 3000), (["b"], 6000), (["z"], 2000)]
        #expect(RangeBoundaries(keys: keys, size: .target(7000)).inner == [["b"]])
        #expect(RangeBoundaries(keys: [([nil], 9000)], size: .max(10)).partitionCount == 1)
        #expect(RangeBoundaries(keys: [], size: .max(10)).partitionCount == 1)
    }
}
