import Glibc
import LaminaBase
import LaminaBroker
import LaminaEngine
import LaminaQuery
import LaminaTestSupport
import Testing

/// Ten times the memory that a groupBy may hold: it ends, right, and the process stays small.
@Suite(.serialized) struct SpillMemoryTests {
    private static let isLong = getenv("LAMINA_LONG") != nil

    /// Kibibytes from a line of `/proc/self/status`.
    private func status(_ name: String) -> Int {
        guard let file = fopen("/proc/self/status", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, 256, file) != nil {
            let text = line.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
            if text.hasPrefix(name) { return Int(text.filter(\.isNumber)) ?? 0 }
        }
        return 0
    }

    /// Makes the peak what is resident now.
    private func resetPeak() {
        guard let file = fopen("/proc/self/clear_refs", "w") else { return }
        fputs("5", file)
        fclose(file)
    }

    @Test func aGroupByOfTenTimesItsMemoryEnds() throws {
        let rowsPerDay = Self.isLong ? 600_000 : 6000
        let days = 4
        let store = try SegmentStore()
        var options = Broker.Options()
        // A group of a long and a text holds about 70 bytes.
        options.queryBytesMax = rowsPerDay * days * 70 / 10
        options.cacheBytes = 0
        let broker = try store.broker(options)
        var segments: [DataSegment] = []
        for day in 0..<days {
            // Half of the keys of a day turn up on the next one too.
            let low = day * rowsPerDay / 2
            segments.append(
                try store.segment(
                    day: day,
                    version: "v1",
                    values: (0..<rowsPerDay).map { Int64(low + $0) },
                    words: (0..<rowsPerDay).map { "user-\((low + $0) * 7919 % 10_000_019)" }
                )
            )
        }
        broker.update(dataSource: "d", timeline: SegmentTimeline(segments))
        let distinct = rowsPerDay * (days + 1) / 2
        for order in ["", #","limitSpec":{"type":"default","columns":[{"dimension":"s","direction":"descending"}]}"#] {
            let query = try Query(
                json: try JSONParser.parse(
                    #"{"queryType":"groupBy","dataSource":"d","intervals":["2024-01-01/2025-01-01"],"granularity":"all","#
                        + #""dimensions":["s",{"type":"default","dimension":"v","outputType":"LONG"}],"#
                        + #""aggregations":[{"type":"count","name":"n"},{"type":"longSum","name":"t","fieldName":"v"}]\#(order)}"#
                )
            )
            resetPeak()
            let before = status("VmRSS")
            let elements = try broker.run(query).elements()
            var rows = 0
            var bytes = 0
            var writer = JSONWriter()
            writer.beginArray()
            while try elements.writeNext(into: &writer) {
                rows += 1
                if rows % 1000 == 0 { bytes += writer.drain().count }
            }
            let peak = status("VmHWM")
            #expect(rows == distinct)
            if Self.isLong {
                let figure =
                    "groupBy of \(rows) groups\(order.isEmpty ? "" : ", ordered,") with a budget of \(options.queryBytesMax >> 20) MiB: "
                    + "\(bytes >> 20) MiB of answer, resident \(before >> 10) MiB before, peak \(peak >> 10) MiB"
                print(figure)
                // Code, mapped columns and the runs' buffers come on top of the budget.
                #expect(peak - before < options.queryBytesMax / 1024 * 3 + (96 << 10))
            }
        }
        // Without disk it is an error of limits, not of memory.
        let refused = #expect(throws: LaminaError.self) {
            try broker.run(
                try Query(
                    json: try JSONParser.parse(
                        #"{"queryType":"groupBy","dataSource":"d","intervals":["2024-01-01/2025-01-01"],"granularity":"all","#
                            + #""dimensions":["s","v"],"aggregations":[],"context":{"maxOnDiskStorage":0}}"#
                    )
                )
            )
        }
        #expect(refused?.code == "resourceLimitExceeded")
    }
}
