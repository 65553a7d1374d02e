import Foundation
import LaminaBase
import Synchronization
import Testing

/// `kill -9` at random moments of a server that takes pushed rows, spills, publishes and replaces all the time: every row that was
/// acknowledged is there once, none is there twice.
@Suite(.serialized) struct StreamCrashTests {
    private static let kills = ProcessInfo.processInfo.environment["LAMINA_LONG"] == nil ? 20 : 300

    @Test func acknowledgedRowsAreThereOnceAfterEveryKill() throws {
        let folder = try TestFolder()
        let data = folder.file("data")
        var server = try RunningServer(data: data)
        let run = PushedRun(server.url)
        try run.createStream()
        let pushers = try (0..<3).map { number in
            try WorkerThread(name: "push-\(number)") { run.pushUntilStopped(number) }
        }
        do {
            defer {
                run.stop()
                for pusher in pushers { pusher.join() }
            }
            try run.waitUntilPushed()
            for number in 0..<Self.kills {
                if number % 2 == 0 { try run.beginReplace() }
                // Queries between two kills, too.
                let end = ContinuousClock.now + .milliseconds(Int.random(in: 0...700))
                repeat { try run.check("before kill \(number)") } while ContinuousClock.now < end
                server.killAtOnce()
                server = try RunningServer(data: data)
                run.use(server.url)
                try run.waitUntilPushed()
                try run.check("after kill \(number)")
                try run.endReplace()
                try run.check("after the replacement of kill \(number)")
            }
        }
        // One without a kill: on a slow machine all of those before may have died.
        try run.beginReplace()
        try run.endReplace()
        try run.check("at the end")
        #expect(run.replaced > 0, "no replacement went through")
        #expect(run.acknowledged > Self.kills)
        #expect(server.stop() == 0)
        server = try RunningServer(data: data)
        run.use(server.url)
        try run.check("after an orderly stop")
        #expect(server.stop() == 0)
    }

    /// What a dying process wrote of a record that nobody was told about is left out; what comes after it counts.
    @Test func aTornLastRecordIsLeftOut() throws {
        let folder = try TestFolder()
        let data = folder.file("data")
        var server = try RunningServer(data: data)
        let run = PushedRun(server.url)
        try run.createStream(persists: false)
        for round in 0..<6 {
            for number in 0..<4 { run.pushOnce(round * 10 + number, batch: 1) }
            try run.check("round \(round)")
            server.killAndWait()
            let journals = (FileManager.default.enumerator(atPath: data)?.compactMap { $0 as? String } ?? [])
                .filter { $0.hasSuffix(".journal") }.sorted()
            let last = try #require(journals.last)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(data)/\(last)"))
            // The beginning of a record; zeros, as a file that grew before its bytes came; or bytes of anything.
            let torn: Data =
                switch round % 3 {
                case 0: Data(bytes.prefix(Int.random(in: 1...12)))
                case 1: Data(count: Int.random(in: 1...5000))
                default: Data((0..<Int.random(in: 1...300)).map { _ in UInt8.random(in: 0...255) })
                }
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: "\(data)/\(last)"))
            try file.seekToEnd()
            try file.write(contentsOf: torn)
            try file.close()
            server = try RunningServer(data: data)
            run.use(server.url)
            try run.waitUntilServing()
            try run.check("after torn record \(round)")
        }
        #expect(run.acknowledged == 24)
        #expect(server.stop() == 0)
    }

    /// A disk that fills up costs pushes an answer, not rows; when there is room again, all goes on without a restart.
    @Test(.enabled(if: SmallDisk.isPossible)) func aFullDiskLosesNothing() throws {
        let folder = try TestFolder()
        let disk = try SmallDisk(folder.file("disk"), megabytes: 24)
        let data = "\(disk.path)/data"
        var server = try RunningServer(data: data)
        let run = PushedRun(server.url)
        try run.createStream()
        for number in 0..<20 { run.pushOnce(number, batch: 1) }
        try disk.fill()
        var refused = 0
        for number in 20..<400 where refused < 20 { refused += try run.tryPush(number) ? 0 : 1 }
        #expect(refused == 20, "the disk did not fill up")
        try run.check("on a full disk")
        disk.empty()
        for number in 1000..<1010 { run.pushOnce(number, batch: 1) }
        try run.check("with room again")
        try disk.fill()
        for number in 2000..<2040 { _ = try run.tryPush(number) }
        server.killAndWait()
        disk.empty()
        server = try RunningServer(data: data)
        run.use(server.url)
        try run.waitUntilServing()
        try run.check("after a kill on a full disk")
        for number in 3000..<3010 { run.pushOnce(number, batch: 1) }
        try run.check("at the end")
        #expect(server.stop() == 0)
    }
}

