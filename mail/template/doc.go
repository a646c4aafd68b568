// Package template makes mails of templates: a subject, HTML and plain text. It owns the form of template files, the templates that are
// bundled, and which template of a name counts for a tenant and a language. It knows neither who gets a mail nor how it is sent.
//
// A template is written in one of two languages. "go" is html/template for HTML and text/template for the subject and the text, without the
// functions that would escape twice or call out, and with get, date and number. "freemarker" is the subset that package freemarker
// documents, for templates that come along from another product. In HTML every value is escaped. A value that the data lacks is an error in
// both, as one that is empty by mistake would go unseen.
//
// Templates are written by those who deploy, their data by anybody. Neither can make a mail that has no end: what comes out of a part is
// bounded (MaxOutput), and so are turns of loops and the time that one mail takes. For that, a call of a function that counts is put into
// each loop and each named template of a parsed tree, which is the only way to stop a Go template that writes nothing.
//
// Of the templates of a name, the first of these counts: the tenant's in the locale (de-AT), in its language (de), in no locale; those of the
// default tenant "", likewise; those that are bundled, likewise.
package template
