import Glibc
import LaminaBase
import LaminaHTTPClient

let streamCommand = Command(
    name: "stream",
    summary: "Supervise streams: submit, list, suspend, reset, replay, tail",
    discussion: """
        A supervisor reads a stream into a datasource. Its spec is Druid's, of type `kafka`, or of type `push` for rows that come by \
        `lamina push`. Every command asks a running server.
        """,
    examples: ["lamina stream submit clicks-supervisor.json", "lamina stream list", "lamina stream tail clicks"],
    subcommands: [
        streamSubmitCommand, streamListCommand,
        streamLook("status", "Show where a supervisor stands, with lag and recent errors, as JSON", path: "/status"),
        streamLook("spec", "Show a supervisor's spec as JSON", path: ""),
        streamAction("suspend", "Publish what was read and read no further"),
        streamAction("resume", "Read on"),
        streamResetCommand,
        streamAction("terminate", "Publish what was read and end the supervisor; offsets and history stay"),
        streamReplayCommand, streamTailCommand,
    ]
)

let supervisorPath = "/druid/indexer/v1/supervisor"
let serverOption = Target.options[0]

/// A supervisor of a running server.
private struct NamedSupervisor {
    let server: ServerClient
    let id: String

    private var path: String { "\(supervisorPath)/\(percentEncoded(id))" }

    func look(_ what: String = "") throws(LaminaError) -> JSON { try server.json(.get, path + what) }

    @discardableResult
    func post(_ action: String, _ body: JSON = [:]) throws(LaminaError) -> JSON {
        try server.json(.post, "\(path)/\(action)", body: Array(body.text.utf8))
    }
}

/// A command about one supervisor.
private func supervisorCommand(
    _ name: String,
    _ summary: String,
    discussion: String = "",
    options: [Option] = [],
    examples: [String] = [],
    _ body: @escaping @Sendable (Arguments, NamedSupervisor) throws -> Int32
) -> Command {
    Command(
        name: name,
        summary: summary,
        discussion: discussion,
        options: [serverOption] + options,
        positionals: [Positional(name: "ID", help: "The supervisor's id")],
        examples: examples.isEmpty ? ["lamina stream \(name) clicks"] : examples,
        body: { try body($0, NamedSupervisor(server: ServerClient($0), id: $0.positionals[0])) }
    )
}

private let streamSubmitCommand = Command(
    name: "submit",
    summary: "Start a supervisor, or give one a new spec",
    discussion: "A supervisor that runs already publishes what it read by the old spec and reads on by the new one.",
    options: [serverOption, Option(name: "skip-unmodified", help: "Leave it alone when its spec is the same")],
    positionals: [Positional(name: "SPEC", help: "A file with the supervisor's JSON, '-' for standard input")],
    examples: ["lamina stream submit clicks-supervisor.json"],
    body: { arguments in
        let spec = try readJSON(arguments.positionals[0])
        let query = arguments.has("skip-unmodified") ? "?skipRestartIfUnmodified=true" : ""
        let reply = try ServerClient(arguments).json(.post, supervisorPath + query, body: Array(spec.text.utf8))
        say("\(reply["id"]?.stringValue ?? reply.text)\n")
        return 0
    }
)

private let streamListCommand = Command(
    name: "list",
    summary: "List supervisors with state and lag",
    options: [serverOption],
    examples: ["lamina stream list"],
    body: { arguments in
        let server = ServerClient(arguments)
        let all = try server.json(.get, supervisorPath + "?system").arrayValue ?? []
        var table = TextTable(columns: ["supervisor", "type", "stream", "state", "lag", "tasks", "last error"])
        for one in all {
            let id = one["id"]?.stringValue ?? ""
            let status = try server.json(.get, "\(supervisorPath)/\(percentEncoded(id))/status")["payload"] ?? .null
            let tasks =
                (status["activeTasks"]?.arrayValue?.count ?? 0) + (status["publishingTasks"]?.arrayValue?.count ?? 0)
            table.rows.append([
                .string(id), one["type"] ?? .null, one["source"] ?? .null, one["detailedState"] ?? .null,
                status["aggregateLag"] ?? .null, .int(Int64(tasks)),
                status["recentErrors"]?.arrayValue?.last?["message"] ?? "",
            ])
        }
        say(table.text())
        return 0
    }
)

private func streamLook(_ name: String, _ summary: String, path: String) -> Command {
    supervisorCommand(name, summary) { _, supervisor in
        say(try supervisor.look(path).text + "\n")
        return 0
    }
}

private func streamAction(_ name: String, _ summary: String) -> Command {
    supervisorCommand(name, summary) { _, supervisor in
        try supervisor.post(name)
        say("\(supervisor.id): \(name) done\n")
        return 0
    }
}

private let streamResetCommand = supervisorCommand(
    "reset",
    "Forget the stored offsets, or set some of them, and read again from there",
    discussion: """
        Rows that are published already stay: what is read again comes in a second time, as in Druid. To read an interval again \
        without doubling it, use `lamina stream replay`.
        """,
    options: [
        Option(
            name: "offset",
            value: "PARTITION=N",
            help: "Only this partition, to this offset; may be given several times",
            isRepeated: true
        )
    ],
    examples: ["lamina stream reset clicks", "lamina stream reset clicks --offset 0=1000 --offset 1=2000"]
) { arguments, supervisor in
    guard arguments.has("offset") else {
        try supervisor.post("reset")
        say("\(supervisor.id): reset\n")
        return 0
    }
    var offsets = JSONObject()
    for text in arguments.strings("offset") {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let offset = Int64(parts[1]) else {
            throw UsageError(message: "--offset is PARTITION=N, not '\(text)'")
        }
        offsets[String(parts[0])] = .int(offset)
    }
    let spec = try supervisor.look()
    try supervisor.post(
        "resetOffsets",
        [
            "type": spec["type"] ?? "kafka",
            "partitions": [
                "type": "end", "stream": spec["ioConfig"]?["stream"] ?? .null,
                "partitionOffsetMap": .object(offsets),
            ],
        ]
    )
    say("\(supervisor.id): offsets reset\n")
    return 0
}

private let streamReplayCommand = supervisorCommand(
    "replay",
    "Read intervals again from the log, into a new version that replaces just them",
    discussion: """
        Queries see the old rows until everything is read, and the new ones from then on. What the stream brings meanwhile stays. \
        It is refused when the log does not reach back far enough.
        """,
    options: [
        Option(
            name: "interval",
            value: "I",
            help: "An interval of event time, as 2024-01-01/P1D; may be given several times",
            isRepeated: true
        ),
        Option(
            name: "margin",
            value: "PERIOD",
            help: "How much later a row may be by its own time than by its record's (default P1D)"
        ),
        Option(name: "wait", help: "Stay until it is done"),
    ],
    examples: ["lamina stream replay clicks --interval 2024-03-10/P1D --wait"]
) { arguments, supervisor in
    let intervals = arguments.strings("interval")
    guard !intervals.isEmpty else { throw UsageError(message: "--interval is missing") }
    var body: JSONObject = ["intervals": .array(intervals.map { .string($0) })]
    if let margin = arguments.string("margin") { body["margin"] = .string(margin) }
    let reply = try supervisor.post("replay", .object(body))
    guard let task = reply["task"]?.stringValue else {
        throw LaminaError(.runtimeFailure, code: "server", "The server's answer names no task: \(reply.text)")
    }
    guard arguments.has("wait") else {
        say("\(task)\n")
        return 0
    }
    return try follow(ServerTask(server: supervisor.server, id: task))
}