/// A file system of a few megabytes in memory; goes with the object.
private final class SmallDisk {
    let path: String

    /// Mounting needs a user who may.
    static let isPossible =
        getuid() == 0 && (try? SmallDisk(NSTemporaryDirectory() + "lamina-disk-\(getpid())", megabytes: 1)) != nil

    init(_ path: String, megabytes: Int) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard Self.run("mount", "-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", path) == 0 else {
            rmdir(path)
            throw LaminaError.io("mount", path: path, errno: EPERM)
        }
    }

    deinit {
        _ = Self.run("umount", "-l", path)
        rmdir(path)
    }

    private static func run(_ command: String...) -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return -1 }
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Takes nearly all the room there is.
    func fill() throws {
        let file = try #require(fopen("\(path)/ballast", "w"))
        setvbuf(file, nil, _IONBF, 0)
        let zeros = [UInt8](repeating: 0, count: 4096)
        while fwrite(zeros, 1, zeros.count, file) == zeros.count {}
        fclose(file)
        // A little is left, so that it runs out in the middle of something.
        truncate("\(path)/ballast", off_t(max(0, size("\(path)/ballast") - Int.random(in: 0...20_000))))
    }

    private func size(_ path: String) -> Int {
        ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? NSNumber)?.intValue ?? 0
    }

    func empty() { unlink("\(path)/ballast") }
}

/// Pushers, a replacing task now and then, and what queries may see of it all.
///
/// Rows have ids of their own. Day 0 is never replaced; day 1 is, by a few rows with ids of their own. Of rows pushed to day 1
/// while a replacement is under way nobody but the server knows on which side of the cut they are: they may vanish with the old
/// version, once and for good.
private final class PushedRun: Sendable {
    private struct State {
        var stops = false
        /// Acknowledged, by day: must be there.
        var must: [Set<String>] = [[], []]
        /// Sent, and not known to be in or out.
        var maybe: Set<String> = []
        /// Acknowledged while a replacement was under way.
        var pending: Set<String> = []
        /// Must never be there again.
        var gone: Set<String> = []
        /// Counts beginnings and ends of replacements: odd while one is under way.
        var epoch = 0
        var replacement: (task: String, rows: Set<String>)?
        var replacements = 0
        var replaced = 0
        var batches = 0
    }

    private let state = Mutex(State())
    private static let days = ["2024-06-01", "2024-06-02"]

    private let server: ServerFace

    init(_ url: String) { server = ServerFace(url) }

    func use(_ url: String) { server.use(url) }
    func stop() { state.withLock { $0.stops = true } }
    var replaced: Int { state.withLock { $0.replaced } }
    /// Batches.
    var acknowledged: Int { state.withLock { $0.batches } }

