import LaminaBase

let completionCommand = Command(
    name: "completion",
    summary: "Print a script that completes lamina's commands and options",
    discussion: "The script is generated from the same declarations that parse the command line.",
    positionals: [Positional(name: "SHELL", help: "bash or zsh")],
    examples: ["source <(lamina completion bash)", "lamina completion zsh > ~/.zfunc/_lamina"],
    body: { arguments in
        guard let shell = CompletionShell(rawValue: arguments.positionals[0]) else {
            throw UsageError(message: "no completion for '\(arguments.positionals[0])': bash and zsh are known")
        }
        say(completionScript(for: rootCommand, shell: shell))
        return 0
    }
)
