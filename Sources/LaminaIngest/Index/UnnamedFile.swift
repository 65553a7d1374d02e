import Glibc
import LaminaBase

/// A file that has no name any more once it is open: nothing of it can be left behind, whatever becomes of the process.
final class UnnamedFile: Sendable {
    let descriptor: Int32
    /// Where it was made, for messages.
    let path: String

    /// - Errors: the path exists, or the system refuses.
    init(path: String) throws(LaminaError) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .io("make the file", path: path, errno: errno) }
        unlink(path)
    }

    deinit { close(descriptor) }
}