    /// Small limits, so that all is going on at any time.
    /// - Parameter persists: false keeps all rows in the journal and in memory.
    func createStream(persists: Bool = true) throws {
        let (duration, period, rows) = persists ? ("PT1S", "PT0.3S", 40) : ("P1D", "P1D", 100_000)
        _ = try server.ask(
            "/druid/indexer/v1/supervisor",
            """
            {"type":"push","spec":{"dataSchema":{"dataSource":"pushed","timestampSpec":{"column":"t","format":"iso"},
            "dimensionsSpec":{"dimensions":["id"]},
            "granularitySpec":{"segmentGranularity":"DAY","queryGranularity":"NONE","rollup":false}},
            "ioConfig":{"type":"push","inputFormat":{"type":"json"},"taskDuration":"\(duration)"},
            "tuningConfig":{"type":"push","maxRowsInMemory":\(rows),"maxRowsPerSegment":300,
            "intermediatePersistPeriod":"\(period)"}}}
            """
        )
        try waitUntilServing()
    }

    func waitUntilServing() throws {
        for _ in 0..<12_000 {
            if let (status, _) = try? server.send("/v1/push/pushed", nil), status == 200 { return }
            usleep(10_000)
        }
        Issue.record("the stream does not come up")
    }

    // MARK: pushing

    func pushUntilStopped(_ number: Int) {
        var batch = 0
        while !state.withLock({ $0.stops }) {
            batch += 1
            pushOnce(number, batch: batch)
        }
    }

    private func rows(_ number: Int, _ batch: Int, day: Int) -> (ids: [String], body: String) {
        let ids = (0..<Int.random(in: 1...25)).map { "p\(number)-\(batch)-\($0)" }
        let lines = ids.map { id in
            #"{"t":"\#(Self.days[day])T\#(Int.random(in: 10...23)):00:00Z","id":"\#(id)"}"#
        }
        return (ids, lines.joined(separator: "\n"))
    }

    /// Pushes a batch until it is acknowledged, with a key or as a numbered producer.
    func pushOnce(_ number: Int, batch: Int) {
        let day = Int.random(in: 0...1)
        let (ids, body) = rows(number, batch, day: day)
        let epoch = state.withLock { state in
            state.maybe.formUnion(ids)
            return state.epoch
        }
        let headers =
            number % 2 == 0
            ? [("Idempotency-Key", "key \(number) \(batch)")]
            : [("X-Lamina-Producer", "producer \(number)"), ("X-Lamina-Sequence", "\(batch)")]
        while !isAcknowledged(body, count: ids.count, headers) { usleep(10_000) }
        state.withLock { state in
            state.batches += 1
            if day == 0 || epoch == state.epoch && epoch % 2 == 0 {
                state.must[day].formUnion(ids)
            } else if epoch == state.epoch {
                state.pending.formUnion(ids)
            } else {
                // On which side of a cut that was meanwhile, nobody here knows.
                return
            }
            state.maybe.subtract(ids)
        }
    }

    private func isAcknowledged(_ body: String, count: Int, _ headers: [(String, String)]) -> Bool {
        guard let (status, answer) = try? server.send("/v1/push/pushed", body, headers: headers) else { return false }
        guard status == 200 else {
            #expect([404, 429, 500, 503, 507].contains(status), "\(status) \(answer.text)")
            return false
        }
        let sum = (answer["accepted"]?.intValue ?? 0) + (answer["duplicate"]?.intValue ?? 0)
        #expect(sum == Int64(count) && answer["rejected"] == 0, "\(answer.text)")
        return true
    }

    /// Pushes a batch once; whether it was acknowledged.
    func tryPush(_ number: Int) throws -> Bool {
        let (ids, body) = rows(number, 1, day: 0)
        state.withLock { $0.maybe.formUnion(ids) }
        let isIn = isAcknowledged(body, count: ids.count, [("Idempotency-Key", "key \(number)")])
        if isIn {
            state.withLock { state in
                state.must[0].formUnion(ids)
                state.maybe.subtract(ids)
            }
        }
        return isIn
    }

    /// Waits until a push went through.
    func waitUntilPushed() throws {
        let before = acknowledged
        for _ in 0..<12_000 {
            if acknowledged > before { return }
            usleep(10_000)
        }
        Issue.record("no push goes through")
    }

