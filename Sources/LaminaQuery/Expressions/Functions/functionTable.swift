import LaminaBase

/// Every function by lower-case name.
let expressionFunctions: [String: ExpressionFunction] = {
    var table: [String: ExpressionFunction] = [:]
    let groups = [
        conditionFunctions, textFunctions, patternFunctions, mathFunctions, bitFunctions, timeFunctions,
        timeTextFunctions, arrayFunctions, arrayBuildingFunctions, reductionFunctions, jsonFunctions, addressFunctions,
        formatFunctions, bloomFunctions, hyperUniqueFunctions,
    ]
    for group in groups {
        for function in group { table[function.name] = function }
    }
    return table
}()

/// A type rule that is always the same type.
func always(_ type: ColumnType) -> ExpressionFunction.TypeRule {
    { _, _ in type }
}

/// The type of the first argument.
let typeOfFirst: ExpressionFunction.TypeRule = { types, _ in types.first ?? nil }

/// The common type of all arguments.
let typeOfAll: ExpressionFunction.TypeRule = { types, _ in commonType(types) }

/// Any number of arguments.
let manyArguments = 1_000_000
