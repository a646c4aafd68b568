package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/testsuite/mailserver"
)

const (
	mailboxPassword = "waybill"
	passwordName    = "BENCH_MAIL_PASSWORD"
	// addAtOnce is how many mailboxes are added at a time.
	addAtOnce = 16
	// allBack bounds the wait until every mailbox is connected.
	allBack = 30 * time.Minute
)

// mailboxesReport is many idle mailboxes on one worker in a process of its own, at a mail server in this process.
type mailboxesReport struct {
	Mailboxes int           `json:"mailboxes"`
	Empty     int64         `json:"emptyBytes"` // memory of a worker without mailboxes
	Connected time.Duration `json:"connected"`  // from the first that was added until all were connected
	Memory    int64         `json:"bytes"`      // of the worker, with all connected
	Threads   int           `json:"threads"`
	Routines  int           `json:"goroutines"`
	Rest      time.Duration `json:"rest"`
	Server    float64       `json:"serverCores"` // of the Temporal server at rest
	Worker    float64       `json:"workerCores"`
	Killed    time.Duration `json:"killed"`    // from kill -9 of the worker until another had connected all
	Restarted time.Duration `json:"restarted"` // from the stop of the mail server until all were connected again
}

func measureMailboxes(ctx context.Context, n int, hold time.Duration, progress io.Writer) (report *mailboxesReport, err error) {
	r, err := newRig(ctx, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.end()) }()
	r.n = n
	report = &mailboxesReport{Mailboxes: n}
	return report, r.measure(ctx, report, hold)
}

// newRig starts a Temporal server and builds the worker. Its place ends both, and what the rig started.
func newRig(ctx context.Context, progress io.Writer) (_ *rig, err error) {
	p, err := newPlace(ctx, progress)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.end())
		}
	}()
	r := &rig{place: p, progress: progress}
	if r.dir, err = os.MkdirTemp("", "bench-"); err != nil {
		return nil, err
	}
	p.atEnd(func() error { return os.RemoveAll(r.dir) })
	p.atEnd(r.stop)
	r.program = filepath.Join(r.dir, "worker")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", r.program, "./worker").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the worker: %w: %s", err, out)
	}
	return r, nil
}

// rig is what mailboxesReport is measured with.
type rig struct {
	*place
	dir, program string
	progress     io.Writer
	n            int
	mail         *mailserver.Server
	address      string
	worker       *exec.Cmd
	gateway      string // of the worker
}

func (r *rig) stop() error {
	if r.worker != nil {
		_ = r.worker.Process.Kill()
		_ = r.worker.Wait()
	}
	if r.mail == nil {
		return nil
	}
	return r.mail.Close(context.Background())
}

func (r *rig) startMail() (err error) {
	r.mail, err = mailserver.Start(mailserver.Options{IMAPAddr: r.address, Dir: filepath.Join(r.dir, "mail"), OpenPassword: mailboxPassword})
	if err == nil {
		r.address = r.mail.IMAPAddr()
	}
	return err
}

func (r *rig) startWorker(variables ...string) error {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	r.gateway = free.Addr().String()
	if err := free.Close(); err != nil {
		return err
	}
	r.worker = exec.Command(r.program, "--temporal-address", r.place.address, "--files", "file://"+r.dir+"/files?create_dir=1", "--gateway", r.gateway, "--log-level", "error")
	r.worker.Env = append(append(os.Environ(), passwordName+"="+mailboxPassword), variables...)
	r.worker.Stderr = r.progress
	return r.worker.Start()
}

func (r *rig) measure(ctx context.Context, report *mailboxesReport, hold time.Duration) error {
	if err := errors.Join(r.startMail(), r.startWorker()); err != nil {
		return err
	}
	time.Sleep(5 * time.Second) // until it has nothing more to set up
	report.Empty, _ = memoryOf(r.worker.Process.Pid)

	begun := time.Now()
	if err := r.add(ctx); err != nil {
		return err
	}
	if err := r.connected(ctx); err != nil {
		return err
	}
	report.Connected = time.Since(begun)

	fmt.Fprintln(r.progress, "mailboxes: at rest")
	time.Sleep(30 * time.Second) // until what connecting left behind is done
	before, worker, at := usedCPU(), cpuOf(strconv.Itoa(r.worker.Process.Pid)), time.Now()
	time.Sleep(hold)
	report.Rest = time.Since(at)
	workerUsed := cpuOf(strconv.Itoa(r.worker.Process.Pid)) - worker
	report.Server = (usedCPU().since(before).children - workerUsed).Seconds() / report.Rest.Seconds()
	report.Worker = workerUsed.Seconds() / report.Rest.Seconds()
	report.Memory, report.Threads = memoryOf(r.worker.Process.Pid)
	report.Routines = r.goroutines()

	fmt.Fprintf(r.progress, "mailboxes: %d bytes, %d threads, %d goroutines; at rest the server takes %.3f cores, the worker %.3f\n", report.Memory, report.Threads, report.Routines, report.Server, report.Worker)

	fmt.Fprintln(r.progress, "mailboxes: the worker is killed")
	begun = time.Now()
	_ = r.worker.Process.Kill()
	_ = r.worker.Wait()
	if err := r.startWorker(); err != nil {
		return err
	}
	if err := r.connected(ctx); err != nil {
		return err
	}
	report.Killed = time.Since(begun)

	fmt.Fprintln(r.progress, "mailboxes: the mail server is restarted")
	begun = time.Now()
	if err := errors.Join(r.mail.Close(ctx), r.startMail()); err != nil {
		return err
	}
	if err := r.connected(ctx); err != nil {
		return err
	}
	report.Restarted = time.Since(begun)
	return nil
}

