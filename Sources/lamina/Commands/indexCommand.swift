import Glibc
import LaminaBase
import LaminaHTTPClient
import LaminaTasks

let indexCommand = Command(
    name: "index",
    summary: "Run a batch index task given as Druid JSON",
    discussion: """
        Submits the task to a server and prints its id; with --wait it stays until the task has ended and shows how far it is. \
        With --data the task runs in this process, on a directory no server holds.
        """,
    options: Target.options + [Option(name: "wait", help: "Stay until the task has ended")],
    positionals: [Positional(name: "SPEC", help: "A file with the task's JSON, '-' for standard input")],
    examples: ["lamina index wikipedia-index.json --wait", "lamina index wikipedia-index.json --data segments"],
    body: { arguments in
        let spec = try readJSON(arguments.positionals[0])
        switch try Target(arguments) {
        case .server(let server):
            let reply = try server.json(.post, "/druid/indexer/v1/task", body: Array(spec.text.utf8))
            guard let id = reply["task"]?.stringValue else {
                throw LaminaError(.runtimeFailure, code: "server", "The server's answer names no task: \(reply.text)")
            }
            guard arguments.has("wait") else {
                say("\(id)\n")
                return 0
            }
            return try follow(ServerTask(server: server, id: id))
        case .directory(let path):
            let node = try Node(path)
            defer { node.close() }
            return try follow(LocalTask(node: node, id: try node.tasks.submit(spec)))
        }
    }
)

/// A task that is being waited for.
protocol FollowedTask {
    var id: String { get }
    /// The task object of druid-surface 10.6.
    func status() throws(LaminaError) -> JSON
    /// The report, whole or of the moment; null without one.
    func report() throws(LaminaError) -> JSON
}

struct ServerTask: FollowedTask {
    var server: ServerClient
    var id: String

    private var path: String { "/druid/indexer/v1/task/\(percentEncoded(id))" }

    func status() throws(LaminaError) -> JSON { try server.json(.get, "\(path)/status")["status"] ?? .null }

    func report() throws(LaminaError) -> JSON {
        let answer = try server.exchange(.get, "\(path)/reports")
        return answer.status == 200 ? try JSONParser.parse(answer.body) : .null
    }
}

struct LocalTask: FollowedTask {
    var node: Node
    var id: String

    func status() throws(LaminaError) -> JSON { try node.tasks.status(id)?.json ?? .null }
    func report() throws(LaminaError) -> JSON { try node.tasks.report(id) ?? .null }
}

/// Shows a task's progress until it has ended; the exit status is 0 when it succeeded.
func follow(_ task: some FollowedTask) throws(LaminaError) -> Int32 {
    var line = ProgressLine()
    while true {
        let status = try task.status()
        let payload = try task.report()["ingestionStatsAndErrors"]?["payload"] ?? .null
        let rows = processedRows(payload)
        switch status["status"]?.stringValue {
        case "SUCCESS":
            line.end("\(task.id): SUCCESS", rows: rows)
            sayCounts(payload)
            return 0
        case "FAILED":
            line.end("\(task.id): FAILED", rows: rows)
            complain("\(printable(status["errorMsg"]?.stringValue ?? "The task failed without a message"))\n")
            return 1
        default:
            let waiting = status["runnerStatusCode"]?.stringValue.flatMap { $0 == "RUNNING" ? nil : $0.lowercased() }
            line.show(waiting ?? payload["ingestionState"]?.stringValue?.lowercased() ?? "running", rows: rows)
            usleep(200_000)
        }
    }
}

private func counts(_ payload: JSON) -> JSON {
    payload["rowStats"]?["buildSegments"] ?? payload["rowStats"]?["totals"]?["buildSegments"] ?? .null
}

private func processedRows(_ payload: JSON) -> Int64 { counts(payload)["processed"]?.intValue ?? 0 }

private func sayCounts(_ payload: JSON) {
    let counts = counts(payload)
    var parts = [counted(counts["processed"]?.intValue ?? 0, "row") + " indexed"]
    for (key, words) in [
        ("processedWithError", "with errors"), ("unparseable", "unparseable"), ("thrownAway", "thrown away"),
    ] {
        if let count = counts[key]?.intValue, count > 0 { parts.append("\(grouped(count)) \(words)") }
    }
    if let segments = payload["segmentsPublished"]?.intValue {
        parts.append(counted(segments, "segment") + " published")
    }
    say(parts.joined(separator: ", ") + "\n")
}

/// Text as one segment of a URL's path.
func percentEncoded(_ text: String) -> String {
    let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:".utf8)
    let digits = Array("0123456789ABCDEF")
    var encoded = ""
    for byte in text.utf8 {
        if plain.contains(byte) {
            encoded.unicodeScalars.append(Unicode.Scalar(byte))
        } else {
            encoded += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
        }
    }
    return encoded
}
