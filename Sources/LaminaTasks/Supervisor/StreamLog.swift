import Glibc
import LaminaBase
import Synchronization

/// The log of a stream's task, where the task API finds it. A line is written at once; there are few.
final class StreamLog: Sendable {
    private let directory: DataDirectory
    private let clock: @Sendable () -> Int64
    private let state: Mutex<(task: String, last: String, at: Int64)>
    /// Whoever tries again every few seconds says the same again; it is written so often, ms.
    private static let repeatMillis: Int64 = 600_000

    /// - Parameter task: whose log it is; another one when the stream's next task begins.
    init(_ directory: DataDirectory, clock: @escaping @Sendable () -> Int64, task: String) {
        self.directory = directory
        self.clock = clock
        state = Mutex((task, "", 0))
    }

    func begin(task: String) { state.withLock { $0 = (task, "", 0) } }

    func write(_ line: String) {
        let now = clock()
        let text = Array("\(instantText(now)) \(line)\n".utf8)
        state.withLock { state in
            if line == state.last, now - state.at < Self.repeatMillis { return }
            (state.last, state.at) = (line, now)
            let file = open(directory.log(task: state.task), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
            guard file >= 0 else { return }
            defer { close(file) }
            // There is nowhere to say that the log cannot be written.
            try? writeAll(file, text, path: "task log")
        }
    }
}
