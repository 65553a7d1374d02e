import LaminaBase
import LaminaIngest
import LaminaTestSupport
import Testing

/// Whatever a stream reads back is given to its decoder cut off at every byte and with every byte changed: it is refused by name, or read
/// as something that can be worked with. Checksums are right here, as if a writer of another version had made it.
@Suite struct DamagedFilesTests {
    private func damaged(_ bytes: [UInt8], flips: [UInt8] = [1, 0x10, 0x80, 0xFF]) -> [[UInt8]] {
        var all = bytes.indices.map { Array(bytes[..<$0]) }
        for place in bytes.indices {
            for flip in flips {
                var changed = bytes
                changed[place] ^= flip
                all.append(changed)
            }
        }
        return all
    }

    private func records(_ folder: String) throws -> [Journal.Record] {
        let journal = try Journal(folder: folder)
        var all: [Journal.Record] = []
        try journal.read(from: journal.first) { record throws(LaminaError) in
            all.append(record)
            return true
        }
        return all
    }

    /// A journal with one record.
    private func write(_ record: Journal.Record, head: [UInt8], to folder: String) throws {
        removeTestFiles(folder)
        _ = try Journal(folder: folder).append([Journal.Entry(head: head, body: record.body)])
    }

    /// nil when it is refused, which must name the file.
    private func commit(_ bytes: [UInt8]) -> StreamCommit? {
        do throws(LaminaError) {
            return try StreamCommit(reading: bytes, path: "commit.json")
        } catch {
            #expect(error.message.contains("commit.json"))
            return nil
        }
    }

    @Test func commits() throws {
        let fixture = try StreamFixture(streamSpec())
        try fixture.append((0..<4).map { streamRow($0) })
        fixture.indexer.handOff(now: fixture.clock.now)
        try fixture.append([streamRow(4, hour: 1)], partition: 1)
        try fixture.indexer.persist()
        let bytes = try fileBytes("\(fixture.folder)/commit.json")
        let whole = try StreamCommit(reading: bytes, path: "commit.json")
        #expect(whole.bytes == bytes)
        var refused = 0
        for changed in damaged(bytes) {
            guard let read = commit(changed) else {
                refused += 1
                continue
            }
            #expect(commit(read.bytes)?.bytes == read.bytes)
        }
        #expect(refused > bytes.count)
    }

