import LaminaBase
import LaminaTestSupport
import Testing

@Suite struct SegmentTimelineTests {
    private func segment(_ start: Int64, _ end: Int64, _ version: String, _ spec: ShardSpec) -> DataSegment {
        DataSegment(
            dataSource: "d",
            interval: Interval(start: start, end: end),
            version: version,
            loadSpec: .null,
            dimensions: [],
            metrics: [],
            shardSpec: spec,
            size: 1
        )
    }

    private func shown(_ timeline: SegmentTimeline) -> [String] {
        timeline.entries.map { entry in
            let partitions = entry.segments.map { "\($0.shardSpec.partition)" }.joined(separator: ",")
            return "\(entry.interval.start)-\(entry.interval.end) \(entry.version) [\(partitions)]"
        }
    }

    @Test func newerVersionHidesWhereItLies() {
        let timeline = SegmentTimeline([
            segment(0, 100, "a", .numbered(partition: 0, core: 1)),
            segment(20, 40, "b", .numbered(partition: 0, core: 1)),
        ])
        #expect(shown(timeline) == ["0-20 a [0]", "20-40 b [0]", "40-100 a [0]"])
        #expect(timeline.overshadowed().isEmpty)
    }

    @Test func coarserReplacementHidesAll() {
        let days = (0..<3).map { segment($0 * 10, $0 * 10 + 10, "a", .numbered(partition: 0, core: 1)) }
        let timeline = SegmentTimeline(days + [segment(0, 30, "b", .none)])
        #expect(shown(timeline) == ["0-30 b [0]"])
        #expect(timeline.overshadowed() == Set(days.map(\.id)))
    }

    @Test func incompleteVersionHidesNothing() {
        let old = segment(0, 10, "a", .numbered(partition: 0, core: 1))
        let half = segment(0, 10, "b", .numbered(partition: 1, core: 2))
        let timeline = SegmentTimeline([old, half])
        #expect(shown(timeline) == ["0-10 a [0]"])
        let whole = timeline.replacing(adding: [segment(0, 10, "b", .numbered(partition: 0, core: 2))])
        #expect(shown(whole) == ["0-10 b [0,1]"])
        #expect(whole.overshadowed() == [old.id])
        #expect(shown(whole.replacing(removing: [half.id], adding: [])) == ["0-10 a [0]"])
    }

    @Test func appendedPartitionsAreOptional() {
        let core = segment(0, 10, "a", .hashed(.init(partition: 0, core: 1, bucket: 0, buckets: 1, dimensions: [])))
        let appended = [1, 2, 5].map { segment(0, 10, "a", .numbered(partition: $0, core: 1)) }
        #expect(shown(SegmentTimeline([core] + appended)) == ["0-10 a [0,1,2,5]"])
        #expect(shown(SegmentTimeline([segment(0, 10, "a", .numbered(partition: 4, core: 0))])) == ["0-10 a [4]"])
        #expect(shown(SegmentTimeline(appended)).isEmpty)
        #expect(shown(SegmentTimeline([segment(0, 10, "a", .linear(partition: 7))])) == ["0-10 a [7]"])
    }

    @Test func oldSingleSpecsAreCompleteByTheirBounds() {
        func single(_ start: String?, _ end: String?, _ partition: Int) -> DataSegment {
            segment(
                0,
                10,
                "a",
                .range(
                    .init(
                        dimensions: ["x"],
                        start: start.map { [$0] },
                        end: end.map { [$0] },
                        partition: partition,
                        core: nil,
                        isSingle: true
                    )
                )
            )
        }
        #expect(shown(SegmentTimeline([single(nil, "g", 0), single("g", nil, 1)])) == ["0-10 a [0,1]"])
        #expect(shown(SegmentTimeline([single(nil, "g", 0), single("h", nil, 1)])).isEmpty)
        #expect(shown(SegmentTimeline([single(nil, "g", 0)])).isEmpty)
    }

