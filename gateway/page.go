package gateway

import (
	"html/template"
	"net/http"
)

// pages are read by people in browsers. They hold text of others, which is escaped; and nothing of theirs may run or be loaded.
var pages = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Title}}</title></head>
<body><h1>{{.Title}}</h1><p>{{.Text}}</p></body>
</html>
`))

func page(w http.ResponseWriter, code int, title, text string) {
	secure(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_ = pages.Execute(w, struct{ Title, Text string }{title, text}) // the client has gone
}

// secure keeps what passes through a browser from others: caches, pages around it, and the servers that links lead to.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}
