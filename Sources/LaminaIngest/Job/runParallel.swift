import LaminaBase
import Synchronization

/// Runs `body` for 0..<count on several threads, each taking the next number; waits for all. After an error no new number is taken and
/// the error is thrown.
func runParallel(
    count: Int,
    threads: Int,
    _ body: @escaping @Sendable (Int) throws(LaminaError) -> Void
) throws(LaminaError) {
    if count <= 1 || threads <= 1 {
        for number in 0..<count { try body(number) }
        return
    }
    let shared = ParallelState(count: count)
    var workers: [WorkerThread] = []
    defer { for worker in workers { worker.join() } }
    let loop: @Sendable () -> Void = {
        while let number = shared.take() {
            do throws(LaminaError) {
                try body(number)
            } catch {
                shared.fail(error)
            }
        }
    }
    for number in 1..<min(threads, count) { workers.append(try WorkerThread(name: "index-\(number)", loop)) }
    loop()
    for worker in workers { worker.join() }
    workers = []
    if let error = shared.error { throw error }
}

private final class ParallelState: Sendable {
    private let state: Mutex<(next: Int, error: LaminaError?)>
    private let count: Int

    init(count: Int) {
        self.count = count
        state = Mutex((0, nil))
    }

    func take() -> Int? {
        state.withLock { state in
            guard state.error == nil, state.next < count else { return nil }
            state.next += 1
            return state.next - 1
        }
    }

    func fail(_ error: LaminaError) { state.withLock { $0.error = $0.error ?? error } }

    var error: LaminaError? { state.withLock { $0.error } }
}

/// Results of parallel work by number.
final class ResultSlots<Element: Sendable>: Sendable {
    private let slots: Mutex<[Element?]>

    init(count: Int) { slots = Mutex([Element?](repeating: nil, count: count)) }

    func set(_ number: Int, _ value: Element) { slots.withLock { $0[number] = value } }

    var values: [Element?] { slots.withLock { $0 } }
}
