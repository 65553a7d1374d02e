import Foundation
import Testing

/// What a run of the program left.
struct Finished {
    var status: Int32
    var output: String
    var errors: String
}

/// The built `lamina`, run as users run it.
enum Program {
    /// It lies beside the test bundle.
    static let path: String = {
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("lamina").path
    }()

    static func run(_ arguments: String..., input: String? = nil) throws -> Finished {
        try run(arguments, input: input)
    }

    static func run(_ arguments: [String], input: String? = nil) throws -> Finished {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let folder = try TestFolder()
        let (output, errors, stdin) = (folder.file("out"), folder.file("err"), folder.file("in"))
        for file in [output, errors] { FileManager.default.createFile(atPath: file, contents: nil) }
        FileManager.default.createFile(atPath: stdin, contents: Data((input ?? "").utf8))
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: stdin))
        try process.run()
        process.waitUntilExit()
        return Finished(
            status: process.terminationStatus,
            output: try String(contentsOfFile: output, encoding: .utf8),
            errors: try String(contentsOfFile: errors, encoding: .utf8)
        )
    }
}

/// A folder that goes with the object.
final class TestFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "lamina-cli-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ name: String, _ text: String) throws -> String {
        try text.write(toFile: file(name), atomically: true, encoding: .utf8)
        return file(name)
    }
}

/// A running `lamina server` on a free port; killed when forgotten.
final class RunningServer {
    private let process = Process()
    let url: String
    var pid: Int32 { process.processIdentifier }

    init(data: String) throws {
        process.executableURL = URL(fileURLWithPath: Program.path)
        process.arguments = ["server", "--data", data, "--port", "0"]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        var line = ""
        while !line.contains("\n") {
            let piece = pipe.fileHandleForReading.availableData
            if piece.isEmpty { break }
            line += String(decoding: piece, as: UTF8.self)
        }
        url = String(
            try #require(line.split(separator: " ").first { $0.hasPrefix("http://") }, "the server said \(line)")
        )
    }

    deinit { if process.isRunning { kill(pid, SIGKILL) } }

    /// SIGKILL. The process may take a moment to die: another server waits for its hold on the data directory.
    func killAtOnce() { kill(pid, SIGKILL) }

    /// SIGKILL; returns when the process is gone and writes no more.
    func killAndWait() {
        killAtOnce()
        process.waitUntilExit()
    }

    /// SIGTERM; the exit status.
    func stop() -> Int32 {
        process.terminate()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
