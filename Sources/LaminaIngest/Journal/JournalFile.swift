import Glibc
import LaminaBase

/// An open file of a journal, closed with the last reference.
final class JournalFile: Sendable {
    let path: String
    /// Sequence number of its first record.
    let first: Int64
    /// What its records are known by, see `JournalFrame`; 0 when its header is not as it was written.
    let mark: UInt64
    private let descriptor: Int32

    /// - Parameter creates: makes the file, which must not exist, with its header, durably.
    init(folder: String, first: Int64, creates: Bool) throws(LaminaError) {
        path = "\(folder)/\(Self.name(first))"
        self.first = first
        descriptor = open(path, O_RDWR | O_CLOEXEC | (creates ? O_CREAT | O_EXCL : 0), 0o644)
        guard descriptor >= 0 else { throw .io(creates ? "create" : "open", path: path, errno: errno) }
        guard creates else {
            let header = UnsafeMutableRawBufferPointer.allocate(byteCount: JournalHeader.size, alignment: 8)
            defer { header.deallocate() }
            do throws(LaminaError) {
                let count = try Self.read(descriptor, path, into: header, at: 0)
                mark = JournalHeader.mark(UnsafeRawBufferPointer(header), count: count, first: first)
            } catch {
                // There is no object yet that would do it.
                close(descriptor)
                throw error
            }
            return
        }
        mark = UInt64.random(in: 1 ... .max)
        do throws(LaminaError) {
            try write(JournalHeader.encode(first: first, mark: mark), at: 0)
            try sync()
            try syncFolder(folder)
        } catch {
            unlink(path)
            throw error
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    static func name(_ first: Int64) -> String {
        let digits = String(first)
        return String(repeating: "0", count: max(0, 19 - digits.count)) + digits + ".journal"
    }

    /// The first sequence number that a file's name tells; nil for other files.
    static func first(of name: String) -> Int64? {
        guard name.hasSuffix(".journal"), let first = Int64(name.dropLast(8)), Self.name(first) == name else {
            return nil
        }
        return first
    }

    func size() throws(LaminaError) -> Int64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .io("look at", path: path, errno: errno) }
        return Int64(status.st_size)
    }

    func write(_ bytes: [UInt8], at place: Int64) throws(LaminaError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                pwrite(descriptor, raw.baseAddress.map { $0 + done }, raw.count - done, off_t(place) + off_t(done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .io("write", path: path, errno: count < 0 ? errno : ENOSPC) }
            done += count
        }
    }

    /// Fills the buffer; fewer bytes are the file's end.
    func read(into buffer: UnsafeMutableRawBufferPointer, at place: Int64) throws(LaminaError) -> Int {
        try Self.read(descriptor, path, into: buffer, at: place)
    }

    private static func read(
        _ descriptor: Int32,
        _ path: String,
        into buffer: UnsafeMutableRawBufferPointer,
        at place: Int64
    ) throws(LaminaError) -> Int {
        var done = 0
        while done < buffer.count {
            let count = pread(
                descriptor,
                buffer.baseAddress.map { $0 + done },
                buffer.count - done,
                off_t(place) + off_t(done)
            )
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .io("read", path: path, errno: errno) }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// As many bytes as there are, at most `count`.
    func bytes(at place: Int64, count: Int) throws(LaminaError) -> [UInt8] {
        var problem: LaminaError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(LaminaError) {
                filled = try read(into: UnsafeMutableRawBufferPointer(buffer), at: place)
            } catch {
                problem = error
            }
        }
        if let problem { throw problem }
        return bytes
    }

    func sync() throws(LaminaError) {
        while fdatasync(descriptor) != 0 {
            if errno != EINTR { throw .io("sync", path: path, errno: errno) }
        }
    }

    func cut(to size: Int64) throws(LaminaError) {
        while ftruncate(descriptor, off_t(size)) != 0 {
            if errno != EINTR { throw .io("cut", path: path, errno: errno) }
        }
    }
}
