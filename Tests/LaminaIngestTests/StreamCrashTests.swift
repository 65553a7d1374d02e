import Glibc
import LaminaBase
import LaminaIngest
import LaminaTestSupport
import Testing

/// Random lives of a stream that dies between any two steps: every row is there exactly once at every moment somebody looks.
@Suite struct StreamCrashTests {
    /// What the log of one partition holds.
    struct Row {
        var id: Int64
        var hour: Int64
    }

    private struct Simulation {
        var random: SeededGenerator
        let fixture: StreamFixture
        let log: [[Row]]
        /// Rows that a replace removed.
        var gone: Set<Int64> = []
        /// Whether a discard was begun.
        var discards = false
        var crashes = 0

        init(seed: UInt64) throws {
            random = SeededGenerator(seed: seed)
            fixture = try StreamFixture(
                streamSpec(tuning: [
                    "maxRowsInMemory": 40, "maxRowsPerSegment": 90, "maxTotalRows": 250,
                    "intermediatePersistPeriod": "PT10M",
                ])
            )
            var log: [[Row]] = [[], []]
            for id in 0..<Int64(800) {
                log[Int.random(in: 0...1, using: &random)].append(
                    Row(id: id, hour: min(id / 200 + Int64.random(in: -1...1, using: &random), 4))
                )
            }
            self.log = log
            light()
        }

        /// Some steps from now it dies.
        mutating func light() {
            let fuse = random.chance(0.8) ? Int.random(in: 1...60, using: &random) : Int.max
            fixture.host.state.update { $0.fuse = fuse }
        }

        var isDone: Bool {
            log.indices.allSatisfy { (fixture.indexer.position[streamPartitions[$0]] ?? 0) == Int64(log[$0].count) }
        }

        mutating func act() throws {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<12: try append()
            case 12: try fixture.indexer.persist()
            case 13: fixture.indexer.handOff(now: fixture.clock.now)
            case 14...15: try replace()
            case 16:
                fixture.clock.advance(Int64.random(in: 0...hourMillis, using: &random))
                fixture.indexer.tick(now: fixture.clock.now)
            case 17:
                discards = true
                try fixture.indexer.discard()
                try fixture.restart()
                forget()
            case 18:
                try stop()
            default: fixture.host.state.update { $0.isCrashed = true }
            }
        }

        private mutating func stop() throws {
            do throws(LaminaError) {
                try fixture.indexer.stop(publishing: random.chance(0.5), milliseconds: 300)
            } catch {
                // What was not published in time is on disk.
                guard error.code == "timeout", !fixture.host.isCrashed else { throw error }
            }
            try fixture.restart()
        }

        private mutating func append() throws {
            let partition = Int.random(in: 0...1, using: &random)
            let first = Int(fixture.indexer.position[streamPartitions[partition]] ?? 0)
            let rows = log[partition][first...].prefix(Int.random(in: 1...40, using: &random))
            try fixture.append(rows.map { streamRow($0.id, hour: $0.hour) }, partition: partition)
        }

        /// A batch task that replaces an hour: its cut, then its publish.
        private mutating func replace() throws {
            let hour = Int64.random(in: 0...4, using: &random)
            let interval = Interval(start: streamStart + hour * hourMillis, end: streamStart + (hour + 1) * hourMillis)
            let old = fixture.host.segments(interval)
            try fixture.indexer.cut([interval])
            fixture.host.drop(old)
            for row in taken() where row.hour == hour { gone.insert(row.id) }
        }

        /// What is read again after a discard comes back, replaced or not.
        private mutating func forget() {
            if discards { gone.formIntersection(taken().map(\.id)) }
            discards = false
        }

        private func taken() -> [Row] {
            log.indices.flatMap { log[$0].prefix(Int(fixture.indexer.position[streamPartitions[$0]] ?? 0)) }
        }

        func check(_ what: String) throws {
            let seen = try fixture.host.visible()
            let wanted = taken().map(\.id).filter { !gone.contains($0) }.sorted()
            if seen != wanted {
                let lost = Set(wanted).subtracting(seen).sorted()
                let extra = Set(seen).subtracting(wanted).sorted()
                let twice = zip(seen, seen.dropFirst()).filter { $0 == $1 }.map(\.0)
                Issue.record("\(what): lost \(lost), extra \(extra), twice \(twice)")
            }
            #expect(fixture.indexer.counters.totals.processed == Int64(taken().count), "\(what)")
        }

        mutating func recover() throws {
            crashes += 1
            let fuse = random.chance(0.2) ? Int.random(in: 1...4, using: &random) : Int.max
            try fixture.crash(fuse: fuse)
            forget()
            light()
        }
    }

    private func run(seed: UInt64) throws -> Int {
        var life = try Simulation(seed: seed)
        var steps = 0
        while !life.isDone, steps < 3000 {
            steps += 1
            let before = life.fixture.indexer.position
            do {
                try life.act()
            } catch let error as LaminaError {
                try #require(life.fixture.host.isCrashed, "seed \(seed) step \(steps): \(error.message)")
            }
            if life.fixture.host.isCrashed { try life.recover() }
            if life.fixture.indexer.position == before || steps % 3 == 0 {
                try life.check("seed \(seed) step \(steps)")
            }
            if life.fixture.host.isCrashed { try life.recover() }
        }
        #expect(life.isDone, "seed \(seed)")
        life.fixture.host.state.update { $0.fuse = .max }
        if life.fixture.host.isCrashed { try life.recover() }
        life.fixture.host.state.update { $0.fuse = .max }
        try life.check("seed \(seed) at the end")
        try life.fixture.indexer.stop(publishing: true)
        life.fixture.end()
        let host = life.fixture.host.state.read { $0 }
        #expect(host.announced.isEmpty)
        #expect(host.committed == life.fixture.indexer.position)
        try life.check("seed \(seed) published")
        return life.crashes
    }

    @Test func everyRowIsThereOnceWhateverCrashes() throws {
        let seed = randomTestSeed()
        var crashes = 0
        let runs: UInt64 = getenv("LAMINA_LONG") == nil ? 2 : 40
        for run in 0..<runs { crashes += try self.run(seed: seed &+ run) }
        #expect(crashes > 3 * Int(runs))
    }
}
