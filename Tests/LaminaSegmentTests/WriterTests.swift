import Glibc
import LaminaBase
import LaminaBitmaps
import LaminaSegment
import LaminaTestSupport
import Testing

/// Segments written with every option come back as they were.
@Suite struct WriterTests {
    private static let interval = Interval(start: 0, end: 1 << 40)

    static let specs: [(name: String, json: String)] = [
        ("defaults", "{}"),
        ("zstd", #"{"dimensionCompression":"zstd","metricCompression":"zstd","jsonCompression":"zstd"}"#),
        ("lzf", #"{"dimensionCompression":"lzf","metricCompression":"lzf"}"#),
        ("uncompressed", #"{"dimensionCompression":"uncompressed","metricCompression":"uncompressed"}"#),
        ("none", #"{"metricCompression":"none"}"#),
        ("auto", #"{"longEncoding":"auto"}"#),
        ("auto none", #"{"longEncoding":"auto","metricCompression":"none"}"#),
        ("concise", #"{"bitmap":{"type":"concise"}}"#),
        ("front 0", #"{"stringDictionaryEncoding":{"type":"frontCoded","bucketSize":4,"formatVersion":0}}"#),
        ("front 1", #"{"stringDictionaryEncoding":{"type":"frontCoded","bucketSize":128,"formatVersion":1}}"#),
        ("complex", #"{"complexMetricCompression":"lz4","jsonCompression":"uncompressed"}"#),
    ]

    /// Columns of `count` rows, some larger than a block, with nulls and without.
    private func columns(_ count: Int) -> (columns: [String: Column], storage: [String: ColumnStorage]) {
        let texts = (0..<count).map { row -> String? in row % 7 == 0 ? nil : "v\(row * 7919 % 300) \u{1F600}\(row % 3)"
        }
        let many = (0..<count).map { row -> [String?] in
            (0..<(row % 4)).map { place in place == 2 ? nil : "m\((row + place) % 70)" }
        }
        let longs = (0..<count).map { Int64($0 % 5000) &* 1_000_003 }
        let narrow = (0..<count).map { Int64($0 % 9) - 4 }
        let wide = (0..<count).map { $0 % 2 == 0 ? Int64.max - Int64($0) : Int64.min + Int64($0) }
        let nullRows = RoaringBitmap(sorted: (0..<UInt32(count)).filter { $0 % 5 == 3 })
        let doubles = (0..<count).map { row in [0, -0.0, .nan, .infinity, Double(row) / 3][row % 5] }
        let values = (0..<count).map { row -> Value in
            row % 11 == 0
                ? .null
                : .complex(type: "hyperUnique", bytes: [UInt8](repeating: UInt8(row & 0xFF), count: row % 40 + 1))
        }
        let mixed = (0..<count).map { row -> Value in
            let kinds: [Value] = [
                .null, .long(Int64(row % 20)), .string("s\(row % 9)"), .double(Double(row % 4) + 0.5),
            ]
            return kinds[row % 4]
        }
        let nested = (0..<count).map { row -> Value in
            if row % 6 == 0 { return .null }
            let inner: JSON = ["c": .string("x\(row % 5)"), "d": .double(Double(row) / 2)]
            let list: JSON = [1, .int(Int64(row % 3))]
            return .json(["a": .int(Int64(row % 10)), "b": inner, "list": list])
        }
        let arrays = (0..<count).map { row -> Value in
            if row % 8 == 0 { return .null }
            return .array((0..<(row % 3)).map { Value.long(Int64($0 + row % 4)) })
        }
        let sparse = longs.enumerated().map { $0.offset % 5 == 3 ? Int64(0) : $0.element }
        let columns: [String: Column] = [
            "text": .string(MemoryStringColumn(texts)), "bare": .string(MemoryStringColumn(texts)),
            "many": .string(MemoryStringColumn(many)), "manyBare": .string(MemoryStringColumn(many)),
            "narrow": .long(MemoryLongColumn(narrow)), "wide": .long(MemoryLongColumn(wide)),
            "longs": .long(MemoryLongColumn(sparse, nullRows: nullRows)),
            "doubles": .double(MemoryDoubleColumn(doubles)),
            "floats": .float(MemoryFloatColumn(doubles.map { Float($0) })),
            "sketch": .object(MemoryObjectColumn(values, type: .complex("hyperUnique"))),
            "mixed": .object(MemoryObjectColumn(mixed, type: .complex("json"))),
            "nested": .object(MemoryObjectColumn(nested, type: .complex("json"))),
            "arrays": .object(MemoryObjectColumn(arrays, type: .complex("json"))),
            "autoText": .string(MemoryStringColumn(texts)), "autoLong": .long(MemoryLongColumn(longs)),
            "autoDouble": .double(MemoryDoubleColumn(doubles)),
            "empty": .string(MemoryStringColumn([String?](repeating: nil, count: count))),
        ]
        let storage: [String: ColumnStorage] = [
            "bare": .plain(bitmapIndex: false), "manyBare": .plain(bitmapIndex: false), "mixed": .auto(AutoStorage()),
            "nested": .auto(AutoStorage()), "arrays": .auto(AutoStorage()), "autoText": .auto(AutoStorage()),
            "autoLong": .auto(AutoStorage()), "autoDouble": .auto(AutoStorage()),
        ]
        return (columns, storage)
    }

    private func lines(_ view: any SegmentView) throws -> [String] {
        var text = ""
        try RowDump.write(view) { part throws(LaminaError) in text += String(decoding: part, as: UTF8.self) }
        return text.split(separator: "\n").map(String.init)
    }

    @Test(arguments: specs.map(\.json), [0, 1, 37, 9000])
    func roundTrip(_ json: String, _ count: Int) throws {
        let (columns, storage) = columns(count)
        let names = columns.keys.sorted()
        let view = MemorySegment(
            time: (0..<count).map { Int64($0) * 1000 },
            dataInterval: Self.interval,
            dimensions: names.filter { $0 != "sketch" },
            metrics: ["sketch"],
            columns: columns
        )
        var options = SegmentWriteOptions()
        options.indexSpec = try IndexSpec(json: try JSONParser.parse(json))
        options.storage = storage
        options.metadata = ["container": [:], "rollup": false]
        options.synchronized = false
        let folder = freshFolder()
        defer { removeTestFiles(folder) }
        let written = try SegmentWriter.write(view, to: folder, options: options)
        let segment = try Segment.open(path: folder)
        #expect(SegmentVerification.problems(of: segment) == [])
        #expect(segment.rowCount == count)
        #expect(segment.dimensions == view.dimensions)
        #expect(segment.metrics == ["sketch"])
        #expect(segment.dataInterval == Self.interval)
        #expect(segment.metadata == options.metadata)
        #expect(written.sizeBytes == segment.sizeBytes)
        #expect(try lines(segment) == lines(view))
        guard count > 100 else { return }
        let again = try SegmentRewriter.options(of: segment).indexSpec
        var expected = options.indexSpec
        expected.jsonCompression = expected.jsonCompression ?? .lz4
        #expect(again == expected)
        for name in ["text", "many", "bare", "manyBare"] {
            guard case .string(let stored)? = try segment.column(name) else {
                Issue.record("\(name) is no string column")
                continue
            }
            #expect(stored.hasBitmaps == !name.lowercased().contains("bare"))
            if stored.hasBitmaps { try checkBitmaps(stored, name) }
        }
    }

    private func checkBitmaps(_ column: any StringColumn, _ name: String) throws {
        var rows = [Set<UInt32>](repeating: [], count: column.cardinality)
        let reader = column.makeMultiIDReader()
        defer { extendLifetime(reader) }
        let ids = try reader.read(0..<column.rowCount)
        for row in 0..<column.rowCount {
            let range = Int(ids.offsets[row])..<Int(ids.offsets[row + 1])
            if range.isEmpty, let nullID = column.nullID { rows[Int(nullID)].insert(UInt32(row)) }
            for place in range { rows[Int(ids.ids[place])].insert(UInt32(row)) }
        }
        for id in rows.indices { #expect(try Set(column.rows(UInt32(id)).rows) == rows[id], "\(name) \(id)") }
    }

    @Test func indexSpecsRoundTripAsJSON() throws {
        for spec in Self.specs {
            let decoded = try IndexSpec(json: try JSONParser.parse(spec.json))
            #expect(try IndexSpec(json: decoded.json) == decoded)
        }
        #expect(
            IndexSpec().json.text
                == #"{"bitmap":{"type":"roaring"},"dimensionCompression":"lz4","#
                + #""stringDictionaryEncoding":{"type":"utf8"},"metricCompression":"lz4","longEncoding":"longs"}"#
        )
        for bad in [
            #"{"bitmap":{"type":"wah"}}"#, #"{"dimensionCompression":"none"}"#, #"{"metricCompression":"snappy"}"#,
            #"{"longEncoding":"delta"}"#, #"{"stringDictionaryEncoding":{"type":"frontCoded","bucketSize":3}}"#,
            #"{"stringDictionaryEncoding":{"type":"frontCoded","formatVersion":2}}"#, #"{"colour":"blue"}"#, "[]",
        ] {
            #expect(throws: LaminaError.self, "\(bad)") { try IndexSpec(json: try JSONParser.parse(bad)) }
        }
    }

    private func refuse(
        _ names: [String],
        interval: Interval? = nil,
        existing: Bool = false,
        saying text: String
    ) throws {
        let folder = freshFolder()
        defer { removeTestFiles(folder) }
        let view = MemorySegment(
            time: [5],
            dataInterval: Self.interval,
            dimensions: names,
            metrics: [],
            columns: Dictionary(names.map { ($0, .string(MemoryStringColumn(["x"]))) }) { first, _ in first }
        )
        var options = SegmentWriteOptions()
        options.interval = interval
        if existing { _ = try SegmentWriter.write(view, to: folder, options: SegmentWriteOptions()) }
        let error = #expect(throws: LaminaError.self) { try SegmentWriter.write(view, to: folder, options: options) }
        #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
    }

    @Test func whatCannotBeStoredIsRefused() throws {
        try refuse(["a,b"], saying: "comma")
        try refuse(["a\nb"], saying: "line break")
        try refuse(["a", "a"], saying: "two parts")
        try refuse(["__time"], saying: "two parts")
        try refuse(["a"], interval: Interval(start: 0, end: 5), saying: "do not lie in")
        try refuse(["a"], existing: true, saying: "exists")
    }

    /// The dictionary order of UTF-16 code units, over strings that sort differently by bytes.
    @Test func dictionariesSortByUTF16() throws {
        var texts = [
            "", "a", "a\u{0}", "a\u{0}\u{0}", "aaaaaaaa", "aaaaaaaab", "aaaaaaaa\u{0}", "\u{FFFD}", "\u{E000}",
            "\u{10000}", "\u{10FFFF}", "é", "z",
        ]
        for number in 0..<3000 {
            texts.append("\(["x", "prefixed ", "\u{1F600}", "\u{FF5E}"][number % 4])\(number * 7919 % 3001)")
        }
        let column = MemoryStringColumn(texts.shuffled())
        let ranks = dictionaryRanks(column)
        let byRank = (0..<column.cardinality).sorted { ranks[$0] < ranks[$1] }.map { column.value(UInt32($0)) ?? "" }
        let expected = Set(texts.map { Array($0.utf16) }).sorted { $0.lexicographicallyPrecedes($1) }
        #expect(byRank.map { Array($0.utf16) } == expected)
        #expect(Set(ranks).count == ranks.count)
    }

    /// Bitmaps written from rows are those of the set.
    @Test func bitmapsFromSortedRows() {
        var sets: [[UInt32]] = [[], [0], [65535], [65536], [1_000_000], Array(0..<70_000), Array(10..<20)]
        sets.append((0..<200_000).filter { $0 % 3 == 0 })
        sets.append((0..<200_000).filter { $0 % 3 != 0 })
        sets.append((0..<100_000).filter { $0 % 65536 < 4096 && $0 % 2 == 0 })
        sets.append(Array(Set((0..<5000).map { _ in UInt32.random(in: 0..<3_000_000) })).sorted())
        for key in 0..<5 as Range<UInt32> { sets.append((0..<key).flatMap { [$0 << 16, $0 << 16 | 1, $0 << 16 | 9] }) }
        for rows in sets {
            let bound = RoaringBitmap.serializedBound(count: rows.count, rowCount: 3_000_000)
            let memory = UnsafeMutableRawPointer.allocate(byteCount: bound, alignment: 8)
            defer { memory.deallocate() }
            let size = rows.withUnsafeBufferPointer { RoaringBitmap.serialize(sorted: $0, into: memory) }
            #expect(size <= bound)
            #expect(
                Array(UnsafeRawBufferPointer(start: memory, count: size)) == RoaringBitmap(sorted: rows).serialized()
            )
        }
    }
}
