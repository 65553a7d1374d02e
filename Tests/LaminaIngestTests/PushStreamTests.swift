import Glibc
import LaminaBase
import LaminaIngest
import LaminaSegment
import LaminaTestSupport
import Synchronization
import Testing

/// A push stream over a folder and a host that outlive it.
final class PushFixture {
    let folder: String
    let clock = TestClock()
    let io: JSONObject
    let tuning: JSONObject
    let waits: Int64
    private(set) var host = FakeStreamHost()
    private(set) var stream: PushStream

    init(
        folder: String = freshFolder(),
        io: JSONObject = [:],
        tuning: JSONObject = [:],
        waits: Int64 = 30_000
    ) throws {
        self.folder = folder
        self.io = io
        self.tuning = tuning
        self.waits = waits
        stream = try Self.open(folder, host, clock, io, tuning, waits)
        try stream.start()
    }

    private static func open(
        _ folder: String,
        _ host: FakeStreamHost,
        _ clock: TestClock,
        _ io: JSONObject,
        _ tuning: JSONObject,
        _ waits: Int64
    ) throws -> PushStream {
        var ioConfig: JSONObject = ["type": "push", "inputFormat": ["type": "json"]]
        for (key, value) in io.entries { ioConfig[key] = value }
        let spec = try PushSpec(json: [
            "type": "push",
            "spec": [
                "dataSchema": [
                    "dataSource": "t", "timestampSpec": ["column": "ts", "format": "millis"],
                    "dimensionsSpec": ["dimensions": [["type": "long", "name": "id"], "k"]],
                    "granularitySpec": ["segmentGranularity": "HOUR", "queryGranularity": "NONE", "rollup": false],
                ],
                "ioConfig": .object(ioConfig), "tuningConfig": .object(tuning),
            ],
        ])
        var options = PushStream.Options()
        options.clock = { clock.now }
        options.journal.fileBytes = 2000
        // A crashed host never lets rows in.
        options.waitMilliseconds = waits
        options.probe = { step throws(LaminaError) in try host.probe(step) }
        return try PushStream(spec, name: "index_push_t", folder: folder, host: host, options: options)
    }

    deinit {
        host.state.update { $0.isCrashed = true }
        try? stream.stop()
        removeTestFiles(folder)
    }

    /// Kills it where it stands and starts again on what is on disk.
    func crash() throws {
        host.state.update { $0.isCrashed = true }
        try? stream.stop()
        host = host.next()
        stream = try Self.open(folder, host, clock, io, tuning, waits)
        try stream.start()
    }

    func push(
        _ texts: [String],
        key: String? = nil,
        producer: String? = nil,
        sequence: Int? = nil,
        atomic: Bool = false,
        type: String = "application/json"
    )
        throws -> PushOutcome
    {
        try stream.accept(
            PushRequest(
                body: Array(texts.joined(separator: "\n").utf8),
                mediaType: type,
                identity: try PushIdentity(key: key, producer: producer, sequence: sequence.map { "\($0)" }),
                isAtomic: atomic
            )
        )
    }

    func reply(_ texts: [String], key: String? = nil, producer: String? = nil, sequence: Int? = nil) throws -> PushReply
    {
        guard case .done(let reply) = try push(texts, key: key, producer: producer, sequence: sequence) else {
            throw LaminaError.invalidInput("refused")
        }
        return reply
    }
}

