/// What `--help` prints for a command.
func helpText(of command: Command, path: [String]) -> String {
    let words = path.joined(separator: " ")
    var lines = [command.summary, ""]
    var usage = "usage: \(words)"
    if !command.subcommands.isEmpty { usage += command.body == nil ? " COMMAND" : " [COMMAND]" }
    if !command.options.isEmpty { usage += " [OPTIONS]" }
    for positional in command.positionals { usage += " \(positional.spelling)" }
    lines.append(usage)
    if !command.discussion.isEmpty { lines += [""] + wrapped(command.discussion, width: 88) }
    if !command.subcommands.isEmpty {
        lines += ["", "Commands:"] + aligned(command.subcommands.map { ($0.name, $0.summary) })
    }
    if !command.positionals.isEmpty {
        lines += ["", "Arguments:"] + aligned(command.positionals.map { ($0.name, $0.help) })
    }
    let options = command.allOptions.map { option in
        (
            option.spelling,
            option.choices.isEmpty ? option.help : "\(option.help) (\(option.choices.joined(separator: ", ")))"
        )
    }
    lines += ["", "Options:"] + aligned(options)
    if !command.examples.isEmpty {
        lines += ["", command.examples.count == 1 ? "Example:" : "Examples:"] + command.examples.map { "  \($0)" }
    }
    return lines.joined(separator: "\n") + "\n"
}

private func aligned(_ rows: [(name: String, text: String)]) -> [String] {
    let width = min(28, rows.map(\.name.count).max() ?? 0)
    return rows.flatMap { row in
        let text = wrapped(row.text, width: 86 - width)
        let indent = String(repeating: " ", count: width + 4)
        if row.name.count > width { return ["  \(row.name)"] + text.map { indent + $0 } }
        let first = "  " + row.name + String(repeating: " ", count: width - row.name.count + 2) + (text.first ?? "")
        return [first] + text.dropFirst().map { indent + $0 }
    }
}

/// Breaks text between words; line breaks in it are kept.
func wrapped(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
        var line = ""
        for word in paragraph.split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " \(word)"
        }
        lines.append(line)
    }
    return lines
}
