import Glibc
import LaminaBase

/// The Druid version whose behaviour Lamina follows; clients read it to know what they may ask.
private let druidVersion = "33.0.0"

extension Services {
    /// What every Druid service answers about itself (druid-surface 13.1).
    func statusRoutes() -> [Route] {
        let port = port
        let address = address
        return [
            Route("GET", "/status") { _, _ throws(LaminaError) in .json(statusJSON()) },
            Route("GET", "/status/health") { _, _ throws(LaminaError) in .json(true) },
            Route("GET", "/status/properties") { _, _ throws(LaminaError) in
                .json([
                    "druid.host": .string(address), "druid.plaintextPort": .string("\(port)"),
                    "druid.service": "lamina",
                ])
            },
            Route("GET", "/status/selfDiscovered") { _, _ throws(LaminaError) in .empty(200, type: "application/json")
            },
            Route("GET", "/status/selfDiscovered/status") { _, _ throws(LaminaError) in .json(["selfDiscovered": true])
            },
            Route("GET", "/druid/broker/v1/readiness") { _, _ throws(LaminaError) in .empty(200) },
            Route("GET", "/druid/broker/v1/loadstatus") { _, _ throws(LaminaError) in
                .json(["inventoryInitialized": true])
            },
            Route("GET", "/druid/historical/v1/readiness") { _, _ throws(LaminaError) in .empty(200) },
            Route("GET", "/druid/historical/v1/loadstatus") { _, _ throws(LaminaError) in
                .json(["cacheInitialized": true])
            },
        ]
    }
}

private func statusJSON() -> JSON {
    let memory = processMemory()
    return [
        "version": .string(druidVersion),
        "modules": [["name": "lamina", "artifact": "lamina", "version": "0.1.0"]],
        "memory": [
            "maxMemory": .int(memory.machine),
            "totalMemory": .int(memory.machine),
            "freeMemory": .int(max(0, memory.machine - memory.resident)),
            "usedMemory": .int(memory.resident),
            "directMemory": 0,
        ],
    ]
}

/// Bytes of the machine and bytes this process holds in memory.
private func processMemory() -> (machine: Int64, resident: Int64) {
    let page = Int64(sysconf(Int32(_SC_PAGESIZE)))
    let machine = Int64(sysconf(Int32(_SC_PHYS_PAGES))) * page
    let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return (machine, 0) }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 128)
    let count = read(file, &buffer, buffer.count)
    let fields = String(decoding: buffer[..<max(0, count)], as: UTF8.self).split(separator: " ")
    return (machine, (fields.count > 1 ? Int64(fields[1]) ?? 0 : 0) * page)
}
