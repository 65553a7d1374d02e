import Foundation
import Testing

/// One Swift file of the package, as lines of text.
struct SourceFile: Sendable, CustomTestStringConvertible {
    /// From the top of the package: `Sources/LaminaBase/JSON.swift`.
    let path: String
    let lines: [String]

    var testDescription: String { path }
    var name: String { (path as NSString).lastPathComponent }
    var isTest: Bool { path.hasPrefix("Tests/") }

    /// The target it belongs to: the folder under Sources or Tests.
    var target: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }

    /// The top of the package, found from this file's own place.
    static let top: URL = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Every Swift file under Sources and Tests.
    static let all: [SourceFile] = {
        var files: [SourceFile] = []
        for folder in ["Sources", "Tests"] {
            let root = top.appendingPathComponent(folder)
            guard let walk = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil) else { continue }
            for case let url as URL in walk where url.pathExtension == "swift" {
                guard let text = try? String(contentsOf: url, encoding: .utf8) else { continue }
                let path = String(url.path.dropFirst(top.path.count + 1))
                files.append(SourceFile(path: path, lines: text.components(separatedBy: "\n")))
            }
        }
        return files.sorted { $0.path < $1.path }
    }()

    /// Code without what stands in string literals and after `//`, so that names in text do not count.
    static func code(_ line: String) -> String {
        var result = ""
        var quoted = false
        var previous: Character = " "
        for character in line {
            if character == "\"", previous != "\\" { quoted.toggle() }
            if !quoted, character == "/", previous == "/" {
                result.removeLast()
                break
            }
            if !quoted, character != "\"" { result.append(character) }
            previous = character
        }
        return result
    }

    /// The modules the file imports, with their line numbers.
    var imports: [(module: String, line: Int)] {
        lines.enumerated().compactMap { index, line in
            let words = SourceFile.code(line).split(separator: " ").map(String.init)
            guard let place = words.firstIndex(of: "import"), place + 1 < words.count,
                words[..<place].allSatisfy({
                    ["package", "internal", "private", "fileprivate", "public", "@testable"].contains($0)
                })
            else { return nil }
            // `import struct Module.Name` names a kind first.
            let kinds: Set<String> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
            let named =
                kinds.contains(words[place + 1]) && place + 2 < words.count ? words[place + 2] : words[place + 1]
            return (String(named.split(separator: ".")[0]), index + 1)
        }
    }
}
