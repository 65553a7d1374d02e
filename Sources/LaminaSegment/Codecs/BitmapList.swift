import LaminaBase
import LaminaBitmaps

/// The row bitmaps of a dictionary, one for each id.
struct BitmapList: Sendable {
    let list: GenericIndexed
    let format: IndexSpec.Bitmap
    let rowCount: Int

    init(
        _ cursor: inout ByteCursor,
        format: IndexSpec.Bitmap,
        count: Int?,
        rowCount: Int,
        reader: ColumnReading
    ) throws(LaminaError) {
        list = try reader.list(&cursor)
        if let count, list.count != count {
            throw cursor.corrupt("\(list.count) bitmaps for \(count) values")
        }
        self.format = format
        self.rowCount = rowCount
    }

    var count: Int { list.count }

    func rows(_ id: Int) throws(LaminaError) -> RoaringBitmap {
        do throws(LaminaError) {
            return try Self.decode(list.element(id), format, rowCount: rowCount)
        } catch {
            throw list.corrupt("bitmap \(id) is unreadable (\(error.message))", element: id)
        }
    }

    /// No bytes are an empty bitmap; rows beyond the segment's last are an error.
    static func decode(
        _ bytes: UnsafeRawBufferPointer,
        _ format: IndexSpec.Bitmap,
        rowCount: Int
    ) throws(LaminaError) -> RoaringBitmap {
        guard !bytes.isEmpty else { return RoaringBitmap() }
        let bitmap =
            switch format {
            case .roaring: try RoaringBitmap(serialized: bytes)
            case .concise: try RoaringBitmap(concise: bytes)
            }
        if let last = bitmap.max, Int(last) >= rowCount {
            throw .corrupt("row \(last) of \(rowCount)", at: "a bitmap")
        }
        return bitmap
    }

    /// `i32be` size, then the bitmap, to the end of the bytes.
    static func decodeSized(
        _ cursor: inout ByteCursor,
        _ format: IndexSpec.Bitmap,
        rowCount: Int
    ) throws(LaminaError) -> RoaringBitmap {
        let bytes = try cursor.take(try cursor.count("a bitmap's size"))
        do throws(LaminaError) {
            return try decode(bytes.buffer, format, rowCount: rowCount)
        } catch {
            throw bytes.corrupt("unreadable bitmap (\(error.message))")
        }
    }
}
