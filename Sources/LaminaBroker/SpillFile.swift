import Glibc
import LaminaBase
import LaminaEngine
import LaminaQuery
import Synchronization

/// A query's spill space: one file without a name, made when first written to and gone with the object or the process.
final class SpillFile: SpillSpace {
    private struct State: ~Copyable {
        var descriptor: Int32 = -1
        /// What is in use; mappings that are given up are not.
        var byteCount = 0
        var end = 0
    }

    private let directory: String
    private let bytesMax: Int
    private let state = Mutex(State())

    init(directory: String, bytesMax: Int) {
        self.directory = directory
        self.bytesMax = bytesMax
    }

    deinit {
        let descriptor = state.withLock { $0.descriptor }
        if descriptor >= 0 { close(descriptor) }
    }

    /// Bytes in use.
    var byteCount: Int { state.withLock { $0.byteCount } }

    /// Makes room at the end of the file, which is made when there is none.
    private func taken(_ count: Int) throws(LaminaError) -> (descriptor: Int32, offset: Int) {
        let taken = state.withLock { state -> Result<(Int32, Int), LaminaError> in
            guard count <= bytesMax - state.byteCount else {
                return .failure(
                    .resourceLimit(
                        "Not enough disk space to execute this query: it may write \(bytesMax) bytes of what its memory does "
                            + "not hold (maxOnDiskStorage). Narrow the query."
                    )
                )
            }
            if state.descriptor < 0 {
                var template = Array("\(directory)/lamina-spill-XXXXXX".utf8CString)
                let descriptor = mkstemp(&template)
                guard descriptor >= 0 else {
                    return .failure(.io("make a temporary file in", path: directory, errno: errno))
                }
                unlink(template)
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
                state.descriptor = descriptor
            }
            let offset = state.end
            state.end += count
            state.byteCount += count
            return .success((state.descriptor, offset))
        }
        return try taken.get()
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(LaminaError) -> Int {
        // The place is taken under the lock, the bytes are written outside of it.
        let (descriptor, offset) = try taken(bytes.count)
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, offset + done)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                if errno == ENOSPC {
                    throw .resourceLimit("Not enough disk space to execute this query: \(directory) is full")
                }
                throw .io("write a temporary file in", path: directory, errno: errno)
            }
            done += count
        }
        return offset
    }

    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(LaminaError) {
        let descriptor = state.withLock { $0.descriptor }
        var done = 0
        while done < buffer.count {
            let count = pread(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, offset + done)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw .io("read a temporary file in", path: directory, errno: count < 0 ? errno : EIO)
            }
            done += count
        }
    }

    func map(_ byteCount: Int) throws(LaminaError) -> SpilledMemory {
        // Whole pages, and one more so that they can begin where a page does.
        let (rounded, overflow) = byteCount.addingReportingOverflow(2 * Self.pageSize - 1)
        guard !overflow else { throw .resourceLimit("Not enough disk space to execute this query") }
        let size = max(rounded / Self.pageSize * Self.pageSize, 2 * Self.pageSize)
        let (descriptor, offset) = try taken(size)
        let start = (offset + Self.pageSize - 1) / Self.pageSize * Self.pageSize
        let length = size - Self.pageSize
        // The blocks are allotted now: a full disk found out when a page is written would end the process.
        let failure = posix_fallocate(descriptor, off_t(start), off_t(length))
        guard failure == 0 else {
            if failure == ENOSPC {
                throw .resourceLimit("Not enough disk space to execute this query: \(directory) is full")
            }
            throw .io("write a temporary file in", path: directory, errno: failure)
        }
        let base = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, off_t(start))
        guard let base, base != MAP_FAILED else { throw .io("map a temporary file in", path: directory, errno: errno) }
        return SpilledMemory(base) { [self] base in
            // Frees the blocks too. Where the file system cannot, they stay until the file goes.
            let isFreed = madvise(base, length, MADV_REMOVE) == 0
            munmap(base, length)
            if isFreed { state.withLock { $0.byteCount -= size } }
        }
    }

    private static let pageSize = 4096
}

/// What a query may put on disk: the server's limit, or less when the context's `maxOnDiskStorage` says so; 0: nothing.
///
/// - Source: `GroupByQueryConfig.withOverrides`, `HumanReadableBytes`.
func spilledBytesMax(_ context: QueryContext, server: Int) throws(LaminaError) -> Int {
    guard let value = context["maxOnDiskStorage"], !value.isNull else { return server }
    guard let text = value.stringValue else {
        return min(server, Int(clamping: try context.int("maxOnDiskStorage", default: 0)))
    }
    guard let bytes = humanReadableBytes(text) else {
        throw .invalidInput("maxOnDiskStorage [\(text)] is no number of bytes; write 1000000000, 1G or 1GiB")
    }
    return min(server, bytes)
}

/// `1000`, `10K`, `10Ki`, `10KiB`: decimal units without `i`, binary ones with it; nil for anything else.
private func humanReadableBytes(_ text: String) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits) else { return nil }
    let unit = text.dropFirst(digits.count).uppercased()
    if unit.isEmpty { return number }
    guard let first = unit.first, let power = Array("KMGTP").firstIndex(of: first) else { return nil }
    let base: Int
    switch unit.dropFirst() {
    case "": base = 1000
    case "I", "IB": base = 1024
    default: return nil
    }
    var total = number
    for _ in 0...power {
        let (product, overflow) = total.multipliedReportingOverflow(by: base)
        if overflow { return nil }
        total = product
    }
    return total
}
