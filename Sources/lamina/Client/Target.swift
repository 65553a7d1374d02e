import LaminaBase

/// What a client command talks to: a server, or a data directory without one.
enum Target: Sendable {
    case server(ServerClient)
    case directory(String)

    static let options = [
        Option(name: "server", value: "URL", help: "The server to ask (default \(ServerClient.defaultURL))"),
        Option(name: "data", value: "DIR", help: "Work on this data directory itself, without a server"),
    ]

    init(_ arguments: Arguments) throws {
        switch (arguments.string("server"), arguments.string("data")) {
        case (_?, _?): throw UsageError(message: "--server and --data exclude each other")
        case (nil, let directory?): self = .directory(directory)
        case (let url, nil): self = .server(ServerClient(url: url ?? ServerClient.defaultURL))
        }
    }
}
