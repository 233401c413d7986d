package accesslog

import (
	"fmt"
	"strconv"
	"strings"
)

// A quoting is how squid protects a value's special bytes. Its letter is the
// one after the % that asks for it.
type quoting byte

const (
	unquoted quoting = 0
	quotes   quoting = '"'
	mime     quoting = '['
	percent  quoting = '#'
	shell    quoting = '/'
	raw      quoting = '\''
)

// A code is one % of a logformat.
type code struct {
	known
	spelling string // "%03>Hs"
	arg      string
	quoting  quoting
	left     bool // aligned
	zero     bool // padded with zeros
	min, max int  // width; max is -1 where there is none
}

// A piece of a logformat is text, or a code.
type piece struct {
	text string
	code *code
}

// lex cuts a logformat up as squid does (Format::Token::parse in
// src/format/Token.cc): text that opens a quote or a bracket also sets how the
// codes after it are quoted.
func lex(spec string) ([]piece, error) {
	var pieces []piece
	quoting := unquoted
	for at := 0; at < len(spec); {
		rest := spec[at:]
		if n := strings.IndexByte(rest, '%'); n != 0 {
			if n < 0 {
				n = len(rest)
			}
			pieces = append(pieces, piece{text: rest[:n]})
			quoting = quoting.after(rest[:n])
			at += n
			continue
		}
		if strings.HasPrefix(rest, "%%") {
			pieces = append(pieces, piece{text: "%"})
			at += len("%%")
			continue
		}
		c, n, err := lexCode(rest, quoting)
		if err != nil {
			return nil, fmt.Errorf("%w (byte %d)", err, at+1)
		}
		pieces = append(pieces, piece{code: c})
		at += n
	}
	return pieces, nil
}

// after is the quoting that text leaves behind.
func (q quoting) after(text string) quoting {
	for _, c := range []byte(text) {
		switch {
		case c == '"' && q == unquoted:
			q = quotes
		case c == '"' && q == quotes, c == ']' && q == mime:
			q = unquoted
		case c == '[' && q == unquoted:
			q = mime
		}
	}
	return q
}

// lexCode reads the code that s begins with: % [quoting] [-] [[0]width] [{arg}] name [{arg}].
func lexCode(s string, q quoting) (*code, int, error) {
	c := &code{quoting: q, max: -1}
	i := 1
	peek := func(set string) bool { return i < len(s) && strings.IndexByte(set, s[i]) >= 0 }
	if peek(`"'[#/`) {
		c.quoting = quoting(s[i])
		i++
	}
	if peek("-") {
		c.left = true
		i++
	}
	c.zero = peek("0")
	c.min, i = lexWidth(s, i)
	if peek(".") {
		i++
		if peek("0123456789") {
			c.max, i = lexWidth(s, i)
		}
	}
	arg, i, given := lexArg(s, i)
	k, n, ok := lookUp(s[i:])
	if !ok {
		return nil, 0, fmt.Errorf("%q is no code of squid's", codeIn(s, i))
	}
	c.known = k
	i += n
	if !given {
		arg, i, _ = lexArg(s, i)
	}
	c.arg, c.spelling = arg, s[:i]
	return c, i, nil
}

// maxWidth is more than anybody wants.
const maxWidth = 9999

func lexWidth(s string, i int) (width, end int) {
	end = i
	for end < len(s) && s[end]-'0' < 10 {
		end++
	}
	width, err := strconv.Atoi(s[i:end])
	if err != nil && end > i {
		width = maxWidth
	}
	return min(width, maxWidth), end
}

func lexArg(s string, i int) (arg string, end int, given bool) {
	if i >= len(s) || s[i] != '{' {
		return "", i, false
	}
	arg, _, closed := strings.Cut(s[i+1:], "}")
	end = i + 1 + len(arg)
	if closed {
		end++
	}
	return arg, end, true
}

// codeIn is the beginning of s up to where an unknown code, whose name starts
// at name, seems to end.
func codeIn(s string, name int) string {
	end := name
	for end < len(s) && end < name+20 && s[end] > ' ' && s[end] != '%' {
		end++
	}
	return s[:end]
}

// unwrapped is the specification in a line of squid.conf, and the name that
// the line gives to it: "logformat NAME SPEC", or SPEC alone.
func unwrapped(line string) (name, spec string, err error) {
	line = strings.TrimSpace(line)
	if rest, ok := strings.CutPrefix(line, "logformat"); ok && strings.TrimLeft(rest, " \t") != rest {
		name, line, _ = strings.Cut(strings.TrimLeft(rest, " \t"), " ")
		line = strings.TrimLeft(line, " \t")
		if line == "" {
			return "", "", fmt.Errorf("logformat %s says nothing: write logformat NAME and what squid.conf has after it", name)
		}
	}
	if line != "" && (line[0] == '"' || line[0] == '\'') {
		line, err = unquoteConf(line)
	}
	return name, line, err
}

// unquoteConf is the quoted word that s begins with (ConfigParser::UnQuote in
// src/ConfigParser.cc).
func unquoteConf(s string) (string, error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == s[0] && i < len(s)-1:
			return "", fmt.Errorf("the quote that opens the format is closed at byte %d: what follows, squid does not take; put \\ before a quote that is meant", i+1)
		case s[i] == s[0]:
			return b.String(), nil
		case s[i] != '\\' || i+1 == len(s):
			b.WriteByte(s[i])
		default:
			i++
			b.WriteString(map[byte]string{'r': "\r", 'n': "\n", 't': "\t"}[s[i]])
			if strings.IndexByte("rnt", s[i]) < 0 {
				b.WriteByte(s[i])
			}
		}
	}
	return "", fmt.Errorf("the quote %c that opens the format is never closed", s[0])
}
