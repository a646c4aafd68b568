package template

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func render(t *testing.T, tpl Template, data map[string]any) (Mail, error) {
	t.Helper()
	p, err := tpl.Parse("t")
	require.NoError(t, err)
	return p.Render(data)
}

func TestRender(t *testing.T) {
	data := map[string]any{
		"name": "Ann <b>&", "n": 1000000.0, "price": 1234567.5, "url": "https://example.com/?a=1&b=2", "bad": "javascript:alert(1)",
		"due": "2026-12-01T09:30:00+01:00", "items": []any{"a", "b"}, "deep": map[string]any{"x": "y"}, "lines": "a\r\nBcc: victim@example.com", "nothing": nil,
	}
	for name, tc := range map[string]struct {
		Template
		subject, text, html string
	}{
		"escaped": {Template{Subject: "Hi {{.name}}", HTML: "<p>{{.name}}</p>"}, "Hi Ann <b>&", "Ann <b>&", "<p>Ann &lt;b&gt;&amp;</p>"},
		"escaped in FreeMarker": {
			Template{Subject: "Hi ${name}", HTML: "<p>${name}</p><p>${name?html}</p>", Engine: FreeMarker}, "Hi Ann <b>&", "Ann <b>&\nAnn <b>&",
			"<p>Ann &lt;b&gt;&amp;</p><p>Ann &lt;b&gt;&amp;</p>",
		},
		"a text of its own": {Template{Subject: "s", HTML: "<p>x</p>", Text: "{{.name}}"}, "s", "Ann <b>&", "<p>x</p>"},
		"text alone":        {Template{Subject: "s", Text: "{{.name}} ${name}"}, "s", "Ann <b>& ${name}", ""},
		"links stay in the text": {
			Template{Subject: "s", HTML: `<a href="{{.url}}">Open</a> <a href="{{.url}}">{{.url}}</a>`}, "s",
			"Open <https://example.com/?a=1&b=2> https://example.com/?a=1&b=2",
			`<a href="https://example.com/?a=1&amp;b=2">Open</a> <a href="https://example.com/?a=1&amp;b=2">https://example.com/?a=1&amp;b=2</a>`,
		},
		"a link that is none":     {Template{Subject: "s", HTML: `<a href="{{.bad}}">Open</a>`}, "s", "Open", `<a href="#ZgotmplZ">Open</a>`},
		"subject on one line":     {Template{Subject: "{{.lines}}", Text: "x"}, "a Bcc: victim@example.com", "x", ""},
		"subject in FreeMarker":   {Template{Subject: "${lines}", Text: "x", Engine: FreeMarker}, "a Bcc: victim@example.com", "x", ""},
		"whole numbers":           {Template{Subject: "{{.n}}", Text: "{{number 2 .price}} {{number 0 .n}}"}, "1000000", "1234567.50 1000000", ""},
		"dates":                   {Template{Subject: `{{date "2.1.2006 15:04" .due}}`, Text: `{{date "2006" .name}}`}, "1.12.2026 09:30", "Ann <b>&", ""},
		"missing, but asked":      {Template{Subject: `{{get . "no"}}{{get .deep "x"}}{{get . "deep.x"}}{{get . "deep.y.z"}}`, Text: `x{{with get . "nothing"}}y{{end}}`}, "yy", "x", ""},
		"loops":                   {Template{Subject: "s", Text: "{{range .items}}[{{.}}]{{else}}none{{end}}{{range $i, $x := .items}}{{$i}}{{end}}"}, "s", "[a][b]01", ""},
		"elements":                {Template{Subject: `{{index .items 1}}`, HTML: `{{index . "deep" "x"}}{{range $i, $x := .items}}{{index $.items $i}}{{end}}`}, "b", "yab", "yab"},
		"named templates":         {Template{Subject: "s", HTML: `{{define "x"}}<i>{{.}}</i>{{end}}{{template "x" .name}}`}, "s", "Ann <b>&", "<i>Ann &lt;b&gt;&amp;</i>"},
		"no gaps":                 {Template{Subject: "s", Text: "a\n{{if false}}\n{{end}}\n\n\nb"}, "s", "a\n\nb", ""},
		"default in FreeMarker":   {Template{Subject: "s", Text: `<#if no??>x<#else>${no!"-"}</#if><#list items as i>${i}</#list>`, Engine: FreeMarker}, "s", "-ab", ""},
		"print":                   {Template{Subject: `{{print "a" .n}}`, Text: "x"}, "a1000000", "x", ""},
		"style of the HTML alone": {Template{Subject: "s", HTML: `<style>p{color:red}</style><p style="color:blue">x</p>`}, "s", "x", `<style>p{color:red}</style><p style="color:blue">x</p>`},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := render(t, tc.Template, data)
			require.NoError(t, err)
			require.Equal(t, tc.subject, m.Subject)
			require.Equal(t, tc.text, m.Text)
			require.Equal(t, tc.html, m.HTML)
		})
	}
}

