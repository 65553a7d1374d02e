import Glibc
import LaminaBase

/// The exclusive right to change a data directory: a locked file with the holder's pid in it.
///
/// The kernel lets go of the lock when the process ends, however it ends; a stale file is no hindrance.
struct DirectoryLock: Sendable {
    private let descriptor: Int32

    /// - Errors: `conflict` naming the pid of who holds it.
    init(path: String) throws(LaminaError) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw .io("open", path: path, errno: errno) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            var text = [UInt8](repeating: 0, count: 32)
            let count = pread(file, &text, text.count, 0)
            close(file)
            guard reason == EWOULDBLOCK else { throw .io("lock", path: path, errno: reason) }
            let pid = String(decoding: text[..<max(0, count)], as: UTF8.self).filter(\.isNumber)
            throw LaminaError(
                .conflict,
                code: "directoryHeld",
                "The data directory is held by a running Lamina with pid \(pid.isEmpty ? "unknown" : pid): "
                    + "talk to it with --server URL, or stop it first",
                context: ["pid": pid]
            )
        }
        let pid = Array("\(getpid())\n".utf8)
        guard ftruncate(file, 0) == 0, pwrite(file, pid, pid.count, 0) == pid.count else {
            let reason = errno
            close(file)
            throw .io("write", path: path, errno: reason)
        }
        descriptor = file
    }

    func release() { close(descriptor) }
}
