import CSQLite
import Glibc
import LaminaBase
import LaminaHTTP
import LaminaTasks
import LaminaTestSupport

let prefix = "/druid/indexer/v1/supervisor"

/// A supervisor's spec over the stream `t`, whose rows have a time, a key and a number.
func spec(
    _ dataSource: String = "clicks",
    topic: String = #""topic":"t""#,
    io: String = "",
    tuning: String = "",
    period: String = "PT0.050S",
    rollup: Bool = false,
    format: String = #"{"type":"json"}"#
) -> String {
    """
    {"type":"kafka","spec":{"dataSchema":{"dataSource":"\(dataSource)",\
    "timestampSpec":{"column":"ts","format":"iso"},"dimensionsSpec":{"dimensions":["k"]},\
    "metricsSpec":[{"type":"count","name":"cnt"},{"type":"longSum","name":"n","fieldName":"n"}],\
    "granularitySpec":{"segmentGranularity":"DAY","queryGranularity":"NONE","rollup":\(rollup)}},\
    "ioConfig":{\(topic),"inputFormat":\(format),"consumerProperties":{"bootstrap.servers":"x:1"},\
    "useEarliestOffset":true,"startDelay":"PT0S","period":"\(period)","pollTimeout":10\(io)},\
    "tuningConfig":{"type":"kafka","maxSavedParseExceptions":5\(tuning)}}}
    """
}

func row(_ number: Int, day: Int = 1) -> String {
    #"{"ts":"2024-05-0\#(day)T0\#(number % 10):00:00Z","k":"k\#(number % 7)","n":\#(number)}"#
}

/// The same for rows that are pushed.
func pushSpec(_ dataSource: String = "clicks", io: String = "") -> String {
    spec(dataSource, io: io).replacing("\"type\":\"kafka\"", with: "\"type\":\"push\"")
}

extension TestServices {
    /// Lets time go on.
    func advance(_ milliseconds: Int64) { clock.update { $0 += milliseconds } }

    /// How many rows a datasource has, and the sum of `n`.
    func total(_ dataSource: String = "clicks") -> (rows: Int64, sum: Int64) {
        let query = """
            {"queryType":"timeseries","dataSource":"\(dataSource)","intervals":["2000/2100"],"granularity":"all",\
            "aggregations":[{"type":"longSum","name":"c","fieldName":"cnt"},{"type":"longSum","name":"n","fieldName":"n"}]}
            """
        let result = ask("POST", "/druid/v2", query).json?.arrayValue?.first?["result"]
        return (result?["c"]?.intValue ?? 0, result?["n"]?.intValue ?? 0)
    }

    func status(_ id: String = "clicks") -> JSON {
        ask("GET", "\(prefix)/\(id)/status").json?["payload"] ?? .null
    }

    /// A record of now.
    func append(_ number: Int, day: Int) {
        stream.append("t", Int32(number % 2), [row(number, day: day)], time: TestServices.now)
    }

    func taskState(_ id: String) -> TaskState? { ((try? services.tasks.status(id)) ?? nil)?.state }

    /// The id of the task that reads.
    var activeTask: String? { status()["activeTasks"]?.arrayValue?.first?["id"]?.stringValue }

    /// Lets every insert into a table of the metadata fail from now on, or, with nil, succeed again.
    func refuseWrites(to table: String?) throws {
        var database: OpaquePointer?
        defer { sqlite3_close(database) }
        let statement =
            table.map {
                "CREATE TRIGGER refuse BEFORE INSERT ON \($0) BEGIN SELECT RAISE(ABORT, 'no room'); END"
            } ?? "DROP TRIGGER refuse"
        guard sqlite3_open(directory.metadata, &database) == SQLITE_OK,
            sqlite3_busy_timeout(database, 10_000) == SQLITE_OK,
            sqlite3_exec(database, statement, nil, nil, nil) == SQLITE_OK
        else { throw LaminaError(.runtimeFailure, code: "test", "\(statement) failed") }
    }

    func hasRows(_ rows: Int64, _ sum: Int64) -> Bool {
        eventually { total() == (rows, sum) }
    }
}
