import LaminaBase
import LaminaTasks
import Testing

private let day: Int64 = 86_400_000

private func interval(_ from: Int64, _ to: Int64) -> Interval { Interval(start: from * day, end: to * day) }

private func request(
    _ task: String,
    _ intervals: [Interval],
    type: TaskLockType = .exclusive,
    group: String? = nil,
    priority: Int = 50
) -> LockRequest {
    LockRequest(
        dataSource: "a",
        intervals: intervals,
        type: type,
        taskID: task,
        groupID: group ?? task,
        priority: priority
    )
}

@Suite struct LockTableTests {
    @Test func overlappingTasksRunOneAfterTheOther() {
        var table = LockTable()
        #expect(table.request(request("t1", [interval(0, 2)]), now: 1000).granted.map(\.taskID) == ["t1"])
        #expect(table.request(request("t2", [interval(1, 3)]), now: 1001).granted.isEmpty)
        #expect(table.request(request("t3", [interval(3, 4)]), now: 1002).granted.map(\.taskID) == ["t3"])
        let changes = table.release("t1", now: 2000)
        #expect(changes.granted.map(\.taskID) == ["t2"])
        #expect(changes.granted.first?.version == instantText(2000))
    }

    @Test func aWaiterIsNotOvertakenByALaterOne() {
        var table = LockTable()
        _ = table.request(request("t1", [interval(0, 1)]), now: 1)
        _ = table.request(request("t2", [interval(0, 3)]), now: 2)
        #expect(table.request(request("t3", [interval(2, 3)]), now: 3).granted.isEmpty)
        #expect(table.release("t1", now: 4).granted.map(\.taskID) == ["t2"])
        #expect(table.release("t2", now: 5).granted.map(\.taskID) == ["t3"])
    }

    @Test func versionsGrowAlsoWhenTheClockStandsStill() {
        var table = LockTable()
        let first = table.request(request("t1", [interval(0, 1), interval(1, 2)]), now: 7).granted
        #expect(Set(first.map(\.version)) == [instantText(7)])
        let second = table.request(request("t2", [interval(5, 6)]), now: 7).granted
        #expect(second.map(\.version) == [instantText(8)])
        let third = table.request(request("t3", [interval(8, 9)]), now: 7, newestVersion: instantText(100)).granted
        #expect(third.map(\.version) == [instantText(101)])
    }

    @Test func higherPriorityRevokesUnlessTheLowerPublishes() {
        var table = LockTable()
        _ = table.request(request("low", [interval(0, 1)], priority: 25), now: 1)
        let changes = table.request(request("high", [interval(0, 1)], priority: 75), now: 2)
        #expect(changes.revoked.map(\.taskID) == ["low"])
        #expect(changes.granted.map(\.taskID) == ["high"])
        let lowMayPublish = table.beginPublishing("low")
        let highMayPublish = table.beginPublishing("high")
        #expect(!lowMayPublish && highMayPublish)
        #expect(table.request(request("top", [interval(0, 1)], priority: 99), now: 3).revoked.isEmpty)
        #expect(table.endPublishing("high", now: 4).granted.map(\.taskID) == ["top"])
        let highMayPublishAgain = table.beginPublishing("high")
        #expect(!highMayPublishAgain)
    }

    @Test func equalPriorityWaits() {
        var table = LockTable()
        _ = table.request(request("t1", [interval(0, 1)]), now: 1)
        let changes = table.request(request("t2", [interval(0, 1)]), now: 2)
        #expect(changes.revoked.isEmpty && changes.granted.isEmpty && table.isWaiting("t2"))
    }

    @Test func groupsShareAndAppendsCoexist() {
        var table = LockTable()
        let first = table.request(request("t1", [interval(0, 1)], group: "g"), now: 1).granted
        let second = table.request(request("t2", [interval(0, 1)], group: "g"), now: 2).granted
        #expect(first.map(\.version) == second.map(\.version))
        _ = table.release("t1", now: 3)
        _ = table.release("t2", now: 3)
        #expect(!table.request(request("a1", [interval(0, 1)], type: .append), now: 4).granted.isEmpty)
        #expect(!table.request(request("a2", [interval(0, 1)], type: .append), now: 5).granted.isEmpty)
        #expect(!table.request(request("r1", [interval(0, 1)], type: .replace), now: 6).granted.isEmpty)
        #expect(table.request(request("r2", [interval(0, 1)], type: .replace), now: 7).granted.isEmpty)
        #expect(table.request(request("e1", [interval(0, 1)]), now: 8).granted.isEmpty)
    }

    /// Random events; at no time may two groups hold locks that exclude each other, and in the end everybody was served.
    @Test(arguments: 0..<50) func randomEventsNeverMixWriters(seed: Int) {
        var random = SplitMix(state: UInt64(seed))
        var table = LockTable()
        var open: [String] = []
        for step in 0..<200 {
            let now = Int64(step)
            if open.count < 8, random.next() % 3 != 0 {
                let start = Int64(random.next() % 6)
                let types: [TaskLockType] = [.exclusive, .append, .replace, .shared]
                let name = "t\(step)"
                _ = table.request(
                    request(
                        name,
                        [interval(start, start + 1 + Int64(random.next() % 3))],
                        type: types[Int(random.next() % 4)],
                        priority: [25, 50, 75][Int(random.next() % 3)]
                    ),
                    now: now
                )
                open.append(name)
            } else if !open.isEmpty {
                _ = table.release(open.remove(at: Int(random.next() % UInt64(open.count))), now: now)
            }
            let valid = table.held.filter { !$0.revoked }
            for (index, one) in valid.enumerated() {
                for other in valid[(index + 1)...] where one.interval.overlaps(other.interval) {
                    let pair = Set([one.type, other.type])
                    let allowed =
                        pair.isSubset(of: [.append]) || pair.isSubset(of: [.shared]) || pair == [.append, .replace]
                    #expect(allowed, "seed \(seed), step \(step): \(one) beside \(other)")
                }
            }
        }
        for name in open { _ = table.release(name, now: 1000) }
        #expect(table.held.isEmpty && table.waiting.isEmpty)
    }
}

private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
