package schedule

import (
	"context"
	"time"

	"milepost/lib/check"
)

// A stream that ends is started again after shortest, and twice as long each
// time, up to longest; one that ran for longest is as good as new.
const (
	shortest = time.Second
	longest  = time.Minute
)

// A stream is a measurement that does not end.
type stream struct {
	check   check.Check
	stop    func()
	gone    bool
	wait    time.Duration // before it is started again
	restart *entry
}

// follow starts the streams of s that are not there yet.
func (l *loop) follow(s *seat) {
	for _, c := range s.Streams {
		if s.streams[c.Name] == nil {
			st := &stream{check: c, wait: shortest}
			s.streams[c.Name] = st
			l.start(s, st)
		}
	}
}

func (l *loop) start(s *seat, st *stream) {
	ctx, stop := context.WithCancel(s.ctx)
	st.stop = stop
	began := time.Now()
	l.spawn(func() {
		defer stop()
		for o := range st.check.Watch(ctx) {
			if ctx.Err() != nil {
				return
			}
			l.tell(func() { l.flow(s, st, o) })
		}
		l.tell(func() { l.stopped(s, st, time.Since(began)) })
	})
}

// end ends st for good.
func (l *loop) end(st *stream) {
	st.gone = true
	st.stop()
	l.agenda.drop(st.restart)
}

// flow posts one outcome of a stream. It speaks of the last interval and not of all
// the time since the stream began: a doubt of an hour ago is none of its business.
func (l *loop) flow(s *seat, st *stream, o check.Outcome) {
	if st.gone {
		return
	}
	o.Took = min(o.Took, s.Every)
	l.Board.Post(o)
}

// stopped starts a stream again that ended by itself: it broke, and Watch has said
// so. What broke many at once does not start them all at once.
func (l *loop) stopped(s *seat, st *stream, ran time.Duration) {
	if st.gone {
		return
	}
	if ran >= longest {
		st.wait = shortest
	}
	at := time.Now().Add(st.wait + share(s.Name, st.wait))
	st.wait = min(2*st.wait, longest)
	st.restart = l.agenda.add(at, func() {
		l.count(func(c *counts) { c.streams++ })
		l.start(s, st)
	})
}