func TestRenderFails(t *testing.T) {
	for name, tc := range map[string]struct {
		Template
		want string
	}{
		"missing":               {Template{Subject: "s", HTML: "\n<p>{{.nmae}}</p>"}, `template t: line 2: <.nmae>: map has no entry for key "nmae"; write {{get . "NAME"}}`},
		"missing in FreeMarker": {Template{Subject: "s", HTML: "\n<p>${nmae}</p>", Engine: FreeMarker}, `t: line 2: nmae is missing`},
		"missing in an index":   {Template{Subject: `{{index . "nmae"}}`, Text: "x"}, `there is no "nmae"; write {{get`},
		"beyond a list":         {Template{Subject: `{{index .list 2}}`, Text: "x"}, "a list of 1 has no element 2"},
		"index of a text":       {Template{Subject: `{{index .name 0}}`, Text: "x"}, "neither a list nor an object"},
		"no text":               {Template{Subject: "s", HTML: "{{if false}}x{{end}}"}, "the mail that it makes is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := render(t, tc.Template, map[string]any{"name": "x", "list": []any{"y"}})
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		Template
		want string
	}{
		"nothing":            {Template{Subject: "s"}, "neither HTML nor text"},
		"syntax":             {Template{Subject: "s", HTML: "\n{{if}}"}, "t: line 2: missing value for if"},
		"unknown function":   {Template{Subject: "s", Text: "{{nope 1}}"}, `t: line 1: function "nope" not defined`},
		"printf":             {Template{Subject: "s", Text: "a\n{{if true}}{{printf \"%d\" 1}}{{end}}"}, "t: line 2: the function printf cannot be used: write the text around"},
		"in a pipe":          {Template{Subject: "s", Text: "{{range (.x | js)}}{{end}}"}, "the function js cannot be used"},
		"in a definition":    {Template{Subject: "s", HTML: `{{define "x"}}{{with .a}}{{else}}{{. | html}}{{end}}{{end}}`}, "the function html cannot be used"},
		"the clock":          {Template{Subject: "s", Text: "{{waybill_tick}}"}, "it is not known"},
		"what cannot escape": {Template{Subject: "s", HTML: "<a href={{if .x}}\"{{end}}>"}, "t: line 1: {{if}} branches end in different contexts"},
		"FreeMarker beyond":  {Template{Subject: "s", HTML: "x\n<#assign y=1>", Engine: FreeMarker}, "t: line 2: <#assign> is not in the subset of FreeMarker"},
		"FreeMarker builtin": {Template{Subject: "s", HTML: "${x?upper_case}", Engine: FreeMarker}, "is not in the subset"},
		"engine":             {Template{Subject: "s", Text: "x", Engine: "velocity"}, `engine: "velocity" is neither go nor freemarker`},
		"too long":           {Template{Subject: "s", Text: strings.Repeat("x", MaxSource+1)}, "at most 65536 are allowed"},
		"sender":             {Template{Subject: "s", Text: "x", From: "nobody"}, "from: \"nobody\" is no address"},
		"sender on lines":    {Template{Subject: "s", Text: "x", From: "a@b.example\r\nBcc: c@d.example"}, "is no address"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tc.Parse("t")
			require.ErrorContains(t, err, tc.want)
		})
	}
}

