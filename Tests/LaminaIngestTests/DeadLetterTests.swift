import LaminaBase
import LaminaIngest
import LaminaTestSupport
import Testing

@Suite struct DeadLetterTests {
    private func letter(_ number: Int, kind: String = "late") -> DeadLetter {
        DeadLetter(
            time: Int64(number),
            kind: kind,
            reason: "reason \(number)",
            origin: "t-0@\(number)",
            text: Array("{\"row\":\(number)}".utf8)
        )
    }

    @Test func lettersSurviveAndCanBeListedCountedAndRemoved() throws {
        let folder = freshFolder()
        defer { removeTestFiles(folder) }
        let letters = try DeadLetters(folder: folder)
        try letters.add((0..<10).map { letter($0, kind: $0 % 3 == 0 ? "unparseable" : "late") }, through: 4)
        for letters in [letters, try DeadLetters(folder: folder)] {
            #expect(letters.counts == ["unparseable": 4, "late": 6])
            #expect(letters.through == 4)
            let list = try letters.list(kind: "unparseable", limit: 3)
            #expect(list.map(\.reason) == ["reason 0", "reason 3", "reason 6"])
            #expect(list.map(\.text) == [0, 3, 6].map { letter($0).text })
            #expect(try letters.list(limit: 100, from: list[1].id).count == 7)
        }
        // Pages by bytes hold one letter at least.
        #expect(try letters.list(limit: 100, bytesMax: 25).count == 2)
        #expect(try letters.list(limit: 100, bytesMax: 1).count == 1)
        let ids = try letters.list(limit: 2).map(\.id)
        #expect(try letters.remove(ids + [999]) == 2)
        #expect(try letters.remove(ids) == 0)
        #expect(try DeadLetters(folder: folder).counts == ["unparseable": 3, "late": 5])
        #expect(try letters.removeAll(kind: "late") == 5)
        #expect(try letters.removeAll() == 3)
        let again = try DeadLetters(folder: folder)
        #expect(again.count == 0 && again.through == 4)
        try again.add([letter(1)])
        #expect(try again.list(limit: 10).map(\.reason) == ["reason 1"])
    }

    /// A process that dies while several letters are added: their push is read again, and so are they.
    @Test func lettersAreKeptTogetherOrNotAtAll() throws {
        for written in 0..<5 {
            let folder = freshFolder()
            defer { removeTestFiles(folder) }
            let five = (0..<5).map { letter($0) }
            try DeadLetters(folder: folder).add([letter(9)], through: 6)
            let file = try #require(try folderEntries(folder).first)
            let before = try #require(try readFile("\(folder)/\(file)")).count
            try DeadLetters(folder: folder).add(five, through: 7)
            let all = try #require(try readFile("\(folder)/\(file)"))
            // The journal cuts a record that is there in part; all letters here are as long.
            let end = before + (all.count - before) / 5 * written
            try writeFile("\(folder)/\(file)", Array(all[..<end]))
            var letters = try DeadLetters(folder: folder)
            #expect(letters.count == 1 && letters.through == 6, "\(written)")
            letters = try DeadLetters(folder: folder)
            try letters.add(five, through: 7)
            for letters in [letters, try DeadLetters(folder: folder)] {
                #expect(letters.count == 6 && letters.through == 7, "\(written)")
                #expect(try letters.list(limit: 100).map(\.reason) == ([letter(9)] + five).map(\.reason))
            }
        }
    }

    @Test func theOldestGoWhenThereIsNoRoom() throws {
        let folder = freshFolder()
        defer { removeTestFiles(folder) }
        let letters = try DeadLetters(folder: folder, bytesMax: 8000)
        for number in 0..<500 { try letters.add([letter(number)], through: Int64(number)) }
        #expect(letters.count > 20 && letters.count < 100)
        #expect(letters.dropped == Int64(500 - letters.count))
        #expect(try letters.list(limit: 1000).last?.reason == "reason 499")
        let again = try DeadLetters(folder: folder, bytesMax: 8000)
        #expect(again.count == letters.count && again.dropped == letters.dropped && again.through == 499)
        #expect(try again.list(limit: 1000) == letters.list(limit: 1000))
    }

    @Test func aVeryLongRowIsKeptInPart() throws {
        let folder = freshFolder()
        defer { removeTestFiles(folder) }
        let letters = try DeadLetters(folder: folder)
        let long = [UInt8](repeating: 0x61, count: DeadLetters.textMax + 1)
        try letters.add([DeadLetter(time: 0, kind: "late", reason: "", origin: "", text: long)])
        let kept = try #require(try letters.list(limit: 1).first)
        #expect(kept.isCut && kept.text.count == 4096)
    }
}
