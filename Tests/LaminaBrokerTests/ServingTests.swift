import LaminaBase
import LaminaBroker
import LaminaEngine
import LaminaQuery
import Testing

/// What happens around the computing: kept partials, tags, lanes, pruned segments, rows on their way to the client.
@Suite struct ServingTests {
    private func query(_ text: String, _ context: String = "{}") throws -> Query {
        try Query(
            json: try JSONParser.parse(
                #"{"dataSource":"d","intervals":["2024-01-01/2025-01-01"],"granularity":"all","context":\#(context),\#(text)}"#
            )
        )
    }

    private let sums =
        #""queryType":"groupBy","dimensions":["s"],"aggregations":[{"type":"longSum","name":"v","fieldName":"v"}]"#

    @Test func partialsAreKeptBySegmentAndAnswersStayTheSame() throws {
        let store = try SegmentStore()
        let broker = try store.broker()
        let segments = try (0..<3).map {
            try store.segment(day: $0, version: "v1", values: [1, 2], words: ["a", "b"])
        }
        broker.update(dataSource: "d", timeline: SegmentTimeline(segments))
        let kinds = [
            sums, #""queryType":"timeseries","aggregations":[{"type":"longMax","name":"m","fieldName":"v"}]"#,
            #""queryType":"topN","dimension":"s","metric":"v","threshold":1,"aggregations":[{"type":"longSum","name":"v","fieldName":"v"}]"#,
            #""queryType":"search","query":{"type":"contains","value":"a"}"#,
            #""queryType":"segmentMetadata","merge":true"#, #""queryType":"timeBoundary""#,
        ]
        for kind in kinds {
            let plain = try broker.run(query(kind, #"{"useCache":false,"populateCache":false}"#)).jsonText()
            var before = broker.cacheHits
            #expect(try broker.run(query(kind, #"{"queryId":"a"}"#)).jsonText() == plain)
            #expect(broker.cacheHits == before)
            #expect(try broker.run(query(kind, #"{"queryId":"b","priority":3}"#)).jsonText() == plain)
            #expect(broker.cacheHits > before)
            before = broker.cacheHits
            #expect(try broker.run(query(kind, #"{"useCache":false}"#)).jsonText() == plain)
            #expect(broker.cacheHits == before)
        }
        // The same query over a part of the rows is another one.
        let filtered = try Query(
            json: try JSONParser.parse(
                #"{"dataSource":{"type":"filter","base":"d","filter":{"type":"equals","column":"s","matchValueType":"STRING","#
                    + #""matchValue":"a"}},"intervals":["2024-01-01/2025-01-01"],"granularity":"all",\#(sums)}"#
            )
        )
        #expect(try !broker.run(filtered).jsonText().contains(#""s":"b""#))
        // A day that was replaced is computed anew, the others are not.
        let newer = try store.segment(day: 1, version: "v2", values: [10], words: ["a"])
        broker.update(dataSource: "d", timeline: SegmentTimeline(segments + [newer]))
        let before = broker.cacheHits
        #expect(try broker.run(query(sums)).jsonText().contains(#""s":"a","v":12"#))
        #expect(broker.cacheHits == before + 2)
    }

    @Test func aTagChangesWithTheSegments() throws {
        let store = try SegmentStore()
        let broker = try store.broker()
        let first = try store.segment(day: 0, version: "v1", values: [1], words: ["a"])
        broker.update(dataSource: "d", timeline: SegmentTimeline([first]))
        let tag = try #require(try broker.answer(query(sums)).entityTag)
        #expect(try broker.answer(query(sums, #"{"queryId":"other"}"#), knownTag: tag).result == nil)
        #expect(try broker.answer(query(sums), knownTag: "other").result != nil)
        #expect(try broker.answer(query(sums + #","limitSpec":{"type":"default","limit":1}"#)).entityTag != tag)
        broker.update(
            dataSource: "d",
            timeline: SegmentTimeline([first, try store.segment(day: 0, version: "v2", values: [2], words: ["a"])])
        )
        let changed = try broker.answer(query(sums), knownTag: tag)
        #expect(changed.result != nil && changed.entityTag != tag)
        #expect(try broker.answer(query(#""queryType":"scan""#)).entityTag == nil)
    }

    @Test func aLaneTakesSoManyQueriesAtOnce() throws {
        let store = try SegmentStore()
        var options = Broker.Options()
        options.laneLimits = ["slow": 1]
        options.maxTimeoutMillis = 60_000
        let broker = try store.broker(options)
        broker.update(
            dataSource: "d",
            timeline: SegmentTimeline([try store.segment(day: 0, version: "v1", values: [1])])
        )
        // An answer that nobody has read to its end is still a running query.
        let held = try broker.run(query(#""queryType":"scan""#, #"{"lane":"slow","queryId":"q"}"#))
        let full = #expect(throws: LaminaError.self) {
            try broker.run(query(#""queryType":"scan""#, #"{"lane":"slow"}"#))
        }
        #expect(full?.category == .capacityExceeded)
        _ = try broker.run(query(#""queryType":"scan""#, #"{"lane":"unknown"}"#))
        #expect(broker.cancel(queryID: "q"))
        let stopped = #expect(throws: LaminaError.self) { try held.jsonText() }
        #expect(stopped?.category == .canceled)
        #expect(throws: LaminaError.self) { try broker.run(query(#""queryType":"scan""#, #"{"timeout":70000}"#)) }
    }

    @Test func shardsOfOtherRangesAreNotOpened() throws {
        let store = try SegmentStore()
        let broker = try store.broker()
        let bounds: [String?] = [nil, "h", "p", nil]
        let words = [["a", "g"], ["h", "o"], ["p", "z"]]
        let segments = try (0..<3).map { part in
            try store.segment(
                day: 0,
                version: "v1",
                values: [1, 2],
                words: words[part],
                shard: .range(
                    ShardSpec.RangeShardSpec(
                        dimensions: ["s"],
                        start: part == 0 ? nil : [bounds[part]],
                        end: part == 2 ? nil : [bounds[part + 1]],
                        partition: part,
                        core: 3
                    )
                )
            )
        }
        broker.update(dataSource: "d", timeline: SegmentTimeline(segments))
        let filters = [
            #"{"type":"selector","dimension":"s","value":"h"}"#, #"{"type":"in","dimension":"s","values":["o","p"]}"#,
            #"{"type":"and","fields":[{"type":"equals","column":"s","matchValueType":"STRING","matchValue":"g"},{"type":"true"}]}"#,
            #"{"type":"not","field":{"type":"selector","dimension":"s","value":"h"}}"#,
            #"{"type":"or","fields":[{"type":"selector","dimension":"s","value":"a"},{"type":"selector","dimension":"v","value":"2"}]}"#,
            #"{"type":"selector","dimension":"s","value":"12"}"#,
        ]
        for filter in filters {
            let kept = try broker.run(query(sums + #","filter":"# + filter)).jsonText()
            let all = try broker.run(
                query(sums + #","filter":"# + filter, #"{"secondaryPartitionPruning":false,"useCache":false}"#)
            ).jsonText()
            #expect(kept == all, "\(filter)")
        }
        // The files of the other ranges are gone: a pruned query does not miss them.
        let fresh = try store.broker()
        fresh.update(dataSource: "d", timeline: SegmentTimeline(segments))
        try store.remove(segments[0])
        try store.remove(segments[2])
        #expect(try fresh.run(query(sums + #","filter":"# + filters[0])).jsonText().contains(#""s":"h","v":1"#))
        #expect(throws: LaminaError.self) { try fresh.run(query(sums + #","filter":"# + filters[3])) }
    }

    @Test func rowsAreOrderedByAnyColumns() throws {
        let store = try SegmentStore()
        let broker = try store.broker()
        let segments = try (0..<2).map {
            try store.segment(day: $0, version: "v1", values: [3, 1, 2, 1], words: ["x", "y", "x", "z"])
        }
        broker.update(dataSource: "d", timeline: SegmentTimeline(segments))
        func rows(_ rest: String) throws -> [String] {
            let answer = try broker.run(
                query(#""queryType":"scan","columns":["s","v"],"resultFormat":"compactedList","# + rest)
            ).jsonText()
            return (try JSONParser.parse(answer).arrayValue ?? []).flatMap { $0["events"]?.arrayValue ?? [] }.map(
                \.text
            )
        }
        let order = #""orderBy":[{"columnName":"s","order":"descending"},{"columnName":"v"}]"#
        let expected = [
            #"["z",1]"#, #"["z",1]"#, #"["y",1]"#, #"["y",1]"#, #"["x",2]"#, #"["x",2]"#, #"["x",3]"#, #"["x",3]"#,
        ]
        #expect(try rows(order) == expected)
        #expect(try rows(order + #","limit":3,"offset":1"#) == Array(expected[1..<4]))
        #expect(throws: LaminaError.self) { try rows(#""orderBy":[{"columnName":"missing"}]"#) }
    }
}
