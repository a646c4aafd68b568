package e2e_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/testsuite/mta"
)

// post is an installation that sends signed mail through a Postfix that takes few connections, behind what cuts them.
type post struct {
	*installation
	server  *mta.Server
	cutter  *mta.Cutter
	records map[string]string // of the DNS, for who verifies signatures
}

func startPost(t *testing.T) *post {
	t.Helper()
	p := &post{server: mta.Start(t, mta.Postfix, mta.Options{Connections: 5})}
	p.installation = installTemporal(t, options{})
	p.cutter = p.server.Cutter()
	p.smtpHost, p.smtpPort = p.server.Host, strconv.Itoa(p.cutter.Port)

	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	p.records = map[string]string{"mail2026._domainkey.example.com": "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(public)}
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "dkim.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	lines := []string{
		"email.ssl=true", "email.ca=" + p.server.CAFile, "email.useCredentials=true", "email.username=" + mta.Username, "email.password=" + mta.Password,
		"email.from.default=orders@example.com", "email.from.default.name=Orders",
		"email.dkim.domain=example.com", "email.dkim.selector=mail2026", "email.dkim.key=file:" + filepath.Join(p.dir, "dkim.pem"),
	}
	require.NoError(t, os.WriteFile(p.settings(), []byte(strings.Join(lines, "\n")), 0o600))
	return p
}

func (p *post) settings() string { return filepath.Join(p.dir, "activiti-app.properties") }

func (p *post) startWorker() *worker {
	p.t.Helper()
	return p.installation.startWorker("--roles", "process,connectors,gateway", "--log-level", "info", "--config", p.settings())
}

// counted is a worker's count of mails with an outcome.
func (p *post) counted(w *worker, outcome string) (mails int) {
	p.t.Helper()
	_, metrics := w.ask("/metrics")
	for _, line := range regexp.MustCompile(`(?m)^waybill_emails_total\{outcome="`+outcome+`",.*\} (\d+)$`).FindAllStringSubmatch(metrics, -1) {
		n, err := strconv.Atoi(line[1])
		require.NoError(p.t, err)
		mails += n
	}
	return mails
}

func (p *post) deploy() {
	p.t.Helper()
	p.deployDefinitions(p.load("testdata/mail"))
}

// send starts processes that send a mail each, to customers of a fault.
func (p *post) send(fault string, n int) (customers map[string]string) {
	p.t.Helper()
	customers = map[string]string{} // to the instances
	for i := range n {
		customer := fmt.Sprintf("%s-%d@example.com", fault, i)
		id, _, err := p.client.Start(p.t.Context(), client.StartOptions{Key: "confirmation", Variables: map[string]any{"customer": customer}})
		require.NoError(p.t, err)
		customers[customer] = id
	}
	return customers
}

// arrived counts the mails that each customer has got, and fails the test when two of one customer have different Message-IDs.
func (p *post) arrived(customers map[string]string) (copies map[string]int, ids map[string]string) {
	p.t.Helper()
	copies, ids = map[string]int{}, map[string]string{}
	all := p.server.Delivered()
	for i, m := range mta.Read(p.t, all...) {
		customer := all[i].Recipient
		if _, ours := customers[customer]; !ours {
			continue
		}
		require.Empty(p.t, m.Defects)
		require.Equal(p.t, "Your order, "+customer, m.Subject)
		if copies[customer]++; copies[customer] == 1 {
			ids[customer] = m.MessageID
		}
		require.Equal(p.t, ids[customer], m.MessageID, "a repeat has the Message-ID of the mail that it repeats")
	}
	return copies, ids
}

