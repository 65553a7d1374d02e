import Glibc
import LaminaBase
import LaminaHTTPClient

/// Shows the newest rows of a datasource, then those that come.
///
/// It asks for the newest rows by time again and again and prints what it has not seen: rows that rollup changed are shown anew, rows far
/// in the past are not.
let streamTailCommand = Command(
    name: "tail",
    summary: "Print rows of a datasource as they become queryable, until Ctrl-C",
    discussion: """
        Rows are JSON, one a line, in order of time within each look. At most --rows of the newest are looked at each time; when more \
        came in between, a line on standard error says so.
        """,
    options: [
        serverOption,
        Option(name: "rows", value: "N", help: "How many of the newest rows each look covers (default 1000)"),
        Option(name: "last", value: "N", help: "How many rows there are already to begin with (default 10)"),
        Option(name: "seconds", value: "S", help: "Stop after so long"),
        Option(name: "pause", value: "MS", help: "Milliseconds between looks (default 500)"),
    ],
    positionals: [Positional(name: "DATASOURCE", help: "The datasource")],
    examples: ["lamina stream tail clicks", "lamina stream tail clicks --last 0 --seconds 10"],
    body: { arguments in
        let rows = try arguments.int("rows", in: 1...100_000, default: 1000)
        let last = try arguments.int("last", in: 0...100_000, default: 10)
        let seconds = try arguments.int("seconds", in: 0...1_000_000_000, default: 1_000_000_000)
        let pause = try arguments.int("pause", in: 10...60_000, default: 500)
        let server = ServerClient(arguments)
        var tail = StreamTail(dataSource: arguments.positionals[0], rows: rows)
        let end = monotonicSeconds() + Double(seconds)
        var isFirst = true
        while true {
            let (new, missed) = try tail.look(server)
            for row in isFirst ? new.suffix(last) : new[...] { say(row + "\n") }
            if missed, !isFirst {
                complain("lamina: more than \(counted(Int64(rows), "row")) came in; some were not shown\n")
            }
            isFirst = false
            guard monotonicSeconds() < end else { return 0 }
            usleep(UInt32(pause) * 1000)
        }
    }
)

/// Remembers the rows of the last look.
struct StreamTail {
    let dataSource: String
    let rows: Int
    private var seen: [String: Int] = [:]

    init(dataSource: String, rows: Int) {
        self.dataSource = dataSource
        self.rows = rows
    }

    /// The rows that the last look did not show, by time; whether every row of a full look is one.
    mutating func look(_ server: ServerClient) throws(LaminaError) -> (new: [String], missed: Bool) {
        let query: JSON = [
            "queryType": "scan", "dataSource": .string(dataSource), "intervals": ["0000-01-01/9999-01-01"],
            "order": "descending", "limit": .int(Int64(rows)), "resultFormat": "list",
        ]
        let answer = try server.json(.post, "/druid/v2", body: Array(query.text.utf8))
        return take((answer.arrayValue ?? []).flatMap { $0["events"]?.arrayValue ?? [] })
    }

    /// - Parameter events: the newest rows, newest first.
    mutating func take(_ events: [JSON]) -> (new: [String], missed: Bool) {
        var now: [String: Int] = [:]
        var new: [String] = []
        for event in events {
            let text = Self.line(event)
            let count = (now[text] ?? 0) + 1
            now[text] = count
            if count > (seen[text] ?? 0) { new.append(text) }
        }
        let missed = events.count == rows && new.count == rows
        seen = now
        return (new.reversed(), missed)
    }

    /// The row with its time as people read it.
    private static func line(_ event: JSON) -> String {
        guard var object = event.objectValue else { return event.text }
        if let time = object["__time"]?.intValue { object["__time"] = .string(instantText(time)) }
        return JSON.object(object).text
    }
}
