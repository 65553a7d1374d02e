/// What each room may import: the same table as `rooms` in Package.swift, written a second time so that a wall is moved in two
/// places or not at all.
let allowedImports: [String: Set<String>] = [
    "LaminaBase": [],
    "LaminaBitmaps": ["LaminaBase"],
    "LaminaCompression": ["LaminaBase", "CLZ4", "CZstd", "CZlib", "CBZip2", "CLZMA", "CSnappy"],
    "LaminaSegment": ["LaminaBase", "LaminaBitmaps", "LaminaCompression"],
    "LaminaQuery": ["LaminaBase", "LaminaSketches", "CPCRE2"],
    "LaminaSketches": ["LaminaBase"],
    "LaminaEngine": ["LaminaBase", "LaminaBitmaps", "LaminaSegment", "LaminaQuery", "LaminaSketches"],
    "LaminaHTTPClient": ["LaminaBase", "CCurl"],
    "LaminaIngest": [
        "LaminaBase", "LaminaBitmaps", "LaminaCompression", "LaminaSegment", "LaminaQuery", "LaminaSketches",
        "LaminaEngine", "LaminaHTTPClient", "CSimdJSON", "CJQ",
    ],
    "LaminaKafka": ["LaminaBase", "LaminaQuery", "LaminaIngest", "CRDKafka"],
    "LaminaMetadata": ["LaminaBase", "CSQLite"],
    "LaminaBroker": ["LaminaBase", "LaminaSegment", "LaminaQuery", "LaminaEngine"],
    "LaminaTasks": ["LaminaBase", "LaminaSegment", "LaminaQuery", "LaminaIngest", "LaminaMetadata"],
    "LaminaHTTP": [
        "LaminaBase", "LaminaQuery", "LaminaEngine", "LaminaIngest", "LaminaBroker", "LaminaMetadata", "LaminaTasks",
        "LaminaCompression",
        "CMicroHTTPD",
    ],
]

/// Modules of the toolchain and of the system that any room may import. Foundation is not among them.
let systemModules: Set<String> = ["Glibc", "Synchronization"]

/// What only tests may import besides.
let testModules: Set<String> = ["Testing", "LaminaTestSupport", "LaminaKafkaTestSupport", "Foundation"]

/// Files that may be longer than 600 lines, each with its reason.
let longFiles: [String: String] = [:]

/// Functions that may be longer than 70 lines, as "file: function", each with its reason.
let longFunctions: [String: String] = [:]
