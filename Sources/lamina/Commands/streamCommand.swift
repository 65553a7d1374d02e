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
private let supervisorID = Positional(name: "ID", help: "The supervisor's id")

func server(_ arguments: Arguments) -> ServerClient {
    ServerClient(url: arguments.string("server") ?? ServerClient.defaultURL)
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
        let reply = try server(arguments).json(.post, supervisorPath + query, body: Array(spec.text.utf8))
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
        let server = server(arguments)
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
    Command(
        name: name,
        summary: summary,
        options: [serverOption],
        positionals: [supervisorID],
        examples: ["lamina stream \(name) clicks"],
        body: { arguments in
            let id = percentEncoded(arguments.positionals[0])
            say(try server(arguments).json(.get, "\(supervisorPath)/\(id)\(path)").text + "\n")
            return 0
        }
    )
}

private func streamAction(_ name: String, _ summary: String) -> Command {
    Command(
        name: name,
        summary: summary,
        options: [serverOption],
        positionals: [supervisorID],
        examples: ["lamina stream \(name) clicks"],
        body: { arguments in
            let id = percentEncoded(arguments.positionals[0])
            _ = try server(arguments).json(.post, "\(supervisorPath)/\(id)/\(name)", body: Array("{}".utf8))
            say("\(arguments.positionals[0]): \(name) done\n")
            return 0
        }
    )
}

private let streamResetCommand = Command(
    name: "reset",
    summary: "Forget the stored offsets, or set some of them, and read again from there",
    discussion: """
        Rows that are published already stay: what is read again comes in a second time, as in Druid. To read an interval again \
        without doubling it, use `lamina stream replay`.
        """,
    options: [
        serverOption,
        Option(
            name: "offset",
            value: "PARTITION=N",
            help: "Only this partition, to this offset; may be given several times",
            isRepeated: true
        ),
    ],
    positionals: [supervisorID],
    examples: ["lamina stream reset clicks", "lamina stream reset clicks --offset 0=1000 --offset 1=2000"],
    body: { arguments in
        let name = arguments.positionals[0]
        let path = "\(supervisorPath)/\(percentEncoded(name))"
        let server = server(arguments)
        guard arguments.has("offset") else {
            _ = try server.json(.post, path + "/reset", body: Array("{}".utf8))
            say("\(name): reset\n")
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
        let spec = try server.json(.get, path)
        let body: JSON = [
            "type": spec["type"] ?? "kafka",
            "partitions": [
                "type": "end", "stream": spec["ioConfig"]?["stream"] ?? .null,
                "partitionOffsetMap": .object(offsets),
            ],
        ]
        _ = try server.json(.post, path + "/resetOffsets", body: Array(body.text.utf8))
        say("\(name): offsets reset\n")
        return 0
    }
)

private let streamReplayCommand = Command(
    name: "replay",
    summary: "Read intervals again from the log, into a new version that replaces just them",
    discussion: """
        Queries see the old rows until everything is read, and the new ones from then on. What the stream brings meanwhile stays. \
        It is refused when the log does not reach back far enough.
        """,
    options: [
        serverOption,
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
    positionals: [supervisorID],
    examples: ["lamina stream replay clicks --interval 2024-03-10/P1D --wait"],
    body: { arguments in
        let intervals = arguments.strings("interval")
        guard !intervals.isEmpty else { throw UsageError(message: "--interval is missing") }
        let server = server(arguments)
        var body: JSONObject = ["intervals": .array(intervals.map { .string($0) })]
        if let margin = arguments.string("margin") { body["margin"] = .string(margin) }
        let reply = try server.json(
            .post,
            "\(supervisorPath)/\(percentEncoded(arguments.positionals[0]))/replay",
            body: Array(JSON.object(body).text.utf8)
        )
        guard let task = reply["task"]?.stringValue else {
            throw LaminaError(.runtimeFailure, code: "server", "The server's answer names no task: \(reply.text)")
        }
        guard arguments.has("wait") else {
            say("\(task)\n")
            return 0
        }
        return try follow(ServerTask(server: server, id: task))
    }
)
