package squidauth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"milepost/lib/metric"
)

// A Breach is what a peer did instead of answering. It is the peer's doing: what
// went wrong on this machine is a plain error.
type Breach struct {
	What   string        // "connection refused"; for people
	Next   string        // what to look at next; "" = nothing in particular
	Reason metric.Reason // for the public
	Silent bool          // the stage's time passed, and nothing or too little had come
	Unsaid bool          // the connection ended before the first byte of an answer

	err error
}

// Error is what happened and what to do next.
func (b *Breach) Error() string {
	if b.Next == "" {
		return b.What
	}
	return b.What + ": " + b.Next
}

// Unwrap is what the library said; nil where nothing more is to be known.
func (b *Breach) Unwrap() error { return b.err }

// Why reading an answer fails beside what the network says.
var (
	errUnsaid = errors.New("connection closed without an answer")
	errFlood  = fmt.Errorf("header of more than %d kB", maxHeader>>10)
	errCut    = errors.New("connection closed in the middle of the answer")
)

// notTLS is an answer in clear to the start of TLS.
const notTLS = "an answer that is not TLS"

// A notHTTP is an answer in another protocol: its first bytes.
type notHTTP string

func (n notHTTP) Error() string {
	return fmt.Sprintf("an answer that is not HTTP: %q", printable(string(n), 40))
}

// isTLS says that it begins as a TLS record: an alert or a handshake (RFC 8446
// section 5.1).
func (n notHTTP) isTLS() bool {
	return len(n) > 1 && (n[0] == 0x15 || n[0] == 0x16) && n[1] == 3
}

// breach says what the peer did if err is the peer's doing. Otherwise it is
// this machine's: no route, no socket, no permission; and err is returned.
func breach(err error, patience time.Duration) error {
	if err == nil {
		return nil
	}
	if b, ok := errors.AsType[*Breach](err); ok {
		return b
	}
	// What package net/http quotes of a malformed answer may be a header of the
	// request come back, with its credentials.
	what, _, quotes := strings.Cut(short(err), `"`)
	if quotes {
		what = strings.TrimRight(what, ": ")
	}
	b := &Breach{What: what, Reason: metric.ReasonGateway}
	if n, ok := errors.AsType[notHTTP](err); ok {
		b.What = n.Error()
		if n.isTLS() {
			b.What, b.Next, b.Reason = "an answer in TLS", "add --tls", metric.ReasonTLS
		}
		return b
	}
	switch {
	case timedOut(err):
		b.Silent, b.Reason = true, metric.ReasonConnectTimeout
		b.What = fmt.Sprintf("no answer within %v", round(patience))
		if errors.Is(err, errSlow) {
			b.What = fmt.Sprintf("only part of an answer within %v", round(patience))
		}
	case isOurs(err):
		return err
	case errors.Is(err, syscall.ECONNREFUSED):
		b.What, b.Reason = "connection refused", metric.ReasonRefused
	case errors.Is(err, syscall.EHOSTUNREACH):
		b.What, b.Reason = "no route to host", metric.ReasonConnectTimeout
	case errors.Is(err, errUnsaid):
		b.What, b.Reason, b.Unsaid = errUnsaid.Error(), metric.ReasonReset, true
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		b.What, b.Reason = "connection reset", metric.ReasonReset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		b.What, b.Reason = errCut.Error(), metric.ReasonReset
	}
	return b
}

// isOurs says that this machine could not even try.
func isOurs(err error) bool {
	for _, no := range []error{
		syscall.ENETUNREACH, syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT, syscall.EACCES, syscall.EPERM,
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
	} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

// reasonOurs is the public's reason for an error that isOurs.
func reasonOurs(err error) metric.Reason {
	if errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EADDRNOTAVAIL) {
		return metric.ReasonMonitorRoute
	}
	return metric.ReasonNotMeasured
}

func timedOut(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

// cause is err without the operation and the addresses that package net wraps
// around it: the stage names those.
func cause(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		err = op.Err
	}
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		err = call.Err
	}
	return err
}

// short is the text of err's cause, fit for a line.
func short(err error) string { return printable(cause(err).Error(), 200) }

// tlsBreach says what was wrong with a handshake; option is what names other
// certificates to trust.
func tlsBreach(err error, patience time.Duration, option string) error {
	b, ok := errors.AsType[*Breach](breach(err, patience))
	if !ok || b.Silent {
		return breach(err, patience)
	}
	b.Reason, b.err = metric.ReasonTLS, err
	if v, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		b.What = printable(v.Err.Error(), 200)
		if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
			b.What = "x509: certificate signed by unknown authority" // without guesses at which
			b.Next = option + " names the certificates to trust"
		}
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		b.What = notTLS
	}
	b.What = strings.TrimPrefix(b.What, "tls: ")
	return b
}

// granted is how long whatever began then may take: what ctx leaves it, or what
// it took where there is no deadline. A loaded monitor wakes up late, and says
// the same.
func granted(ctx context.Context, began time.Time) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return end.Sub(began)
	}
	return time.Since(began)
}

// round is d with the two digits that a person wants.
func round(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 100 {
		unit *= 10
	}
	return d.Round(unit)
}
