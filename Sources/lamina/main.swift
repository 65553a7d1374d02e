import Glibc

// Everything lives in ordinary files: a closure written here would belong to the main actor.
exit(runProgram(Array(CommandLine.arguments.dropFirst())))