    @Test func atomicUpdateGroupsReplaceOnceFull() {
        let roots = (0..<3).map { segment(0, 10, "a", .numbered(partition: $0, core: 3)) }
        func overwrite(_ partition: Int, _ minor: Int, _ size: Int) -> DataSegment {
            segment(
                0,
                10,
                "a",
                .numberedOverwrite(
                    .init(partition: partition, rootStart: 0, rootEnd: 2, minorVersion: minor, groupSize: size)
                )
            )
        }
        let half = SegmentTimeline(roots + [overwrite(32768, 1, 2)])
        #expect(shown(half) == ["0-10 a [0,1,2]"])
        #expect(half.overshadowed().isEmpty)
        let full = SegmentTimeline(roots + [overwrite(32768, 1, 2), overwrite(32769, 1, 2)])
        #expect(shown(full) == ["0-10 a [32768,32769,2]"])
        #expect(full.overshadowed() == [roots[0].id, roots[1].id])
        let newer = SegmentTimeline(full.segments + [overwrite(32770, 2, 1)])
        #expect(shown(newer) == ["0-10 a [32770,2]"])
    }

    @Test func tombstonesHide() {
        let timeline = SegmentTimeline([
            segment(0, 10, "a", .none),
            DataSegment.tombstone(dataSource: "d", interval: Interval(start: 0, end: 10), version: "b"),
        ])
        #expect(timeline.entries.map(\.version) == ["b"])
        #expect(timeline.entries.allSatisfy { $0.segments.allSatisfy(\.isTombstone) })
    }

    @Test func lookupClips() {
        let timeline = SegmentTimeline((0..<10).map { segment($0 * 10, $0 * 10 + 10, "a", .none) })
        let found = timeline.lookup(Interval(start: 15, end: 31))
        #expect(
            found.map(\.interval) == [
                Interval(start: 15, end: 20), Interval(start: 20, end: 30), Interval(start: 30, end: 31),
            ]
        )
        #expect(found.first?.segmentInterval == Interval(start: 10, end: 20))
        #expect(timeline.lookup(Interval(start: 100, end: 200)).isEmpty)
        #expect(timeline.lookup(Interval(start: 20, end: 20)).isEmpty)
    }

    /// For every instant by the definition: of all complete versions over it the greatest, whole.
    @Test(arguments: 0..<200) func agreesWithTheDefinition(_ seed: Int) {
        var generator = SplitMix(state: UInt64(seed) &+ 99)
        var segments: [DataSegment] = []
        var taken: Set<String> = []
        for _ in 0..<generator.below(14) {
            let length = [1, 2, 4, 8][generator.below(4)]
            let start = generator.below(16 / length) * length
            // One version has one interval at a place, as locks see to.
            let version = "v\(generator.below(4))"
            let covered = (start..<start + length).map { "\(version)@\($0)" }
            guard taken.isDisjoint(with: covered) else { continue }
            taken.formUnion(covered)
            let core = generator.below(4)
            for partition in 0..<(core + generator.below(3)) where generator.below(5) > 0 {
                segments.append(
                    segment(Int64(start), Int64(start + length), version, .numbered(partition: partition, core: core))
                )
            }
        }
        let timeline = SegmentTimeline(segments)
        for instant in Int64(0)..<16 {
            let groups = Dictionary(grouping: segments.filter { $0.interval.contains(instant) }, by: \.version)
            let complete = groups.filter { _, members in
                let core = members[0].shardSpec.core
                return Set(members.map(\.shardSpec.partition)).isSuperset(of: 0..<core)
            }
            let expected = complete.keys.max().map { complete[$0] ?? [] } ?? []
            let found = timeline.lookup(Interval(start: instant, end: instant + 1)).flatMap(\.segments)
            #expect(Set(found.map(\.id)) == Set(expected.map(\.id)))
        }
        let visible = Set(timeline.entries.flatMap(\.segments).map(\.id))
        #expect(visible.isDisjoint(with: timeline.overshadowed()))
        for pair in zip(timeline.entries, timeline.entries.dropFirst()) {
            #expect(pair.0.interval.end <= pair.1.interval.start)
        }
    }

    @Test func tenThousandSegmentsBuildFast() {
        let hour: Int64 = 3_600_000
        let segments = (0..<10_000).map {
            segment(
                Int64($0) * hour,
                Int64($0 + 1) * hour,
                "2024-01-01T00:00:00.000Z",
                .numbered(partition: 0, core: 1)
            )
        }
        var timeline = SegmentTimeline()
        let spent = threadSeconds { timeline = SegmentTimeline(segments) }
        #expect(timeline.entries.count == 10_000)
        #expect(spent < 2)
    }
}
