import LaminaBase
import LaminaBroker
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
    private final class Counter: Sendable {
        let seen = Mutex<[Int: Int]>([:])
    }

    @Test func everyPieceRunsOnce() throws {
        let pool = try WorkerPool(threads: 3)
        let counter = Counter()
        pool.run(count: 1000) { index in counter.seen.withLock { $0[index, default: 0] += 1 } }
        #expect(counter.seen.withLock { $0 } == Dictionary(uniqueKeysWithValues: (0..<1000).map { ($0, 1) }))
        pool.run(count: 0) { _ in Issue.record("no piece was asked for") }
    }

    @Test func manyCallersShareThePool() throws {
        let pool = try WorkerPool(threads: 2)
        let counter = Counter()
        var callers: [WorkerThread] = []
        for caller in 0..<8 {
            callers.append(
                try WorkerThread(name: "caller") {
                    pool.run(count: 50, priority: caller % 3) { index in
                        counter.seen.withLock { $0[caller * 1000 + index, default: 0] += 1 }
                    }
                }
            )
        }
        for caller in callers { caller.join() }
        #expect(counter.seen.withLock { $0.count } == 400)
        #expect(counter.seen.withLock { $0.values.allSatisfy { $0 == 1 } })
    }
}
