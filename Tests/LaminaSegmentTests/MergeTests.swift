import LaminaBase
import LaminaBitmaps
import LaminaSegment
import LaminaTestSupport
import Testing

/// A row as the tests see it.
private struct Row {
    var time: Int64
    var city: String?
    var tags: [String]
    var age: Int64?
    var score: Double?
    var clicks: Int64?
    var weight: Float

    /// Druid's order of rows, written down plainly.
    static func isBefore(_ left: Row, _ right: Row) -> Bool {
        if left.time != right.time { return left.time < right.time }
        if left.city != right.city { return text(left.city, right.city) }
        if left.tags != right.tags {
            for (one, other) in zip(left.tags, right.tags) where one != other { return text(one, other) }
            return left.tags.count < right.tags.count
        }
        if left.age != right.age { return left.age ?? .min < right.age ?? .min }
        return left.score ?? -.infinity < right.score ?? -.infinity
    }

    private static func text(_ left: String?, _ right: String?) -> Bool {
        guard let left else { return right != nil }
        guard let right else { return false }
        return left.utf16.lexicographicallyPrecedes(right.utf16)
    }

    var key: String { "\(time)|\(city ?? "-null-")|\(tags)|\(age.map(String.init) ?? "n")|\(score ?? -1)" }
}

@Suite struct MergeTests {
    private static let dimensions = ["city", "tags", "age", "score"]
    private static let ordering = (["__time"] + dimensions).map { OrderedColumn($0) }
    private static let interval = Interval(start: 0, end: 1_000_000)

    private func rows(_ count: Int, _ generator: inout SystemRandomNumberGenerator) -> [Row] {
        let cities: [String?] = [nil, "", "Aachen", "Zürich", "\u{FF5E}wide", "\u{1F600}smile", "Bonn", "Bon", "가"]
        let tags = ["a", "b", "\u{E9}", "ab", ""]
        return (0..<count).map { _ in
            Row(
                time: Int64.random(in: 0..<20, using: &generator) * 1000,
                city: cities.randomElement(using: &generator) ?? nil,
                tags: (0..<Int.random(in: 1...3, using: &generator)).map { _ in tags.randomElement() ?? "a" },
                age: Bool.random(using: &generator) ? nil : Int64.random(in: -2...2, using: &generator),
                score: Int.random(in: 0..<4, using: &generator) == 0 ? nil : Double(Int.random(in: 0..<3)) / 2,
                clicks: Int.random(in: 0..<3, using: &generator) == 0
                    ? nil : Int64.random(in: -9...9, using: &generator),
                weight: Float(Int.random(in: 0..<100, using: &generator)) / 4
            )
        }
    }

    private func nulls(_ flags: [Bool]) -> RoaringBitmap? {
        let rows = flags.indices.filter { flags[$0] }.map { UInt32($0) }
        return rows.isEmpty ? nil : RoaringBitmap(sorted: rows)
    }

    private func view(_ rows: [Row]) -> MemorySegment {
        let columns: [String: Column] = [
            "city": .string(MemoryStringColumn(rows.map(\.city))),
            "tags": .string(MemoryStringColumn(rows.map { $0.tags.map { $0 } })),
            "age": .long(MemoryLongColumn(rows.map { $0.age ?? 0 }, nullRows: nulls(rows.map { $0.age == nil }))),
            "score": .double(
                MemoryDoubleColumn(rows.map { $0.score ?? 0 }, nullRows: nulls(rows.map { $0.score == nil }))
            ),
            "clicks": .long(
                MemoryLongColumn(rows.map { $0.clicks ?? 0 }, nullRows: nulls(rows.map { $0.clicks == nil }))
            ),
            "weight": .float(MemoryFloatColumn(rows.map(\.weight))),
        ]
        return MemorySegment(
            time: rows.map(\.time),
            dataInterval: Self.interval,
            ordering: Self.ordering,
            dimensions: Self.dimensions,
            metrics: ["clicks", "weight"],
            columns: columns
        )
    }

