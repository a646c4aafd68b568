package gateway

import (
	"html/template"
	"net/http"
	"strings"
)

// pages are read by people in browsers. They hold text of others, which is escaped; and nothing of theirs may run or be loaded.
var pages = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Title}}</title></head>
<body><h1>{{.Title}}</h1><p>{{.Text}}</p>{{with .Invitation}}
<form method="post" action="authorize"><input type="hidden" name="invitation" value="{{.}}"><button>Continue</button></form>
{{end}}</body>
</html>
`))

func page(w http.ResponseWriter, code int, title, text string) {
	secure(w.Header())
	write(w, code, content{Title: title, Text: text})
}

// content is what stands on a page.
type content struct{ Title, Text, Invitation string }

// invite shows the button that begins a consent. Where it leads stands without the path before it, which a proxy may have taken away.
func invite(w http.ResponseWriter, name, invitation string) {
	secure(w.Header())
	// Browsers hold every redirect after a form against this as well, and where a provider sends people to sign in nobody knows beforehand.
	w.Header().Set("Content-Security-Policy", strings.Replace(pagePolicy, "form-action 'none'", "form-action 'self' https: http://localhost:* http://127.0.0.1:*", 1))
	write(w, http.StatusOK, content{
		Title: "Authorize " + name, Text: "Continue to the provider, and sign in there with the account that Waybill is to use as the credential " + name + ".", Invitation: invitation,
	})
}

func write(w http.ResponseWriter, code int, c content) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_ = pages.Execute(w, c) // the client has gone
}

const pagePolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// secure keeps what passes through a browser from others: caches, pages around it, and the servers that links lead to.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}
