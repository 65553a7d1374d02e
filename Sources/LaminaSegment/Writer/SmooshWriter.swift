import Glibc
import LaminaBase

/// Writes the files of a segment directory: internal files one after the other into `00000.smoosh`, …, then `meta.smoosh`.
///
/// Every file is synced before `finish` returns, and so is the directory. Source: Druid's `FileSmoosher`.
final class SmooshWriter {
    private struct Entry {
        var name: String
        var chunk: Int
        var start: Int
        var end: Int
    }

    private static let maxChunkBytes = Int(Int32.max)

    private let directory: String
    private let isSynchronized: Bool
    private var entries: [Entry] = []
    private var names: Set<String> = []
    private var chunk = -1
    private var chunkBytes = 0
    private var descriptor: Int32 = -1
    /// Bytes of all files written so far.
    private(set) var totalBytes: Int64 = 0

    init(directory: String, isSynchronized: Bool) throws(LaminaError) {
        self.directory = directory
        self.isSynchronized = isSynchronized
        if mkdir(directory, 0o755) != 0, errno != EEXIST {
            throw .io("make the folder", path: directory, errno: errno)
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    private func path(_ name: String) -> String { "\(directory)/\(name)" }

    private func chunkName(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".smoosh"
    }

    /// Appends one internal file.
    func add(_ name: String, _ bytes: ByteSink) throws(LaminaError) {
        // meta.smoosh has one comma-separated line per file, without any quoting.
        guard !name.utf8.contains(where: { $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) else {
            throw .invalidInput(
                "the name \(JSON.string(name).text) has a comma or a line break, which no segment can store"
            )
        }
        guard names.insert(name).inserted else {
            throw .invalidInput("two parts of the segment have the name \(JSON.string(name).text)")
        }
        guard bytes.count <= Self.maxChunkBytes else {
            throw .resourceLimit(
                "column part \(name) needs \(bytes.count) bytes; a segment file holds at most 2147483647: make smaller segments"
            )
        }
        if chunk < 0 || chunkBytes + bytes.count > Self.maxChunkBytes {
            try closeChunk()
            chunk += 1
            chunkBytes = 0
            descriptor = try create(path(chunkName(chunk)))
        }
        try writeAll(descriptor, bytes, path: path(chunkName(chunk)))
        entries.append(Entry(name: name, chunk: chunk, start: chunkBytes, end: chunkBytes + bytes.count))
        chunkBytes += bytes.count
        totalBytes += Int64(bytes.count)
    }

    /// Writes a file of its own beside the chunks.
    func addLoose(_ name: String, _ bytes: [UInt8]) throws(LaminaError) {
        let file = try create(path(name))
        do throws(LaminaError) {
            let sink = ByteSink(capacity: bytes.count)
            sink.append(bytes)
            try writeAll(file, sink, path: path(name))
        } catch {
            close(file)
            throw error
        }
        try finishFile(file, path: path(name))
        totalBytes += Int64(bytes.count)
    }

    /// Writes `meta.smoosh` and makes everything durable.
    func finish() throws(LaminaError) {
        if chunk < 0 {
            chunk = 0
            descriptor = try create(path(chunkName(0)))
        }
        try closeChunk()
        var text = "v1,\(Self.maxChunkBytes),\(chunk + 1)\n"
        entries.sort { $0.name.utf16.lexicographicallyPrecedes($1.name.utf16) }
        for entry in entries { text += "\(entry.name),\(entry.chunk),\(entry.start),\(entry.end)\n" }
        try addLoose("meta.smoosh", Array(text.utf8))
        guard isSynchronized else { return }
        let folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw .io("open the folder", path: directory, errno: errno) }
        defer { close(folder) }
        if fsync(folder) != 0 { throw .io("sync the folder", path: directory, errno: errno) }
    }

    private func create(_ path: String) throws(LaminaError) -> Int32 {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw .io("create", path: path, errno: errno) }
        return file
    }

    private func closeChunk() throws(LaminaError) {
        guard descriptor >= 0 else { return }
        let file = descriptor
        descriptor = -1
        try finishFile(file, path: path(chunkName(chunk)))
    }

    private func finishFile(_ file: Int32, path: String) throws(LaminaError) {
        if isSynchronized, fsync(file) != 0 {
            let code = errno
            close(file)
            throw .io("sync", path: path, errno: code)
        }
        if close(file) != 0 { throw .io("close", path: path, errno: errno) }
    }

    private func writeAll(_ file: Int32, _ sink: ByteSink, path: String) throws(LaminaError) {
        // The pointer does not keep the sink's memory alive.
        defer { extendLifetime(sink) }
        var rest = sink.bytes
        while !rest.isEmpty {
            let written = write(file, rest.baseAddress, rest.count)
            if written < 0 {
                if errno == EINTR { continue }
                throw .io("write", path: path, errno: errno)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
        }
    }
}
