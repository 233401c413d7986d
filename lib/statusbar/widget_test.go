package statusbar

import (
	"strings"
	"testing"
	"testing/synctest"
)

func TestWidgetIsSmallAndStrict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(config())
		r := get(b.Public(), "/widget.js", "Accept-Encoding", "gzip")
		if r.ContentLength > 6<<10 || r.ContentLength < 1000 {
			t.Errorf("it has %d bytes, compressed", r.ContentLength)
		}
		if got := r.Header.Get("Content-Type"); got != "text/javascript; charset=utf-8" {
			t.Errorf("a browser runs no module that is %s", got)
		}
		script := text(t, get(b.Public(), "/widget.js"))
		for _, forbidden := range []string{"eval(", "new Function", "innerHTML", "insertAdjacentHTML", `"style"`, ".style", "document.write", "import "} {
			if strings.Contains(script, forbidden) {
				t.Errorf("it has %q, which a strict policy or a name with markup forbids", forbidden)
			}
		}
	})
}
