import Glibc
import LaminaBase
import LaminaHTTPClient
import LaminaTasks

let queryCommand = Command(
    name: "query",
    summary: "Ask a native query and print its rows",
    discussion: """
        QUERY is a file with a query as JSON, '-' for standard input, or the text itself: what begins with '{' is JSON, \
        anything else is SQL, which Lamina does not have yet. Stopping the command cancels the query.
        """,
    options: Target.options + [
        Option(name: "execute", short: "e", value: "JSON", help: "The query itself instead of a file"),
        Option(name: "format", value: "FORMAT", help: "How to print the rows", choices: ["table", "json", "csv"]),
    ],
    positionals: [Positional(name: "QUERY", help: "File or text of the query", isOptional: true)],
    examples: [
        "lamina query Tests/Samples/queries/2-most-edited-pages.json",
        "lamina query -e '{\"queryType\":\"timeBoundary\",\"dataSource\":\"wikipedia\"}' --format json",
        "lamina query top.json --data segments --format csv > top.csv",
    ],
    body: { arguments in
        let body = try queryText(arguments)
        let answer: [UInt8]
        switch try Target(arguments) {
        case .server(let server): answer = try server.send(.post, "/druid/v2", body: body)
        case .directory(let path): answer = try NodeView.open(path).answer(try JSONParser.parse(body))
        }
        switch arguments.string("format") ?? "table" {
        case "json": writeAll(answer + [UInt8(ascii: "\n")], to: STDOUT_FILENO)
        case "csv": say(resultTable(of: try JSONParser.parse(answer)).csv())
        default: say(resultTable(of: try JSONParser.parse(answer)).text())
        }
        return 0
    }
)

/// The query's JSON text: from `-e`, a file, or the argument itself.
private func queryText(_ arguments: Arguments) throws -> [UInt8] {
    let text: [UInt8]
    switch (arguments.string("execute"), arguments.positionals.first) {
    case (let text?, nil): return try checked(Array(text.utf8), "-e")
    case (nil, let word?):
        text = word == "-" || fileExists(word) ? try readInput(word) : Array(word.utf8)
        return try checked(text, word)
    case (nil, nil): throw UsageError(message: "QUERY is missing: a file, or -e JSON")
    case (_?, _?): throw UsageError(message: "-e and a file exclude each other")
    }
}

private func checked(_ text: [UInt8], _ source: String) throws(LaminaError) -> [UInt8] {
    let first = text.first { $0 > 0x20 }
    guard first == UInt8(ascii: "{") else {
        let looksLikeFile = text.elementsEqual(source.utf8) && !source.contains(" ")
        throw .invalidInput(
            looksLikeFile
                ? "There is no file '\(source)', and it is no JSON query either"
                : "Druid SQL is not supported by Lamina yet: give a native query as JSON, which begins with '{'"
        )
    }
    return text
}
