package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/waybill-io/waybill/mail/smtp"
)

const (
	pictureWidth  = 800
	pictureHeight = 1000
	pictureIn     = time.Minute // how long the browser may take
)

// browsers are the names that Chromium has on the PATH.
var browsers = []string{"chromium", "chromium-browser", "google-chrome"}

// picture has Chromium show a mail and writes what it shows, as PNG.
func picture(ctx context.Context, browser string, m smtp.Mail, file string) error {
	browser, err := findBrowser(browser)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "waybill-preview-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	page := filepath.Join(dir, "mail.html")
	if err := os.WriteFile(page, []byte(mailPage(m)), 0o600); err != nil {
		return err
	}
	if file, err = filepath.Abs(file); err != nil {
		return err
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // an old picture must not pass for a new one
	}
	arguments := []string{
		"--headless=new", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-extensions", "--disable-dev-shm-usage",
		"--disable-background-networking", "--disable-sync", "--disable-component-update", "--no-default-browser-check",
		"--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir=" + filepath.Join(dir, "profile"),
		fmt.Sprintf("--window-size=%d,%d", pictureWidth, pictureHeight), "--screenshot=" + file, (&url.URL{Scheme: "file", Path: page}).String(),
	}
	if os.Geteuid() == 0 { // Chromium has no sandbox for root, and what it shows has neither scripts nor network
		arguments = append([]string{"--no-sandbox"}, arguments...)
	}
	ctx, cancel := context.WithTimeout(ctx, pictureIn)
	defer cancel()
	var output bytes.Buffer
	run := exec.CommandContext(ctx, browser, arguments...)
	run.Stdout, run.Stderr = &output, &output
	run.WaitDelay = 5 * time.Second
	err = run.Run()
	if ctx.Err() != nil {
		return fmt.Errorf("make the picture with %s: it took more than %v", browser, pictureIn)
	}
	if _, missing := os.Stat(file); missing != nil && err == nil {
		err = errors.New("it wrote none")
	}
	if err != nil {
		return fmt.Errorf("make the picture with %s: %w\n%s", browser, err, lastLines(output.String(), 5))
	}
	return nil
}

func findBrowser(browser string) (string, error) {
	names := browsers
	if browser != "" {
		names = []string{browser}
	}
	for _, name := range names {
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	if browser != "" {
		return "", usage(fmt.Errorf("--chromium %s: there is no such program", browser))
	}
	return "", fmt.Errorf("the picture needs Chromium, and none of %s is on the PATH: install the package chromium, or name it with --chromium, or leave the picture out with --no-png",
		strings.Join(browsers, ", "))
}

// mailPage shows a mail as mail programs do: its head, and its HTML, which can neither run scripts nor fetch anything. A mail without HTML is
// shown as text.
func mailPage(m smtp.Mail) string {
	body := `<pre style="margin:16px;font:14px monospace;white-space:pre-wrap">` + html.EscapeString(m.Text) + "</pre>"
	if m.HTML != "" {
		body = settled(m.HTML)
	}
	const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'"
	head := `<div style="position:relative;padding:12px 16px;border-bottom:1px solid #dfe1e6;background:#ffffff;font:14px Arial,Helvetica,sans-serif;color:#5e6c84">` +
		`<div style="font-size:18px;font-weight:bold;color:#172b4d">` + html.EscapeString(m.Subject) + `</div>` + html.EscapeString(m.From.String()) + `<br>` + html.EscapeString(m.To[0].String()) + `</div>`
	return `<!doctype html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="` + policy + `"><style>body{margin:0}</style></head>` + head + body
}

// settled is HTML without what leads the browser to another page.
func settled(body string) string {
	var out strings.Builder
	for z := html.NewTokenizer(strings.NewReader(body)); ; {
		if z.Next() == html.ErrorToken {
			return out.String()
		}
		raw := string(z.Raw())
		if name, _ := z.TagName(); string(name) != "meta" && string(name) != "base" {
			out.WriteString(raw)
		}
	}
}

// lastLines are the end of what a program said.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(len(lines)-n, 0):], "\n")
}
