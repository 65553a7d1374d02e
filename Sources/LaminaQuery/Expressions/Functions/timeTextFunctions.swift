import LaminaBase

/// Times and texts. Source: `TimestampParseExprMacro`, `TimestampFormatExprMacro`, `Function.TimestampFromEpochFunc`.
let timeTextFunctions: [ExpressionFunction] = []