// Templates that would make mails without an end, or never end, fail soon.
func TestBombs(t *testing.T) {
	items := make([]any, 400)
	for i := range items {
		items[i] = strings.Repeat("x", 1000)
	}
	data := map[string]any{"items": items, "n": 1e15, "text": strings.Repeat("x", 40)}
	loop := func(inner string) string { return "{{range $.n}}" + inner + "{{end}}" }
	for name, tc := range map[string]struct {
		Template
		want string
	}{
		"output":               {Template{Subject: "s", Text: "{{range .items}}{{range $.items}}{{.}}{{end}}{{end}}"}, "more than 1048576 bytes"},
		"output in FreeMarker": {Template{Subject: "s", HTML: "<#list items as a><#list items as b>${b}</#list></#list>", Engine: FreeMarker}, "more than 1048576 bytes"},
		"silent loop":          {Template{Subject: "s", HTML: loop("")}, "turns"},
		"nested silent loops":  {Template{Subject: loop(loop(loop(""))), Text: "x"}, "turns"},
		"recursion":            {Template{Subject: "s", Text: `{{define "x"}}{{if .}}{{template "x" (slice . 1)}}{{template "x" (slice . 1)}}{{end}}{{end}}{{template "x" .text}}`}, "turns"},
		"endless recursion":    {Template{Subject: "s", HTML: `{{define "x"}}{{template "x" .}}{{end}}{{template "x" .}}`}, ""},
		"growing text":         {Template{Subject: "s", Text: "{{$x := .text}}{{range $.n}}{{$x = print $x $x}}{{end}}"}, "print makes at most"},
		"loops in FreeMarker":  {Template{Subject: "<#list items as a><#list items as b><#list items as c></#list></#list></#list>", Text: "x", Engine: FreeMarker}, "turns"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := tc.Parse("t")
			if err != nil && tc.want == "" {
				return // refused already
			}
			require.NoError(t, err)
			_, err = p.Render(data)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestTheClockEnds(t *testing.T) {
	c := &clock{end: time.Now().Add(-time.Second)}
	_, err := c.tick()
	require.ErrorIs(t, err, errTooBusy)
}

// One template serves several mails at once, each with bounds of its own.
func TestRendersAtOnce(t *testing.T) {
	p, err := Template{Subject: "{{.x}}", HTML: "{{range 60000}}{{end}}{{.x}}"}.Parse("t")
	require.NoError(t, err)
	done := make(chan error)
	for range 4 {
		go func() {
			_, err := p.Render(map[string]any{"x": "y"})
			done <- err
		}()
	}
	for range 4 {
		require.NoError(t, <-done)
	}
}

func FuzzRender(f *testing.F) {
	for _, seed := range []string{"{{.x}}", "${x}", `{{range .l}}<a href="{{.}}">{{end}}`, `<#list l as x>${x}</#list>`, `{{define "a"}}{{end}}{{get . "x"}}`, "<p title='{{.x}}'"} {
		f.Add(seed, "v\r\nX: <script>")
	}
	f.Fuzz(func(t *testing.T, source, value string) {
		for _, engine := range []string{Go, FreeMarker} {
			p, err := Template{Subject: source, HTML: source, Engine: engine}.Parse("t")
			if err != nil {
				continue
			}
			m, err := p.Render(map[string]any{"x": value, "l": []any{value, value}})
			if err == nil && strings.ContainsAny(m.Subject, "\r\n\x00") {
				t.Fatalf("a subject of several lines: %q", m.Subject)
			}
			if err == nil && !strings.Contains(source, "<script>") && !strings.Contains(source, "<") && strings.Contains(m.HTML, "<script>") {
				t.Fatalf("a value is markup: %q", m.HTML)
			}
		}
	})
}
