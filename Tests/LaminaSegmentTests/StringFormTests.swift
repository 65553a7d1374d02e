import LaminaBase
import LaminaBitmaps
import LaminaSegment
import Testing

/// String columns in every stored form, from bytes of the format's description.
@Suite struct StringFormTests {
    /// null, a, b
    private let three = list([nil, Array("a".utf8), Array("b".utf8)], ascending: true)

    private func bitmaps(_ rows: [[Int]]) -> [UInt8] {
        list(
            rows.map { rows in
                guard !rows.isEmpty else { return [] }
                let head = hex("3a300000 01000000 0000") + [UInt8(rows.count - 1), 0] + hex("10000000")
                return head + rows.flatMap { [UInt8($0), 0] }
            }
        )
    }

    private func read(_ body: [UInt8], rows: Int = 3, siblings: [(name: String, bytes: [UInt8])] = []) throws
        -> [Value]?
    {
        var segment = HandMade(rowCount: rows)
        segment.addDimension("d", body)
        segment.internals += siblings
        let opened = try segment.open()
        let found = try values(opened, "d")
        #expect(SegmentVerification.problems(of: opened) == [])
        return found
    }

    private let single: [Value] = [.null, .string("b"), .string("a")]
    private let multiple: [Value] = [.array([.null, .string("b")]), .null, .string("a")]
    private let v1Ids = hex("01 01 00000016 00000003 00000002 00000002 00000003 00 02 01 000000")

    @Test func uncompressedSingle() throws {
        let index = bitmaps([[0], [2], [1]])
        #expect(try read(hex("00") + three + hex("00 01 00000006 00 02 01 000000") + index) == single)
        #expect(try read(hex("00") + three + hex("00 02 00000008 0000 0002 0001 0000") + index) == single)
        #expect(try read(hex("00") + three + hex("00 03 0000000a 000000 000002 000001 00") + index) == single)
        #expect(try read(hex("00") + three + hex("00 04 0000000c 00000000 00000002 00000001") + index) == single)
        #expect(try read(hex("03 00000004") + three + hex("00 01 00000006 00 02 01 000000")) == single)
    }

    @Test func compressedSingle() throws {
        let head = hex("02 00000000") + three
        let index = bitmaps([[0], [2], [1]])
        for (width, ids) in [
            (1, "00 02 01"), (2, "0000 0200 0100"), (3, "000000 020000 010000"), (4, "00000000 02000000 01000000"),
        ] {
            let perBlock = big32([65536, 32768, 16384, 16384][width - 1])
            let body = head + [2, UInt8(width)] + big32(3) + perBlock + [0xFF] + list([hex(ids)])
            #expect(try read(body + index) == single)
        }
        // Id 3 of three values.
        let wrong = head + [2, 1] + big32(3) + big32(65536) + [0xFF] + list([hex("00 03 01")]) + index
        var segment = HandMade(rowCount: 3)
        segment.addDimension("d", wrong)
        let opened = try segment.open()
        #expect(throws: LaminaError.self) { _ = try values(opened, "d") }
    }

    @Test func multipleOfEveryVersion() throws {
        let index = bitmaps([[0, 1], [2], [0]])
        #expect(try read(hex("01") + three + v1Ids + index) == multiple)
        #expect(try read(hex("03 00000005") + three + v1Ids) == multiple)
        let v3 =
            hex("03 02 00000004 00004000 ff") + list([hex("00000000 02000000 02000000 03000000")])
            + hex("02 01 00000003 00010000 ff") + list([hex("00 02 01")])
        #expect(try read(hex("02 00000002") + three + v3 + index) == multiple)
        let v2 =
            hex("02 02 01 00000004 00010000 ff") + list([hex("00 02 02 03")]) + hex("02 01 00000003 00010000 ff")
            + list([hex("00 02 01")])
        #expect(try read(hex("02 00000001") + three + v2 + index) == multiple)
        // Offsets that descend.
        let wrong =
            hex("02 00000006") + three + hex("03 02 00000004 00004000 ff")
            + list([hex("00000000 02000000 01000000 03000000")])
            + hex("02 01 00000003 00010000 ff") + list([hex("00 02 01")])
        #expect(throws: LaminaError.self) { _ = try read(wrong) }
    }

    @Test func gatheredMultipleRows() throws {
        var segment = HandMade(rowCount: 3)
        segment.addDimension("d", hex("01") + three + v1Ids + bitmaps([[0, 1], [2], [0]]))
        guard case .string(let column)? = try segment.open().column("d") else {
            Issue.record("d is a string column")
            return
        }
        let reader = column.makeMultiIDReader()
        let rows: [UInt32] = [0, 2]
        let found = try rows.withUnsafeBufferPointer { rows in
            let batch = try reader.gather(rows)
            return (Array(batch.offsets), Array(batch.ids))
        }
        #expect(found.0 == [0, 2, 3])
        #expect(found.1 == [0, 2, 1])
        #expect(column.hasMultipleValues)
        #expect(try column.rows(0).cardinality == 2)
    }

