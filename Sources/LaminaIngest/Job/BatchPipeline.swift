import LaminaBase

/// Reads and prepares batches on several threads and hands them out in input order. A bounded number waits, so memory does not depend
/// on how fast they are taken.
final class BatchPipeline: Sendable {
    private struct State: Sendable {
        var ready: [Int: PreparedBatch] = [:]
        var next = 0
        var running = 0
        var error: LaminaError?
        var isStopped = false
        var numbers = RowNumbers()
    }

    /// Counts rows through in input order, though batches come out of order.
    private struct RowNumbers: Sendable {
        private var counts: [Int: Int] = [:]
        private var starts: [Int: Int64] = [:]
        private var next = 0
        private var row: Int64 = 0

        mutating func note(_ sequence: Int, count: Int) {
            counts[sequence] = count
            while let count = counts.removeValue(forKey: next) {
                starts[next] = row
                row += Int64(count)
                next += 1
            }
        }

        /// The first row's number, once; nil while a batch before it is still being parsed.
        mutating func takeStart(of sequence: Int) -> Int64? { starts.removeValue(forKey: sequence) }
    }

    private let state: Monitor<State>
    private let workers: [WorkerThread]

    init(_ source: any RowSource, _ preparer: RowPreparer, threads: Int) throws(LaminaError) {
        var initial = State()
        initial.running = threads
        let state = Monitor(initial)
        let waitingMax = threads * 2 + 2
        let loop: @Sendable () -> Void = {
            Self.work(source, preparer, state, waitingMax: waitingMax)
            state.update { $0.running -= 1 }
        }
        var workers: [WorkerThread] = []
        do throws(LaminaError) {
            for number in 0..<threads { workers.append(try WorkerThread(name: "parse-\(number)", loop)) }
        } catch {
            state.update { $0.isStopped = true }
            for worker in workers { worker.join() }
            throw error
        }
        self.state = state
        self.workers = workers
    }

    private static func work(
        _ source: any RowSource,
        _ preparer: RowPreparer,
        _ state: Monitor<State>,
        waitingMax: Int
    ) {
        while true {
            // Only what is not yet begun waits: the batch the consumer needs next is never held up.
            let goesOn: Bool? = state.wait { state in
                if state.isStopped || state.error != nil { return false }
                return state.ready.count < waitingMax ? true : nil
            }
            guard goesOn == true else { return }
            do throws(LaminaError) {
                guard let batch = try source.nextBatch() else { return }
                guard let first = preparer.numbersRows ? firstRow(batch, state) : 0 else { return }
                let prepared = preparer.prepare(batch, firstRow: first)
                state.update { $0.ready[prepared.sequence] = prepared }
            } catch {
                state.update { $0.error = $0.error ?? error }
                return
            }
        }
    }

    /// Waits for the batches before, which other threads are parsing right now; nil when all is over.
    private static func firstRow(_ batch: RowBatch, _ state: Monitor<State>) -> Int64? {
        state.update { $0.numbers.note(batch.sequence, count: batch.rowCount) }
        let found: Int64?? = state.wait { state in
            if state.isStopped || state.error != nil { return .some(nil) }
            return state.numbers.takeStart(of: batch.sequence).map { .some($0) }
        }
        return found ?? nil
    }

    /// The next batch in order; nil at the end. An error of the source comes after the batches before it.
    func next() throws(LaminaError) -> PreparedBatch? {
        let found: (PreparedBatch?, LaminaError?)? = state.wait { state in
            if let batch = state.ready.removeValue(forKey: state.next) {
                state.next += 1
                return (batch, nil)
            }
            guard state.running == 0 else { return nil }
            return (nil, state.error)
        }
        if let error = found?.1 { throw error }
        return found?.0
    }

    /// Ends the threads; call once, whatever happened.
    func finish() {
        state.update { state in
            state.isStopped = true
            state.ready = [:]
        }
        for worker in workers { worker.join() }
    }
}
