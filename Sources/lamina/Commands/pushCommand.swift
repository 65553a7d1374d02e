import Glibc
import LaminaBase
import LaminaHTTPClient

let pushCommand = Command(
    name: "push",
    summary: "Push the rows of a file into a datasource",
    discussion: """
        The datasource needs a supervisor of type push on the server. Rows are JSON objects (on lines, in an array, or behind each \
        other) or lines of the text format that the supervisor's spec names; FILE may be compressed (.gz, .zst, .bz2, .xz). They go in \
        batches, each with an idempotency key: a batch that must be sent again, because the server was busy, away or restarted, is \
        stored once. With --producer the batches are numbered for good, so that the same command can be run again after it was \
        stopped: what is stored already is skipped. The exit status is 1 when rows were rejected; the server keeps them as dead \
        letters.
        """,
    options: [
        Option(name: "server", value: "URL", help: "The server to push to (default \(ServerClient.defaultURL))"),
        Option(name: "batch", value: "ROWS", help: "Rows of a batch (default 1000)"),
        Option(name: "producer", value: "NAME", help: "Number the batches under this name instead of keys of this run"),
        Option(
            name: "content-type",
            value: "TYPE",
            help: "What the rows are, if they are no JSON (default text/plain)"
        ),
        Option(name: "header", help: "The first line of the text is a header, which goes with every batch"),
        Option(name: "atomic", help: "Store nothing of a batch with a bad row, and stop there"),
        Option(name: "retry", value: "SECONDS", help: "How long to try again without success (default 300)"),
        Option(name: "show", value: "COUNT", help: "How many rejected rows to show (default 20)"),
    ],
    positionals: [
        Positional(name: "DATASOURCE", help: "Where the rows go"),
        Positional(name: "FILE", help: "A file with rows, '-' for standard input"),
    ],
    examples: [
        "lamina push events events.json.gz", "zcat *.gz | lamina push events -",
        "lamina push events day.csv --content-type text/csv --header --producer loader-1",
    ],
    body: { arguments in
        var options = Pusher.Options()
        options.producer = arguments.string("producer")
        options.isAtomic = arguments.has("atomic")
        options.retrySeconds = try arguments.int("retry", in: 0...1_000_000, default: 300)
        options.shown = try arguments.int("show", in: 0...1_000_000, default: 20)
        let rows = try PushedRows(
            arguments.positionals[1],
            rowsMax: try arguments.int("batch", in: 1...1_000_000, default: 1000),
            hasHeader: arguments.has("header")
        )
        options.contentType = arguments.string("content-type")
        let server = ServerClient(arguments)
        var pusher = Pusher(server, dataSource: arguments.positionals[0], options)
        return try pusher.push(rows)
    }
)

/// Sends batches one after the other and keeps the counts.
struct Pusher {
    struct Options {
        var producer: String?
        var contentType: String?
        var isAtomic = false
        var retrySeconds = 300
        var shown = 20
    }

    private let server: ServerClient
    private let path: String
    private let options: Options
    private let run =
        String(UInt64.random(in: .min ... .max), radix: 36) + String(UInt64.random(in: .min ... .max), radix: 36)
    private var line = ProgressLine()
    private var number: Int64 = 0
    private var sent: Int64 = 0
    private var counts: [String: Int64] = [:]
    private var shown = 0
    private var retries = 0

    init(_ server: ServerClient, dataSource: String, _ options: Options) {
        self.server = server
        self.options = options
        path = "/v1/push/\(percentEncoded(dataSource))" + (options.isAtomic ? "?atomic=true" : "")
    }

    /// - Returns: the exit status.
    /// - Errors: what ends the push; the counts up to there were said.
    mutating func push(_ rows: PushedRows) throws -> Int32 {
        do throws(LaminaError) {
            while let batch = try rows.next() {
                number += 1
                try push(batch)
                sent += Int64(batch.count)
                line.show("pushed", rows: sent, fraction: rows.fraction)
            }
        } catch {
            line.end("stopped in batch \(number)", rows: sent)
            sayCounts()
            throw error
        }
        line.end("pushed", rows: sent)
        sayCounts()
        return counts["rejected", default: 0] == 0 ? 0 : 1
    }

    private mutating func push(_ batch: PushedRows.Batch) throws(LaminaError) {
        var headers = [("Content-Type", options.contentType ?? batch.contentType)]
        if let producer = options.producer {
            headers += [("X-Lamina-Producer", producer), ("X-Lamina-Sequence", "\(number)")]
        } else {
            headers.append(("Idempotency-Key", "\(run)-\(number)"))
        }
        let started = monotonicSeconds()
        var pause = 0.2
        while true {
            let (answer, reason) = try attempt(batch.body, headers)
            if let answer {
                take(answer, firstRow: sent)
                return
            }
            guard monotonicSeconds() - started < Double(options.retrySeconds) else {
                throw LaminaError(.timeout, code: "push", "Given up after \(options.retrySeconds) s: \(reason.text)")
            }
            retries += 1
            line.show("waiting (\(printable(reason.text)))", rows: sent)
            usleep(UInt32(max(reason.after ?? 0, pause) * 1e6))
            pause = min(pause * 2, 5)
        }
    }

    /// The reply, or why to try again.
    private func attempt(
        _ body: [UInt8],
        _ headers: [(String, String)]
    ) throws(LaminaError) -> (JSON?, (text: String, after: Double?)) {
        var request = HTTPRequest(
            .post,
            server.url + path,
            headers: headers.map { (name: $0.0, value: $0.1) },
            body: body
        )
        request.connectTimeout = 5
        request.stallTimeout = 120
        let answer: HTTPResponse
        do throws(LaminaError) {
            answer = try HTTPClient().send(request)
        } catch {
            return (nil, (error.message, nil))
        }
        let json = try? JSONParser.parse(answer.body)
        let message = json?["errorMessage"]?.stringValue ?? String(decoding: answer.body.prefix(500), as: UTF8.self)
        switch answer.status {
        case 200:
            guard let json, json["received"]?.intValue != nil else {
                throw LaminaError(.runtimeFailure, code: "server", "The server's answer has no counts: \(message)")
            }
            return (json, ("", nil))
        case 429, 502, 503, 504:
            return (nil, (message, answer.header("Retry-After").flatMap(Double.init).map { min($0, 60) }))
        default:
            let bad = (json?["errors"]?.arrayValue ?? []).prefix(options.shown).map {
                "\n  row \(sent + ($0["row"]?.intValue ?? 0)): \($0["reason"]?.stringValue ?? "")"
            }
            throw LaminaError(
                .runtimeFailure,
                code: "server",
                "\(message) (status \(answer.status))\(bad.joined())"
            )
        }
    }

    private mutating func take(_ reply: JSON, firstRow: Int64) {
        for key in ["received", "accepted", "rejected", "duplicate"] {
            counts[key, default: 0] += reply[key]?.intValue ?? 0
        }
        for error in reply["errors"]?.arrayValue ?? [] where shown < options.shown {
            shown += 1
            let row = firstRow + (error["row"]?.intValue ?? 0)
            complain("\rrow \(row): \(printable(error["reason"]?.stringValue ?? ""))\n")
        }
    }

    private func sayCounts() {
        var text = counted(counts["received", default: 0], "row") + " received"
        for key in ["accepted", "rejected", "duplicate"] { text += ", \(grouped(counts[key, default: 0])) \(key)" }
        if retries > 0 { text += "; " + counted(Int64(retries), "retry", "retries") }
        say(text + "\n")
    }
}
