import LaminaBase

/// The values given to one command.
struct Arguments: Sendable {
    private var values: [String: [String]] = [:]
    private(set) var positionals: [String] = []

    mutating func add(_ value: String, to option: Option) throws {
        if !option.choices.isEmpty, option.value != nil, !option.choices.contains(value) {
            let near = nearestName(to: value, among: option.choices).map { "; did you mean \($0)?" } ?? ""
            throw UsageError(
                message: "--\(option.name) is one of \(option.choices.joined(separator: ", ")), not '\(value)'\(near)"
            )
        }
        if !option.isRepeated, values[option.name] != nil, option.value != nil {
            throw UsageError(message: "--\(option.name) is given twice")
        }
        values[option.name, default: []].append(value)
    }

    mutating func add(positional: String) { positionals.append(positional) }

    func has(_ name: String) -> Bool { values[name] != nil }
    func string(_ name: String) -> String? { values[name]?.last }
    func strings(_ name: String) -> [String] { values[name] ?? [] }

    /// A whole number in a range, or `fallback` when the option is not given.
    func int(_ name: String, in range: ClosedRange<Int>, default fallback: Int) throws -> Int {
        guard let text = string(name) else { return fallback }
        guard let number = Int(text), range.contains(number) else {
            let limits =
                range.upperBound == .max ? "from \(range.lowerBound) on" : "\(range.lowerBound) to \(range.upperBound)"
            throw UsageError(message: "--\(name) takes a whole number (\(limits)), not '\(text)'")
        }
        return number
    }
}

/// The command of a tree that the words name, and its arguments.
struct ParsedCommand: Sendable {
    var path: [String]
    var command: Command
    var arguments: Arguments
    var wantsHelp: Bool
}

/// Reads words by GNU habits: `--name value`, `--name=value`, `-n value`, `-nvalue`, `--` ends the options, `-h` anywhere.
func parseArguments(_ words: [String], of root: Command) throws -> ParsedCommand {
    var command = root
    var path = [root.name]
    var arguments = Arguments()
    let wantsHelp = words.prefix { $0 != "--" }.contains { $0 == "-h" || $0 == "--help" }
    var rest = words[...]
    do {
        while !command.subcommands.isEmpty, let word = rest.first, !word.hasPrefix("-") {
            guard let next = command.subcommands.first(where: { $0.name == word }) else {
                if wantsHelp { break }
                throw UsageError(
                    message: "no command '\(word)'" + suggestion(word, among: command.subcommands.map(\.name))
                )
            }
            command = next
            path.append(word)
            rest = rest.dropFirst()
        }
        if wantsHelp { return ParsedCommand(path: path, command: command, arguments: arguments, wantsHelp: true) }
        try parse(&rest, of: command, into: &arguments)
        try checkPositionals(arguments.positionals, of: command)
    } catch var error as UsageError {
        error.path = path
        throw error
    }
    return ParsedCommand(path: path, command: command, arguments: arguments, wantsHelp: false)
}

private func parse(_ rest: inout ArraySlice<String>, of command: Command, into arguments: inout Arguments) throws {
    while let word = rest.popFirst() {
        if word == "--" {
            for positional in rest { arguments.add(positional: positional) }
            return
        }
        if word.hasPrefix("--") {
            let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard let option = command.allOptions.first(where: { $0.name == name }) else {
                let known = command.allOptions.map(\.name)
                let near = nearestName(to: name, among: known).map { "; did you mean --\($0)?" } ?? ""
                throw UsageError(message: "no option --\(name)\(near)")
            }
            try take(option, attached: parts.count > 1 ? String(parts[1]) : nil, from: &rest, into: &arguments)
        } else if word.hasPrefix("-"), word.count > 1, let short = word.dropFirst().first, !short.isNumber {
            guard let option = command.allOptions.first(where: { $0.short == short }) else {
                throw UsageError(message: "no option -\(short)")
            }
            let attached = word.count > 2 ? String(word.dropFirst(2)) : nil
            try take(option, attached: attached, from: &rest, into: &arguments)
        } else {
            arguments.add(positional: word)
        }
    }
}

private func take(
    _ option: Option,
    attached: String?,
    from rest: inout ArraySlice<String>,
    into arguments: inout Arguments
) throws {
    guard let placeholder = option.value else {
        if attached != nil { throw UsageError(message: "--\(option.name) takes no value") }
        return try arguments.add("", to: option)
    }
    guard let value = attached ?? rest.popFirst() else {
        throw UsageError(message: "--\(option.name) needs a value (\(placeholder))")
    }
    try arguments.add(value, to: option)
}

private func checkPositionals(_ given: [String], of command: Command) throws {
    let needed = command.positionals.filter { !$0.isOptional }
    if given.count < needed.count {
        throw UsageError(message: "\(needed[given.count].name) is missing: \(needed[given.count].help)")
    }
    if given.count > command.positionals.count, command.positionals.last?.isRepeated != true {
        throw UsageError(message: "unexpected argument '\(given[command.positionals.count])'")
    }
    if !command.subcommands.isEmpty, command.body == nil {
        throw UsageError(message: "a command is missing: \(command.subcommands.map(\.name).joined(separator: ", "))")
    }
}

private func suggestion(_ word: String, among names: [String]) -> String {
    nearestName(to: word, among: names).map { "; did you mean '\($0)'?" } ?? ""
}