    @Test func frontCodedDictionaries() throws {
        let ids = hex("02 01 00000006 00010000 ff") + list([hex("00 01 02 03 04 05")])
        let index = bitmaps([[0], [1], [2], [3], [4], [5]])
        let expected: [Value] = [.null] + ["apple", "apply", "apt", "banana", "band"].map { .string($0) }
        for version in ["00", "01"] {
            let buckets = "14000000 85 6170706c65 84 81 79 82 81 74 80 86 62616e616e61 84 62616e64"
            let body = hex("02 00000000 7f 01 \(version) 04 01 85 9d \(buckets)") + ids + index
            #expect(try read(body, rows: 6) == expected)
            var segment = HandMade(rowCount: 6)
            segment.addDimension("d", body)
            guard case .string(let column)? = try segment.open().column("d") else { continue }
            #expect(column.nullID == 0)
            #expect(column.id(of: "apt") == 3)
            #expect(column.id(of: "apu") == nil)
            #expect(column.lowerBound("") == 1)
            #expect(column.lowerBound("apq") == 3)
            #expect(column.lowerBound("zoo") == 6)
        }
        // In version 1 a value repeats the value before, in version 0 the bucket's first: "ab", "abcd", "abce".
        let v1 = hex("02 00000000 7f 01 01 04 00 84 8d 82 6162 82 82 6364 83 81 65 80 81 66")
        let idsOfFour = hex("02 01 00000004 00010000 ff") + list([hex("00 01 02 03")])
        let four: [Value] = ["ab", "abcd", "abce", "f"].map { .string($0) }
        #expect(try read(v1 + idsOfFour + bitmaps([[0], [1], [2], [3]]), rows: 4) == four)
        let v0 = hex("02 00000000 7f 01 00 04 00 84 8e 82 6162 82 82 6364 82 82 6365 80 81 66")
        #expect(try read(v0 + idsOfFour + bitmaps([[0], [1], [2], [3]]), rows: 4) == four)
    }

    /// A dictionary too large for one file lies in several; ends begin anew in each.
    @Test func dictionaryInSeveralFiles() throws {
        let body =
            hex("02 00000000 02 01 00000001 00000003") + text("d.dim_values") + hex("02 01 00000003 00010000 ff")
            + list([hex("00 02 01")]) + bitmaps([[0], [2], [1]])
        let siblings: [(name: String, bytes: [UInt8])] = [
            ("d.dim_values_header", little32(4) + little32(9) + little32(5)),
            ("d.dim_values_value_0", hex("ffffffff 00000000 61")), ("d.dim_values_value_1", hex("00000000 62")),
        ]
        #expect(try read(body, siblings: siblings) == single)
        #expect(throws: LaminaError.self) { _ = try read(body, siblings: Array(siblings.dropLast())) }
    }

    @Test func dictionaryOrderIsThatOfUTF16() throws {
        // U+FF5E is one unit above the surrogates of U+1F600, though its UTF-8 sorts before.
        let values = ["a", "\u{1F600}", "\u{FF5E}"]
        let body =
            hex("02 00000004") + list(values.map { Array($0.utf8) }, ascending: true)
            + hex("02 01 00000003 00010000 ff")
            + list([hex("00 01 02")])
        #expect(try read(body) == values.map { .string($0) })
        var segment = HandMade(rowCount: 3)
        segment.addDimension("d", body)
        guard case .string(let column)? = try segment.open().column("d") else { return }
        for (id, value) in values.enumerated() { #expect(column.id(of: value) == UInt32(id)) }
        #expect(!column.hasBitmaps)
    }

    @Test func narrowAndWideIdsAreTheSame() throws {
        for gold in GoldSegment.samples {
            let segment = try Segment.open(path: gold.path)
            for name in segment.dimensions {
                guard case .string(let column)? = try segment.column(name), !column.hasMultipleValues else { continue }
                let rows = 0..<segment.rowCount
                let reader = column.makeIDReader()
                let wide = Array(try reader.read(rows))
                let narrow: [UInt32]
                switch column.makeIDAccess() {
                case .bytes(let reader): narrow = try reader.read(rows).map { UInt32($0) }
                case .shorts(let reader): narrow = try reader.read(rows).map { UInt32($0) }
                case .words(let reader): narrow = Array(try reader.read(rows))
                }
                #expect(narrow == wide)
            }
        }
    }
}
