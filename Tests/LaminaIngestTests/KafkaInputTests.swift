import LaminaBase
import LaminaIngest
import LaminaTestSupport
import Testing

/// The `kafka` input source over a log in memory.
@Suite struct KafkaInputTests {
    private func source(_ more: JSONObject) -> JSON {
        var source: JSONObject = ["type": "kafka", "topic": "t", "consumerProperties": ["bootstrap.servers": "x:1"]]
        for (name, value) in more.entries { source[name] = value }
        return .object(source)
    }

    /// The field `a` of all rows, in the order of the batches' numbers, which must have no gaps.
    private func read(
        _ stream: FakeStream,
        _ more: JSONObject,
        format: JSON = ["type": "json"]
    ) throws(LaminaError) -> [JSON] {
        let rows = try openRows(
            try InputSource(json: source(more), path: "inputSource"),
            try InputFormat(json: format, path: "inputFormat"),
            RowSourceOptions(connector: stream)
        )
        var batches: [RowBatch] = []
        while let batch = try rows.nextBatch() { batches.append(batch) }
        batches.sort { $0.sequence < $1.sequence }
        #expect(batches.map(\.sequence) == Array(0..<batches.count))
        return ReadRows(batches: batches).rows.map { $0["a"] ?? .null }
    }

    /// A topic `t` whose partitions hold these values, a time each where given; two records come at a poll.
    private func log(_ partitions: [[String]], times: [[Int64]] = []) -> FakeStream {
        let stream = FakeStream(recordsPerPoll: 2)
        stream.addPartitions("t", 0..<Int32(partitions.count))
        for (number, values) in partitions.enumerated() {
            for (place, value) in values.enumerated() {
                let time = times.isEmpty ? 0 : times[number][place]
                stream.append("t", Int32(number), [value], time: time)
            }
        }
        return stream
    }

    private func values(_ range: Range<Int>) -> [String] { range.map { "{\"a\":\($0)}" } }
    private func numbers(_ range: Range<Int>) -> [JSON] { range.map { .int(Int64($0)) } }

    @Test func allThereIs() throws {
        let stream = log([values(0..<5), values(10..<13), []])
        #expect(try read(stream, [:]) == numbers(0..<5) + numbers(10..<13))
    }

    @Test func betweenOffsets() throws {
        let stream = log([values(0..<9), values(20..<29)])
        #expect(try read(stream, ["start": ["0": 3], "end": ["0": 6]]) == numbers(3..<6))
        #expect(try read(stream, ["start": ["0": 7, "1": 8]]) == numbers(7..<9) + numbers(28..<29))
        #expect(try read(stream, ["end": ["1": 2]]) == numbers(20..<22))
        #expect(try read(stream, ["start": ["0": 4], "end": ["0": 4]]) == [])
    }

    @Test func offsetsWithoutRecordsDoNotHang() throws {
        // Behind offset 2 there are only markers of transactions; between 2 and 7 compaction took what was there.
        let stream = log([values(0..<3)])
        stream.appendHoles("t", 0, 3)
        #expect(try read(stream, [:]) == numbers(0..<3))
        #expect(try read(stream, ["start": ["0": 0], "end": ["0": 5]]) == numbers(0..<3))
        stream.appendHoles("t", 0, 1)
        stream.append("t", 0, ["{\"a\":7}"])
        #expect(try read(stream, ["end": ["0": 5]]) == numbers(0..<3))
    }

    @Test func theEndIsWhereTheLogEndedAtFirst() throws {
        let stream = log([values(0..<3)])
        let input = try InputSource(json: source([:]), path: "inputSource")
        let format = try InputFormat(json: ["type": "json"], path: "inputFormat")
        var counts: [Int] = []
        // Two passes of one job, with the log growing meanwhile.
        for _ in 0..<2 {
            let rows = try openRows(input, format, RowSourceOptions(connector: stream))
            var count = 0
            while let batch = try rows.nextBatch() {
                count += batch.rowCount
                stream.append("t", 0, ["{\"a\":99}"])
            }
            counts.append(count)
        }
        #expect(counts == [3, 3])
    }

