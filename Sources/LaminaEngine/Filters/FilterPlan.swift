import LaminaBitmaps

/// How a filter is applied to a segment: rows in `bitmap` that every matcher lets through.
struct FilterPlan {
    /// No row passes.
    var isNone = false
    /// nil: no bitmap condition.
    var bitmap: RoaringBitmap?
    var matchers: [Matcher] = []

    static var all: FilterPlan { FilterPlan() }
    static var none: FilterPlan { FilterPlan(isNone: true) }

    var isAll: Bool { !isNone && bitmap == nil && matchers.isEmpty }

    init(isNone: Bool = false, bitmap: RoaringBitmap? = nil, matchers: [Matcher] = []) {
        self.isNone = isNone
        self.bitmap = bitmap
        self.matchers = matchers
        if let bitmap, bitmap.isEmpty {
            self.isNone = true
            self.bitmap = nil
            self.matchers = []
        }
    }

    static func rows(_ matcher: Matcher) -> FilterPlan { FilterPlan(matchers: [matcher]) }

    /// The plan as one matcher, for use inside others.
    var matcher: Matcher {
        if isNone { return NothingMatcher() }
        var all: [Matcher] = []
        if let bitmap { all.append(BitmapMatcher(bitmap)) }
        all += matchers
        return all.count == 1 ? all[0] : AndMatcher(all)
    }

    static func and(_ plans: [FilterPlan]) -> FilterPlan {
        var result = FilterPlan()
        for plan in plans {
            if plan.isNone { return .none }
            if let bitmap = plan.bitmap { result.bitmap = result.bitmap?.intersection(bitmap) ?? bitmap }
            result.matchers += plan.matchers
        }
        return FilterPlan(bitmap: result.bitmap, matchers: result.matchers)
    }

    static func or(_ plans: [FilterPlan]) -> FilterPlan {
        var bitmaps: [RoaringBitmap] = []
        var matchers: [Matcher] = []
        for plan in plans {
            if plan.isAll { return .all }
            if plan.isNone { continue }
            if let bitmap = plan.bitmap, plan.matchers.isEmpty {
                bitmaps.append(bitmap)
            } else {
                matchers.append(plan.matcher)
            }
        }
        let union = bitmaps.isEmpty ? nil : RoaringBitmap.union(of: bitmaps)
        guard !matchers.isEmpty else { return union.map { FilterPlan(bitmap: $0) } ?? .none }
        if let union { matchers.insert(BitmapMatcher(union), at: 0) }
        return matchers.count == 1 ? .rows(matchers[0]) : .rows(OrMatcher(matchers))
    }

    func negated(rowCount: Int) -> FilterPlan {
        if isNone { return .all }
        if isAll { return .none }
        if let bitmap, matchers.isEmpty { return FilterPlan(bitmap: bitmap.complement(rowCount: rowCount)) }
        return .rows(NotMatcher(matcher))
    }
}
