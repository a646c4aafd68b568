package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/color"
	"image/png"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail/message"
)

func TestEmailTemplateCommands(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "task-assigned_de.mail.html")
	require.NoError(t, os.WriteFile(file, []byte("Subject: Aufgabe {{.taskName}}\n\n<p>x</p>"), 0o600))
	bad := filepath.Join(dir, "bad.mail.ftl")
	require.NoError(t, os.WriteFile(bad, []byte("Subject: x\n\n<#macro x>"), 0o600))
	deployed := []contract.RegistryEntry{{ID: "/task-assigned/de", Value: json.RawMessage(`{"subject":"Alt","html":"<p>alt</p>"}`)}}
	f := &fakeTemporal{answers: map[string]any{
		"templates list": deployed, "templates get": deployed, "templates put": nil, "templates remove": nil,
	}}
	s := newShell(f)

	require.Equal(t, exitOK, s.run(t.Context(), "email", "template", "list"), s.err.String())
	require.Regexp(t, `task-assigned +de +- +deployed +Alt`, s.out.String())
	require.Regexp(t, `alert +- +- +bundled`, s.out.String())

	s.out.Reset()
	require.Equal(t, exitOK, s.run(t.Context(), "email", "template", "show", "task-assigned", "--locale", "de-AT"), s.err.String())
	require.Equal(t, "Subject: Alt\n\n<p>alt</p>", s.out.String())
	require.Equal(t, exitOK, s.run(t.Context(), "email", "template", "show", "task-assigned", "--bundled"), s.err.String())
	require.Contains(t, s.out.String(), "Subject: Task for you: {{.taskName}}")
	require.Equal(t, exitNotFound, s.run(t.Context(), "email", "template", "show", "nope", "--bundled"))

	require.Equal(t, exitRefused, s.run(t.Context(), "email", "template", "put", file), "nobody asked to replace it")
	require.Contains(t, s.err.String(), "mail template task-assigned in de: the name is already taken")
	require.Equal(t, exitUsage, s.run(t.Context(), "email", "template", "put", file, bad, "--replace"))
	require.Contains(t, s.err.String(), "bad.mail.ftl: line 3: <#macro> is not in the subset")
	require.Empty(t, f.told, "nothing is deployed before all can be read")
	require.Equal(t, exitOK, s.run(t.Context(), "email", "template", "put", file, "--replace"), s.err.String())
	require.Equal(t, exitOK, s.run(t.Context(), "email", "template", "put", file, "--tenant", "acme"), s.err.String())
	require.Contains(t, f.told[0], `templates put {"id":"/task-assigned/de"`)
	require.Contains(t, f.told[1], `templates put {"id":"acme/task-assigned/de"`)
	require.Equal(t, exitOK, s.run(t.Context(), "email", "template", "remove", "task-assigned", "--locale", "de"), s.err.String())
	require.Equal(t, "templates remove /task-assigned/de", f.told[2])
}

func TestEmailPreviewWithoutPicture(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "mine_de.mail.html")
	require.NoError(t, os.WriteFile(file, []byte("Subject: {{.a}}\nFrom: Desk <desk@example.com>\n\n<p>{{.b.c}}</p>"), 0o600))
	s := newShell(&fakeTemporal{})
	require.Equal(t, exitOK, s.run(t.Context(), "email", "preview", file, "--no-png", "--out", filepath.Join(dir, "out"), "--var", "a=x\ny", "--var", `b={"c":"<b>"}`), s.err.String())
	raw, err := os.Open(filepath.Join(dir, "out", "mine_de.eml"))
	require.NoError(t, err)
	defer raw.Close()
	m, err := message.Parse(raw, message.Limits{}, nil)
	require.NoError(t, err)
	require.Equal(t, "x y", m.Subject)
	require.Equal(t, "desk@example.com", m.From[0].Address)
	require.Contains(t, m.HTML, "<p>&lt;b&gt;</p>")

	require.Equal(t, exitUsage, s.run(t.Context(), "email", "preview", file, "--no-png", "--out", dir))
	require.Contains(t, s.err.String(), `line 1: <.a>: map has no entry for key "a"`)
	require.Equal(t, exitUsage, s.run(t.Context(), "email", "preview", filepath.Join(dir, "none.mail.html"), "--no-png"))

	// Without a server, a bundled template is shown all the same.
	s = &shell{app: newApp()}
	s.app.address = "127.0.0.1:1"
	require.Equal(t, exitOK, s.run(t.Context(), "email", "preview", "alert", "--locale", "de", "--no-png", "--out", dir, "--temporal-address", "127.0.0.1:1"), s.err.String())
	require.Contains(t, s.err.String(), "no server answers, so this is the bundled template")
	require.FileExists(t, filepath.Join(dir, "alert_de.eml"))
}

