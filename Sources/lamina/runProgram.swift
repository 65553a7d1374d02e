import Glibc
import LaminaBase

/// The tree of all commands.
var rootCommand: Command {
    Command(
        name: "lamina",
        summary: "Lamina, a Druid-compatible columnar store: index events, query them.",
        discussion: "`lamina COMMAND --help` says more about a command.",
        options: [Option(name: "version", help: "Show the version")],
        examples: [
            "lamina server",
            "lamina index wikipedia-index.json --wait",
            "lamina query -e '{\"queryType\":\"timeBoundary\",\"dataSource\":\"wikipedia\"}'",
        ],
        subcommands: [
            serverCommand, indexCommand, streamCommand, pushCommand, queryCommand, tasksCommand, segmentCommand,
            benchCommand, completionCommand,
        ],
        body: { arguments in
            guard arguments.has("version") else {
                throw UsageError(
                    message:
                        "a command is missing: server, index, stream, push, query, tasks, segment, bench, completion"
                )
            }
            say("lamina 0.1.0\n")
            return 0
        }
    )
}

/// Parses the words, runs what they name and returns the exit status: 0 done, 1 failed, 2 used wrongly.
func runProgram(_ words: [String]) -> Int32 {
    signal(SIGPIPE, SIG_IGN)
    // A file that grows beyond the limit of this process is an error of the write, not its end.
    signal(SIGXFSZ, SIG_IGN)
    if let problem = processorProblem() {
        complain("lamina: \(problem)\n")
        return 1
    }
    do {
        if words.first == "help" {
            return try runProgramHelp(Array(words.dropFirst()))
        }
        let parsed = try parseArguments(words, of: rootCommand)
        if parsed.wantsHelp {
            say(helpText(of: parsed.command, path: parsed.path))
            return 0
        }
        guard let body = parsed.command.body else { return 2 }
        do {
            return try body(parsed.arguments)
        } catch var error as UsageError {
            error.path = parsed.path
            throw error
        }
    } catch let error as UsageError {
        let path = error.path.joined(separator: " ")
        complain("\(path): \(error.message)\nTry '\(path) --help'.\n")
        return 2
    } catch let error as LaminaError {
        complain("lamina: \(printable(error.message))\n")
        return 1
    } catch {
        complain("lamina: \(error)\n")
        return 1
    }
}

private func runProgramHelp(_ words: [String]) throws -> Int32 {
    let parsed = try parseArguments(words + ["--help"], of: rootCommand)
    say(helpText(of: parsed.command, path: parsed.path))
    return 0
}
