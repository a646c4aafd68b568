package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
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
	pictureLeast  = 1000 // its height is that of the mail, within these
	pictureMost   = 6000
	pictureMargin = 24
	pictureChrome = 200         // more than the browser leaves blank at the bottom of its window
	pictureIn     = time.Minute // how long the browser may take
)

// errCut is the error of a picture that does not show the whole mail.
var errCut = fmt.Errorf("the picture shows the first %d pixels of a mail that is longer: see the rest in the .eml", pictureMost-pictureChrome)

// browsers are the names that Chromium has on the PATH.
var browsers = []string{"chromium", "chromium-browser", "google-chrome"}

// picture has Chromium show a mail and writes what it shows, as PNG. The error of one that is too long for it is errCut.
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
		fmt.Sprintf("--window-size=%d,%d", pictureWidth, pictureMost), "--screenshot=" + file, (&url.URL{Scheme: "file", Path: page}).String(),
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
	return trim(file)
}

// trim cuts a picture off below the mail: where all rows are of one colour each.
func trim(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	shown, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("read the picture %s: %w", file, err)
	}
	bounds := shown.Bounds()
	end := bounds.Max.Y
	for end > bounds.Min.Y && plainRow(shown, end-1) {
		end--
	}
	cut := end > bounds.Max.Y-pictureChrome
	if cut {
		end = bounds.Max.Y - pictureChrome
	}
	part, ok := shown.(interface {
		SubImage(r image.Rectangle) image.Image
	})
	if !ok {
		return fmt.Errorf("read the picture %s: %T has no parts", file, shown)
	}
	bounds.Max.Y = min(max(end+pictureMargin, pictureLeast), bounds.Max.Y)
	var out bytes.Buffer
	if err := png.Encode(&out, part.SubImage(bounds)); err != nil {
		return err
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		return err
	}
	if cut {
		return errCut
	}
	return nil
}

// plainRow tells whether a row has one colour.
func plainRow(shown image.Image, y int) bool {
	b := shown.Bounds()
	for x := b.Min.X + 1; x < b.Max.X; x++ {
		if shown.At(x, y) != shown.At(b.Min.X, y) {
			return false
		}
	}
	return true
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
	head := `<div style="position:relative;padding:12px 16px;overflow-wrap:anywhere;border-bottom:1px solid #dfe1e6;background:#ffffff;font:14px Arial,Helvetica,sans-serif;color:#5e6c84">` +
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