func TestEmailPreviewWithoutChromium(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	s := newShell(&fakeTemporal{})
	require.Equal(t, exitRefused, s.run(t.Context(), "email", "preview", "test", "--bundled", "--out", dir))
	require.Contains(t, s.err.String(), "install the package chromium")
	require.FileExists(t, filepath.Join(dir, "test.eml"), "the mail is written")
	require.Contains(t, s.out.String(), "test.eml")
	require.Equal(t, exitUsage, s.run(t.Context(), "email", "preview", "test", "--bundled", "--out", dir, "--chromium", "nope"))
}

// The picture shows the mail, runs none of its scripts and fetches nothing.
func TestEmailPreviewPicture(t *testing.T) {
	if _, err := exec.LookPath("chromium"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	var calls atomic.Int32
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			_ = c.Close()
		}
	}()
	dir := t.TempDir()
	file := filepath.Join(dir, "mine.mail.html")
	url := "http://" + listener.Addr().String()
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(`Subject: s

<meta http-equiv="refresh" content="0;url=URL/m"><base href="URL/b/"><link rel="stylesheet" href="URL/c">
<body style="background:#00ff00" onload="document.body.style.background='#ff0000'"><img src="URL/i"><iframe src="URL/f"></iframe>
<script>document.body.style.background="#ff0000"</script><div style="height:300px"></div></body>`, "URL", url)), 0o600))
	s := newShell(&fakeTemporal{})
	require.Equal(t, exitOK, s.run(t.Context(), "email", "preview", file, "--out", dir), s.err.String())
	picture, err := os.Open(filepath.Join(dir, "mine.png"))
	require.NoError(t, err)
	defer picture.Close()
	shown, err := png.Decode(picture)
	require.NoError(t, err)
	require.Equal(t, pictureWidth, shown.Bounds().Dx())
	require.Equal(t, pictureLeast, shown.Bounds().Dy())
	counts := map[color.RGBA]int{}
	for y := range pictureLeast {
		for x := range pictureWidth {
			r, g, b, _ := shown.At(x, y).RGBA()
			counts[color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 0}]++
		}
	}
	require.Greater(t, counts[color.RGBA{0, 0xff, 0, 0}], pictureWidth*pictureLeast/3, "the mail is shown")
	require.Zero(t, counts[color.RGBA{0xff, 0, 0, 0}], "no script has run")
	require.Zero(t, calls.Load(), "nothing was fetched")
}

// The picture is as long as the mail, up to a bound.
func TestEmailPreviewPictureOfALongMail(t *testing.T) {
	if _, err := exec.LookPath("chromium"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	for px, want := range map[int]int{2500: 2500, 9000: pictureMost - pictureChrome} {
		dir := t.TempDir()
		file := filepath.Join(dir, "mine.mail.html")
		body := fmt.Sprintf(`<body style="background:#f4f5f7"><div style="width:600px;height:%dpx;background:#ffffff">x</div></body>`, px)
		require.NoError(t, os.WriteFile(file, []byte("Subject: s\n\n"+body), 0o600))
		s := newShell(&fakeTemporal{})
		require.Equal(t, exitOK, s.run(t.Context(), "email", "preview", file, "--out", dir), s.err.String())
		require.Equal(t, px > pictureMost, strings.Contains(s.err.String(), "of a mail that is longer"))
		data, err := os.ReadFile(filepath.Join(dir, "mine.png"))
		require.NoError(t, err)
		shown, err := png.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		require.InDelta(t, want, shown.Bounds().Dy(), 150)
		_, _, b, _ := shown.At(300, want-50).RGBA()
		require.Equal(t, uint32(0xffff), b, "it shows the mail")
	}
}

func TestEveryBundledMailHasAPreview(t *testing.T) {
	dir := t.TempDir()
	s := newShell(&fakeTemporal{})
	for _, name := range []string{
		contract.TemplateTaskAssigned, contract.TemplateTaskGroup, contract.TemplateTaskCandidate, contract.TemplateTaskDue,
		contract.TemplateAlert, contract.TemplateCredential, contract.TemplateTest,
	} {
		require.Equal(t, exitOK, s.run(t.Context(), "email", "preview", name, "--bundled", "--no-png", "--out", dir), s.err.String())
		require.FileExists(t, filepath.Join(dir, name+".eml"))
	}
}
