/// CRC-32 with the Castagnoli polynomial, as the snappy framing format uses it.
package func crc32c(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    castagnoliTables.withUnsafeBufferPointer { tables in
        var crc: UInt32 = .max
        var place = 0
        // Eight bytes at a time: each table advances a byte by one more position.
        while place &+ 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)) ^ UInt64(crc)
            crc = 0
            for index in 0..<8 {
                crc ^= tables[(7 &- index) << 8 | Int(truncatingIfNeeded: word >> UInt64(index << 3) & 0xFF)]
            }
            place &+= 8
        }
        while place < bytes.count {
            crc = crc >> 8 ^ tables[Int((crc ^ UInt32(bytes[place])) & 0xFF)]
            place &+= 1
        }
        return ~crc
    }
}

private let castagnoliTables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
        var crc = UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
        tables[byte] = crc
    }
    for table in 1..<8 {
        for byte in 0..<256 {
            let previous = tables[(table - 1) << 8 | byte]
            tables[table << 8 | byte] = previous >> 8 ^ tables[Int(previous & 0xFF)]
        }
    }
    return tables
}()