    @Test func gapsAreNamed() throws {
        let stream = log([values(0..<105)], times: [Array(repeating: 0, count: 100) + [10, 20, 30, 40, 50]])
        stream.removeRecords("t", 0, before: 100)
        func message(_ more: JSONObject) -> String {
            do throws(LaminaError) {
                return "\(try read(stream, more).count) rows"
            } catch {
                return error.message
            }
        }
        #expect(message(["start": ["0": 90]]) == "The log of t-0 begins at offset 100: offsets 90 to 99 are gone")
        #expect(message(["start": ["0": 100]]) == "5 rows")
        #expect(message(["end": ["0": 106]]).contains("100 up to 106 do not lie in it"))
        #expect(message(["start": ["3": 0]]).contains("t-3"))
        // The record at the beginning is older than the interval: nothing of it is gone.
        #expect(message(["interval": "1970-01-01T00:00:00.020Z/1970-01-01T00:00:00.040Z"]) == "2 rows")
        #expect(
            message(["interval": "1970-01-01T00:00:00.005Z/1970-01-01T00:00:00.040Z"]).contains("begins at offset 100")
        )
    }

    @Test func anIntervalOfTheLog() throws {
        let stream = log([values(0..<5), values(10..<12)], times: [[10, 20, 30, 40, 50], [1, 2]])
        let rows = try read(stream, ["interval": "1970-01-01T00:00:00.020Z/1970-01-01T00:00:00.041Z"])
        #expect(rows == numbers(1..<4))
    }

    @Test func aBrokerThatIsAwayIsWaitedFor() throws {
        let stream = log([values(0..<5)])
        stream.failPolls([.unreachable("away"), .unreachable("still away")])
        #expect(try read(stream, [:]) == numbers(0..<5))
        stream.failPolls([.offsetGone(StreamPartition(topic: "t", number: 0), wanted: 1, earliest: 3, latest: 5)])
        #expect(throws: LaminaError.self) { try read(stream, [:]) }
    }

    @Test func finishedPartitionsAreLetGo() throws {
        let stream = log((0..<8).map { values(0..<($0 + 1)) })
        #expect(try read(stream, [:]).count == 36)
        #expect(stream.assignmentCount == 4)
    }

    @Test func severalThreadsShareTheRows() throws {
        let stream = log([values(0..<500), values(500..<1000)])
        let rows = try openRows(
            try InputSource(json: source([:]), path: "inputSource"),
            try InputFormat(json: ["type": "json"], path: "inputFormat"),
            RowSourceOptions(connector: stream)
        )
        let found = Monitor<[RowBatch]>([])
        let threads = try (0..<4).map { number in
            try WorkerThread(name: "reader-\(number)") {
                while let batch = try? rows.nextBatch() { found.update { $0.append(batch) } }
            }
        }
        for thread in threads { thread.join() }
        let batches = found.read { $0.sorted { $0.sequence < $1.sequence } }
        #expect(batches.map(\.sequence) == Array(0..<batches.count))
        #expect(ReadRows(batches: batches).rows.map { $0["a"] ?? .null } == numbers(0..<1000))
    }

    @Test func beneathOtherSources() throws {
        let stream = log([values(0..<2)])
        let json: JSON = [
            "type": "combining",
            "delegates": [["type": "inline", "data": "{\"a\":7}"], source([:])],
        ]
        let rows = try openRows(
            try InputSource(json: json, path: "inputSource"),
            try InputFormat(json: ["type": "json"], path: "inputFormat"),
            RowSourceOptions(connector: stream)
        )
        var found: [JSON] = []
        while let batch = try rows.nextBatch() { found += ReadRows(batches: [batch]).rows.map { $0["a"] ?? .null } }
        #expect(found == [7, 0, 1])
    }

    @Test(
        arguments: [
            ["topicPattern": "x"], ["start": 5], ["start": ["x": 1]], ["start": ["0": -1]], ["interval": "never"],
            ["interval": "2020/2021", "end": ["0": 1]], ["start": "latest"],
        ] as [JSON]
    )
    func wrongSpecs(more: JSON) throws {
        let stream = log([values(0..<2)])
        #expect(throws: LaminaError.self) { try read(stream, more.objectValue ?? [:]) }
    }

    // MARK: samples

    private func sample(_ stream: FakeStream, _ io: JSONObject, rows: Int = 10, timeout: Int = 5000) throws -> JSON {
        var config: JSONObject = [
            "topic": "t", "consumerProperties": ["bootstrap.servers": "x:1"], "inputFormat": ["type": "json"],
        ]
        for (name, value) in io.entries { config[name] = value }
        return try SampleJob(
            json: [
                "type": "kafka",
                "spec": [
                    "type": "kafka",
                    "spec": [
                        "dataSchema": [
                            "dataSource": "d", "timestampSpec": ["column": "ts", "format": "millis"],
                            "dimensionsSpec": ["dimensions": ["x"]], "granularitySpec": ["rollup": false],
                        ],
                        "ioConfig": .object(config),
                    ],
                ],
                "samplerConfig": ["numRows": .int(Int64(rows)), "timeoutMs": .int(Int64(timeout))],
            ],
            connector: stream
        ).run()
    }

    @Test func samplesOfATopic() throws {
        let stream = log([["{\"ts\":1,\"x\":\"a\"}", "poison", "{\"ts\":\"no\",\"x\":\"b\"}"]])
        let answer = try sample(stream, ["useEarliestOffset": true])
        #expect(answer["numRowsRead"] == 3 && answer["numRowsIndexed"] == 1)
        let data = try #require(answer["data"]?.arrayValue)
        #expect(data[0]["parsed"] == ["__time": 1, "x": "a"])
        #expect(data[1]["error"] == "Unable to parse row [poison] into JSON")
        #expect(data[2]["unparseable"] == true)
        #expect(try sample(stream, ["useEarliestOffset": true], rows: 1)["numRowsRead"] == 1)
        // From now on there is nothing, until the time is over.
        #expect(try sample(stream, [:], timeout: 300)["numRowsRead"] == 0)
    }
}
