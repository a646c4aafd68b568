package template

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadFile(t *testing.T) {
	key, tpl, err := ReadFile("templates/task-assigned_de_at.mail.html",
		[]byte("\ufeffSubject: Aufgabe: {{.taskName}}\r\nTenant: acme\r\nFrom: Desk <desk@example.com>\r\n\r\n<p>Hallo</p>\r\n<!-- text -->\r\nHallo\r\n"))
	require.NoError(t, err)
	require.Equal(t, Key{Tenant: "acme", Name: "task-assigned", Locale: "de-AT"}, key)
	require.Equal(t, Template{Subject: "Aufgabe: {{.taskName}}", HTML: "<p>Hallo</p>", Text: "Hallo\n", Engine: Go, From: "Desk <desk@example.com>"}, tpl)

	file, content := Format(key, tpl)
	require.Equal(t, "task-assigned_de-AT.mail.html", file)
	again, same, err := ReadFile(file, content)
	require.NoError(t, err)
	require.Equal(t, key, again)
	same.HTML = "<p>Hallo</p>"
	require.Equal(t, tpl, same)

	key, tpl, err = ReadFile("x.mail.ftl", []byte("Subject: ${a}\n\n<!-- text -->\nonly text"))
	require.NoError(t, err)
	require.Equal(t, Key{Name: "x"}, key)
	require.Equal(t, Template{Subject: "${a}", Text: "only text", Engine: FreeMarker}, tpl)
}

func TestReadFileRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ file, content, want string }{
		"no head":         {"x.mail.html", "<p>x</p>", "x.mail.html: line 1: the file begins with its head"},
		"no subject":      {"x.mail.html", "Tenant: a\n\n<p>x</p>", "line 1: the subject is missing"},
		"unknown field":   {"x.mail.html", "Subject: x\nReply-To: a@b.example\n\n<p>x</p>", "line 2: the file begins with its head"},
		"empty":           {"x.mail.html", "Subject: x\n\n", "x.mail.html: the template is empty"},
		"line of subject": {"x.mail.html", "Tenant: a\nSubject: {{x}}\n\n<p></p>", `x.mail.html: line 2: function "x" not defined`},
		"line of HTML":    {"x.mail.html", "Subject: x\n\n<p>\n{{x}}</p>", `x.mail.html: line 4: function "x" not defined`},
		"line of text":    {"x.mail.html", "Subject: x\n\n<p>a</p>\n<!-- text -->\n\n{{x}}", `x.mail.html: line 6: function "x" not defined`},
		"line of text 2":  {"x.mail.ftl", "Subject: x\n\n<!-- text -->\n<#macro x>", "x.mail.ftl: line 4: <#macro> is not in the subset"},
		"name":            {"X.mail.html", "Subject: x\n\nx", "a name has small letters"},
		"locale":          {"x_german1.mail.html", "Subject: x\n\nx", `"german1" is no locale`},
		"tenant":          {"x.mail.html", "Subject: x\nTenant: a/b\n\nx", `x.mail.html: line 2: template x: tenant "a/b"`},
		"sender":          {"x.mail.html", "Subject: x\nFrom: nobody\n\nx", `x.mail.html: line 2: from: "nobody" is no address`},
		"twice":           {"x.mail.html", "Subject: x\nTenant: a\nSubject: y\n\nx", "x.mail.html: line 3: the field Subject is in line 1 already"},
		"ending":          {"x.html", "Subject: x\n\nx", "is named NAME.mail.html"},
		"not UTF-8":       {"x.mail.html", "Subject: x\n\n\xff", "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := ReadFile(tc.file, []byte(tc.content))
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestCandidates(t *testing.T) {
	ids := func(keys []Key) (all []string) {
		for _, k := range keys {
			all = append(all, k.ID())
		}
		return all
	}
	require.Equal(t, []string{"acme/x/de-AT", "acme/x/de", "acme/x/", "/x/de-AT", "/x/de", "/x/"}, ids(Candidates("acme", "x", "de-AT")))
	require.Equal(t, []string{"/x/de", "/x/"}, ids(Candidates("", "x", "de")))
	require.Equal(t, []string{"/x/"}, ids(Candidates("", "x", "")))
	key, err := ParseID("acme/x/de-AT")
	require.NoError(t, err)
	require.Equal(t, Key{"acme", "x", "de-AT"}, key)
	for _, id := range []string{"x", "a/b/c/d", "/X/", "/x/german"} {
		_, err := ParseID(id)
		require.Error(t, err, id)
	}
}

func TestLocale(t *testing.T) {
	for text, want := range map[string]string{"de": "de", "DE_at": "de-AT", "zh-hans-cn": "zh-Hans-CN", "en_150": "en-150", "": "", "german": "", "../de": ""} {
		require.Equal(t, want, Locale(text), text)
	}
}

// Every bundled template shows its sample in each language, as HTML and as text, and nothing else than its data.
func TestBundled(t *testing.T) {
	keys := BundledKeys()
	require.Len(t, keys, 14)
	for _, key := range keys {
		t.Run(key.ID(), func(t *testing.T) {
			found, tpl, ok := Bundled(key.Name, key.Locale)
			require.True(t, ok)
			require.Equal(t, key, found)
			p, err := tpl.Parse(key.Name)
			require.NoError(t, err)
			m, err := p.Render(Sample(key.Name))
			require.NoError(t, err)
			for _, text := range []string{m.Subject, m.HTML, m.Text} {
				require.NotEmpty(t, text)
				require.NotContains(t, text, "no value")
				require.NotContains(t, text, "{{")
			}
			require.NotContains(t, m.Text, "<td")
			require.NotContains(t, m.Text, "&amp;")
			require.NotContains(t, m.HTML, "ZgotmplZ")
			require.Contains(t, m.HTML, `mailto:help@example.com`)
			require.NotRegexp(t, `src=|url\(|@import|<script`, m.HTML, "nothing is fetched from elsewhere")
			switch key.Name {
			case "test":
			case "credential":
				require.Contains(t, m.Text, "starter credential authorize office")
			default:
				require.Contains(t, m.Text, "https://waybill.example.com/", "the text has the link too")
			}
		})
	}
	key, _, ok := Bundled("alert", "de-CH")
	require.True(t, ok)
	require.Equal(t, "de", key.Locale)
	key, _, ok = Bundled("alert", "fr")
	require.True(t, ok)
	require.Empty(t, key.Locale)
	_, _, ok = Bundled("nope", "de")
	require.False(t, ok)
}

// The least that those who send them give.
func TestBundledWithLittle(t *testing.T) {
	for name, data := range map[string]map[string]any{
		"task-assigned":  {"taskName": "x"},
		"task-candidate": {"taskName": "x"},
		"task-group":     {"taskName": "x", "groupName": "g"},
		"task-due":       {"taskName": "x"},
		"alert":          {"alert": map[string]any{"source": "mailbox"}, "count": 1, "severity": "error"},
		"credential":     {"credential": "office", "user": "a", "days": 0, "problem": "revoked"},
		"test":           {"sentAt": "2026-11-28T09:12:00Z", "server": "s"},
	} {
		for _, locale := range []string{"", "de"} {
			_, tpl, ok := Bundled(name, locale)
			require.True(t, ok)
			p, err := tpl.Parse(name)
			require.NoError(t, err)
			_, err = p.Render(data)
			require.NoError(t, err, "%s %s", name, locale)
		}
	}
}

// What is read can be written and is the same again.
func FuzzReadFile(f *testing.F) {
	f.Add("Subject: x\n\n<p>{{.a}}</p>\n<!-- text -->\ny")
	f.Add("Tenant: a\nSubject: ${x}\nFrom: A <a@b.example>\n\n<!-- text -->\n\n<!-- text -->\n")
	f.Fuzz(func(t *testing.T, content string) {
		for _, file := range []string{"x_de.mail.html", "x.mail.ftl"} {
			key, tpl, err := ReadFile(file, []byte(content))
			if err != nil {
				continue
			}
			name, written := Format(key, tpl)
			require.Equal(t, file, name)
			again, same, err := ReadFile(name, written)
			require.NoError(t, err, "%q", written)
			require.Equal(t, key, again)
			require.Equal(t, tpl, same, "%q", written)
		}
	})
}

// Tokens of a client alone have no user.
func TestCredentialWithoutUser(t *testing.T) {
	for locale, want := range map[string]string{"": "The access of robot does not work", "de": "Der Zugang von robot funktioniert nicht"} {
		_, tpl, ok := Bundled("credential", locale)
		require.True(t, ok)
		p, err := tpl.Parse("credential")
		require.NoError(t, err)
		m, err := p.Render(map[string]any{"credential": "robot", "user": "", "days": 0, "problem": "the secret has expired"})
		require.NoError(t, err)
		require.Equal(t, want, m.Subject)
		require.Contains(t, m.HTML, ">"+want+"</h1>")
		require.Contains(t, m.Text, want)
	}
}