    // MARK: replacing

    /// Submits a task that replaces day 1 by a few rows.
    func beginReplace() throws {
        let number = state.withLock { state in
            state.epoch += 1
            state.replacements += 1
            return state.replacements
        }
        let rows = (0..<5).map { "r\(number)-\($0)" }
        let data = rows.map { #"{\"t\":\"\#(Self.days[1])T05:00:00Z\",\"id\":\"\#($0)\"}"# }.joined(separator: #"\n"#)
        let reply = try server.ask(
            "/druid/indexer/v1/task",
            """
            {"type":"index_parallel","spec":{"dataSchema":{"dataSource":"pushed",
            "timestampSpec":{"column":"t","format":"iso"},"dimensionsSpec":{"dimensions":["id"]},
            "granularitySpec":{"segmentGranularity":"DAY","queryGranularity":"NONE","rollup":false,
            "intervals":["2024-06-02/2024-06-03"]}},
            "ioConfig":{"type":"index_parallel","inputSource":{"type":"inline","data":"\(data)"},
            "inputFormat":{"type":"json"}},"tuningConfig":{"type":"index_parallel"}}}
            """
        )
        let task = try #require(reply["task"]?.stringValue)
        state.withLock { $0.replacement = (task, Set(rows)) }
    }

    /// Waits for the task, and settles what became of the rows.
    func endReplace() throws {
        guard let (task, rows) = state.withLock({ $0.replacement }) else { return }
        var status = JSON.null
        for _ in 0..<6000 {
            status = try server.ask("/druid/indexer/v1/task/\(task)/status")["status"]?["status"] ?? .null
            if status != "RUNNING" { break }
            try check("while the replacement runs")
            usleep(20_000)
        }
        try #require(status == "SUCCESS" || status == "FAILED", "\(status.text)")
        let pending = state.withLock { $0.pending }
        let found = try server.ids(of: "pushed")
        state.withLock { state in
            state.epoch += 1
            state.replacement = nil
            if status == "SUCCESS" {
                state.replaced += 1
                #expect(found.isDisjoint(with: state.must[1]), "rows from before the cut are still there")
                state.gone.formUnion(state.must[1])
                // What was accepted before the cut went with the old version; what came after it stays.
                state.gone.formUnion(pending.subtracting(found))
                state.must[1] = rows.union(pending.intersection(found))
                state.maybe.formUnion(state.pending.subtracting(pending))
            } else {
                #expect(found.isDisjoint(with: rows), "rows of a task that failed")
                state.must[1].formUnion(state.pending)
                state.gone.formUnion(rows)
            }
            state.pending = []
        }
    }

    // MARK: looking

    /// One query must see what it must, and nothing that it must not.
    func check(_ moment: String) throws {
        let before = state.withLock { $0 }
        let found = try server.ids(of: "pushed")
        let after = state.withLock { $0 }
        let rows = before.replacement?.rows ?? []
        // Of what was sent after the query, too, as much as can be known.
        let allowed = [before, after].reduce(rows) {
            $1.must.reduce($0) { $0.union($1) }.union($1.maybe).union($1.pending)
        }
        func tell(_ what: String, _ ids: Set<String>) {
            guard !ids.isEmpty else { return }
            Issue.record("\(moment): \(ids.count) \(what), \(ids.sorted().prefix(5)); \(found.count) found")
        }
        tell("acknowledged rows are missing", before.must[0].subtracting(found))
        tell("rows are there that are gone", found.intersection(before.gone))
        tell("rows are there that nobody sent", found.subtracting(allowed).subtracting(before.gone))
        if before.replacement != nil, !found.isDisjoint(with: rows) {
            tell("rows of the replacement are missing", rows.subtracting(found))
            tell("rows of the replaced version are there beside the new ones", found.intersection(before.must[1]))
        } else {
            tell("acknowledged rows of day 1 are missing", before.must[1].subtracting(found))
        }
    }
}
