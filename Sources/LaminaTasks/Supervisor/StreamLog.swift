import Glibc
import LaminaBase
import Synchronization

/// The log of a stream's task, where the task API finds it. A line is written at once; there are few.
final class StreamLog: Sendable {
    private let directory: DataDirectory
    private let clock: @Sendable () -> Int64
    private let name: Mutex<String>

    /// - Parameter task: whose log it is; another one when the stream's next task begins.
    init(_ directory: DataDirectory, clock: @escaping @Sendable () -> Int64, task: String) {
        self.directory = directory
        self.clock = clock
        name = Mutex(task)
    }

    func begin(task: String) { name.withLock { $0 = task } }

    func write(_ line: String) {
        let text = Array("\(instantText(clock())) \(line)\n".utf8)
        name.withLock { task in
            let file = open(directory.log(task: task), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
            guard file >= 0 else { return }
            defer { close(file) }
            try? writeAll(file, text, path: "task log")
        }
    }
}
