package accesslog

// unquoteMime appends text to dst with the quoting of squid's %[ undone:
// %xx, \\, \r and \n. What squid never writes is taken as it stands.
func unquoteMime(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '%' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]):
			c = unhex(text[i+1])<<4 | unhex(text[i+2])
			i += 2
		case c == '\\' && i+1 < len(text):
			if e, ok := escape(text[i+1]); ok {
				c = e
				i++
			}
		}
		dst = append(dst, c)
	}
	return dst
}

// unquotePercent appends text to dst with the quoting of squid's %# undone: %XX.
func unquotePercent(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '%' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]) {
			c = unhex(text[i+1])<<4 | unhex(text[i+2])
			i += 2
		}
		dst = append(dst, c)
	}
	return dst
}

// unquoteBackslash appends text to dst with the quoting of squid's %" and %/
// undone: a backslash before a byte, \r, \n and \t.
func unquoteBackslash(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' && i+1 < len(text) {
			i++
			switch c = text[i]; c {
			case 'r':
				c = '\r'
			case 'n':
				c = '\n'
			case 't':
				c = '\t'
			}
		}
		dst = append(dst, c)
	}
	return dst
}

func escape(c byte) (byte, bool) {
	switch c {
	case '\\':
		return '\\', true
	case 'r':
		return '\r', true
	case 'n':
		return '\n', true
	default:
		return 0, false
	}
}

func isHex(c byte) bool {
	return c-'0' < 10 || c|0x20-'a' < 6
}

func unhex(c byte) byte {
	if c-'0' < 10 {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
