// swift-tools-version: 6.2
// Lamina's rooms and the doors between them. The same table stands in Tests/LaminaTidyTests, which reads every import.
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// What a room may import: other rooms, and the foreign libraries it alone wraps.
let rooms: [(name: String, imports: [String])] = [
    ("LaminaBase", []),
    ("LaminaBitmaps", ["LaminaBase"]),
    ("LaminaCompression", ["LaminaBase", "CLZ4", "CZstd", "CZlib", "CBZip2", "CLZMA", "CSnappy"]),
    ("LaminaSegment", ["LaminaBase", "LaminaBitmaps", "LaminaCompression"]),
    ("LaminaSketches", ["LaminaBase"]),
    ("LaminaQuery", ["LaminaBase", "LaminaSketches", "CPCRE2"]),
    ("LaminaEngine", ["LaminaBase", "LaminaBitmaps", "LaminaSegment", "LaminaQuery", "LaminaSketches"]),
    ("LaminaHTTPClient", ["LaminaBase", "CCurl"]),
    (
        "LaminaIngest",
        [
            "LaminaBase", "LaminaBitmaps", "LaminaCompression", "LaminaSegment", "LaminaQuery", "LaminaSketches",
            "LaminaEngine", "LaminaHTTPClient", "CSimdJSON", "CJQ",
        ]
    ),
    ("LaminaKafka", ["LaminaBase", "LaminaQuery", "LaminaIngest", "CRDKafka"]),
    ("LaminaMetadata", ["LaminaBase", "CSQLite"]),
    ("LaminaBroker", ["LaminaBase", "LaminaSegment", "LaminaQuery", "LaminaEngine"]),
    ("LaminaTasks", ["LaminaBase", "LaminaSegment", "LaminaQuery", "LaminaIngest", "LaminaMetadata"]),
    (
        "LaminaHTTP",
        [
            "LaminaBase", "LaminaQuery", "LaminaEngine", "LaminaIngest", "LaminaBroker", "LaminaMetadata",
            "LaminaTasks",
            "LaminaCompression",
            "CMicroHTTPD",
        ]
    ),
]

let allRooms = rooms.map(\.name)
let foreign = [
    "CLZ4", "CZstd", "CZlib", "CBZip2", "CLZMA", "CSnappy", "CSQLite", "CMicroHTTPD", "CCurl", "CPCRE2", "CJQ",
    "CRDKafka",
]

func dependencies(_ names: [String]) -> [Target.Dependency] { names.map { .target(name: $0) } }

var targets: [Target] = foreign.map { .systemLibrary(name: $0, path: "Sources/Foreign/\($0)") }
targets.append(
    .target(
        name: "CSimdJSON",
        path: "Sources/Foreign/CSimdJSON",
        cxxSettings: [.unsafeFlags(["-std=c++17"])],
        linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("stdc++")]
    )
)
/// Descriptions of byte formats and mechanisms, which stand beside the code they explain.
let formatNotes = ["LaminaSegment": ["Container/README.md", "Codecs/README.md"], "LaminaEngine": ["README.md"]]
targets += rooms.map {
    .target(
        name: $0.name,
        dependencies: dependencies($0.imports),
        exclude: formatNotes[$0.name] ?? [],
        swiftSettings: strict
    )
}
targets += [
    .executableTarget(name: "lamina", dependencies: dependencies(allRooms), swiftSettings: strict),
    .target(
        name: "LaminaTestSupport",
        dependencies: dependencies(allRooms),
        path: "Tests/LaminaTestSupport",
        swiftSettings: strict
    ),
    // A cluster in the test's process: apart, so that only its users need librdkafka.
    .target(
        name: "LaminaKafkaTestSupport",
        dependencies: dependencies(["LaminaBase", "CRDKafka"]),
        path: "Tests/LaminaKafkaTestSupport",
        swiftSettings: strict
    ),
    .testTarget(name: "LaminaTidyTests", path: "Tests/LaminaTidyTests", swiftSettings: strict),
    // These run the program itself.
    .testTarget(
        name: "laminaTests",
        dependencies: dependencies(["lamina", "LaminaBase", "LaminaMetadata", "LaminaKafkaTestSupport", "CSQLite"]),
        swiftSettings: strict
    ),
]
targets += allRooms.map {
    .testTarget(
        name: "\($0)Tests",
        dependencies: dependencies(
            allRooms + ["LaminaTestSupport"]
                + ($0 == "LaminaKafka" ? ["LaminaKafkaTestSupport"] : $0 == "LaminaHTTP" ? ["CSQLite"] : [])
        ),
        path: "Tests/\($0)Tests",
        swiftSettings: strict
    )
}

let package = Package(name: "lamina", targets: targets)

// A developer may narrow the package to a few targets and what they need, so that a room builds while others change:
// LAMINA_ONLY=LaminaBase,LaminaBaseTests swift build. The whole package is what `make` builds and tests.
if let only = Context.environment["LAMINA_ONLY"] {
    var keep = Set(only.split(separator: ",").map(String.init))
    var grew = true
    while grew {
        grew = false
        for target in package.targets where keep.contains(target.name) {
            if target.isTest || target.name.hasSuffix("TestSupport") { continue }
            for case .targetItem(let name, _) in target.dependencies where keep.insert(name).inserted { grew = true }
        }
    }
    package.targets = package.targets.filter { keep.contains($0.name) }
    for target in package.targets where target.isTest || target.name.hasSuffix("TestSupport") {
        target.dependencies = target.dependencies.filter { dependency in
            if case .targetItem(let name, _) = dependency { return keep.contains(name) }
            return true
        }
    }
}
