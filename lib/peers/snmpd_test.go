package peers_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"milepost/lib/peers"
)

// get asks s for one value and gives its type and its text.
func get(t *testing.T, client *gosnmp.GoSNMP, oid string) gosnmp.SnmpPDU {
	t.Helper()
	client.Target, client.Timeout, client.Retries = "127.0.0.1", 5*time.Second, 1
	if err := client.Connect(); err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	answer, err := client.Get([]string{oid})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Variables[0]
}

func TestRealSnmpdTellsTheTime(t *testing.T) {
	for _, row := range []struct {
		situation string
		server    peers.Snmpd
		wantType  gosnmp.Asn1BER
	}{
		{"a right clock", peers.Snmpd{}, gosnmp.Gauge32},
		{"an hour ahead", peers.Snmpd{Offset: time.Hour, EpochType: "integer"}, gosnmp.Integer},
		{"90 s behind", peers.Snmpd{Offset: -90 * time.Second, EpochType: "counter64"}, gosnmp.Counter64},
		{"half a second ahead", peers.Snmpd{Offset: 500 * time.Millisecond, EpochType: "string"}, gosnmp.OctetString},
	} {
		t.Run(row.situation, func(t *testing.T) {
			t.Parallel()
			row.server.Community = "lab"
			s := peers.StartSnmpd(t, row.server)
			client := &gosnmp.GoSNMP{Port: uint16(s.Port), Version: gosnmp.Version2c, Community: "lab"}
			before := seconds(time.Now().Add(row.server.Offset))
			got := get(t, client, s.EpochOID)
			after := seconds(time.Now().Add(row.server.Offset))
			if got.Type != row.wantType {
				t.Fatalf("type %s, want %s", got.Type, row.wantType)
			}
			said := epoch(t, got)
			if row.server.EpochType != "string" {
				before = float64(int64(before)) // a whole-second source
			}
			if said < before-1e-3 || said > after+1e-3 {
				t.Fatalf("said %f, want between %f and %f", said, before, after)
			}
		})
	}
}

func seconds(at time.Time) float64 { return float64(at.UnixMicro()) / 1e6 }

func epoch(t *testing.T, v gosnmp.SnmpPDU) float64 {
	t.Helper()
	if text, ok := v.Value.([]byte); ok {
		f, err := strconv.ParseFloat(string(text), 64)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f, _ := gosnmp.ToBigInt(v.Value).Float64()
	return f
}

func TestRealSnmpdServesHrSystemDate(t *testing.T) {
	s := peers.StartSnmpd(t, peers.Snmpd{})
	got := get(t, &gosnmp.GoSNMP{Port: uint16(s.Port), Version: gosnmp.Version2c, Community: "public"}, "1.3.6.1.2.1.25.1.2.0")
	if date, ok := got.Value.([]byte); !ok || (len(date) != 8 && len(date) != 11) {
		t.Fatalf("hrSystemDate is %v, want 8 or 11 octets", got.Value)
	}
}

func TestRealSnmpdTakesV3Users(t *testing.T) {
	s := peers.StartSnmpd(t, peers.Snmpd{Conf: "createUser mon SHA-256 authpass-1234 AES privpass-1234\nrouser mon authpriv"})
	client := &gosnmp.GoSNMP{
		Port: uint16(s.Port), Version: gosnmp.Version3, MsgFlags: gosnmp.AuthPriv, SecurityModel: gosnmp.UserSecurityModel,
		SecurityParameters: &gosnmp.UsmSecurityParameters{
			UserName:               "mon",
			AuthenticationProtocol: gosnmp.SHA256, AuthenticationPassphrase: "authpass-1234",
			PrivacyProtocol: gosnmp.AES, PrivacyPassphrase: "privpass-1234",
		},
	}
	if got := get(t, client, s.EpochOID); got.Type != gosnmp.Gauge32 {
		t.Fatalf("type %s, want Gauge32", got.Type)
	}
}
