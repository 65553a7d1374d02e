import LaminaBase
import LaminaIngest
import LaminaTasks
import LaminaTestSupport
import Testing

private func partition(_ number: Int32, _ topic: String = "t") -> StreamPartition {
    StreamPartition(topic: topic, number: number)
}

private func error(_ time: Int64 = 0, ofStream: Bool = true) -> SupervisorError {
    SupervisorError(time: time, kind: "Away", message: "away", isOfStream: ofStream)
}

@Suite struct SupervisorMachineTests {
    @Test func groupsArePartitionsModuloTheTaskCount() {
        var machine = SupervisorMachine(taskCount: 2, isSuspended: false, idleAfter: nil)
        #expect(machine.handle(.runBegins, at: 0) == [])
        #expect(machine.state == .connecting)
        _ = machine.handle(.connected, at: 0)
        #expect(machine.state == .discovering)
        let three = [partition(0), partition(1), partition(2)]
        let actions = machine.handle(.saw(partitions: three, latest: [:], lag: 0), at: 0)
        #expect(
            actions == [
                .start(group: 0, partitions: [partition(0), partition(2)], late: []),
                .start(group: 1, partitions: [partition(1)], late: []),
            ]
        )
        #expect(machine.state == .running)
        // The same again changes nothing; a partition that comes later is read from its beginning.
        #expect(machine.handle(.saw(partitions: three, latest: [:], lag: 0), at: 1) == [])
        let grown = machine.handle(.saw(partitions: three + [partition(3)], latest: [:], lag: 0), at: 2)
        #expect(grown == [.grow(group: 1, partitions: [partition(1), partition(3)], late: [partition(3)])])
        // A task that failed comes again with the next run, its late partition still late.
        _ = machine.handle(.taskEnded(group: 1, failure: error()), at: 3)
        let again = machine.handle(.saw(partitions: three + [partition(3)], latest: [:], lag: 0), at: 4)
        #expect(again == [.start(group: 1, partitions: [partition(1), partition(3)], late: [partition(3)])])
    }

    @Test func topicsOfAPatternAreSpreadByJavasHash() {
        // "abc".hashCode() is 96354.
        let place = SupervisorMachine.group(of: partition(1, "abc"), taskCount: 7, isPattern: true)
        #expect(place == (96354 * 31 + 1) % 7)
        #expect(SupervisorMachine.group(of: partition(1, "abc"), taskCount: 7) == 1)
    }

    @Test func nothingStartsBeforeEarlierTasksHavePublished() {
        var machine = SupervisorMachine(taskCount: 1, isSuspended: false, idleAfter: nil, draining: 2)
        let saw = SupervisorMachine.Event.saw(partitions: [partition(0)], latest: [:], lag: 0)
        #expect(machine.handle(saw, at: 0) == [])
        _ = machine.handle(.drained(1), at: 1)
        #expect(machine.handle(saw, at: 2) == [])
        _ = machine.handle(.drained(1), at: 3)
        #expect(machine.handle(saw, at: 4).count == 1)
    }

    @Test func suspendedOnesStartNothing() {
        var machine = SupervisorMachine(taskCount: 1, isSuspended: true, idleAfter: nil)
        _ = machine.handle(.runBegins, at: 0)
        #expect(machine.handle(.saw(partitions: [partition(0)], latest: [:], lag: 9), at: 0) == [])
        #expect(machine.state == .suspended)
        #expect(machine.state.isHealthy)
    }

    @Test func stoppingFinishesEveryGroupOnce() {
        var machine = SupervisorMachine(taskCount: 2, isSuspended: false, idleAfter: nil)
        let saw = SupervisorMachine.Event.saw(partitions: [partition(0), partition(1)], latest: [:], lag: 0)
        _ = machine.handle(saw, at: 0)
        #expect(machine.handle(.stop, at: 1) == [.finish(group: 0), .finish(group: 1)])
        #expect(machine.handle(.stop, at: 1) == [])
        #expect(machine.handle(saw, at: 2) == [])
        #expect(machine.state == .stopping)
    }

    @Test func idleWithoutNewOffsetsAndBackWithOne() {
        var machine = SupervisorMachine(taskCount: 1, isSuspended: false, idleAfter: 100)
        let p = partition(0)
        func saw(_ offset: Int64, lag: Int64, at now: Int64) -> [SupervisorMachine.Action] {
            machine.handle(.saw(partitions: [p], latest: [p: offset], lag: lag), at: now)
        }
        #expect(saw(5, lag: 5, at: 0) == [.start(group: 0, partitions: [p], late: [])])
        #expect(saw(5, lag: 0, at: 50) == [])
        #expect(machine.state == .running)
        #expect(saw(5, lag: 0, at: 101) == [.finish(group: 0)])
        #expect(machine.state == .idle)
        _ = machine.handle(.taskEnded(group: 0, failure: nil), at: 102)
        #expect(saw(5, lag: 0, at: 300) == [])
        #expect(machine.state == .idle)
        #expect(saw(6, lag: 1, at: 400) == [.start(group: 0, partitions: [p], late: [])])
        #expect(machine.state == .running)
    }

    @Test func idleFromTheStartWhenNothingIsLeftToRead() {
        var machine = SupervisorMachine(taskCount: 1, isSuspended: false, idleAfter: 100)
        let p = partition(0)
        #expect(machine.handle(.saw(partitions: [p], latest: [p: 7], lag: 0), at: 0) == [])
        #expect(machine.state == .idle)
    }

    @Test func threeFailedRunsAreUnhealthyAndThreeGoodOnesHeal() {
        var machine = SupervisorMachine(taskCount: 1, isSuspended: false, idleAfter: nil)
        let saw = SupervisorMachine.Event.saw(partitions: [partition(0)], latest: [:], lag: 0)
        for run in 0..<3 {
            #expect(machine.state.isHealthy)
            _ = machine.handle(.runBegins, at: Int64(run))
            _ = machine.handle(.runFailed(error(Int64(run))), at: Int64(run))
        }
        #expect(machine.state == .unableToConnect)
        #expect(machine.state.basic == .unhealthySupervisor)
        for _ in 0..<2 {
            _ = machine.handle(saw, at: 10)
            #expect(machine.state == .unableToConnect)
        }
        _ = machine.handle(saw, at: 11)
        #expect(machine.state == .running)
        for _ in 0..<3 { _ = machine.handle(.runFailed(error()), at: 12) }
        #expect(machine.state == .lostContact)
        #expect(machine.health.recentErrors.count == 3)
        _ = machine.handle(.runFailed(error(ofStream: false)), at: 12)
        #expect(machine.state == .unhealthySupervisor)
    }

    @Test func threeFailedTasksAreUnhealthyUntilTasksLive() {
        var machine = SupervisorMachine(taskCount: 1, isSuspended: false, idleAfter: nil)
        let saw = SupervisorMachine.Event.saw(partitions: [partition(0)], latest: [:], lag: 0)
        for _ in 0..<3 {
            #expect(machine.handle(saw, at: 0).count == 1)
            #expect(machine.state == .running)
            _ = machine.handle(.taskEnded(group: 0, failure: error(ofStream: false)), at: 0)
        }
        #expect(machine.state == .unhealthyTasks)
        #expect(machine.handle(saw, at: 1).count == 1)
        for _ in 0..<3 {
            _ = machine.handle(saw, at: 1)
            #expect(machine.state == .unhealthyTasks)
        }
        for _ in 0..<3 { _ = machine.handle(saw, at: 1) }
        #expect(machine.state == .running)
    }

    /// Random events for a long time: a group never runs twice, every partition is in the one group that it belongs to, a task is only
    /// ended when it runs, and when all goes well again everything runs.
    @Test(arguments: 0..<200) func randomEventsKeepEveryPartitionInOneTask(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let taskCount = Int.random(in: 1...4, using: &random)
        let idle: Int64? = Bool.random(using: &random) ? 50 : nil
        var machine = SupervisorMachine(taskCount: taskCount, isSuspended: false, idleAfter: idle)
        var count: Int32 = 1
        var offset: Int64 = 0
        var now: Int64 = 0
        var running: [Int: [StreamPartition]] = [:]
        var ending: Set<Int> = []
        func check(_ actions: [SupervisorMachine.Action]) {
            for action in actions {
                switch action {
                case .start(let group, let partitions, _):
                    #expect(running[group] == nil)
                    running[group] = partitions
                case .grow(let group, let partitions, let late):
                    #expect(Set(running[group] ?? []).isStrictSubset(of: partitions))
                    #expect(late.isSuperset(of: Set(partitions).subtracting(running[group] ?? [])))
                    running[group] = partitions
                case .finish(let group), .discard(let group):
                    #expect(running[group] != nil)
                    #expect(ending.insert(group).inserted)
                }
            }
            for (group, partitions) in running {
                for partition in partitions { #expect(Int(partition.number) % taskCount == group) }
            }
        }
        func look(lag: Int64) {
            let all = (0..<count).map { partition($0) }
            let latest = StreamPosition(uniqueKeysWithValues: all.map { ($0, offset) })
            check(machine.handle(.runBegins, at: now))
            check(machine.handle(.saw(partitions: all, latest: latest, lag: lag), at: now))
        }
        for _ in 0..<200 {
            now += Int64.random(in: 0...40, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0: count += 1
            case 1, 2: offset += 1
            case 3: check(machine.handle(.runFailed(error(now)), at: now))
            case 4:
                if let group = running.keys.sorted().randomElement(using: &random) {
                    running[group] = nil
                    let failed = ending.remove(group) == nil
                    check(machine.handle(.taskEnded(group: group, failure: failed ? error(now) : nil), at: now))
                }
            case 5 where Int.random(in: 0..<5, using: &random) == 0: check(machine.handle(.reset, at: now))
            default: look(lag: Int64.random(in: 0...1, using: &random))
            }
        }
        for group in ending.sorted() {
            running[group] = nil
            check(machine.handle(.taskEnded(group: group, failure: nil), at: now))
        }
        ending = []
        for _ in 0..<8 {
            offset += 1
            look(lag: 1)
        }
        #expect(Set(running.values.joined()) == Set((0..<count).map { partition($0) }))
        #expect(machine.state == .running)
    }
}
