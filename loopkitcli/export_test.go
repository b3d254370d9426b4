package loopkitcli

// CIVariables are those that mean a continuous integration system.
var CIVariables = ciVariables[:]

// CommandName and FlagNames are what may be sent of names.
var (
	CommandName = commandName
	FlagNames   = flagNames
)
