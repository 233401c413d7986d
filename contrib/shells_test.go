package contrib

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"milepost/lib/peers"
)

// TestRealManuals: mandoc has nothing to say against any page, and each program has one.
func TestRealManuals(t *testing.T) {
	s := programs(t)
	mandoc := peers.Program(t, "mandoc")
	pages := []string{"milepost-exporter.1", "milepost.yml.5"}
	for _, p := range s.plugins(t) {
		pages = append(pages, p+".1")
	}
	for _, page := range pages {
		out, err := exec.CommandContext(t.Context(), mandoc, "-T", "lint", "-W", "warning", filepath.Join(s.generated, "man", page)).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", page, err, out)
		}
	}
}

// TestRealCompletion: the shells themselves complete an option of the last field of a model.
func TestRealCompletion(t *testing.T) {
	s := programs(t)
	for _, tt := range []struct {
		name    string
		command []string
		want    []string
	}{
		{
			"bash, a plugin by its path",
			[]string{"/bin/bash", "-c", bashComplete, "x", s.generated + "/bash", s.programs + "/check_packet_loss", "--rtt-"},
			[]string{"--rtt-critical=", "--rtt-warning="},
		},
		{
			"bash, a command of the exporter",
			[]string{"/bin/bash", "-c", bashComplete, "x", s.generated + "/bash", "milepost-exporter", "us"},
			[]string{"usage"},
		},
		{
			"bash, an option of a command",
			[]string{"/bin/bash", "-c", bashComplete, "x", s.generated + "/bash", "milepost-exporter", "usage", "--hol"},
			[]string{"--holes"},
		},
		{
			"fish, a plugin",
			[]string{peers.Program(t, "fish"), "--no-config", "-c", "source " + s.generated + "/fish/check_packet_loss.fish; complete -C 'check_packet_loss --rtt-' | string split -f1 \\t"},
			[]string{"--rtt-critical", "--rtt-warning"},
		},
		{
			"fish, an option of a command",
			[]string{peers.Program(t, "fish"), "--no-config", "-c", "source " + s.generated + "/fish/milepost-exporter.fish; complete -C 'milepost-exporter usage --hol' | string split -f1 \\t"},
			[]string{"--holes"},
		},
		{
			"zsh, a plugin",
			[]string{peers.Program(t, "zsh"), "-f", "-c", zshComplete, "x", s.generated + "/zsh", "check_packet_loss --rtt-c"},
			[]string{"--rtt-critical=", "check_packet_loss"},
		},
		{
			"zsh, an option of a command",
			[]string{peers.Program(t, "zsh"), "-f", "-c", zshComplete, "x", s.generated + "/zsh", "milepost-exporter usage --hol"},
			[]string{"--holes", "milepost-exporter", "usage"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), tt.command[0], tt.command[1:]...).CombinedOutput()
			got := strings.Fields(string(out))
			slices.Sort(got)
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%v, %q, want %q", err, out, tt.want)
			}
		})
	}
}

// bashComplete DIRECTORY WORD...: what the completion in DIRECTORY makes of the words. Its
// _init_completion is bash-completion's, as far as it is used here.
const bashComplete = `
_init_completion() { words=("${COMP_WORDS[@]}") cword=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} split=false; }
_filedir() { COMPREPLY=(file); }
compopt() { :; }
directory=$1
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
program=$(basename "$1")
. "$directory/$program"
"$(complete -p "$program" | sed 's/.*-F \([^ ]*\) .*/\1/')"
printf '%s\n' "${COMPREPLY[@]}"
`

// zshComplete DIRECTORY LINE: what zsh makes of LINE and a tab. Its completion works only
// inside a line editor, which is given a terminal of its own.
const zshComplete = `
zmodload zsh/zpty
done=$(mktemp)
zpty terminal zsh -f -i
zpty -w terminal "PS1= fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -u -D
tab() { zle complete-word; print -r -- \$BUFFER >$done; exit }; zle -N tab; bindkey '^I' tab; print READY\$((1))"
while zpty -r terminal answer; do [[ $answer = *READY1* ]] && break; done
zpty -w -n terminal "$2"$'\t'
while zpty -r terminal answer; do :; done
cat $done
rm $done
zpty -d terminal
`