    @Test(arguments: ["nextFolder", "nextSequence", "number"])
    func numbersOfCommitsStayCountable(_ name: String) throws {
        let fixture = try StreamFixture(streamSpec())
        try fixture.append([streamRow(0)])
        try fixture.indexer.persist()
        let text = String(decoding: try fileBytes("\(fixture.folder)/commit.json"), as: UTF8.self)
        let start = try #require(text.firstRange(of: "\"\(name)\":"))
        let rest = text[start.upperBound...].drop { $0.isNumber }
        for number in ["-1", "9223372036854775807"] {
            let changed = text[..<start.upperBound] + number + rest
            #expect(throws: LaminaError.self) {
                try StreamCommit(reading: Array(changed.utf8), path: "commit.json")
            }
        }
    }

    @Test func deadLetters() throws {
        let folder = freshFolder()
        let other = freshFolder()
        defer {
            removeTestFiles(folder)
            removeTestFiles(other)
        }
        let letters = try DeadLetters(folder: folder)
        let text = Array("{\"a\":1}".utf8)
        try letters.add([DeadLetter(time: 5, kind: "late", reason: "why", origin: "t-0@1", text: text)], through: 300)
        try letters.remove([0])
        let records = try records(folder)
        // The letter, its end, and the totals.
        try #require(records.count == 3)
        for record in records {
            var read = 0
            for head in damaged(record.head, flips: [1, 0xFF]) {
                try write(record, head: head, to: other)
                do {
                    let letters = try DeadLetters(folder: other)
                    let list = try letters.list(limit: 10)
                    #expect(list.count == letters.count && list.allSatisfy { $0.text == text })
                    try letters.add([DeadLetter(time: 6, kind: "early", reason: "", origin: "", text: text)])
                    #expect(try letters.removeAll() == list.count + 1)
                    read += 1
                } catch let error as LaminaError {
                    #expect(error.code == "corruptJournal" && error.message.contains(other))
                }
            }
            #expect(read > 0)
        }
    }

    @Test func pushes() throws {
        let push = try PushFixture()
        #expect(try push.reply([streamRow(1), "{}", streamRow(2)], producer: "p", sequence: 3).accepted == 2)
        #expect(try push.reply([streamRow(3)], key: "k").accepted == 1)
        // Before a stop makes the journal short.
        let records = try records("\(push.folder)/journal")
        try #require(records.count == 2)
        try push.stream.stop()
        for record in records {
            let body = String(decoding: record.body, as: UTF8.self)
            #expect(body.contains("\"id\":"))
            for head in damaged(record.head, flips: [1, 0xFF]) {
                let folder = freshFolder()
                defer { removeTestFiles(folder) }
                try write(record, head: head, to: "\(folder)/journal")
                do {
                    let other = try PushFixture(folder: folder)
                    #expect(other.stream.phase == .running)
                    #expect(Set(try other.host.visible()).isSubset(of: [1, 2, 3]))
                    try other.stream.stop()
                } catch let error as LaminaError {
                    #expect(error.code == "corruptJournal" && error.message.contains(folder), "\(error.message)")
                }
            }
        }
    }

    @Test func keys() throws {
        let push = try PushFixture()
        #expect(try push.reply([streamRow(1)], producer: "p", sequence: 3).accepted == 1)
        #expect(try push.reply([streamRow(2)], key: "k").accepted == 1)
        try push.stream.suspend()
        let records = try records("\(push.folder)/keys")
        try #require(!records.isEmpty)
        for record in records {
            for head in damaged(record.head, flips: [1, 0xFF]) {
                let folder = freshFolder()
                defer { removeTestFiles(folder) }
                try write(record, head: head, to: "\(folder)/keys")
                do {
                    let other = try PushFixture(folder: folder)
                    #expect(try other.reply([streamRow(3)]).accepted == 1)
                    try other.stream.stop()
                } catch let error as LaminaError {
                    #expect(error.code == "corruptJournal" && error.message.contains(folder), "\(error.message)")
                }
            }
        }
    }

    /// Headers and keys of Kafka records are bytes that anybody may write.
    @Test(arguments: ["UTF-8", "US-ASCII", "ISO-8859-1", "UTF-16", "UTF-16BE", "UTF-16LE"])
    func kafkaHeadersAndKeys(_ encoding: String) throws {
        let format = try InputFormat(
            json: [
                "type": "kafka", "valueFormat": ["type": "json"], "keyFormat": ["type": "json"],
                "headerFormat": ["type": "string", "encoding": .string(encoding)],
            ],
            path: "inputFormat"
        )
        let parser = RecordParser(format, wanted: nil)
        let (value, key) = (Array(#"{"x":1}"#.utf8), Array(#"{"key":"a"}"#.utf8))
        let header: [UInt8] = [0xFE, 0xFF, 0x00, 0x61, 0xD8, 0x3D, 0xDE, 0x00, 0xC3, 0xA4]
        var headers = damaged(header)
        headers.append(header)
        var keys = damaged(key)
        keys.append(key)
        var batch = RecordBatch()
        batch.partitions = [streamPartitions[0]]
        for number in 0..<max(headers.count, keys.count) {
            func add(_ bytes: [UInt8]) -> Range<Int> {
                let start = batch.bytes.count
                batch.bytes += bytes
                return start..<batch.bytes.count
            }
            batch.records.append(
                RecordBatch.Record(
                    partition: 0,
                    offset: Int64(number),
                    timestamp: 1,
                    value: add(value),
                    key: add(keys[number % keys.count]),
                    headers: [
                        (name: "h", value: add(headers[number % headers.count])),
                        (name: String(decoding: headers[number % headers.count], as: UTF8.self), value: nil),
                    ]
                )
            )
        }
        let parsed = try parser.parse(batch)
        let rows = parsed.batches.reduce(0) { $0 + $1.rowCount }
        let bad = parsed.batches.reduce(0) { $0 + $1.badRecords.count }
        #expect(rows + bad >= batch.records.count)
        #expect(rows > 0 && bad > 0)
    }

    @Test func ofVeryManyHeadersTheLastOfEachNameCounts() throws {
        let format = try InputFormat(
            json: ["type": "kafka", "valueFormat": ["type": "json"], "headerFormat": ["type": "string"]],
            path: "inputFormat"
        )
        var batch = recordBatch([Array(#"{"x":1}"#.utf8)], first: 0)
        batch.records[0].headers = (0..<20_000).map { (name: "h\($0 % 10_000)", value: $0 < 10_000 ? 0..<1 : 1..<4) }
        let parsed = try RecordParser(format, wanted: ["kafka.header.h0", "kafka.header.h9999"]).parse(batch)
        let fields = parsed.batches.flatMap(\.fields).filter { $0.name.hasPrefix("kafka.header.") }
        #expect(Set(fields.map(\.name)).isSuperset(of: ["kafka.header.h0", "kafka.header.h9999"]))
        #expect(fields.count <= 10_000)
    }
}