    /// Sorted pieces, some in memory, some written and mapped again, merge to the very bytes of one sorted whole.
    @Test(arguments: [0, 1, 5, 300, 20_000])
    func mergesToTheWhole(_ count: Int) throws {
        var generator = SystemRandomNumberGenerator()
        let all = rows(count, &generator)
        let pieceCount = 4
        var folders: [String] = []
        defer { for folder in folders { removeTestFiles(folder) } }
        var pieces: [any SegmentView] = []
        for piece in 0..<pieceCount {
            let part = all.indices.filter { $0 % pieceCount == piece }.map { all[$0] }
            let sorted = stableSort(part)
            if piece % 2 == 0 {
                pieces.append(view(sorted))
            } else {
                let folder = freshFolder()
                folders.append(folder)
                var options = SegmentWriteOptions()
                options.synchronized = false
                options.storage = ["city": .plain(bitmapIndex: false), "tags": .plain(bitmapIndex: false)]
                _ = try SegmentWriter.write(view(sorted), to: folder, options: options)
                pieces.append(try Segment.open(path: folder))
            }
        }
        let ours = freshFolder()
        let whole = freshFolder()
        folders += [ours, whole]
        let merger = SegmentMerger(
            ordering: Self.ordering,
            dimensions: Self.dimensions,
            metrics: ["clicks", "weight"]
        )
        let written = try merger.merge(pieces, to: ours, options: SegmentWriteOptions())
        #expect(written.rowCount == count)
        // Rows that agree in every dimension keep the order of the pieces.
        let expected = stableSort(
            (0..<pieceCount).flatMap { piece in
                stableSort(all.indices.filter { $0 % pieceCount == piece }.map { all[$0] })
            }
        )
        _ = try SegmentWriter.write(view(expected), to: whole, options: SegmentWriteOptions())
        let (left, right) = (try InternalFiles(folder: ours), try InternalFiles(folder: whole))
        #expect(left.order == right.order)
        for name in right.order { #expect(left.bytes[name] == right.bytes[name], "\(name)") }
    }

    private func stableSort(_ rows: [Row]) -> [Row] {
        rows.enumerated().sorted { left, right in
            if Row.isBefore(left.element, right.element) { return true }
            if Row.isBefore(right.element, left.element) { return false }
            return left.offset < right.offset
        }.map(\.element)
    }

    /// Equal rows become one; sums and minima pass over nulls.
    @Test func rollsUp() throws {
        var generator = SystemRandomNumberGenerator()
        let all = rows(3000, &generator)
        let pieces = (0..<3).map { piece in view(stableSort(all.indices.filter { $0 % 3 == piece }.map { all[$0] })) }
        let merger = SegmentMerger(
            ordering: Self.ordering,
            dimensions: Self.dimensions,
            metrics: ["clicks", "weight"],
            rollup: ["clicks": .sum, "weight": .min]
        )
        let merged = try merger.view(of: pieces)
        var groups: [String: (clicks: Int64?, weight: Float)] = [:]
        for row in all {
            guard let group = groups[row.key] else {
                groups[row.key] = (row.clicks, row.weight)
                continue
            }
            let clicks = group.clicks.map { $0 + (row.clicks ?? 0) } ?? row.clicks
            groups[row.key] = (clicks, min(group.weight, row.weight))
        }
        #expect(merged.rowCount == groups.count)
        let keys = Dictionary(grouping: all, by: \.key).values.compactMap(\.first).sorted(by: Row.isBefore).map(\.key)
        guard case .long(let clicks)? = try merged.column("clicks"),
            case .float(let weight)? = try merged.column("weight")
        else {
            Issue.record("metrics are missing")
            return
        }
        let clickValues = Array(try clicks.makeReader().read(0..<merged.rowCount))
        let weightValues = Array(try weight.makeReader().read(0..<merged.rowCount))
        for (row, key) in keys.enumerated() {
            #expect(groups[key]?.clicks == (clicks.nullRows?.contains(UInt32(row)) == true ? nil : clickValues[row]))
            #expect(groups[key]?.weight == weightValues[row])
        }
    }

    /// A piece may lack a column or have it without values; the others decide its type.
    @Test func missingColumnsAreNull() throws {
        let first = MemorySegment(
            time: [1, 2],
            dataInterval: Self.interval,
            dimensions: ["a", "n"],
            metrics: [],
            columns: ["a": .string(MemoryStringColumn(["x", nil])), "n": .string(MemoryStringColumn([nil, nil]))]
        )
        let second = MemorySegment(
            time: [1, 3],
            dataInterval: Self.interval,
            dimensions: ["n"],
            metrics: [],
            columns: ["n": .long(MemoryLongColumn([7, 8]))]
        )
        let merger = SegmentMerger(
            ordering: ["__time", "a", "n"].map { OrderedColumn($0) },
            dimensions: ["a", "n", "gone"],
            metrics: []
        )
        let folder = freshFolder()
        defer { removeTestFiles(folder) }
        _ = try merger.merge([first, second], to: folder, options: SegmentWriteOptions())
        let segment = try Segment.open(path: folder)
        var lines: [String] = []
        try RowDump.write(segment) { text throws(LaminaError) in
            lines += String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
        }
        let rows = try lines.map { try JSONParser.parse($0) }
        #expect(rows.map { $0["__time"]?.intValue } == [1, 1, 2, 3])
        #expect(rows.map { $0["a"]?.stringValue } == [nil, "x", nil, nil])
        #expect(rows.map { $0["n"]?.intValue } == [7, nil, nil, 8])
        #expect(segment.dimensions == ["a", "n", "gone"])
    }
}
