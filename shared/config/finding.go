package config

// Finding is something that a person should know about the files, or must mend.
type Finding struct {
	File, Path, Message string
	Warning             bool
}
