import Glibc
import LaminaBase

/// The exclusive right to change a data directory: a locked file with the holder's pid in it.
///
/// The kernel lets go of the lock when the process ends, however it ends; a stale file is no hindrance.
struct DirectoryLock: Sendable {
    private let descriptor: Int32

    /// How long to wait for a holder that is dying: the kernel takes its memory apart first.
    private static let patience = 10.0
    /// How long a holder may look as if it went on.
    private static let grace = 0.25

    /// Waits for a moment when the holder was killed and is not gone yet.
    ///
    /// - Errors: `conflict` naming the pid of who holds it.
    init(path: String) throws(LaminaError) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw .io("open", path: path, errno: errno) }
        let started = monotonicSeconds()
        while flock(file, LOCK_EX | LOCK_NB) != 0 {
            let reason = errno
            guard reason == EWOULDBLOCK || reason == EINTR else {
                close(file)
                throw .io("lock", path: path, errno: reason)
            }
            let pid = Self.text(file).filter(\.isNumber)
            let waited = monotonicSeconds() - started
            if waited < Self.grace || waited < Self.patience && Self.isDying(pid) {
                usleep(10_000)
                continue
            }
            close(file)
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

    /// Whether a process is gone, or on its way: it has SIGKILL before it, or the kernel ends it already.
    private static func isDying(_ pid: String) -> Bool {
        guard !pid.isEmpty else { return false }
        let status = open("/proc/\(pid)/status", O_RDONLY | O_CLOEXEC)
        // Then the lock goes with its last thread.
        guard status >= 0 else { return errno == ENOENT }
        defer { close(status) }
        for line in text(status).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let value = parts[1].drop { $0 == "\t" || $0 == " " }
            switch parts[0] {
            case "State": if value.hasPrefix("Z") || value.hasPrefix("X") { return true }
            case "SigPnd", "ShdPnd": if (UInt64(value, radix: 16) ?? 0) & 1 << UInt64(SIGKILL - 1) != 0 { return true }
            default: break
            }
        }
        return isExiting(pid)
    }

    /// The kernel's own flag, PF_EXITING, of the seventh field behind the name.
    private static func isExiting(_ pid: String) -> Bool {
        let stat = open("/proc/\(pid)/stat", O_RDONLY | O_CLOEXEC)
        guard stat >= 0 else { return errno == ENOENT }
        defer { close(stat) }
        let fields = (text(stat).split(separator: ")").last ?? "").split(separator: " ")
        return fields.count > 6 && (UInt64(fields[6]) ?? 0) & 4 != 0
    }

    private static func text(_ file: Int32) -> String {
        var text = [UInt8](repeating: 0, count: 4096)
        let count = pread(file, &text, text.count, 0)
        return String(decoding: text[..<max(0, count)], as: UTF8.self)
    }
}
