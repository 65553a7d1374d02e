import LaminaBase

/// What a command does with its parsed arguments; the result is the exit status.
typealias CommandBody = @Sendable (Arguments) throws -> Int32

/// One command, declared once: parsing, help and completion all read this.
struct Command: Sendable {
    var name: String
    /// One line, shown in the list of commands.
    var summary: String
    /// What a reader of `--help` should know besides.
    var discussion = ""
    var options: [Option] = []
    var positionals: [Positional] = []
    var examples: [String] = []
    var subcommands: [Command] = []
    /// nil for a mere group of subcommands.
    var body: CommandBody?

    /// The options with the one every command has.
    var allOptions: [Option] { options + [.help] }
}

/// `--name` or `-n`, with or without a value.
struct Option: Sendable {
    var name: String
    var short: Character?
    /// What stands for the value in the help text (`DIR`); nil for a flag.
    var value: String?
    var help: String
    var isRepeated = false
    /// The only values allowed, if they can be listed.
    var choices: [String] = []

    static let help = Option(name: "help", short: "h", help: "Show this text")

    /// `-n`, `--name VALUE` as help shows it.
    var spelling: String {
        let long = value.map { "--\(name) \($0)" } ?? "--\(name)"
        return short.map { "-\($0), \(long)" } ?? "    \(long)"
    }
}

/// An argument by its place.
struct Positional: Sendable {
    var name: String
    var help: String
    var isOptional = false
    /// Takes all that remain; only the last one may.
    var isRepeated = false

    var spelling: String {
        let text = isRepeated ? "\(name)..." : name
        return isOptional ? "[\(text)]" : text
    }
}

/// Wrong use of a command: exit status 2.
struct UsageError: Error {
    var message: String
    /// The names of the commands that lead to the one misused.
    var path: [String] = []
}