func mailboxName(n int) string { return fmt.Sprintf("m%05d", n) }

func (r *rig) add(ctx context.Context) error {
	host, text, _ := strings.Cut(r.address, ":")
	port, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(addAtOnce)
	for n := range r.n {
		if n%1000 == 999 {
			fmt.Fprintf(r.progress, "mailboxes: %d of %d added\n", n+1, r.n)
		}
		group.Go(func() error {
			return r.client.ConfigureMailbox(ctx, contract.MailboxConfig{
				Name: mailboxName(n), Host: host, Port: port, TLS: "none", Username: mailboxName(n) + "@example.com", Password: "env:" + passwordName,
				Folder: inbox, Since: time.Now(), MaxBytes: 50 << 20, PollMS: 60_000, LeaseMS: 30_000, IdleMS: 240_000, TimeoutMS: 30_000,
			})
		})
	}
	return group.Wait()
}

// connected waits until every mailbox is connected, to the mail server as it runs now and by the worker as it runs now.
func (r *rig) connected(ctx context.Context) error {
	begun := time.Now()
	for last := -1; time.Since(begun) < allBack; time.Sleep(time.Second) {
		list, err := r.client.Watched(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil { // no worker answers yet
			continue
		}
		count := 0
		for _, s := range list {
			if s.Watch.Connected && strings.HasPrefix(s.Watch.Worker, strconv.Itoa(r.worker.Process.Pid)+"@") && s.Watch.LastAlive.After(begun.Add(-10*time.Minute)) {
				count++
			}
		}
		open := r.mail.Connections()
		if count == r.n && open >= r.n {
			return nil
		}
		if count != last {
			fmt.Fprintf(r.progress, "mailboxes: %d of %d connected, %d connections\n", count, r.n, open)
			last = count
		}
	}
	return fmt.Errorf("not all of %d mailboxes were connected within %s", r.n, allBack)
}

// goroutines asks the worker's metrics; 0 when they do not tell.
func (r *rig) goroutines() int {
	answer, err := http.Get("http://" + r.gateway + "/metrics")
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if n, ok := strings.CutPrefix(lines.Text(), "go_goroutines "); ok {
			count, _ := strconv.Atoi(n)
			return count
		}
	}
	return 0
}

// memoryOf reads the resident memory and the threads of a process; zeros where there is no /proc.
func memoryOf(pid int) (bytes int64, threads int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		f := strings.Fields(value)
		switch name {
		case "VmRSS":
			n, _ := strconv.ParseInt(f[0], 10, 64)
			bytes = n << 10
		case "Threads":
			threads, _ = strconv.Atoi(f[0])
		}
	}
	return bytes, threads
}

func (r *mailboxesReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n## %d idle mailboxes on one worker (targets: 100 MiB with 200, 200 MiB with 1,000; the Temporal server at rest with 10,000: 0.3 cores; a killed worker's back within 2 minutes)\n\n", r.Mailboxes)
	t := table{{"what", "figure"}}
	cores := func(n float64) string { return fmt.Sprintf("%.3f cores", n) }
	second := func(d time.Duration) string { return d.Round(100 * time.Millisecond).String() }
	t = append(t,
		[]string{"memory of the worker without mailboxes", mib(r.Empty)},
		[]string{"memory of the worker with all", mib(r.Memory)},
		[]string{"threads and goroutines of the worker", fmt.Sprintf("%d, %d", r.Threads, r.Routines)},
		[]string{"added and connected within", second(r.Connected)},
		[]string{"CPU of the Temporal server at rest, over " + second(r.Rest), cores(r.Server)},
		[]string{"CPU of the worker at rest", cores(r.Worker)},
		[]string{"all back after kill -9 of the worker", second(r.Killed)},
		[]string{"all back after a restart of the mail server", second(r.Restarted)},
	)
	t.print(w)
}
