import LaminaBase
import LaminaSegment
import Testing

/// Projections that Druid wrote hold what grouping the segment's own rows gives.
@Suite struct ProjectionReadingTests {
    private struct Group: Hashable {
        var hour: Int64
        var country: String?
    }

    private struct Sums: Equatable {
        var count: Int64 = 0
        var clicks: Int64?
        var revenue: Double?
    }

    @Test(arguments: GoldSegment.corpus.filter { $0.name.hasPrefix("events_proj/") })
    func rowsAreTheGroups(_ gold: GoldSegment) throws {
        let segment = try Segment.open(path: gold.path, cache: BlockCache(byteLimit: 1 << 24))
        let projection = try #require(segment.projections.first)
        #expect(projection.schema.name == "by_country_hour")
        #expect(projection.ordering == [OrderedColumn("__time"), OrderedColumn("country")])
        #expect(projection.isTimeOrdered)
        let expected = try groups(of: segment)
        #expect(expected.count == projection.rowCount)
        let rows = 0..<projection.rowCount
        let times = try #require(try projection.column("__time")?.values(rows))
        #expect(try projection.column("__gran")?.values(rows) == times)
        let countries = try #require(try projection.column("country")?.values(rows))
        let counts = try #require(try projection.column("cnt")?.values(rows))
        let clicks = try #require(try projection.column("clicks")?.values(rows))
        let revenue = try #require(try projection.column("revenue")?.values(rows))
        for row in rows {
            guard case .long(let hour) = times[row], case .long(let count) = counts[row] else {
                Issue.record("row \(row) has no time or count")
                return
            }
            let group = Group(hour: hour, country: text(countries[row]))
            let sums = try #require(expected[group])
            #expect(sums.count == count)
            #expect(sums.clicks == long(clicks[row]))
            // The order in which Druid added is not known.
            let (mine, theirs) = (sums.revenue ?? -1, double(revenue[row]) ?? -1)
            #expect(abs(mine - theirs) <= 1e-9 * max(1, abs(mine)))
        }
        #expect(SegmentVerification.problems(of: segment) == [])
        #expect(try SegmentInspection(segment).otherFiles == [])
    }

    private func text(_ value: Value) -> String? { if case .string(let text) = value { text } else { nil } }
    private func long(_ value: Value) -> Int64? { if case .long(let number) = value { number } else { nil } }
    private func double(_ value: Value) -> Double? { if case .double(let number) = value { number } else { nil } }

    private func groups(of segment: Segment) throws -> [Group: Sums] {
        let rows = 0..<segment.rowCount
        let times = try #require(try segment.column("__time")?.values(rows))
        let countries = try #require(try segment.column("country")?.values(rows))
        let clicks = try #require(try segment.column("clicks")?.values(rows))
        let revenue = try #require(try segment.column("revenue")?.values(rows))
        var groups: [Group: Sums] = [:]
        for row in rows {
            guard case .long(let time) = times[row] else { continue }
            let group = Group(hour: time - time % 3_600_000, country: text(countries[row]))
            var sums = groups[group] ?? Sums()
            sums.count += 1
            if let more = long(clicks[row]) { sums.clicks = (sums.clicks ?? 0) + more }
            if let more = double(revenue[row]) { sums.revenue = (sums.revenue ?? 0) + more }
            groups[group] = sums
        }
        return groups
    }

    /// A projection's parts that are cut short or lost give errors, and the table itself still reads.
    @Test(arguments: GoldSegment.corpus.filter { $0.name == "events_proj/0" })
    func lostColumnsAreErrors(_ gold: GoldSegment) throws {
        var files = try gold.files()
        let meta = String(decoding: try #require(files["meta.smoosh"]), as: UTF8.self)
        files["meta.smoosh"] = Array(meta.replacing("by_country_hour/country", with: "by_country_hour/elsewhere").utf8)
        let segment = try Segment.open(files: files, place: "changed", cache: BlockCache(byteLimit: 1 << 24))
        #expect(try segment.column("country") != nil)
        let projection = try #require(segment.projections.first)
        #expect(try projection.column("clicks") != nil)
        #expect(throws: LaminaError.self) { try projection.column("country") }
        #expect(SegmentVerification.problems(of: segment).count == 1)
    }
}
