package clock

import (
	"math"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

func TestHTTPServers(t *testing.T) {
	t.Parallel()
	date := func(ahead time.Duration) string {
		return "Date: " + time.Now().Add(ahead).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") + "\r\n"
	}
	for _, row := range []struct {
		situation string
		answer    string
		stall     bool
		want      string
	}{
		{"right", "HTTP/1.1 200 OK\r\n" + date(0) + "\r\n", false, "OK offset "},
		{"an error has a Date too, as squid's", "HTTP/1.1 400 Bad Request\r\nServer: squid/5.7\r\n" + date(0) + "\r\n<html>", false, "OK offset "},
		{"it keeps the connection", "HTTP/1.1 200 OK\r\n" + date(0) + "\r\n", true, "OK offset "},
		{"ahead", "HTTP/1.0 404 Not Found\r\n" + date(9*time.Second) + "\r\n", false, "WARNING offset +"},
		{"out of a cache", "HTTP/1.1 200 OK\r\n" + date(-time.Hour) + "Age: 3600\r\n\r\n", false, "the answer is out of a cache (Age 3600) and its Date is not the present time"},
		{"no Date", "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n", false, "the answer has no Date"},
		{"a Date that nobody will see", "HTTP/1.1 200 OK\r\nDate: Fri, 31 Dec 9999 23:59:59 GMT\r\n\r\n", false, `the answer's Date is none: "Fri, 31 Dec 9999 23:59:59 GMT"`},
		{"a Date that is none", "HTTP/1.1 200 OK\r\nDate: yesterday\r\n\r\n", false, `the answer's Date is none: "yesterday"`},
		{"no HTTP", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", false, `that is no HTTP: it answers "SSH-2.0-OpenSSH_9.2p1 Debian-2"`},
		{"cut", "HTTP/1.1 200 OK\r\nDa", false, "the answer's head is cut or garbled: malformed MIME header: missing colon: \"Da\""},
		{"closed at once", "", false, "the answer's head is cut or garbled: EOF"},
		{"it stalls", "HTTP/1.1 200 OK\r\n", true, "no answer within 4.0 s to 3 questions: does an HTTP server or squid listen there?"},
		{"a head without end", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 20000), true, "the answer's head is cut or garbled: "},
		{"a line without end", strings.Repeat("x", 200000), true, "the answer's head is cut or garbled: EOF"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			t.Parallel()
			addr := serveTCP(t, row.answer, row.stall)
			o := run(t, alone(OverHTTP, addr.Port()), patient)
			if got := spellOutcome(o); !strings.Contains(got, row.want) || !strings.Contains(got, "HTTP") {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

func TestDates(t *testing.T) {
	for _, date := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"} {
		at, err := dateOf(textproto.MIMEHeader{"Date": {date}})
		if err != nil || !at.Equal(time.Unix(784111777, 0)) {
			t.Errorf("%q: %v, %v", date, at, err)
		}
	}
}

func FuzzDate(f *testing.F) {
	f.Add("Sun, 06 Nov 1994 08:49:37 GMT", "")
	f.Add("Sunday, 06-Nov-94 08:49:37 GMT", "")
	f.Add("Sun Nov  6 08:49:37 1994", "3600")
	f.Fuzz(func(t *testing.T, date, age string) {
		at, err := dateOf(textproto.MIMEHeader{"Date": {date}, "Age": {age}})
		if err == nil && (age != "" || at.Nanosecond() != 0 || at.Location() != time.UTC || at.Sub(time.Unix(0, 0)).Abs() > math.MaxInt64-1) {
			t.Errorf("%q, %q: %v", date, age, at)
		}
	})
}
