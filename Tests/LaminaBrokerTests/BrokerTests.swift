import Glibc
import LaminaBase
import LaminaBroker
import LaminaEngine
import LaminaQuery
import LaminaSegment
import LaminaTestSupport
import Testing

@Suite struct BrokerTests {
    private static let day: Int64 = 86_400_000

    private func query(_ text: String) throws -> Query { try Query(json: try JSONParser.parse(text)) }

    private func count(_ context: String = "{}", _ intervals: String = "2024-01-01/2025-01-01") throws -> Query {
        try query(
            #"{"queryType":"timeseries","dataSource":"d","intervals":["\#(intervals)"],"granularity":"all","#
                + #""aggregations":[{"type":"count","name":"rows"},{"type":"longSum","name":"v","fieldName":"v"}],"context":\#(context)}"#
        )
    }

    @Test func aQueryCountsWhatIsVisible() throws {
        let store = try SegmentStore()
        let broker = try store.broker()
        #expect(try broker.run(count()).jsonText().contains(#""rows":0"#) || broker.run(count()).jsonText() == "[]")
        let first = try (0..<4).map { try store.segment(day: $0, version: "v1", values: [1, 2, 3]) }
        broker.update(dataSource: "d", timeline: SegmentTimeline(first))
        #expect(try broker.run(count()).jsonText().contains(#""rows":12,"v":24"#))
        // A newer version hides the older one; what is outside of the interval does not count.
        let newer = try store.segment(day: 1, version: "v2", values: [100])
        broker.update(dataSource: "d", timeline: SegmentTimeline(first + [newer]))
        #expect(try broker.run(count()).jsonText().contains(#""rows":10,"v":118"#))
        #expect(try broker.run(count("{}", "2024-05-02/2024-05-04")).jsonText().contains(#""rows":4,"v":106"#))
        broker.update(dataSource: "d", timeline: SegmentTimeline())
        #expect(try !broker.run(count()).jsonText().contains(#""rows":10"#))
    }

    @Test func aSegmentThatIsGoneFailsTheQueryByName() throws {
        let store = try SegmentStore()
        let broker = try store.broker()
        let segment = try store.segment(day: 0, version: "v1", values: [1])
        try store.remove(segment)
        broker.update(dataSource: "d", timeline: SegmentTimeline([segment]))
        #expect(throws: LaminaError.self) { try broker.run(count()) }
    }

    @Test func oneQuerySeesOneSnapshotWhileOthersReplace() throws {
        let store = try SegmentStore()
        let broker = try store.broker()
        // Both states have six rows; a mixture of them would not.
        let old = try (0..<3).map { try store.segment(day: $0, version: "v1", values: [1, 1]) }
        let new = try [6, 0, 0].enumerated().map { day, count in
            try store.segment(day: day, version: "v2", values: Array(repeating: 1, count: count))
        }
        let timelines = [SegmentTimeline(old), SegmentTimeline(old + new)]
        broker.update(dataSource: "d", timeline: timelines[0])
        let stop = Monitor(false)
        let swapper = try WorkerThread(name: "swapper") {
            var turn = 0
            while !stop.read({ $0 }) {
                turn += 1
                broker.update(dataSource: "d", timeline: timelines[turn % 2])
            }
        }
        let counted = try count()
        for _ in 0..<300 { #expect(try broker.run(counted).jsonText().contains(#""rows":6,"v":6"#)) }
        stop.update { $0 = true }
        swapper.join()
    }

    @Test func queriesAreCancelledByIDAndRunOutOfTime() throws {
        let store = try SegmentStore()
        let broker = try store.broker()
        broker.update(
            dataSource: "d",
            timeline: SegmentTimeline([try store.segment(day: 0, version: "v1", values: [1])])
        )
        let cancelled = #expect(throws: LaminaError.self) {
            try broker.run(count(#"{"queryId":"q"}"#)) { _ in #expect(broker.cancel(queryID: "q")) }
        }
        #expect(cancelled?.category == .canceled)
        #expect(!broker.cancel(queryID: "q"))
        let late = #expect(throws: LaminaError.self) {
            try broker.run(count(#"{"timeout":1}"#)) { _ in usleep(20_000) }
        }
        #expect(late?.category == .timeout)
        #expect(throws: LaminaError.self) { try broker.run(count(#"{"timeout":-1}"#)) }
        #expect(try broker.run(count(#"{"timeout":"60000"}"#)).jsonText().contains(#""rows":1"#))
    }

    @Test func bySegmentNamesEachSegment() throws {
        let store = try SegmentStore()
        let broker = try store.broker()
        let segments = try (0..<2).map { try store.segment(day: $0, version: "v1", values: [1, 2]) }
        broker.update(dataSource: "d", timeline: SegmentTimeline(segments))
        let answer = try JSONParser.parse(broker.run(count(#"{"bySegment":true}"#)).jsonText())
        #expect(answer.arrayValue?.count == 2)
        #expect(answer.arrayValue?.first?["result"]?["segment"] == .string(segments[0].id.text))
        #expect(answer.arrayValue?.first?["result"]?["results"]?.arrayValue?.first?["result"]?["rows"] == 2)
    }

    @Test func theBoundsOfTimeComeFromTheOuterSegments() throws {
        let store = try SegmentStore()
        let broker = try store.broker()
        let segments = try (0..<5).map { try store.segment(day: $0, version: "v1", values: [1]) }
        // The one in the middle is not there: it need not be opened.
        try store.remove(segments[2])
        broker.update(dataSource: "d", timeline: SegmentTimeline(segments))
        let answer = try broker.run(query(#"{"queryType":"timeBoundary","dataSource":"d"}"#)).jsonText()
        #expect(answer.contains(#""minTime":"2024-05-01T00:00:00.000Z""#))
        #expect(answer.contains(#""maxTime":"2024-05-05T00:00:00.000Z""#))
    }

    @Test func tenThousandSegmentsAreTakenInFast() throws {
        let store = try SegmentStore()
        let broker = try store.broker()
        let one = try store.segment(day: 0, version: "v1", values: [1])
        let many = (0..<10_000).map { number in
            var segment = one
            segment.interval = Interval(start: Int64(number) * Self.day, end: Int64(number + 1) * Self.day)
            return segment
        }
        #expect(threadSeconds { broker.update(dataSource: "d", timeline: SegmentTimeline(many)) } < 3)
        // Only what a query needs is opened: with nine thousand files missing this would fail otherwise.
        try store.remove(one)
        #expect(throws: LaminaError.self) { try broker.run(count("{}", "1970-01-01/1970-01-02")) }
        _ = try broker.run(count("{}", "2024-01-01/2025-01-01"))
    }
}
