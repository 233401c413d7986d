package echo

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A socket sends and hears the echoes of one address family. It belongs to one
// goroutine, but for interrupt.
type socket struct {
	file *os.File
	conn syscall.RawConn
	v6   bool
	raw  bool
	id   uint16 // of the requests of a raw socket; the kernel chooses an unprivileged one's
	seal seal

	request []byte    // the last that was sent
	empty   time.Time // when there was nothing more to be read
	dropped uint32    // what the kernel dropped because we did not read in time
	from4   unix.SockaddrInet4
	from6   unix.SockaddrInet6
	zones   map[string]uint32
	buffer  [2048]byte
	control [512]byte
}

const (
	headerSize = 8               // of ICMP
	size       = headerSize + 56 // of a request, as ping sends them
	greeting   = "milepost measures packet loss"
	queue      = 8 << 20 // bytes of answers that wait to be read; what the system allows of it
)

// open opens a socket that everybody may have where net.ipv4.ping_group_range says
// so, else a raw one.
func open(v6 bool) (*socket, error) {
	s := &socket{v6: v6, seal: newSeal(), id: uint16(rand.Uint32()), request: make([]byte, size), zones: map[string]uint32{}}
	copy(s.request[headerSize+sealSize:], greeting)
	family, protocol := unix.AF_INET, unix.IPPROTO_ICMP
	s.request[0] = byte(echoRequest4)
	if v6 {
		family, protocol = unix.AF_INET6, unix.IPPROTO_ICMPV6
		s.request[0] = byte(echoRequest6)
	}
	const flags = unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|flags, protocol)
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPROTONOSUPPORT) {
		s.raw = true
		withRaw(func() { fd, err = unix.Socket(family, unix.SOCK_RAW|flags, protocol) })
	}
	switch {
	case errors.Is(err, os.ErrPermission):
		return nil, forbidden()
	case err != nil:
		return nil, fmt.Errorf("opening an ICMP socket: %w", err)
	}
	if err := s.configure(fd); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("opening an ICMP socket: %w", err)
	}
	s.file = os.NewFile(uintptr(fd), "icmp")
	if s.conn, err = s.file.SyscallConn(); err != nil {
		s.close()
		return nil, fmt.Errorf("opening an ICMP socket: %w", err)
	}
	s.empty = time.Now()
	return s, nil
}

// configure has the kernel say when a packet came, what it had to drop, and which
// routers refused a request, and pass on nothing else.
func (s *socket) configure(fd int) error {
	level, errorsTo := unix.SOL_IP, unix.IP_RECVERR
	if s.v6 {
		level, errorsTo = unix.SOL_IPV6, unix.IPV6_RECVERR
	}
	for _, option := range []struct{ level, name int }{
		{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS}, {unix.SOL_SOCKET, unix.SO_RXQ_OVFL}, {level, errorsTo},
	} {
		if err := unix.SetsockoptInt(fd, option.level, option.name, 1); err != nil {
			return err
		}
	}
	for _, option := range []struct{ forced, name int }{
		{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF},
	} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, option.forced, queue) != nil { // that takes cap_net_admin
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, option.name, queue); err != nil {
				return err
			}
		}
	}
	if s.raw {
		return s.filter(fd)
	}
	return nil
}

// filter has a raw socket hear only answers to its own identifier: every raw socket
// is given every ICMP packet that reaches the machine.
func (s *socket) filter(fd int) error {
	kind := uint32(echoReply4)
	var program []unix.SockFilter
	const (
		loadByte, loadHalf = unix.BPF_LD | unix.BPF_B, unix.BPF_LD | unix.BPF_H
		equal, give        = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	)
	if s.v6 { // begins with the ICMP header
		kind = uint32(echoReply6)
		program = []unix.SockFilter{{Code: loadByte | unix.BPF_ABS, K: 0}, {Code: equal, K: kind, Jf: 3}, {Code: loadHalf | unix.BPF_ABS, K: 4}}
	} else { // begins with the IP header, whose length is in its first byte
		program = []unix.SockFilter{
			{Code: unix.BPF_LDX | unix.BPF_B | unix.BPF_MSH, K: 0},
			{Code: loadByte | unix.BPF_IND, K: 0},
			{Code: equal, K: kind, Jf: 3},
			{Code: loadHalf | unix.BPF_IND, K: 4},
		}
	}
	program = append(program,
		unix.SockFilter{Code: equal, K: uint32(s.id), Jf: 1},
		unix.SockFilter{Code: give, K: 1 << 18},
		unix.SockFilter{Code: give, K: 0})
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}

func (s *socket) close() { _ = s.file.Close() }

// interrupt ends a wait, now or as soon as it begins.
func (s *socket) interrupt() { _ = s.file.SetReadDeadline(time.Unix(1, 0)) }

// address is to as the kernel takes it.
func (s *socket) address(to netip.Addr) unix.Sockaddr {
	if !s.v6 {
		s.from4.Addr = to.As4()
		return &s.from4
	}
	s.from6.Addr, s.from6.ZoneId = to.As16(), s.zone(to.Zone())
	return &s.from6
}

// zone is the index of the interface called name; 0, which is none, of one that is
// not there.
func (s *socket) zone(name string) uint32 {
	if name == "" {
		return 0
	}
	index, known := s.zones[name]
	if known {
		return index
	}
	if i, err := net.InterfaceByName(name); err == nil {
		index = uint32(i.Index)
		s.zones[name] = index
	}
	return index
}
