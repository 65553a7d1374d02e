import LaminaBase
import LaminaBroker
import LaminaEngine
import LaminaQuery
import LaminaSegment
import Synchronization
import Testing

/// Rows that still come, in parts as they were added.
private final class GrowingRows: RealtimeRows {
    private let parts = Mutex<[InlineSegment]>([])
    let asked = Atomic<Int>(0)

    /// - Parameter rows: times and values in any order.
    func add(_ added: [(time: Int64, value: Int64)]) {
        let rows = added.sorted { $0.time < $1.time }
        let part = InlineSegment(
            times: rows.map(\.time),
            [InlineSegment.Input("v", .long, rows.map { .long($0.value) })],
            metrics: ["v"],
            isTimeOrdered: true
        )
        parts.withLock { $0.append(part) }
    }

    func views() -> [any SegmentView] {
        asked.wrappingAdd(1, ordering: .relaxed)
        return parts.withLock { $0 }
    }

    var rowCount: Int { parts.withLock { $0.reduce(0) { $0 + $1.rowCount } } }
}

@Suite struct RealtimeTests {
    private static let start: Int64 = 1_714_521_600_000
    private static let hour: Int64 = 3_600_000
    private static let day = Interval(start: start, end: start + 24 * hour)

    private func segment(_ interval: Interval = day, _ version: String = "v1", partition: Int = 0) -> DataSegment {
        DataSegment(
            dataSource: "d",
            interval: interval,
            version: version,
            loadSpec: .null,
            dimensions: [],
            metrics: [],
            shardSpec: .numbered(partition: partition, core: 0),
            size: 0
        )
    }

    private func ask(_ broker: Broker, _ text: String) throws -> JSON {
        try JSONParser.parse(try broker.run(try Query(json: try JSONParser.parse(text))).jsonText())
    }

    private func query(_ type: String, _ more: String, interval: Interval = day) -> String {
        #"{"queryType":"\#(type)","dataSource":"d","intervals":["\#(interval.text)"],\#(more)}"#
    }

    private static let sums =
        #""aggregations":[{"type":"count","name":"n"},{"type":"longSum","name":"v","fieldName":"v"}]"#

    /// Rows over a day, late ones among them, in two parts.
    private func scattered() -> (rows: GrowingRows, all: [(time: Int64, value: Int64)]) {
        let times: [Int64] = [5, 3, 9, 3, 12, 20, 1, 9]
        let all = times.enumerated().map {
            (time: Self.start + $1 * Self.hour + Int64($0), value: Int64(1) << Int64($0))
        }
        let rows = GrowingRows()
        rows.add(Array(all[..<5]))
        rows.add(Array(all[5...]))
        return (rows, all)
    }

