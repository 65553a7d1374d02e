import Glibc
import LaminaBase
import LaminaHTTPClient

let tasksCommand = Command(
    name: "tasks",
    summary: "List tasks; show, follow or stop one",
    options: Target.options + [
        Option(
            name: "state",
            value: "STATE",
            help: "Only tasks in this state",
            choices: ["pending", "waiting", "running", "complete"]
        ),
        Option(name: "datasource", value: "NAME", help: "Only tasks of this datasource"),
        Option(name: "max", value: "N", help: "At most N completed tasks (default 20)"),
    ],
    examples: [
        "lamina tasks --state running",
        "lamina tasks report index_parallel_wikipedia_aabbccdd_2024-01-01T00:00:00.000Z",
    ],
    subcommands: [
        taskCommand("status", "Show a task's status as JSON") { task in
            say(try task.status().text + "\n")
            return 0
        },
        taskCommand("wait", "Stay until a task has ended; status 1 when it failed") { task in try follow(task) },
        taskCommand("report", "Show a task's report: counts and unparseable rows, as JSON") { task in
            let report = try task.report()
            guard !report.isNull else { throw LaminaError.notThere("There is no report of task '\(task.id)'") }
            say(report.text + "\n")
            return 0
        },
        tasksLogCommand,
        tasksShutdownCommand,
    ],
    body: { arguments in
        let limit = try arguments.int("max", in: 0...1_000_000, default: 20)
        var tasks: [JSON]
        switch try Target(arguments) {
        case .server(let server):
            var path = "/druid/indexer/v1/tasks?max=\(limit)"
            if let state = arguments.string("state") { path += "&state=\(state)" }
            if let name = arguments.string("datasource") { path += "&datasource=\(percentEncoded(name))" }
            tasks = try server.json(.get, path).arrayValue ?? []
        case .directory(let path):
            tasks = try StoredTask.all(in: path)
            if let state = arguments.string("state") {
                tasks = tasks.filter { ($0["status"] == "RUNNING") == (state != "complete") }
            }
            if let name = arguments.string("datasource") {
                tasks = tasks.filter { $0["dataSource"]?.stringValue == name }
            }
            tasks = Array(tasks.prefix(limit))
        }
        var table = TextTable(columns: ["task", "type", "datasource", "status", "created", "ms"])
        for task in tasks {
            let running = task["status"] == "RUNNING"
            table.rows.append([
                task["id"] ?? .null, task["type"] ?? .null, task["dataSource"] ?? .null,
                (running ? task["runnerStatusCode"] : task["status"]) ?? .null, task["createdTime"] ?? .null,
                running ? .null : task["duration"] ?? .null,
            ])
        }
        say(table.text(cutting: false))
        return 0
    }
)

private let taskID = Positional(name: "ID", help: "The task's id")

private func taskCommand(
    _ name: String,
    _ summary: String,
    _ body: @escaping @Sendable (any FollowedTask) throws -> Int32
) -> Command {
    Command(
        name: name,
        summary: summary,
        options: Target.options,
        positionals: [taskID],
        examples: ["lamina tasks \(name) index_parallel_wikipedia_aabbccdd_2024-01-01T00:00:00.000Z"],
        body: { arguments in
            switch try Target(arguments) {
            case .server(let server): return try body(ServerTask(server: server, id: arguments.positionals[0]))
            case .directory(let path): return try body(StoredTask(path: path, id: arguments.positionals[0]))
            }
        }
    )
}

private let tasksLogCommand = Command(
    name: "log",
    summary: "Print a task's log",
    options: Target.options,
    positionals: [taskID],
    examples: ["lamina tasks log index_parallel_wikipedia_aabbccdd_2024-01-01T00:00:00.000Z"],
    body: { arguments in
        let id = arguments.positionals[0]
        switch try Target(arguments) {
        case .server(let server):
            writeAll(try server.send(.get, "/druid/indexer/v1/task/\(percentEncoded(id))/log"), to: STDOUT_FILENO)
        case .directory(let path): writeAll(try StoredTask(path: path, id: id).log(), to: STDOUT_FILENO)
        }
        return 0
    }
)

private let tasksShutdownCommand = Command(
    name: "shutdown",
    summary: "Stop a running task; it ends as FAILED",
    options: [Target.options[0]],
    positionals: [taskID],
    examples: ["lamina tasks shutdown index_parallel_wikipedia_aabbccdd_2024-01-01T00:00:00.000Z"],
    body: { arguments in
        let server = ServerClient(arguments)
        let reply = try server.json(
            .post,
            "/druid/indexer/v1/task/\(percentEncoded(arguments.positionals[0]))/shutdown",
            body: Array("{}".utf8)
        )
        say("\(reply["task"]?.stringValue ?? arguments.positionals[0]): stopping\n")
        return 0
    }
)

extension LaminaError {
    static func notThere(_ message: String) -> LaminaError { LaminaError(.notFound, code: "notFound", message) }
}