// done waits until every process has ended, and requires that every customer has a mail, the one that the process knows. It returns how many
// have come again.
func (p *post) done(customers map[string]string) (repeats int) {
	p.t.Helper()
	known := map[string]string{}
	for customer, id := range customers {
		result, err := p.client.Wait(p.t.Context(), id)
		require.NoError(p.t, err)
		require.Equal(p.t, contract.StateCompleted, result.State, "%+v", result.Incidents)
		known[customer], _ = result.Variables["messageId"].(string)
	}
	var copies map[string]int
	p.eventually(func() string { return fmt.Sprintf("%d of %d customers have their mail", len(copies), len(customers)) }, func() bool {
		var ids map[string]string
		copies, ids = p.arrived(customers)
		for customer, id := range ids {
			require.Equal(p.t, known[customer], id)
		}
		return len(copies) == len(customers)
	})
	for _, n := range copies {
		repeats += n - 1
	}
	return repeats
}

// tried waits until every process has tried to send, and failed.
func (p *post) tried(customers map[string]string) {
	p.t.Helper()
	failed := 0
	p.eventually(func() string { return fmt.Sprintf("%d of %d mails were refused", failed, len(customers)) }, func() bool {
		failed = 0
		for _, id := range customers {
			d, err := p.client.Temporal.DescribeWorkflowExecution(p.t.Context(), id, "")
			require.NoError(p.t, err)
			for _, a := range d.GetPendingActivities() {
				if a.GetLastFailure() != nil {
					failed++
				}
			}
		}
		return failed == len(customers)
	})
}

// TestMailFaults has a mail server away, busy, cut off, and its sender killed. WAYBILL_MAIL_OUTAGE says how long it is away and busy: 2s, and
// 2m in what is measured for releases.
func TestMailFaults(t *testing.T) {
	outage := 2 * time.Second
	if text := os.Getenv("WAYBILL_MAIL_OUTAGE"); text != "" {
		var err error
		outage, err = time.ParseDuration(text)
		require.NoError(t, err)
	}
	p := startPost(t)
	w := p.startWorker()
	p.deploy()
	const n = 40
	require.Zero(t, p.done(p.send("well", 1)))

	// for is how long something lasts, from when the first mail meets it.
	during := func(name string, begin, end func()) {
		begin()
		begun := time.Now()
		over := time.After(outage)
		customers := p.send(name, n)
		p.tried(customers)
		<-over
		end()
		ended := time.Now()
		require.Zero(t, p.done(customers), "what was not taken is not repeated")
		t.Logf("%s for %s: %d mails have arrived %s after it, none twice", name, ended.Sub(begun).Round(time.Second), n, time.Since(ended).Round(100*time.Millisecond))
	}
	during("down", p.server.Stop, p.server.Run)
	during("busy", func() { p.server.PutOff(true) }, func() { p.server.PutOff(false) })

	const cuts = 10
	p.cutter.Cut(cuts)
	begun := time.Now()
	require.Zero(t, p.counted(w, "uncertain"))
	require.Equal(t, cuts, p.done(p.send("cut", n)), "repeats")
	require.Equal(t, cuts, p.cutter.Made())
	require.Equal(t, cuts, p.counted(w, "uncertain"))
	require.Equal(t, 1+3*n, p.counted(w, "sent"))
	t.Logf("cut off before the answer %d times: %d mails have arrived within %s, %d twice", cuts, n, time.Since(begun).Round(100*time.Millisecond), cuts)

	// The worker dies while it sends, and the connections of others are cut.
	begun = time.Now()
	const kills = 2
	p.cutter.Cut(cuts)
	customers := p.send("killed", 3*n)
	for k := range kills {
		p.eventually(func() string { return "nothing is sent" }, func() bool {
			copies, _ := p.arrived(customers)
			return len(copies) > k*n
		})
		w.kill()
		w = p.startWorker()
	}
	repeats := p.done(customers)
	require.Equal(t, 2*cuts, p.cutter.Made())
	require.GreaterOrEqual(t, repeats, cuts)
	t.Logf("worker killed %d times and cut off %d times: %d mails have arrived within %s, %d of them twice", kills, cuts, len(customers), time.Since(begun).Round(100*time.Millisecond), repeats)

	all := p.server.Delivered()
	for i, wrong := range mta.Verify(t, p.records, all...) {
		require.Equal(t, []string{""}, wrong, "%s", all[i].Raw)
	}
}