    @Test func rowsInAnyOrderOfTimeAnswerAsStoredOnesDo() throws {
        let store = try SegmentStore()
        let (growing, all) = scattered()
        let sorted = all.sorted { $0.time < $1.time }
        let stored = InlineSegment(
            times: sorted.map(\.time),
            [InlineSegment.Input("v", .long, sorted.map { .long($0.value) })],
            metrics: ["v"],
            isTimeOrdered: true
        )
        let one = try store.segment(day: 0, version: "v1", stored, of: "d")
        let brokers = try [store.broker(), store.broker()]
        brokers[0].update(dataSource: "d", timeline: SegmentTimeline([one]))
        let live = segment()
        brokers[1].update(dataSource: "d", timeline: SegmentTimeline([live]), realtime: [live.id: growing])
        let half = Interval(start: Self.start + 2 * Self.hour, end: Self.start + 10 * Self.hour)
        var asked = 0
        for interval in [Self.day, half] {
            var queries: [String] = []
            for granularity in ["all", "hour", "six_hour", "day", "none"] {
                let grain = #""granularity":"\#(granularity)","#
                if granularity != "none" { queries.append(query("timeseries", grain + Self.sums, interval: interval)) }
                queries.append(
                    query(
                        "timeseries",
                        #""context":{"skipEmptyBuckets":true},"# + grain + Self.sums,
                        interval: interval
                    )
                )
                queries.append(
                    query(
                        "groupBy",
                        grain
                            + #""dimensions":[{"type":"default","dimension":"v","outputName":"w","outputType":"LONG"}],"#
                            + Self.sums,
                        interval: interval
                    )
                )
                queries.append(
                    query(
                        "topN",
                        grain
                            + #""dimension":{"type":"default","dimension":"v","outputName":"w","outputType":"LONG"},"#
                            + #""metric":"n","threshold":3,"#
                            + Self.sums,
                        interval: interval
                    )
                )
            }
            for order in ["ascending", "descending"] {
                queries.append(
                    query(
                        "scan",
                        #""order":"\#(order)","resultFormat":"compactedList","columns":["__time","v"]"#,
                        interval: interval
                    )
                )
            }
            queries.append(query("timeBoundary", #""context":{}"#, interval: interval))
            for text in queries {
                #expect(try ask(brokers[0], text) == ask(brokers[1], text), "\(text)")
                asked += 1
            }
        }
        #expect(asked > 40)
    }

    @Test func severalViewsAreOneSegment() throws {
        let broker = try SegmentStore().broker()
        let (growing, _) = scattered()
        let live = segment()
        broker.update(dataSource: "d", timeline: SegmentTimeline([live]), realtime: [live.id: growing])
        let by = try ask(broker, query("timeseries", #""granularity":"all","context":{"bySegment":true},"# + Self.sums))
        #expect(by.arrayValue?.count == 1)
        #expect(by.arrayValue?.first?["result"]?["segment"] == .string(live.id.text))
        #expect(by.arrayValue?.first?["result"]?["results"]?.arrayValue?.first?["result"]?["n"] == 8)
        for merge in [true, false] {
            let answer = try ask(broker, query("segmentMetadata", #""merge":\#(merge)"#))
            #expect(answer.arrayValue?.count == 1)
            #expect(answer.arrayValue?.first?["id"] == .string(live.id.text))
            #expect(answer.arrayValue?.first?["numRows"] == 8)
        }
        let newest = try ask(broker, #"{"queryType":"dataSourceMetadata","dataSource":"d"}"#)
        let last = Self.start + 20 * Self.hour + 5
        #expect(newest.arrayValue?.first?["result"]?["maxIngestedEventTime"] == .string(instantText(last)))
    }

    @Test func answersOverGrowingRowsAreNeverKept() throws {
        let store = try SegmentStore()
        let broker = try store.broker()
        let growing = GrowingRows()
        growing.add([(Self.start, 1)])
        let live = segment(partition: 1)
        let other = try store.segment(day: 1, version: "v1", values: [5])
        broker.update(dataSource: "d", timeline: SegmentTimeline([live, other]), realtime: [live.id: growing])
        let both = Interval(start: Self.start, end: Self.start + 48 * Self.hour)
        let text = query("timeseries", #""granularity":"all","# + Self.sums, interval: both)
        let parsed = try Query(json: try JSONParser.parse(text))
        for round in 1...3 {
            let answer = try broker.answer(parsed)
            #expect(answer.entityTag == nil)
            #expect(try answer.result?.jsonText().contains(#""n":\#(round + 1)"#) == true)
            growing.add([(Self.start + Int64(round), 1)])
        }
        // The stored segment beside it is.
        #expect(broker.cacheHits == 2)
        broker.update(dataSource: "d", timeline: SegmentTimeline([other]))
        #expect(try broker.answer(parsed).entityTag != nil)
    }

    @Test func rowsUnderSeveralIdsAreTakenAtOneMoment() throws {
        let broker = try SegmentStore().broker()
        let (growing, _) = scattered()
        let whole = segment()
        let part = segment(Interval(start: Self.start + 9 * Self.hour, end: Self.start + 10 * Self.hour), "v2")
        broker.update(
            dataSource: "d",
            timeline: SegmentTimeline([whole, part]),
            realtime: [whole.id: growing, part.id: growing]
        )
        let answer = try ask(broker, query("timeseries", #""granularity":"all","# + Self.sums))
        #expect(answer.arrayValue?.first?["result"]?["n"] == 8)
        #expect(answer.arrayValue?.first?["result"]?["v"] == 255)
        #expect(growing.asked.load(ordering: .relaxed) == 1)
    }

    @Test func aSegmentWithoutRowsYetBoundsNothing() throws {
        let store = try SegmentStore()
        let broker = try store.broker()
        let stored = try store.segment(day: 0, version: "v1", values: [1])
        let next = segment(Interval(start: Self.start + 24 * Self.hour, end: Self.start + 48 * Self.hour))
        broker.update(
            dataSource: "d",
            timeline: SegmentTimeline([stored, next]),
            realtime: [next.id: GrowingRows()]
        )
        let answer = try ask(broker, #"{"queryType":"timeBoundary","dataSource":"d"}"#)
        #expect(answer.arrayValue?.first?["result"]?["maxTime"] == .string(instantText(Self.start)))
        #expect(answer.arrayValue?.first?["result"]?["minTime"] == .string(instantText(Self.start)))
    }
}
