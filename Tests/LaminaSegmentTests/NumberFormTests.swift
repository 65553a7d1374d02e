import LaminaBase
import LaminaBitmaps
import LaminaSegment
import Testing

/// Number columns in every stored form, from bytes of the format's description.
@Suite struct NumberFormTests {
    private func longs(_ count: Int, _ payload: String, v2: Bool = true, nulls: String? = nil) throws -> [Value]? {
        var segment = HandMade(rowCount: count)
        let bytes = hex(payload)
        let body = v2 ? big32(bytes.count) + bytes + (nulls.map { big32(hex($0).count) + hex($0) } ?? []) : bytes
        let part = v2 ? HandMade.part("longV2") : HandMade.part("long", #""byteOrder":"LITTLE_ENDIAN""#)
        segment.addMetric("m", "LONG", part, body)
        let opened = try segment.open()
        let found = try values(opened, "m")
        #expect(SegmentVerification.problems(of: opened) == [])
        return found
    }

    @Test func plainLongs() throws {
        let blocks =
            "02 00000003 00002000 ff  01 00 00000024 00000001 0000001c 00000000 0100000000000000 0200000000000000 ffffffffffffffff"
        let run = "02 00000003 00000000 fe 0100000000000000 0200000000000000 ffffffffffffffff"
        for payload in [blocks, run] {
            #expect(try longs(3, payload) == [.long(1), .long(2), .long(-1)])
            #expect(try longs(3, payload, v2: false) == [.long(1), .long(2), .long(-1)])
        }
    }

    @Test func nullRows() throws {
        let run = "02 00000003 00000000 fe 0100000000000000 0000000000000000 0300000000000000"
        let nulls = "3a300000 01000000 0000 0000 10000000 0100"
        #expect(try longs(3, run, nulls: nulls) == [.long(1), .null, .long(3)])
        // Row 3 does not exist.
        #expect(throws: LaminaError.self) { _ = try longs(3, run, nulls: "3a300000 01000000 0000 0000 10000000 0300") }
    }

    @Test func tableAndDelta() throws {
        let delta = "02 00000003 00000000 80 00 01 00000000000003e8 00000004 03a0 00000000"
        #expect(try longs(3, delta) == [.long(1000), .long(1003), .long(1010)])
        let table = "02 00000004 00000000 80 01 01 00000002 0000000000000007 fffffffffffffffb 60 00000000"
        #expect(try longs(4, table) == [.long(7), .long(-5), .long(-5), .long(7)])
        // Entry 2 of a table of two.
        let beyond =
            "02 00000002 00000000 80 01 01 00000003 0000000000000007 fffffffffffffffb 0000000000000001 c0 00000000"
        #expect(throws: LaminaError.self) { _ = try longs(2, beyond) }
    }

    @Test(
        arguments: [
            (1, "b1 80", [1, 0, 1, 1, 0, 0, 0, 1, 1]), (2, "6c 40", [1, 2, 3, 0, 1]), (4, "12 30", [1, 2, 3]),
            (8, "01 ff", [1, 255]),
            (12, "12 34 56 78 90", [0x123, 0x456, 0x789]), (16, "0102 fffe", [0x102, 0xFFFE]),
            (20, "12 34 56 78 9a", [0x12345, 0x6789A]),
            (20, "12 34 56 78 9a bc de f0", [0x12345, 0x6789A, 0xBCDEF]), (24, "010203 fffefd", [0x10203, 0xFFFEFD]),
            (32, "01020304 ffffffff", [0x1020304, 0xFFFF_FFFF]), (40, "0102030405", [0x1_0203_0405]),
            (48, "010203040506", [0x102_0304_0506]),
            (56, "01020304050607", [0x1_0203_0405_0607]), (64, "fffffffffffffffe", [-2]),
        ] as [(Int, String, [Int64])]
    )
    func packed(bits: Int, bytes: String, expected: [Int64]) throws {
        let count = big32(expected.count).map { String($0, radix: 16) }.map { $0.count == 1 ? "0" + $0 : $0 }.joined()
        let width = String(bits, radix: 16)
        let header = "02 \(count) 00000000 80 00 01 0000000000000000 000000\(width.count == 1 ? "0" + width : width)"
        #expect(try longs(expected.count, "\(header) \(bytes) 00000000") == expected.map { .long($0) })
    }

    @Test func floatsAndDoublesInBothByteOrders() throws {
        var segment = HandMade(rowCount: 2)
        segment.addMetric("f", "FLOAT", HandMade.part("float"), hex("02 00000002 00000000 fe 0000c03f 000020c1"))
        segment.addMetric(
            "b",
            "FLOAT",
            HandMade.part("float", #""byteOrder":"BIG_ENDIAN""#),
            hex("02 00000002 00000000 fe 3fc00000 c1200000")
        )
        segment.addMetric(
            "d",
            "DOUBLE",
            HandMade.part("double", #""byteOrder":"BIG_ENDIAN""#),
            hex("02 00000002 00002000 ff 01 00 0000001c 00000001 00000014 00000000 3ff8000000000000 c024000000000000")
        )
        let opened = try segment.open()
        #expect(try values(opened, "f") == [.float(1.5), .float(-10)])
        #expect(try values(opened, "b") == [.float(1.5), .float(-10)])
        #expect(try values(opened, "d") == [.double(1.5), .double(-10)])
    }

    @Test func nullPartsOfEveryType() throws {
        var segment = HandMade(rowCount: 3)
        for type in ["LONG", "FLOAT", "DOUBLE", "STRING"] {
            segment.addMetric(
                "m" + type,
                type,
                HandMade.part("null", #""numRows":3,"bitmapSerdeFactory":{"type":"roaring"}"#),
                []
            )
        }
        let opened = try segment.open()
        for name in opened.metrics { #expect(try values(opened, name) == [.null, .null, .null]) }
        guard case .long(let long)? = try opened.column("mLONG"),
            case .string(let string)? = try opened.column("mSTRING")
        else {
            Issue.record("null parts have the type of their descriptor")
            return
        }
        #expect(long.nullRows?.cardinality == 3)
        #expect(string.cardinality == 1)
        #expect(try string.rows(0).cardinality == 3)
        #expect(string.id(of: nil) == 0)
        #expect(string.id(of: "x") == nil)
    }

    @Test func rowsMustAgree() throws {
        #expect(throws: LaminaError.self) {
            _ = try longs(2, "02 00000003 00000000 fe 0100000000000000 0200000000000000 ffffffffffffffff")
        }
    }
}
