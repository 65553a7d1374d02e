import LaminaBase
import LaminaBroker

let benchCommand = Command(
    name: "bench",
    summary: "Measure scans on this machine",
    subcommands: [benchScanCommand]
)

private let benchScanCommand = Command(
    name: "scan",
    summary: "Rows per second per core for counts, sums, groups and top lists of one datasource",
    discussion: """
        Opens the segments of a data directory in this process and asks each question cold (freshly opened segments, every block \
        decoded) and warm (median of seven, over the cache of decoded blocks). Rows per second per core are rows by CPU-seconds \
        of the whole process. The share of memory bandwidth compares the bytes of decoded columns a question touches with what \
        the same threads read when they only add up memory.
        """,
    options: [
        Option(name: "data", value: "DIR", help: "The data directory (default segments)"),
        Option(name: "metric", value: "COLUMN", help: "The numeric column to sum"),
        Option(name: "dimension", value: "COLUMN", help: "The string column to group by"),
        Option(name: "filter", value: "JSON", help: "A native filter for the filtered questions"),
        Option(name: "threads", value: "N", help: "Threads of the engine (default 1)"),
        Option(name: "json", help: "Print JSON"),
    ],
    positionals: [Positional(name: "DATASOURCE", help: "The datasource to scan")],
    examples: [
        "lamina bench scan --data segments wikipedia --metric added --dimension channel",
        """
        lamina bench scan --data d lineitem --metric l_extendedprice --filter \
        '{"type":"bound","dimension":"l_quantity","upper":"25","ordering":"numeric"}'
        """,
    ],
    body: { arguments in
        let threads = try arguments.int("threads", in: 1...1024, default: 1)
        let benchmark = try ScanBenchmark(
            data: arguments.string("data") ?? "segments",
            dataSource: arguments.positionals[0],
            threads: threads
        )
        let filter = try arguments.string("filter").map { text throws(LaminaError) in try JSONParser.parse(text) }
        let bandwidth = memoryBandwidth(pool: try WorkerPool(threads: threads))
        let figures = try benchmark.run(
            metric: arguments.string("metric"),
            dimension: arguments.string("dimension"),
            filter: filter
        )
        let format = try benchmark.storedFormat()
        if arguments.has("json") {
            say(report(figures, threads: threads, bandwidth: bandwidth, format: format).text + "\n")
        } else {
            say("\(threads) thread(s), memory bandwidth \(gigabytes(bandwidth)) GB/s, \(format)\n")
            say(table(figures, bandwidth: bandwidth).text())
        }
        return 0
    }
)

private func gigabytes(_ bytes: Double) -> String { javaText((bytes / 1e8).rounded() / 10) }

private func table(_ figures: [ScanBenchmark.Figure], bandwidth: Double) -> TextTable {
    var table = TextTable()
    table.columns = [
        "question", "rows", "M rows/s/core", "warm ms", "cold ms", "MB touched", "% of bandwidth", "checksum",
    ]
    for figure in figures {
        table.rows.append([
            .string(figure.name),
            .int(Int64(figure.rows)),
            .double((figure.rowsPerCoreSecond / 1e5).rounded() / 10),
            .double((figure.warmSeconds * 1e5).rounded() / 100),
            .double((figure.coldSeconds * 1e5).rounded() / 100),
            .double((Double(figure.bytes) / 1e5).rounded() / 10),
            .double((figure.bytesPerSecond / bandwidth * 1000).rounded() / 10),
            .string(figure.checksum),
        ])
    }
    return table
}

private func report(
    _ figures: [ScanBenchmark.Figure],
    threads: Int,
    bandwidth: Double,
    format: String
) -> JSON {
    let items = figures.map { figure -> JSON in
        [
            "question": .string(figure.name),
            "rows": .int(Int64(figure.rows)),
            "rowsPerCoreSecond": .double(figure.rowsPerCoreSecond),
            "warmSeconds": .double(figure.warmSeconds),
            "warmCPUSeconds": .double(figure.warmCPUSeconds),
            "coldSeconds": .double(figure.coldSeconds),
            "bytesTouched": .int(Int64(figure.bytes)),
            "shareOfBandwidth": .double(figure.bytesPerSecond / bandwidth),
            "checksum": .string(figure.checksum),
        ]
    }
    return [
        "threads": .int(Int64(threads)),
        "memoryBytesPerSecond": .double(bandwidth),
        "segments": .string(format),
        "questions": .array(items),
    ]
}
