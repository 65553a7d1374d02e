import LaminaBase
import LaminaTestSupport

/// The files inside the smoosh chunks of a segment folder, cut out by `meta.smoosh`: the test's own reading of the container.
struct InternalFiles {
    var bytes: [String: [UInt8]] = [:]
    /// Names in the order of their bytes.
    var order: [String] = []
    /// The other files of the folder.
    var loose: [String: [UInt8]] = [:]

    init(folder: String) throws {
        let text = String(decoding: try fileBytes(folder + "/meta.smoosh"), as: UTF8.self)
        var chunks: [Int: [UInt8]] = [:]
        var places: [(chunk: Int, start: Int, name: String)] = []
        for line in text.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: ",")
            guard fields.count == 4, let chunk = Int(fields[1]), let start = Int(fields[2]), let end = Int(fields[3])
            else {
                throw LaminaError.corrupt("a line '\(line)'", at: folder)
            }
            if chunks[chunk] == nil {
                let digits = String(repeating: "0", count: 5 - String(chunk).count) + String(chunk)
                chunks[chunk] = try fileBytes("\(folder)/\(digits).smoosh")
            }
            bytes[String(fields[0])] = Array(chunks[chunk, default: []][start..<end])
            places.append((chunk, start, String(fields[0])))
        }
        // Empty files share their start with the next one; the sort must keep their order then.
        order = places.sorted { ($0.chunk, $0.start) < ($1.chunk, $1.start) }.map(\.name)
        for name in ["version.bin", "factory.json"] { loose[name] = try fileBytes("\(folder)/\(name)") }
    }
}
