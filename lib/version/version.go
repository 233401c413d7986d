// Package version says which milepost this is.
package version

import "runtime/debug"

// number is set by the linker: -ldflags "-X milepost/lib/version.number=1.2.3".
var number = ""

// String is the released version, else what the go command knows of the
// checkout, else "devel".
func String() string {
	if number != "" {
		return number
	}
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" && b.Main.Version != "(devel)" {
		return b.Main.Version
	}
	return "devel"
}
