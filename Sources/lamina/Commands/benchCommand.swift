import LaminaBase

let benchCommand = Command(
    name: "bench",
    summary: "Measure how fast this machine answers",
    subcommands: []
)
