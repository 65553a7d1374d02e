/// An instant as Druid prints it, UTC: `2012-01-01T00:00:00.000Z`.
///
/// Years beyond 9999 print with all their digits, negative ones with a sign and at least four digits.
/// Source: Joda's `ISODateTimeFormat.dateTime()`.
package func instantText(_ milliseconds: Int64) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(24)
    appendInstantText(milliseconds, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
}

/// The same in a time zone, with its offset: `2013-08-30T00:00:00.000-07:00`; an offset of zero prints as `Z`.
package func instantText(_ milliseconds: Int64, zone: TimeZoneRules) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(29)
    appendInstantText(milliseconds, offset: zone.offset(at: milliseconds), to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
}

/// Appends `instantText` as UTF-8; `offset` in milliseconds east of UTC.
package func appendInstantText(_ milliseconds: Int64, offset: Int64 = 0, to bytes: inout [UInt8]) {
    let local = milliseconds.addingReportingOverflow(offset).partialValue
    let day = floorDivide(local, millisecondsPerDay)
    let date = CivilDate(dayNumber: Int(day))
    let inDay = Int(floorModulo(local, millisecondsPerDay))
    appendPadded(date.year, digits: 4, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    appendPadded(date.month, digits: 2, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    appendPadded(date.day, digits: 2, to: &bytes)
    bytes.append(UInt8(ascii: "T"))
    appendPadded(inDay / 3_600_000, digits: 2, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    appendPadded(inDay / 60_000 % 60, digits: 2, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    appendPadded(inDay / 1000 % 60, digits: 2, to: &bytes)
    bytes.append(UInt8(ascii: "."))
    appendPadded(inDay % 1000, digits: 3, to: &bytes)
    if offset == 0 { bytes.append(UInt8(ascii: "Z")) } else { appendOffset(offset, colon: true, to: &bytes) }
}

/// `+05:30`, with seconds and milliseconds only where they are not zero, as Joda prints local mean times.
func appendOffset(_ offset: Int64, colon: Bool, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: offset < 0 ? "-" : "+"))
    let size = Int(offset.magnitude)
    appendPadded(size / 3_600_000, digits: 2, to: &bytes)
    if colon { bytes.append(UInt8(ascii: ":")) }
    appendPadded(size / 60_000 % 60, digits: 2, to: &bytes)
    guard size % 60_000 != 0 else { return }
    if colon { bytes.append(UInt8(ascii: ":")) }
    appendPadded(size / 1000 % 60, digits: 2, to: &bytes)
    guard size % 1000 != 0 else { return }
    if colon { bytes.append(UInt8(ascii: ".")) }
    appendPadded(size % 1000, digits: 3, to: &bytes)
}

/// A whole number with leading zeros up to `digits`; the sign is not counted.
func appendPadded(_ value: Int, digits: Int, to bytes: inout [UInt8]) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    let size = value.magnitude
    var width = 1
    var power: UInt = 10
    while width < 19, size >= power {
        width += 1
        power *= 10
    }
    width = max(width, digits)
    let start = bytes.count
    for _ in 0..<width { bytes.append(UInt8(ascii: "0")) }
    var rest = size
    var place = start + width - 1
    while rest > 0 {
        bytes[place] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
        place -= 1
    }
}
