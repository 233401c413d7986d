package option

import (
	"testing"

	"milepost/lib/secret"
)

func TestASecretForTheEnvironmentIsNotTakenFromACommandLine(t *testing.T) {
	for _, tt := range []struct{ arg, want string }{
		{"--pass-word=wonder", "--pass-word: not on a command line, where everybody on this machine can read it: use --pass-word-file or the environment variable OPTION_TEST_PASSWORD"},
		{"--pass_word=wonder", "--pass-word: not on a command line, where everybody on this machine can read it: use --pass-word-file or the environment variable OPTION_TEST_PASSWORD"},
		{"--pass=/nonexistent", `--pass-word-file: reading secret "/nonexistent": no such file or directory`},
	} {
		var c struct {
			PassWord     secret.Value `hidden:"" env:"OPTION_TEST_PASSWORD"`
			PassWordFile secret.File
		}
		if _, err := New(&c).Parse([]string{tt.arg}); err == nil || err.Error() != tt.want || !c.PassWord.IsZero() {
			t.Errorf("%s: %v, want %s", tt.arg, err, tt.want)
		}
	}
}
