import Foundation
import Testing

@Suite struct ArgumentTests {
    @Test(arguments: [
        (["serv"], "did you mean 'server'"),
        (["query", "--formt", "csv"], "did you mean --format"),
        (["query", "--format", "tabel", "-e", "{}"], "did you mean table"),
        (["query", "--format=xml", "-e", "{}"], "--format is one of"),
        (["query", "-e"], "--execute needs a value"),
        (["query", "--help=yes"], "--help takes no value"),
        (["query", "-x"], "no option -x"),
        (["query"], "QUERY is missing"),
        (["query", "a", "b"], "unexpected argument 'b'"),
        (["query", "-e", "{}", "--server", "a", "--data", "b"], "exclude each other"),
        (["server", "--port", "99999"], "0 to 65535"),
        (["server", "--port", "1", "--port", "2"], "given twice"),
        (["segment"], "a command is missing"),
        (["segment", "inspect"], "PATH is missing"),
        (["tasks", "status"], "ID is missing"),
        (["completion", "fish"], "bash and zsh"),
        ([], "a command is missing"),
    ]) func misuseIsNamedAndEndsWith2(_ words: [String], _ message: String) throws {
        let done = try Program.run(words)
        #expect(done.status == 2)
        #expect(done.errors.contains(message), "\(done.errors)")
        #expect(done.errors.contains("--help'"))
        #expect(done.output.isEmpty)
    }

    @Test(arguments: [
        ["-h"], ["--help"], ["server", "-h"], ["query", "--format", "csv", "-h"], ["segment", "dump", "x", "--help"],
        ["tasks", "-h"],
        ["help", "index"], ["-h", "server"],
    ]) func helpIsAnywhereAndShowsAnExample(_ words: [String]) throws {
        let done = try Program.run(words)
        #expect(done.status == 0)
        #expect(done.output.contains("usage: lamina"))
        #expect(done.output.contains("Example"))
        #expect(done.errors.isEmpty)
    }

    @Test func twoDashesEndTheOptions() throws {
        let folder = try TestFolder()
        let done = try Program.run("query", "--data", folder.path, "--", "--no-such-file")
        #expect(done.status == 1)
        #expect(done.errors.contains("'--no-such-file'"))
    }

    @Test func sqlIsRefusedByName() throws {
        let done = try Program.run("query", "SELECT 1 FROM x")
        #expect(done.status == 1)
        #expect(done.errors.contains("SQL"))
    }

    @Test func completionKnowsCommandsOptionsAndChoices() throws {
        let folder = try TestFolder()
        let script = try folder.write("lamina.bash", try Program.run("completion", "bash").output)
        func complete(_ words: [String]) throws -> Set<String> {
            let bash = Process()
            bash.executableURL = URL(fileURLWithPath: "/bin/bash")
            let quoted = words.map { "'\($0)'" }.joined(separator: " ")
            bash.arguments = [
                "-c",
                "source \(script); COMP_WORDS=(\(quoted)); COMP_CWORD=\(words.count - 1); _lamina; echo \"${COMPREPLY[@]}\"",
            ]
            let pipe = Pipe()
            bash.standardOutput = pipe
            try bash.run()
            let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            bash.waitUntilExit()
            return Set(text.split(whereSeparator: \.isWhitespace).map(String.init))
        }
        #expect(try complete(["lamina", "se"]).isSuperset(of: ["server", "segment"]))
        #expect(try complete(["lamina", "tasks", "sh"]).contains("shutdown"))
        #expect(try complete(["lamina", "server", "--po"]) == ["--port"])
        #expect(try complete(["lamina", "query", "--format", "c"]) == ["csv"])
        let zsh = try Program.run("completion", "zsh").output
        #expect(zsh.hasPrefix("#compdef lamina\n"))
        for word in ["'server:", "'--input-root:", "compadd -- table json csv"] { #expect(zsh.contains(word)) }
    }
}
