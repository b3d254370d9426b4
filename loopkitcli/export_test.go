package loopkitcli

// CIVariables are those that mean a continuous integration system.
var CIVariables = ciVariables[:]

// FlagNames is what may be sent of the names of flags.
var FlagNames = flagNames

// CommandName is what may be sent of a command.
func CommandName(command string, o Options) string {
	return o.commandName(commandWords(o.App, command))
}