@Suite(.timeLimit(.minutes(5))) struct PushStreamTests {
    @Test func rowsAreVisibleWithTheAnswerAndAfterACrash() throws {
        let push = try PushFixture()
        var ids: [Int64] = []
        for batch in 0..<20 {
            let rows = (0..<7).map { Int64(batch * 7 + $0) }
            let reply = try push.reply(rows.map { streamRow($0, hour: $0 % 3) })
            #expect(reply == PushReply(received: 7, accepted: 7))
            ids += rows
            #expect(try push.host.visible() == ids)
            if batch % 5 == 4 {
                try push.crash()
                #expect(try push.host.visible() == ids)
            }
        }
        try push.stream.suspend()
        #expect(push.host.state.read { $0.announced.isEmpty })
        #expect(try push.host.visible() == ids)
        let error = #expect(throws: LaminaError.self) { try push.reply([streamRow(1)]) }
        #expect(error?.category == .serviceUnavailable && error?.message.contains("suspended") == true)
        #expect(error?.context["retryAfter"] != nil)
        try push.stream.start()
        #expect(try push.reply([streamRow(140)]).accepted == 1)
        try push.stream.stop()
        #expect(push.stream.phase == .stopped)
    }

    @Test func badRowsAreNamedAndTheRestIsStored() throws {
        let push = try PushFixture(io: ["lateMessageRejectionPeriod": "PT1H", "earlyMessageRejectionPeriod": "PT1H"])
        let rows = [
            streamRow(1), "{\"id\":2}", "nonsense", streamRow(4, hour: -5), streamRow(5, hour: 7), streamRow(6),
        ]
        let reply = try push.reply(rows)
        #expect(reply.received == 6 && reply.accepted == 2 && reply.rejected == 4 && reply.duplicate == 0)
        #expect(reply.errors.map(\.row) == [1, 2, 3, 4])
        #expect(reply.errors.allSatisfy { !$0.reason.isEmpty })
        #expect(try push.host.visible() == [1, 6])
        #expect(push.stream.letters.counts == ["unparseable": 2, "late": 1, "early": 1])
        guard case .refused(let refused) = try push.push(rows, atomic: true) else {
            Issue.record("an atomic push with bad rows was taken")
            return
        }
        #expect(refused.received == 6 && refused.accepted == 0 && refused.rejected == 4)
        #expect(try push.host.visible() == [1, 6])
        guard case .done(let whole) = try push.push([streamRow(7), streamRow(8)], atomic: true) else {
            Issue.record("an atomic push of good rows was refused")
            return
        }
        #expect(whole.accepted == 2)
        // The same bounds count again, though time has passed.
        push.clock.advance(5 * hourMillis)
        try push.crash()
        #expect(try push.host.visible() == [1, 6, 7, 8])
        #expect(push.stream.letters.count == 4)
        let letters = try push.stream.letters.list(limit: 10)
        #expect(letters.map { String(decoding: $0.text, as: UTF8.self) } == Array(rows[1...4]))
    }

    @Test func aGarbledLineIsADeadLetterAndTheOthersAreStored() throws {
        let push = try PushFixture()
        let bad = ["[", "[\(streamRow(7))", "[\(streamRow(8)) \(streamRow(9))]", "nonsense", "{\"id\":"]
        for (first, type) in [(0, "application/x-ndjson"), (100, "application/json")] {
            let good = (0..<bad.count + 1).map { Int64(first + $0) }
            var lines = [streamRow(good[0])]
            for (place, line) in bad.enumerated() { lines += [line, streamRow(good[place + 1])] }
            guard case .done(let reply) = try push.push(lines, type: type) else {
                Issue.record("it was refused")
                return
            }
            #expect(reply.received == lines.count && reply.accepted == good.count && reply.rejected == bad.count)
            #expect(reply.errors.map(\.row) == bad.indices.map { $0 * 2 + 1 })
            #expect(try push.host.visible().suffix(good.count) == good)
            let letters = try push.stream.letters.list(limit: 100).suffix(bad.count)
            #expect(letters.map { String(decoding: $0.text, as: UTF8.self) } == bad)
        }
        #expect(push.stream.letters.counts == ["unparseable": 2 * bad.count])
    }

    @Test func manyErrorsAreCountedAndTheFirstAreNamed() throws {
        let push = try PushFixture()
        let reply = try push.reply((0..<500).map { _ in "{}" } + [streamRow(1)])
        #expect(reply.received == 501 && reply.rejected == 500 && reply.errors.count == PushReply.errorsMax)
        #expect(push.stream.letters.count == 500)
    }

    @Test func aKeyMakesARetryADuplicateAlsoAfterACrash() throws {
        let push = try PushFixture()
        #expect(try push.reply([streamRow(1), streamRow(2)], key: "a").accepted == 2)
        let again = try push.reply([streamRow(1), streamRow(2)], key: "a")
        #expect(again == PushReply(received: 2, duplicate: 2))
        #expect(try push.reply([streamRow(3)], key: "b").accepted == 1)
        #expect(try push.reply([streamRow(4)], producer: "p", sequence: 5).accepted == 1)
        #expect(try push.reply([streamRow(4)], producer: "p", sequence: 5).duplicate == 1)
        #expect(try push.reply([streamRow(4)], producer: "p", sequence: 3).duplicate == 1)
        #expect(try push.reply([streamRow(5)], producer: "p", sequence: 9).accepted == 1)
        #expect(try push.reply([streamRow(6)], producer: "q", sequence: 0).accepted == 1)
        // A push of bad rows alone is remembered too.
        #expect(try push.reply(["{}"], key: "bad").rejected == 1)
        for _ in 0..<2 {
            try push.crash()
            #expect(try push.reply([streamRow(1)], key: "a").duplicate == 1)
            #expect(try push.reply([streamRow(5)], producer: "p", sequence: 9).duplicate == 1)
            #expect(try push.reply([streamRow(5)], producer: "q", sequence: 0).duplicate == 1)
            #expect(try push.reply(["{}"], key: "bad").duplicate == 1)
        }
        #expect(push.stream.letters.count == 1)
        #expect(try push.host.visible() == [1, 2, 3, 4, 5, 6])
    }

    @Test func keysOutliveTheJournalAndEndWithTheirPeriod() throws {
        let push = try PushFixture(io: ["idempotencyPeriod": "PT2H"])
        for number in 0..<40 {
            #expect(try push.reply([streamRow(Int64(number))], key: "k\(number)").accepted == 1)
        }
        #expect(try push.reply([streamRow(40)], producer: "p", sequence: 7).accepted == 1)
        try push.stream.suspend()
        #expect(push.stream.pushStatus["journal"]?["first"] == 41)
        try push.crash()
        for number in 0..<40 { #expect(try push.reply([streamRow(1)], key: "k\(number)").duplicate == 1) }
        push.clock.advance(3 * hourMillis)
        #expect(try push.reply([streamRow(41)], key: "k1").accepted == 1)
        #expect(push.stream.pushStatus["idempotencyKeys"] == 1)
        try push.stream.suspend()
        try push.crash()
        #expect(try push.reply([streamRow(42)], key: "k2").accepted == 1)
        #expect(try push.reply([streamRow(42)], key: "k1").duplicate == 1)
        #expect(try push.reply([streamRow(40)], producer: "p", sequence: 7).duplicate == 1)
        #expect(try push.host.visible() == (0..<43).map { Int64($0) })
    }

    @Test func moreKeysThanAreRememberedAreRefused() throws {
        let push = try PushFixture(io: ["maxIdempotencyKeys": 3])
        for number in 0..<3 { _ = try push.reply([streamRow(Int64(number))], key: "\(number)") }
        let error = #expect(throws: LaminaError.self) { try push.reply([streamRow(3)], key: "3") }
        #expect(error?.category == .capacityExceeded && error?.context["retryAfter"] != nil)
        #expect(try push.reply([streamRow(2)], key: "2").duplicate == 1)
        #expect(try push.reply([streamRow(3)]).accepted == 1)
    }

    @Test func concurrentPushesOfOneKeyAreStoredOnce() throws {
        let push = try PushFixture()
        let stream = push.stream
        let sums = Mutex((accepted: 0, duplicate: 0))
        var threads: [WorkerThread] = []
        for thread in 0..<8 {
            threads.append(
                try WorkerThread(name: "pusher") {
                    for number in 0..<25 {
                        // Some by key, some by producer; each row by two threads.
                        let identity = try? PushIdentity(
                            key: number % 2 == 0 ? "key \(number) \(thread / 2)" : nil,
                            producer: number % 2 == 1 ? "producer \(thread / 2)" : nil,
                            sequence: number % 2 == 1 ? "\(number)" : nil
                        )
                        let row = streamRow(Int64(thread / 2 * 100 + number))
                        guard
                            case .done(let reply)? = try? stream.accept(
                                PushRequest(body: Array(row.utf8), identity: identity)
                            )
                        else { continue }
                        sums.withLock { $0 = ($0.accepted + reply.accepted, $0.duplicate + reply.duplicate) }
                    }
                }
            )
        }
        for thread in threads { thread.join() }
        let expected = (0..<4).flatMap { thread in (0..<25).map { Int64(thread * 100 + $0) } }
        #expect(try push.host.visible() == expected)
        #expect(sums.withLock { $0.accepted } == 100)
        #expect(sums.withLock { $0.duplicate } == 100)
        try push.crash()
        #expect(try push.host.visible() == expected)
    }

    @Test func whatDoesNotFitWaitsElsewhere() throws {
        let push = try PushFixture(
            io: ["maxPendingRequests": 2, "maxPendingBytes": 1000],
            tuning: ["maxRowsInMemory": 1]
        )
        push.host.state.update { $0.isPersistHeld = true }
        _ = try push.reply([streamRow(1)])
        let stream = push.stream
        var threads: [WorkerThread] = []
        let answers = Monitor((taken: [1] as Set<Int64>, refusals: [LaminaError]()))
        // Some may find room still while the first is being written: one after the other comes until one is refused.
        while answers.read({ $0.refusals.isEmpty }) {
            let id = Int64(threads.count + 2)
            threads.append(
                try WorkerThread(name: "pusher") {
                    do throws(LaminaError) {
                        _ = try stream.accept(PushRequest(body: Array(streamRow(id).utf8)))
                        answers.update { _ = $0.taken.insert(id) }
                    } catch {
                        answers.update { $0.refusals.append(error) }
                    }
                }
            )
            let hasCome = eventually {
                let answered = answers.read { $0.taken.count + $0.refusals.count }
                return answered + Int(stream.pushStatus["pendingRequests"]?.intValue ?? 0) > threads.count
            }
            try #require(hasCome && threads.count < 10)
        }
        let error = answers.read { $0.refusals[0] }
        #expect(error.category == .capacityExceeded && error.context["retryAfter"] == "1")
        #expect(stream.pushStatus["refused"] == 1)
        push.host.state.update { $0.isPersistHeld = false }
        for thread in threads { thread.join() }
        let taken = answers.read { $0.taken.sorted() }
        #expect(taken == (1...Int64(threads.count)).map { $0 })
        #expect(try push.host.visible() == taken)
        // One push alone is taken whatever its size. The others are let go right behind their answers.
        #expect(eventually { stream.pushStatus["pendingRequests"] == 0 })
        #expect(try push.reply((10..<60).map { streamRow(Int64($0)) }).accepted == 50)
    }

    @Test func shortRowsCountForWhatTheyTake() throws {
        let push = try PushFixture(io: ["maxPendingBytes": 1000], tuning: ["maxRowsInMemory": 1], waits: 2000)
        push.host.state.update { $0.isPersistHeld = true }
        let stream = push.stream
        let short = [String](repeating: "{}", count: 10)
        let taken = Monitor(0)
        var threads: [WorkerThread] = []
        var isRefused = false
        // Some may find room still, while nothing is written yet: one after the other comes until one is held.
        while !isRefused, threads.count < 10 {
            let body = Array(streamRow(Int64(threads.count)).utf8)
            threads.append(
                try WorkerThread(name: "pusher") {
                    if (try? stream.accept(PushRequest(body: body))) != nil { taken.update { $0 += 1 } }
                }
            )
            let count = threads.count
            #expect(eventually { stream.pushStatus["pendingRequests"] == 1 || taken.read { $0 == count } })
            do {
                _ = try push.reply(short)
            } catch let error as LaminaError {
                isRefused = error.category == .capacityExceeded
            }
        }
        #expect(isRefused)
        push.host.state.update { $0.isPersistHeld = false }
        for thread in threads { thread.join() }
        while stream.pushStatus["pendingRequests"] != 0 { usleep(1000) }
        #expect(stream.pushStatus["pendingBytes"] == 0)
        #expect(try push.reply(short).rejected == 10)
    }

    @Test(arguments: [false, true]) func whoeverWaitsForPublishingCanBeToldToLeave(_ isEarly: Bool) throws {
        let push = try PushFixture()
        _ = try push.reply([streamRow(1), streamRow(2)])
        let failure = LaminaError.io("move", path: "deep storage", errno: 28)
        push.host.state.update { $0.failures = Array(repeating: failure, count: 100) }
        let (stream, host) = (push.stream, push.host)
        if isEarly { stream.leaveUnpublished() }
        let outcome = Monitor<LaminaError??>(nil)
        let thread = try WorkerThread(name: "suspend") {
            do throws(LaminaError) {
                try stream.suspend()
                outcome.update { $0 = .some(nil) }
            } catch {
                outcome.update { $0 = .some(error) }
            }
        }
        if !isEarly {
            _ = host.state.wait { $0.failures.count < 100 ? true : nil }
            stream.leaveUnpublished()
        }
        let error = outcome.wait { $0 }
        thread.join()
        #expect(error??.code == "timeout")
        try push.stream.stop()
        try push.crash()
        #expect(try push.host.visible() == [1, 2])
    }

    @Test func pushesThatNobodyWaitsForAnyMoreCountAsLongAsTheyAreHeld() throws {
        let push = try PushFixture(io: ["maxPendingRequests": 3], tuning: ["maxRowsInMemory": 1], waits: 50)
        push.host.state.update { $0.isPersistHeld = true }
        var ids: [Int64] = []
        var last: LaminaError?
        while last?.category != .capacityExceeded, ids.count < 20 {
            do throws(LaminaError) {
                _ = try push.stream.accept(PushRequest(body: Array(streamRow(Int64(ids.count)).utf8)))
            } catch {
                last = error
            }
            if last?.category != .capacityExceeded { ids.append(Int64(ids.count)) }
        }
        #expect(last?.category == .capacityExceeded && ids.count < 20)
        // Some may have found their way since.
        #expect(push.stream.pushStatus["pendingRequests"]?.intValue ?? 0 > 0)
        push.host.state.update { $0.isPersistHeld = false }
        while push.stream.pushStatus["pendingRequests"] != 0 { usleep(1000) }
        #expect(push.stream.pushStatus["pendingBytes"] == 0)
        #expect(try push.host.visible() == ids)
    }

    @Test func deadLettersAreTriedAgainByTheWayOfAllPushes() throws {
        let push = try PushFixture(io: ["earlyMessageRejectionPeriod": "PT0S"])
        _ = try push.reply([streamRow(1, hour: 3), "{}", streamRow(2), streamRow(3, hour: 3)])
        #expect(push.stream.letters.counts == ["early": 2, "unparseable": 1])
        #expect(try push.stream.replayDeadLetters() == DeadLetterReplay(replayed: 3, accepted: 0, rejected: 3))
        #expect(push.stream.letters.count == 3)
        // Two hours on, what was early is not any more.
        push.clock.advance(3 * hourMillis)
        push.stream.handOff()
        #expect(
            try push.stream.replayDeadLetters(kind: "early", limit: 1)
                == DeadLetterReplay(replayed: 1, accepted: 1, rejected: 0)
        )
        #expect(try push.stream.replayDeadLetters() == DeadLetterReplay(replayed: 2, accepted: 1, rejected: 1))
        #expect(push.stream.letters.counts == ["unparseable": 1])
        #expect(try push.host.visible() == [1, 2, 3])
        try push.crash()
        #expect(push.stream.letters.counts == ["unparseable": 1])
        #expect(try push.host.visible() == [1, 2, 3])
        #expect(try push.stream.letters.removeAll() == 1)
        #expect(push.stream.letters.count == 0)
    }

    @Test func aResetForgetsWhatIsNotPublished() throws {
        let push = try PushFixture()
        _ = try push.reply([streamRow(1)], key: "a")
        try push.stream.suspend()
        try push.stream.start()
        _ = try push.reply([streamRow(2)], key: "b")
        // As the supervisor does.
        push.host.state.update { $0.committed = nil }
        try push.stream.reset()
        #expect(try push.host.visible() == [1])
        #expect(try push.reply([streamRow(3)], key: "b").accepted == 1)
        try push.stream.suspend()
        #expect(try push.host.visible() == [1, 3])
        try push.crash()
        #expect(try push.host.visible() == [1, 3])
    }

    /// A publish that finds another position than it began at ends the indexer; the stream reads its journal again by itself.
    @Test func theStreamRecoversFromAnIndexerThatFailed() throws {
        let push = try PushFixture()
        _ = try push.reply([streamRow(1)])
        push.host.state.update {
            $0.failures = [LaminaError(.conflict, code: "conflict", "somebody else committed")]
        }
        push.stream.handOff()
        // Until the failure shows, and after the stream went on.
        var ids: [Int64] = [1]
        var refusals = 0
        while push.host.state.read({ $0.publishes.isEmpty }) {
            do {
                _ = try push.reply([streamRow(Int64(ids.count + 1))])
                ids.append(Int64(ids.count + 1))
            } catch let error as LaminaError {
                #expect(error.category == .serviceUnavailable)
                refusals += 1
            }
            if push.host.state.read({ $0.failures.isEmpty }), push.stream.phase == .running { push.stream.handOff() }
            usleep(2000)
        }
        try push.stream.suspend()
        #expect(try push.host.visible() == ids)
    }

    /// What was persisted and could not be published as it was is read from the journal again, which still has it.
    @Test func aConflictLosesNoPersistedRows() throws {
        let push = try PushFixture(tuning: ["maxRowsInMemory": 20])
        let ids = (0..<200).map { Int64($0) }
        for id in ids { #expect(try push.reply([streamRow(id)]).accepted == 1) }
        // Pieces are written, and the journal is looked through for files to remove.
        #expect(eventually { push.host.state.read { $0.announced.values.contains { $0.views().count > 1 } } })
        usleep(300_000)
        let opened = push.host.state.update { state in
            state.failures = [LaminaError(.conflict, code: "conflict", "somebody else committed")]
            return state.opened.count
        }
        push.stream.handOff()
        // Other segments have the rows then.
        #expect(eventually { push.host.state.read { $0.opened.count } > opened && push.stream.phase == .running })
        #expect(try eventually { try push.host.visible() == ids })
        try push.stream.suspend()
        #expect(try push.host.visible() == ids)
        #expect(push.stream.pushStatus["journal"]?["first"] == 200)
    }

    /// Its segments are open while there is no indexer: a replacement must not begin before they are cut.
    @Test func aCutWaitsUntilTheJournalIsReadAgain() throws {
        let push = try PushFixture()
        _ = try push.reply([streamRow(1)])
        push.host.state.update {
            $0.failures = [LaminaError(.conflict, code: "conflict", "somebody else committed")]
            $0.holdsAfterFailure = true
        }
        push.stream.handOff()
        let isRecovering = { () -> Bool in
            if case .recovering = push.stream.phase { return true } else { return false }
        }
        while !isRecovering() { usleep(1000) }
        let isCut = Monitor(false)
        let stream = push.stream
        let cutter = try WorkerThread(name: "cut") {
            if (try? stream.cut([.eternity])) != nil { isCut.update { $0 = true } }
        }
        usleep(100_000)
        #expect(isRecovering() && !isCut.read { $0 })
        push.host.state.update { $0.isStartHeld = false }
        cutter.join()
        #expect(isCut.read { $0 })
        let before = push.host.segments(.eternity)
        _ = try push.reply([streamRow(2)])
        push.host.drop(before)
        #expect(try push.host.visible() == [2])
    }

    /// Crashes at random steps of the indexer while pushes with keys go on: each is stored once.
    @Test func keyedPushesAreStoredOnceThroughRandomCrashes() throws {
        var random = SystemRandomNumberGenerator()
        let push = try PushFixture(tuning: ["maxRowsInMemory": 20], waits: 300)
        var id: Int64 = 0
        for _ in 0..<15 {
            push.host.state.update { $0.fuse = Int.random(in: 1...40, using: &random) }
            for _ in 0..<10 {
                let rows = (0..<Int64.random(in: 1...6, using: &random)).map { streamRow(id + $0, hour: ($0 + id) % 2) }
                if push.host.isCrashed { try push.crash() }
                while true {
                    let reply = try? push.reply(rows, key: "push \(id)")
                    if let reply, reply.accepted + reply.duplicate == rows.count { break }
                    try push.crash()
                }
                id += Int64(rows.count)
                if Int.random(in: 0..<8, using: &random) == 0 { push.stream.handOff() }
            }
        }
        try push.crash()
        #expect(try push.host.visible() == (0..<id).map { $0 })
    }
}
