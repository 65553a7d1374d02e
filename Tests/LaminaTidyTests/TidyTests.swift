import Foundation
import Testing

/// The habits a compiler does not check: who may import whom, banned names, lengths, file names.
@Suite struct TidyTests {
    @Test func theTableEqualsThePackage() throws {
        let package = try String(contentsOf: SourceFile.top.appendingPathComponent("Package.swift"), encoding: .utf8)
        let body = try #require(package.range(of: "let rooms:"))
        let end = try #require(package.range(of: "let allRooms"))
        var table: [String: Set<String>] = [:]
        for entry in package[body.upperBound..<end.lowerBound].components(separatedBy: "(\n").flatMap({
            $0.components(separatedBy: "(\"")
        }) {
            let names = entry.components(separatedBy: "\"").map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
                .filter { $0.range(of: "^(Lamina|C)[A-Za-z0-9]+$", options: .regularExpression) != nil }
            if let room = names.first { table[room] = Set(names.dropFirst()) }
        }
        #expect(table == allowedImports)
    }

    @Test(arguments: SourceFile.all) func importsStayInsideTheWalls(_ file: SourceFile) {
        let rooms = Set(allowedImports.keys)
        let allowed: Set<String>
        switch file.target {
        case "lamina": allowed = rooms.union(systemModules)
        case "LaminaTestSupport": allowed = rooms.union(systemModules)
        case "LaminaKafkaTestSupport", "LaminaKafkaTests":
            allowed = rooms.union(systemModules).union(testModules).union(["CRDKafka"])
        // They make the store refuse writes.
        case "LaminaHTTPTests": allowed = rooms.union(systemModules).union(testModules).union(["CSQLite"])
        case let target where file.isTest || allowedImports[target] == nil:
            allowed = rooms.union(systemModules).union(testModules)
        case let target: allowed = (allowedImports[target] ?? []).union(systemModules)
        }
        for (module, line) in file.imports {
            #expect(allowed.contains(module), "\(file.path):\(line) imports \(module)")
        }
    }

    @Test(arguments: SourceFile.all.filter { !$0.isTest }) func noBannedName(_ file: SourceFile) {
        let banned: [(pattern: String, instead: String)] = [
            (#"\bfatalError\("#, "precondition, or an error"),
            (#"\btry!"#, "try, or do and catch"),
            (#"(?<![.\w])print\("#, "the log, or standard output's writer"),
            (#"@testable\b"#, "package access"),
            (#"^\s*(public|open) (class|struct|enum|protocol|func|var|let|init|extension|actor)\b"#, "package"),
            (#"\bDispatchQueue\b"#, "the broker's threads"),
        ]
        for (index, line) in file.lines.enumerated() {
            let code = SourceFile.code(line)
            for (pattern, instead) in banned where code.range(of: pattern, options: .regularExpression) != nil {
                Issue.record("\(file.path):\(index + 1) uses \(pattern): use \(instead)")
            }
        }
    }

    @Test(arguments: SourceFile.all.filter { !$0.isTest }) func uncheckedClaimsGiveTheirReason(_ file: SourceFile) {
        for (index, line) in file.lines.enumerated() {
            let code = SourceFile.code(line)
            let claims = [
                "@unchecked Sendable", "nonisolated(unsafe)", "unsafeBitCast(", "unsafeDowncast(", "unowned(unsafe)",
            ]
            guard claims.contains(where: { code.contains($0) }) else { continue }
            let reason = line.contains("// ") || file.lines[max(0, index - 4)..<index].contains { $0.contains("//") }
            #expect(reason, "\(file.path):\(index + 1) claims safety without a comment that says why")
        }
    }

    @Test(arguments: SourceFile.all) func noFileIsLongerThan600Lines(_ file: SourceFile) {
        guard longFiles[file.path] == nil else { return }
        #expect(file.lines.count <= 600, "\(file.path) has \(file.lines.count) lines")
    }

    @Test(arguments: SourceFile.all.filter { !$0.isTest }) func noFunctionIsLongerThan70Lines(_ file: SourceFile) {
        for (index, line) in file.lines.enumerated() {
            let code = SourceFile.code(line)
            guard code.range(of: #"^\s*([@\w()]+ )*(func |init[?(<])"#, options: .regularExpression) != nil else {
                continue
            }
            let indentation = String(line.prefix { $0 == " " })
            guard
                let end = file.lines[index...].firstIndex(where: {
                    $0 == indentation + "}" || $0.hasPrefix(indentation + "} //")
                })
            else { continue }
            // A declaration without a body (in a protocol) or on one line ends before the next brace at its depth.
            if file.lines[index...end].dropFirst().dropLast().contains(where: {
                !$0.isEmpty && !$0.hasPrefix(indentation + " ") && !$0.hasPrefix(indentation + ")")
                    && !$0.hasPrefix(indentation + "{") && !$0.hasPrefix("#")
            }) {
                continue
            }
            let name =
                code.trimmingCharacters(in: .whitespaces).prefix { $0 != "(" && $0 != "<" }.split(separator: " ").last
                ?? "init"
            guard longFunctions["\(file.path): \(name)"] == nil else { continue }
            #expect(end - index + 1 <= 70, "\(file.path):\(index + 1) \(name) has \(end - index + 1) lines")
        }
    }

    @Test(arguments: SourceFile.all) func fileIsNamedAfterWhatItHolds(_ file: SourceFile) {
        let name = String(file.name.dropLast(6))
        // Functions stand in files named after what they do, families of small types under a plural, aspects behind a plus.
        guard file.path.hasPrefix("Sources/"), name.first?.isUppercase == true, !name.hasSuffix("s"),
            !name.contains("+")
        else { return }
        let pattern =
            #"\b(struct|class|enum|protocol|func|extension|actor|typealias|let)\s+`?"#
            + NSRegularExpression.escapedPattern(for: name)
        let found = file.lines.contains {
            $0.range(of: pattern, options: [.regularExpression, .caseInsensitive]) != nil
        }
        #expect(found, "\(file.path) declares no \(name)")
    }

    @Test func formatFoldersDescribeTheirBytes() {
        for folder in ["Sources/LaminaSegment/Container", "Sources/LaminaSegment/Codecs"] {
            let readme = SourceFile.top.appendingPathComponent(folder).appendingPathComponent("README.md").path
            #expect(FileManager.default.fileExists(atPath: readme), "\(folder) has no README.md")
        }
    }

    @Test func textAndCommentsAreNotCode() {
        #expect(SourceFile.code("let text = \"print(\" // print(") == "let text =  ")
        let file = SourceFile(
            path: "Sources/X/Y.swift",
            lines: ["package import LaminaBase", "import struct CZlib.z_stream", "// import No"]
        )
        #expect(file.imports.map(\.module) == ["LaminaBase", "CZlib"])
        #expect(file.target == "X")
    }
}
